#include "station/running.h"

#include <string.h>

#include "base/json_get.h"
#include "station/catalogue.h"
#include "station/work.h"

#define PHASES_EVERY_MS 500

struct running *running_new(struct job *job)
{
    struct running *running = xcalloc(1, sizeof(*running));
    running->job = *job;
    running->phases = json_array();
    running->exit_status = -1;
    return running;
}

void running_free(struct running *running)
{
    child_free(running->child);
    job_release(&running->job);
    json_decref(running->phase);
    json_decref(running->phases);
    json_decref(running->result);
    free(running->reason);
    free(running->hint);
    free(running->dir);
    free(running);
}

/* ---- events ---- */

static void set_phase(struct running *running, json_t *phase)
{
    json_decref(running->phase);
    running->phase = phase;
    running->moved = true;
}

static void copy_member(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    json_object_set_new(to, key, value ? json_incref(value) : json_null());
}

static void take_phase(struct running *running, const json_t *event)
{
    const char *id = json_get_text(event, "phase");
    if (strcmp(json_get_text(event, "state"), "begin") == 0) {
        json_t *phase =
            json_pack("{s:s, s:s, s:i, s:i, s:n, s:n}", "id", id, "title",
                      json_get_text(event, "title"), "done", 0, "total", 0, "unit", "detail");
        set_phase(running, phase);
        running->phases_moved = true;
        return;
    }
    json_t *over = json_pack("{s:s, s:s}", "id", id, "title", json_get_text(event, "title"));
    copy_member(over, event, "ok");
    copy_member(over, event, "seconds");
    copy_member(over, event, "detail");
    json_array_append_new(running->phases, over);
    running->phases_moved = true;
    if (running->phase && strcmp(json_get_text(running->phase, "id"), id) == 0)
        set_phase(running, NULL);
}

static void take_progress(struct running *running, const json_t *event)
{
    static const char *const keys[] = {"done", "total", "unit", "detail"};
    if (!running->phase ||
        strcmp(json_get_text(running->phase, "id"), json_get_text(event, "phase")) != 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        copy_member(running->phase, event, keys[i]);
    running->moved = true;
}

static void take_log(struct running *running, const json_t *event)
{
    if (running->reason || strcmp(json_get_text(event, "level"), "error") != 0)
        return;
    const char *message = json_get_text(event, "message"), *file = json_get_text(event, "file");
    const char *hint = json_string_value(json_object_get(event, "hint"));
    if (*file)
        running->reason =
            xasprintf("%s:%lld: %s", file, (long long)json_get_int(event, "line"), message);
    else
        running->reason = xstrdup(*message ? message : json_get_text(event, "text"));
    running->hint = hint ? xstrdup(hint) : NULL;
}

void running_take_event(struct running *running, const json_t *event)
{
    const char *name = json_get_text(event, "event");
    if (strcmp(name, "phase") == 0)
        take_phase(running, event);
    else if (strcmp(name, "progress") == 0)
        take_progress(running, event);
    else if (strcmp(name, "log") == 0)
        take_log(running, event);
    else if (strcmp(name, "result") == 0) {
        json_decref(running->result);
        running->result = json_deep_copy(event);
    }
}

void running_refuse(struct running *running, struct err **err)
{
    _cleanup_(buf_release) struct buf message = BUF_INIT;
    const char *hint = err_get_hint(*err);
    err_add_message(*err, &message);
    running->reason = xstrdup(message.data);
    running->hint = hint ? xstrdup(hint) : NULL;
    running->exit_status = err_exit_status(*err);
    running->ended = true;
    err_free_ptr(err);
}

/* ---- telling ---- */

static void publish_progress(const struct running *running, struct station *station)
{
    json_t *data = json_pack("{s:I, s:O?, s:I}", "job", (json_int_t)running->job.id, "phase",
                             running->phase, "log_bytes", (json_int_t)running->log_bytes);
    char *text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
    http_server_publish(station->http, 0, "progress", text);
    free(text);
    json_decref(data);
}

void running_publish(struct running *running, struct station *station)
{
    int64_t now = now_ms();
    if (running->moved) {
        running->moved = false;
        publish_progress(running, station);
    }
    if (!running->phases_moved || running->ended || now - running->written_ms < PHASES_EVERY_MS)
        return;
    struct err *err = NULL;
    bool lost = false;
    running->phases_moved = false;
    running->written_ms = now;
    /* That it is no longer ours is dealt with when leases are renewed. */
    if (!store_job_phases(station->store, running->job.id, running->job.token, running->phases,
                          &lost, &err))
        station_store_failed(station, &err);
    station_changed(station);
}

/* ---- the end ---- */

static bool went_well(const struct running *running)
{
    return running->result && json_is_true(json_object_get(running->result, "ok"));
}

static void set_reason(struct running *running, const char *reason, const char *hint)
{
    if (running->reason)
        return;
    running->reason = xstrdup(reason);
    running->hint = xstrdup(hint);
}

static void interrupted_reason(struct running *running)
{
    free(running->reason);
    free(running->hint);
    running->reason = NULL;
    if (running->job.kind == JOB_FLASH)
        set_reason(running, "the flash was cut off, and what the board holds is not known",
                   "flash it again: what is there already is not written twice");
    else
        set_reason(running, "it was cut off together with the daemon",
                   "start it again if it did not bring the daemon down");
}

static enum job_state state_of(struct running *running)
{
    if (went_well(running))
        return JOB_DONE;
    if (running->job.cancel_requested)
        return JOB_CANCELLED;
    if (running->flooded) {
        set_reason(running, "its log grew over 64 MiB", "see the log for what repeats");
        return JOB_FAILED;
    }
    if (running->adopted && !running->result) {
        interrupted_reason(running);
        return JOB_INTERRUPTED;
    }
    if (running->exit_status >= 128 && !running->result)
        set_reason(running, "it was killed",
                   "look whether memory ran out, and say `firnd: {memory: ...}` in the manifest");
    set_reason(running, "it ended without saying why", "see its log");
    return JOB_FAILED;
}

static int exit_status_of(const struct running *running)
{
    const json_t *said = json_object_get(running->result, "exit");
    return json_is_integer(said) ? (int)json_integer_value(said) : running->exit_status;
}

/* Put what a job made in its place. The job fails if that cannot be done; but that the disk is full
 * is no fault of the job's: false, it is tried again. */
static bool finish(struct running *running, struct station *station, const struct work_end *work,
                   struct job_end *end, struct work_outcome *outcome, struct err **err)
{
    struct err *failure = NULL;
    if (end->state != JOB_DONE || work_finish(station, work, outcome, &failure))
        return true;
    if (err_is_of_machine(failure)) {
        *err = failure;
        return false;
    }
    running_refuse(running, &failure);
    end->state = JOB_FAILED;
    return true;
}

/* It is written down: the product is told. */
static void tell_product(const struct running *running, struct station *station,
                         const struct job_end *end)
{
    const char *product = running->job.product;
    if (end->state != JOB_DONE)
        return;
    if (running->job.kind == JOB_FOLLOW)
        catalogue_followed(station->catalogue, product, running->result);
    if (running->job.kind == JOB_BUILD)
        catalogue_built(
            station->catalogue, product,
            json_get_text(json_object_get(end->image_row->sidecar, "source"), "commit"));
}

bool running_settle(struct running *running, struct station *station, bool *lost, struct err **err)
{
    const struct job *job = &running->job;
    _cleanup_(work_outcome_release) struct work_outcome outcome = {0};
    struct work_end work = {job, running->dir, running->result, running->phases};
    if (running->requeue && !went_well(running) && !job->cancel_requested) {
        work_clean(running->dir);
        return store_job_requeue(station->store, job->id, job->token, lost, err);
    }
    struct job_end end = {.state = state_of(running)};
    if (!finish(running, station, &work, &end, &outcome, err))
        return false;
    end.exit_status = exit_status_of(running);
    end.phases = running->phases;
    end.result = running->result;
    if (end.state != JOB_DONE) {
        end.reason = running->reason;
        end.hint = running->hint;
    }
    if (outcome.has_image) {
        end.image = outcome.image.digest;
        end.image_row = &outcome.image;
    }
    work_record(&work, &end, &outcome);
    end.records = outcome.records;
    end.record_count = outcome.record_count;
    if (!store_job_end(station->store, job->id, job->token, &end, lost, err))
        return false;
    if (!*lost)
        tell_product(running, station, &end);
    work_clean(running->dir);
    return true;
}
