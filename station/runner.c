#include "station/runner.h"

#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "station/child.h"
#include "station/running.h"
#include "station/scheduler.h"
#include "station/work.h"

#define TICK_USEC (250 * 1000)
#define BUILD_GRACE_MS 20000 /* a compiler that is told to end does within moments */
/* A flash ends where the board stays recoverable; it is killed only if it hangs. */
#define FLASH_GRACE_MS (10 * 60 * 1000)

struct runner {
    struct station *station;
    struct running *first;
    sd_event_source *tick;
};

char *runner_dir(const struct station *station, int64_t id)
{
    return xasprintf("%s/jobs/%lld", station->dir, (long long)id);
}

static struct running *find(const struct runner *runner, int64_t id)
{
    struct running *r = runner->first;
    while (r && r->job.id != id)
        r = r->next;
    return r;
}

static void forget(struct running *running)
{
    struct running **at = &running->runner->first;
    while (*at != running)
        at = &(*at)->next;
    *at = running->next;
    running_free(running);
}

/* ---- telling where they are ---- */

static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
    struct runner *runner = data;
    struct running *next;
    for (struct running *r = runner->first; r; r = next) {
        next = r->next;
        running_publish(r, runner->station);
    }
    if (!runner->first)
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    sd_event_source_set_time(source, usec + TICK_USEC);
    return 0;
}

static void tick_on(struct runner *runner)
{
    uint64_t now;
    sd_event_now(runner->station->loop, CLOCK_MONOTONIC, &now);
    if (runner->tick) {
        int enabled = 0;
        sd_event_source_get_enabled(runner->tick, &enabled);
        if (enabled != SD_EVENT_OFF)
            return;
        sd_event_source_set_time(runner->tick, now + TICK_USEC);
        sd_event_source_set_enabled(runner->tick, SD_EVENT_ON);
        return;
    }
    if (sd_event_add_time(runner->station->loop, &runner->tick, CLOCK_MONOTONIC, now + TICK_USEC,
                          TICK_USEC / 10, on_tick, runner) >= 0)
        sd_event_source_set_enabled(runner->tick, SD_EVENT_ON);
}

/* ---- the end ---- */

/* Write down how it ended; true when there is nothing more to do with it. */
static bool settle(struct running *running)
{
    struct station *station = running->runner->station;
    struct err *err = NULL;
    bool lost = false;
    if (!running_settle(running, station, &lost, &err)) {
        station_store_failed(station, &err);
        return false;
    }
    if (lost)
        station_log(LOG_WARNING, "job %lld was taken by another daemon; its result is not used",
                    (long long)running->job.id);
    return true;
}

static void on_end(void *data, int exit_status)
{
    struct running *running = data;
    struct station *station = running->runner->station;
    running->exit_status = exit_status;
    running->ended = true;
    /* The disk was full just when it was to leave its mark: not the job's fault, either. */
    if (exit_status > 0 && !child_has_begun(running->dir)) {
        running->requeue = true;
        scheduler_pause(station->scheduler);
    }
    child_free(running->child);
    running->child = NULL;
    if (settle(running))
        forget(running);
    station_changed(station);
    scheduler_kick(station->scheduler);
}

static void on_event(void *data, const json_t *event)
{
    running_take_event(data, event);
}

static void stop_child(struct running *running)
{
    if (running->child)
        child_stop(running->child,
                   running->job.kind == JOB_FLASH ? FLASH_GRACE_MS : BUILD_GRACE_MS);
}

static void on_output(void *data, uint64_t log_bytes)
{
    struct running *running = data;
    running->log_bytes = log_bytes;
    running->moved = true;
    if (log_bytes > RUNNING_LOG_MAX) {
        running->flooded = true;
        stop_child(running);
    }
}

static struct child_owner owner_of(struct running *running)
{
    return (struct child_owner){on_event, on_output, on_end, running};
}

/* ---- the beginning ---- */

static struct running *add(struct runner *runner, struct job *job)
{
    struct running *running = running_new(job);
    running->runner = runner;
    running->dir = runner_dir(runner->station, running->job.id);
    running->next = runner->first;
    runner->first = running;
    tick_on(runner);
    return running;
}

static bool launch(struct running *running, struct err **err)
{
    struct station *station = running->runner->station;
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    _cleanup_free_ char *cwd = NULL;
    struct child_owner owner = owner_of(running);
    if (!fs_remove_tree(running->dir, err) || !fs_mkdirs(running->dir, err) ||
        !work_prepare(station, &running->job, running->dir, &argv, &cwd, err))
        return false;
    struct child_command command = {
        .argv = (const char *const *)argv.items,
        .cwd = cwd,
        .home = station->settings->home,
        /* In a shared store another daemon takes a build whose daemon is gone; a flash is of this
         * station alone. */
        .dies_with_us = store_is_shared(station->store) && running->job.kind != JOB_FLASH,
    };
    running->child = child_start(station->loop, running->dir, &command, &owner, err);
    return running->child != NULL;
}

void runner_start(struct runner *runner, struct job *job)
{
    struct running *running = add(runner, job);
    struct err *err = NULL;
    if (launch(running, &err))
        return;
    /* Not the job's fault: it is tried again when the machine has had time to recover. */
    if (err_is_of_machine(err)) {
        running->requeue = true;
        scheduler_pause(runner->station->scheduler);
    }
    running_refuse(running, &err);
    if (settle(running))
        forget(running);
    station_changed(runner->station);
}

/* ---- what an earlier daemon left ---- */

static void adopt(struct runner *runner, struct job *job)
{
    struct running *running = add(runner, job);
    struct child_owner owner = owner_of(running);
    struct err *err = NULL;
    running->adopted = true;
    switch (child_adopt(runner->station->loop, running->dir, &owner, &running->child, &err)) {
    case CHILD_RUNS:
        station_log(LOG_NOTICE, "job %lld still runs", (long long)running->job.id);
        err_free(err);
        return;
    case CHILD_NEVER_RAN:
        running->requeue = true;
        break;
    case CHILD_ENDED:
        break;
    }
    err_free(err);
    running->ended = true;
    if (settle(running))
        forget(running);
}

bool runner_adopt(struct runner *runner, struct err **err)
{
    struct station *station = runner->station;
    struct job_filter filter = {
        .state = JOB_RUNNING, .kind = -1, .station = station->settings->name, .limit = 1000};
    _cleanup_(job_list_release) struct job_list list = JOB_LIST_INIT;
    if (!store_jobs_list(station->store, &filter, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        struct job job;
        if (!store_job_get(station->store, list.items[i].id, &job, err))
            return false;
        adopt(runner, &job);
    }
    work_clean_leftovers(station);
    return true;
}

/* ---- from outside ---- */

bool runner_cancel(struct runner *runner, int64_t id)
{
    struct running *running = find(runner, id);
    if (!running)
        return false;
    running->job.cancel_requested = true;
    stop_child(running);
    return true;
}

static const struct lease *find_lease(const struct lease *held, size_t count, const struct job *job)
{
    for (size_t i = 0; i < count; i++)
        if (held[i].id == job->id && held[i].token == job->token)
            return &held[i];
    return NULL;
}

/* We hold it, and know nothing of it: a claim that failed as it was committed, and was there
 * nevertheless (store.h). It never ran. */
static void give_back(struct runner *runner, const struct lease *lease)
{
    struct err *err = NULL;
    bool lost;
    if (find(runner, lease->id))
        return;
    if (!store_job_requeue(runner->station->store, lease->id, lease->token, &lost, &err)) {
        station_store_failed(runner->station, &err);
        return;
    }
    station_log(LOG_NOTICE, "job %lld was claimed and not started: it is queued again",
                (long long)lease->id);
    station_changed(runner->station);
    scheduler_kick(runner->station->scheduler);
}

void runner_check_leases(struct runner *runner, const struct lease *held, size_t count)
{
    for (struct running *r = runner->first; r; r = r->next) {
        const struct lease *lease = find_lease(held, count, &r->job);
        if (lease && !lease->cancel_requested)
            continue;
        if (lease)
            r->job.cancel_requested = true;
        stop_child(r);
    }
    for (size_t i = 0; i < count; i++)
        give_back(runner, &held[i]);
}

void runner_stop(struct runner *runner)
{
    for (struct running *r = runner->first; r; r = r->next) {
        if (r->job.kind == JOB_FLASH || r->ended)
            continue;
        r->requeue = true;
        stop_child(r);
    }
}

void runner_retry(struct runner *runner)
{
    struct running *next;
    for (struct running *r = runner->first; r; r = next) {
        next = r->next;
        if (r->ended && settle(r))
            forget(r);
    }
    station_changed(runner->station);
}

/* ---- looking ---- */

size_t runner_count(const struct runner *runner, enum job_kind kind)
{
    size_t count = 0;
    for (const struct running *r = runner->first; r; r = r->next)
        count += r->job.kind == kind;
    return count;
}

size_t runner_count_all(const struct runner *runner)
{
    size_t count = 0;
    for (const struct running *r = runner->first; r; r = r->next)
        count++;
    return count;
}

void runner_needs(const struct runner *runner, int64_t since_ms, uint64_t *memory, int *cores)
{
    *memory = 0;
    *cores = 0;
    for (const struct running *r = runner->first; r; r = r->next) {
        if (r->job.kind == JOB_FLASH)
            continue;
        *cores += r->job.need_cores;
        if (r->job.started_ms > since_ms)
            *memory += r->job.need_memory;
    }
}

const json_t *runner_phase(const struct runner *runner, int64_t id, const json_t **phases)
{
    const struct running *running = find(runner, id);
    if (phases)
        *phases = running ? running->phases : NULL;
    return running ? running->phase : NULL;
}

int64_t runner_job_on(const struct runner *runner, const char *path)
{
    for (const struct running *r = runner->first; r; r = r->next)
        if (r->job.kind == JOB_FLASH && (!path || !r->job.path || strcmp(r->job.path, path) == 0))
            return r->job.id;
    return 0;
}

void runner_each_dir(const struct runner *runner, struct strv *dirs)
{
    for (const struct running *r = runner->first; r; r = r->next)
        strv_add(dirs, r->dir);
}

struct runner *runner_new(struct station *station)
{
    struct runner *runner = xcalloc(1, sizeof(*runner));
    runner->station = station;
    return runner;
}

void runner_free(struct runner *runner)
{
    if (!runner)
        return;
    while (runner->first)
        forget(runner->first);
    sd_event_source_disable_unref(runner->tick);
    free(runner);
}
