#include "cli/job_follow.h"

#include <poll.h>
#include <string.h>

#include "base/json_get.h"
#include "base/proc.h"
#include "cli/job_show.h"
#include "cli/json_lines.h"
#include "cli/printable.h"

#define LOOK_MS 250 /* how often for news */

struct reading {
    const struct job_follow *follow;
    struct events *events; /* the job's own phases, so that they can be ended */
    uint64_t offset;       /* of what was taken */
    struct json_lines lines;
    bool said_error;
    bool waiting;            /* the phase "queue" has begun */
    long long away_since_ms; /* 0 = the daemon is there */
};

static void nap(int ms)
{
    poll(NULL, 0, ms); /* a signal ends it */
}

/* ---- what it writes ---- */

/* The result is ours to tell. */
static bool take_event(void *data, json_t *event, struct err **err)
{
    struct reading *reading = data;
    const char *name = json_get_text(event, "event");

    (void)err;
    if (strcmp(name, "result") == 0 || !*name) {
        json_decref(event);
        return true;
    }
    if (strcmp(name, "log") == 0 && strcmp(json_get_text(event, "level"), "error") == 0)
        reading->said_error = true;
    printable_json(event);
    events_relay(reading->events, event);
    return true;
}

static bool take_bytes(void *data, const char *bytes, size_t len, struct err **err)
{
    struct reading *reading = data;
    const struct job_follow *follow = reading->follow;

    reading->offset += len;
    return follow->take_log ? follow->take_log(follow->data, bytes, len, err)
                            : json_lines_add(&reading->lines, bytes, len, err);
}

/* What there is from the offset on; *grew: there was something. */
static bool read_more(struct reading *reading, bool *grew, struct err **err)
{
    const struct job_follow *follow = reading->follow;
    _cleanup_free_ char *path =
        xasprintf("/v1/jobs/%lld/%s", (long long)follow->id, follow->take_log ? "log" : "events");
    const struct client_request request = {.method = "GET",
                                           .path = path,
                                           .ranged = true,
                                           .from = reading->offset,
                                           .take = take_bytes,
                                           .data = reading};
    _cleanup_(client_answer_release) struct client_answer answer = CLIENT_ANSWER_INIT;
    uint64_t before = reading->offset;

    if (!client_send(follow->client, &request, &answer, err))
        return false;
    *grew = reading->offset > before;
    return answer.status != 200 || before == 0 || !*grew ||
           err_set(err, ERR_FAILED, "%s does not answer with the rest of the job's %s",
                   client_name(follow->client), follow->take_log ? "log" : "events");
}

static bool read_all(struct reading *reading, struct err **err)
{
    bool grew = true;

    while (grew)
        if (!read_more(reading, &grew, err))
            return false;
    return true;
}

/* ---- where it is ---- */

static void show_queue(struct reading *reading, const json_t *job)
{
    _cleanup_(buf_release) struct buf note = BUF_INIT;
    bool queued = job_state_is(job, "queued");

    if (queued && !reading->waiting)
        event_phase_begin(reading->follow->events, "queue", "Waiting");
    if (!queued && reading->waiting)
        event_phase_end(reading->follow->events, "queue", *json_get_text(job, "started_at"),
                        "in the queue");
    reading->waiting = queued;
    if (!queued)
        return;
    job_add_note(&note, job);
    event_progress(reading->follow->events, "queue", 0, 0, "steps", note.data);
}

/* One look: the job, then what it has written until then. */
static bool look(struct reading *reading, json_t **job, struct err **err)
{
    _cleanup_free_ char *path = xasprintf("/v1/jobs/%lld", (long long)reading->follow->id);

    json_decref(*job);
    *job = NULL;
    if (!client_get(reading->follow->client, path, job, err))
        return false;
    show_queue(reading, *job);
    return !*json_get_text(*job, "started_at") || read_all(reading, err);
}

/* Is it worth waiting for the daemon? Then *err is taken. */
static bool bear(struct reading *reading, struct err **err)
{
    const struct job_follow *follow = reading->follow;

    if (!client_is_away(follow->client))
        return false;
    if (!reading->away_since_ms) {
        reading->away_since_ms = clock_ms();
        event_warning(follow->events, "%s does not answer; waiting for it for %d s",
                      client_name(follow->client), FOLLOW_AWAY_S);
    }
    if (clock_ms() - reading->away_since_ms > FOLLOW_AWAY_S * 1000LL)
        return false;
    err_free(*err);
    *err = NULL;
    return true;
}

static bool follow_to_end(struct reading *reading, json_t **job, struct err **err)
{
    for (;;) {
        if (look(reading, job, err))
            reading->away_since_ms = 0;
        else if (!bear(reading, err))
            return false;
        if (*job && !reading->away_since_ms && job_is_over(*job))
            return true;
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted");
        nap(LOOK_MS);
    }
}

bool job_follow(struct job_follow *follow, json_t **job, struct err **err)
{
    struct reading reading = {.follow = follow, .events = events_fork(follow->events, NULL)};

    reading.lines = (struct json_lines)JSON_LINES_INIT(take_event, &reading);
    *job = NULL;
    bool ok = follow_to_end(&reading, job, err);

    events_end_phases(reading.events);
    if (reading.waiting)
        event_phase_end(follow->events, "queue", false, NULL);
    follow->said_error = reading.said_error;
    json_lines_release(&reading.lines);
    events_free(reading.events);
    if (!ok) {
        json_decref(*job);
        *job = NULL;
    }
    return ok;
}

bool job_went_well(const json_t *job, struct err **err)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    const char *reason = json_get_text(job, "reason"), *hint = json_get_text(job, "hint");
    const char *state = json_get_text(job, "state");

    if (strcmp(state, "done") == 0)
        return true;
    job_add_name(&name, job);
    err_set(err, ERR_FAILED, "%s %s%s%s%s", name.data, strcmp(state, "failed") == 0 ? "" : "was ",
            state, *reason ? ": " : "", reason);
    if (*hint)
        err_hint(err, "%s", hint);
    else if (strcmp(state, "interrupted") == 0)
        err_hint(err, "`firn retry %lld` starts it again", (long long)json_get_int(job, "id"));
    return false;
}
