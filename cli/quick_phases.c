#include "cli/quick_phases.h"

#include <string.h>

struct quick_phases {
    struct events *to, *events;
    json_t *held; /* the begin of a phase without progress so far; or NULL */
};

static const char *field(const json_t *event, const char *name)
{
    const char *value = json_string_value(json_object_get(event, name));
    return value ? value : "";
}

static bool is_phase(const json_t *event, const char *state)
{
    return !strcmp(field(event, "event"), "phase") && !strcmp(field(event, "state"), state);
}

static void release_held(struct quick_phases *q)
{
    if (q->held)
        events_relay(q->to, q->held);
    q->held = NULL;
}

static bool is_held(const struct quick_phases *q, const json_t *event)
{
    return q->held && !strcmp(field(q->held, "phase"), field(event, "phase"));
}

static void take(void *data, const json_t *event)
{
    struct quick_phases *q = data;
    if (is_phase(event, "begin")) {
        release_held(q); /* what has a phase within takes its time */
        q->held = json_deep_copy(event);
        return;
    }
    if (is_phase(event, "end") && is_held(q, event)) {
        json_decref(q->held);
        q->held = NULL;
        return;
    }
    if (!strcmp(field(event, "event"), "progress"))
        release_held(q);
    events_relay(q->to, json_deep_copy(event));
}

struct quick_phases *quick_phases_new(struct events *to)
{
    struct quick_phases *q = xcalloc(1, sizeof(*q));
    q->to = to;
    q->events = events_new();
    events_add_sink(q->events, take, q);
    if (events_shows_progress(to))
        events_show_progress(q->events);
    return q;
}

struct events *quick_phases_events(struct quick_phases *q)
{
    return q->events;
}

void quick_phases_free(struct quick_phases *q)
{
    json_decref(q->held);
    events_free(q->events);
    free(q);
}
