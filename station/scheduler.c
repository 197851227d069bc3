#include "station/scheduler.h"

#include <string.h>

#include "base/machine.h"
#include "station/lane.h"
#include "station/runner.h"

#define MIB (1024ull * 1024)
#define LOOK_USEC (1000 * 1000) /* for work of other daemons, and memory that became free */
#define PAUSE_USEC (3 * 1000 * 1000)
#define YOUNG_MS 20000 /* a build has not taken yet what it declared */

struct scheduler {
    struct station *station;
    sd_event_source *look;  /* soon */
    sd_event_source *again; /* in a while */
    sd_event_source *renew;
    bool stopped;
    bool paused;
    int64_t next;         /* the build whose turn it is, and which does not fit; 0 = none */
    struct buf waits_for; /* why not */
};

/* ---- taking jobs ---- */

static bool fits(void *data, const struct job *job)
{
    struct scheduler *scheduler = data;
    struct station *station = scheduler->station;
    struct lane lane = {.jobs_max = station->settings->build_jobs,
                        .cores = (int)machine_processors(),
                        .available = machine_memory_mib() * MIB};
    lane.jobs =
        (int)(runner_count(station->runner, JOB_BUILD) + runner_count(station->runner, JOB_FOLLOW));
    runner_needs(station->runner, now_ms() - YOUNG_MS, &lane.claimed, &lane.cores_used);
    _cleanup_(buf_release) struct buf why = BUF_INIT;
    if (lane_admits(&lane, job->need_memory, job->need_cores, &why))
        return true;
    /* Builds are looked at before follow jobs: what is told is why the builds wait. */
    if (!scheduler->next)
        buf_adds(&scheduler->waits_for, why.data);
    scheduler->next = scheduler->next ? scheduler->next : job->id;
    return false;
}

/* Take one job of a kind, if there is one and it fits. */
static bool take(struct scheduler *scheduler, enum job_kind kind)
{
    struct station *station = scheduler->station;
    struct err *err = NULL;
    struct job job;
    bool got = false;
    if (!store_job_claim(station->store, kind, station->settings->lease_ms,
                         kind == JOB_FLASH ? NULL : fits, scheduler, &got, &job, &err)) {
        station_store_failed(station, &err);
        return false;
    }
    if (got)
        runner_start(station->runner, &job);
    return got;
}

static int lane_limit(const struct station *station, enum job_kind kind)
{
    return kind == JOB_FLASH ? station->settings->flash_jobs : station->settings->build_jobs;
}

static int lane_running(const struct station *station, enum job_kind kind)
{
    size_t count = kind == JOB_FLASH ? runner_count(station->runner, kind)
                                     : runner_count(station->runner, JOB_BUILD) +
                                           runner_count(station->runner, JOB_FOLLOW);
    return (int)count;
}

static bool lane_has_room(const struct station *station, enum job_kind kind)
{
    return lane_running(station, kind) < lane_limit(station, kind);
}

static void take_all(struct scheduler *scheduler)
{
    static const enum job_kind kinds[] = {JOB_FLASH, JOB_BUILD, JOB_FOLLOW};
    struct station *station = scheduler->station;
    bool took = false;
    scheduler->next = 0;
    buf_clear(&scheduler->waits_for);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        while (!scheduler->stopped && !scheduler->paused && !station->store_fault &&
               lane_has_room(station, kinds[i]) && take(scheduler, kinds[i]))
            took = true;
    if (took)
        station_changed(station);
}

static void look_in(struct scheduler *scheduler, uint64_t usec)
{
    sd_event_source_set_time_relative(scheduler->again, usec);
    sd_event_source_set_enabled(scheduler->again, SD_EVENT_ONESHOT);
}

static int on_look(sd_event_source *source, void *data)
{
    struct scheduler *scheduler = data;
    (void)source;
    take_all(scheduler);
    /* Nobody tells us that memory became free or that another daemon added a job. */
    if (!scheduler->paused &&
        (scheduler->waits_for.len || store_is_shared(scheduler->station->store)))
        look_in(scheduler, LOOK_USEC);
    return 0;
}

static int on_again(sd_event_source *source, uint64_t usec, void *data)
{
    struct scheduler *scheduler = data;
    (void)source, (void)usec;
    scheduler->paused = false;
    scheduler_kick(scheduler);
    return 0;
}

void scheduler_kick(struct scheduler *scheduler)
{
    if (!scheduler->stopped && !scheduler->paused)
        sd_event_source_set_enabled(scheduler->look, SD_EVENT_ONESHOT);
}

void scheduler_pause(struct scheduler *scheduler)
{
    scheduler->paused = true;
    look_in(scheduler, PAUSE_USEC);
}

void scheduler_stop(struct scheduler *scheduler)
{
    scheduler->stopped = true;
}

/* ---- why one waits ---- */

static char *flash_waits_for(const struct station *station, const struct job *job)
{
    int64_t other = runner_job_on(station->runner, job->path);
    if (job->waits_for && !job->image)
        return xasprintf("waits for build %lld", (long long)job->waits_for);
    return other ? xasprintf("waits for job %lld, which flashes the same board", (long long)other)
                 : NULL;
}

static char *build_waits_for(const struct scheduler *scheduler, const struct job *job)
{
    const char *why = scheduler->waits_for.len ? scheduler->waits_for.data : NULL;
    if (!why || scheduler->next == job->id)
        return why ? xstrdup(why) : NULL;
    return xasprintf("job %lld is before it, and waits: %s", (long long)scheduler->next, why);
}

char *scheduler_waits_for(const struct scheduler *scheduler, const struct job *job)
{
    const struct station *station = scheduler->station;
    bool is_flash = job->kind == JOB_FLASH;
    char *why = is_flash ? flash_waits_for(station, job) : NULL;
    if (!why && !lane_has_room(station, job->kind))
        return xasprintf("%d of %d %s run", lane_running(station, job->kind),
                         lane_limit(station, job->kind), is_flash ? "flashes" : "builds");
    return is_flash ? why : build_waits_for(scheduler, job);
}

/* ---- leases ---- */

static void renew(struct scheduler *scheduler)
{
    struct station *station = scheduler->station;
    struct lease *held = NULL;
    size_t count = 0, expired = 0;
    struct err *err = NULL;
    if (!store_leases_renew(station->store, station->settings->lease_ms, &held, &count, &err) ||
        !store_leases_expire(station->store, &expired, &err)) {
        station_store_failed(station, &err);
        free(held);
        return;
    }
    runner_check_leases(station->runner, held, count);
    free(held);
    if (expired) {
        station_changed(station);
        scheduler_kick(scheduler);
    }
}

/* Three times before it runs out. */
static uint64_t renew_usec(const struct station *station)
{
    return (uint64_t)station->settings->lease_ms * 1000 / 3;
}

static int on_renew(sd_event_source *source, uint64_t usec, void *data)
{
    struct scheduler *scheduler = data;
    (void)usec;
    renew(scheduler);
    sd_event_source_set_time_relative(source, renew_usec(scheduler->station));
    return 0;
}

struct scheduler *scheduler_new(struct station *station, struct err **err)
{
    struct scheduler *scheduler = xcalloc(1, sizeof(*scheduler));
    *scheduler = (struct scheduler){.station = station, .waits_for = BUF_INIT};
    int r = sd_event_add_defer(station->loop, &scheduler->look, on_look, scheduler);
    if (r >= 0)
        r = sd_event_add_time_relative(station->loop, &scheduler->again, CLOCK_MONOTONIC, LOOK_USEC,
                                       0, on_again, scheduler);
    if (r >= 0)
        r = sd_event_add_time_relative(station->loop, &scheduler->renew, CLOCK_MONOTONIC,
                                       renew_usec(station), 0, on_renew, scheduler);
    if (r < 0) {
        err_set_errno(err, ERR_FAILED, -r, "cannot set up the scheduler");
        scheduler_free(scheduler);
        return NULL;
    }
    sd_event_source_set_enabled(scheduler->look, SD_EVENT_OFF);
    sd_event_source_set_enabled(scheduler->again, SD_EVENT_OFF);
    sd_event_source_set_enabled(scheduler->renew, SD_EVENT_ON);
    return scheduler;
}

void scheduler_free(struct scheduler *scheduler)
{
    if (!scheduler)
        return;
    sd_event_source_disable_unref(scheduler->look);
    sd_event_source_disable_unref(scheduler->again);
    sd_event_source_disable_unref(scheduler->renew);
    buf_release(&scheduler->waits_for);
    free(scheduler);
}
