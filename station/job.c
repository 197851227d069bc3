#include "station/job.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const KINDS[] = {"build", "flash", "follow"};
static const char *const STATES[] = {"queued", "running",   "done",
                                     "failed", "cancelled", "interrupted"};

_Static_assert(ARRAY_SIZE(KINDS) == JOB_KIND_COUNT, "a name for each kind");
_Static_assert(ARRAY_SIZE(STATES) == JOB_STATE_COUNT, "a name for each state");

void job_init(struct job *job)
{
    *job = (struct job){.exit_status = -1, .phases = json_array()};
}

void job_release(struct job *job)
{
    free(job->product);
    free(job->bundle);
    free(job->image);
    free(job->path);
    free(job->station);
    free(job->submitted_by);
    free(job->reason);
    free(job->hint);
    json_decref(job->phases);
    json_decref(job->result);
}

static char *copy_text(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

void job_copy(struct job *to, const struct job *from)
{
    *to = *from;
    to->product = copy_text(from->product);
    to->bundle = copy_text(from->bundle);
    to->image = copy_text(from->image);
    to->path = copy_text(from->path);
    to->station = copy_text(from->station);
    to->submitted_by = copy_text(from->submitted_by);
    to->reason = copy_text(from->reason);
    to->hint = copy_text(from->hint);
    json_incref(to->phases);
    json_incref(to->result);
}

/* ---- names ---- */

const char *job_kind_name(enum job_kind kind)
{
    return KINDS[kind];
}

const char *job_state_name(enum job_state state)
{
    return STATES[state];
}

static bool find_name(const char *const *names, size_t count, const char *name, size_t *found)
{
    for (*found = 0; *found < count; (*found)++)
        if (strcmp(names[*found], name) == 0)
            return true;
    return false;
}

bool job_kind_parse(const char *name, enum job_kind *kind)
{
    size_t found;
    if (!find_name(KINDS, ARRAY_SIZE(KINDS), name, &found))
        return false;
    *kind = (enum job_kind)found;
    return true;
}

bool job_state_parse(const char *name, enum job_state *state)
{
    size_t found;
    if (!find_name(STATES, ARRAY_SIZE(STATES), name, &found))
        return false;
    *state = (enum job_state)found;
    return true;
}

bool job_has_ended(enum job_state state)
{
    return state != JOB_QUEUED && state != JOB_RUNNING;
}

/* ---- as JSON ---- */

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

json_t *json_time(int64_t ms)
{
    char day[32], text[48];
    struct tm utc;
    time_t seconds = (time_t)(ms / 1000);
    if (ms <= 0 || !gmtime_r(&seconds, &utc))
        return json_null();
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof(text), "%s.%03dZ", day, (int)(ms % 1000));
    return json_string(text);
}

json_t *json_text(const char *text)
{
    json_t *json = text ? json_string(text) : NULL;
    return json ? json : json_null();
}

static json_t *number_or_null(int64_t number)
{
    return number ? json_integer(number) : json_null();
}

json_t *job_to_json(const struct job *job, const json_t *phase, bool in_full)
{
    json_t *json = json_pack(
        "{s:I, s:s, s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "id",
        (json_int_t)job->id, "kind", job_kind_name(job->kind), "state", job_state_name(job->state),
        "product", json_text(job->product), "bundle", json_text(job->bundle), "priority",
        job->priority, "path", json_text(job->path), "image", json_text(job->image), "waits_for",
        number_or_null(job->waits_for), "retry_of", number_or_null(job->retry_of), "attempt",
        job->attempt, "station", json_text(job->station), "submitted_by",
        json_text(job->submitted_by), "submitted_at", json_time(job->submitted_ms), "started_at",
        json_time(job->started_ms), "ended_at", json_time(job->ended_ms));
    json_object_set_new(
        json, "need",
        json_pack("{s:I, s:i}", "memory", (json_int_t)job->need_memory, "cores", job->need_cores));
    json_object_set_new(json, "phase", phase ? json_deep_copy(phase) : json_null());
    json_object_set_new(json, "exit",
                        job->exit_status < 0 ? json_null() : json_integer(job->exit_status));
    json_object_set_new(json, "reason", json_text(job->reason));
    json_object_set_new(json, "hint", json_text(job->hint));
    if (in_full) {
        json_object_set(json, "phases", job->phases);
        json_object_set_new(json, "result", job->result ? json_incref(job->result) : json_null());
    }
    return json;
}
