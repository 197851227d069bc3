#include "base/event.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/event_fd.h"
#include "base/proc.h"
#include "base/text.h"

#define PROGRESS_INTERVAL_MS 50 /* 20 a second */

struct sink {
    event_sink_fn fn;
    void *data;
    int fd; /* for the built-in sink; -1 once its reader is gone */
};

/* What is remembered of a phase between its events. */
struct phase {
    char *job; /* or NULL */
    char *id;
    char *title;
    long long begin_ms;
    long long progress_ms; /* when the last progress event went out; -1 = none yet */
    struct phase *next;
};

struct events {
    struct sink **sinks;
    size_t sink_count;
    struct phase *phases; /* those that have begun and not ended */
    char *job;
    bool progress; /* somebody looks at it */
};

struct events *events_new(void)
{
    return xcalloc(1, sizeof(struct events));
}

static void phase_free(struct phase *phase)
{
    free(phase->job);
    free(phase->id);
    free(phase->title);
    free(phase);
}

void events_free(struct events *ev)
{
    if (!ev)
        return;
    while (ev->phases) {
        struct phase *next = ev->phases->next;

        phase_free(ev->phases);
        ev->phases = next;
    }
    for (size_t i = 0; i < ev->sink_count; i++)
        free(ev->sinks[i]);
    free(ev->sinks);
    free(ev->job);
    free(ev);
}

static struct sink *add_sink(struct events *ev)
{
    struct sink *sink = xcalloc(1, sizeof(*sink));

    ev->sinks = xreallocarray(ev->sinks, ev->sink_count + 1, sizeof(struct sink *));
    ev->sinks[ev->sink_count++] = sink;
    return sink;
}

void events_add_sink(struct events *ev, event_sink_fn fn, void *data)
{
    struct sink *sink = add_sink(ev);

    sink->fn = fn;
    sink->data = data;
}

static void write_line(void *data, const json_t *event)
{
    struct sink *sink = data;

    if (sink->fd >= 0 && !event_fd_write(sink->fd, event))
        sink->fd = -1;
}

void events_show_progress(struct events *ev)
{
    ev->progress = true;
}

bool events_shows_progress(const struct events *ev)
{
    return ev && ev->progress;
}

void events_add_fd(struct events *ev, int fd)
{
    struct sink *sink = add_sink(ev);

    sink->fn = write_line;
    sink->data = sink;
    sink->fd = fd;
    events_show_progress(ev);
    /* A child that outlives us must not hold the stream open. */
    if (fd > STDERR_FILENO)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void events_set_job(struct events *ev, const char *job)
{
    if (!ev)
        return;
    char *copy = job ? xstrdup(job) : NULL;

    free(ev->job);
    ev->job = copy;
}

/* A string as JSON. Text from outside (a compiler, a file name) need not be UTF-8, which jansson
 * refuses; then it goes out with its bytes escaped. */
static json_t *text_value(const char *s)
{
    json_t *value = json_string(s);

    if (value)
        return value;
    _cleanup_(buf_release) struct buf escaped = BUF_INIT;

    text_add_printable(&escaped, s, strlen(s));
    return json_string(escaped.data);
}

static json_t *new_event(const char *name)
{
    return json_pack("{s:s}", "event", name);
}

static void set_text(json_t *event, const char *key, const char *s)
{
    if (s)
        json_object_set_new(event, key, text_value(s));
}

/* Give the event to every sink, then free it. */
static void emit(struct events *ev, json_t *event)
{
    set_text(event, "job", ev->job);
    for (size_t i = 0; i < ev->sink_count; i++)
        ev->sinks[i]->fn(ev->sinks[i]->data, event);
    json_decref(event);
}

static void forward(void *data, const json_t *event)
{
    const struct events *parent = data;

    for (size_t i = 0; i < parent->sink_count; i++)
        parent->sinks[i]->fn(parent->sinks[i]->data, event);
}

struct events *events_fork(struct events *parent, const char *job)
{
    if (!parent)
        return NULL;
    struct events *ev = events_new();

    events_add_sink(ev, forward, parent);
    ev->progress = parent->progress;
    events_set_job(ev, job);
    return ev;
}

static bool same_job(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static struct phase **find_phase(struct events *ev, const char *id)
{
    struct phase **p = &ev->phases;

    while (*p && (strcmp((*p)->id, id) != 0 || !same_job((*p)->job, ev->job)))
        p = &(*p)->next;
    return p;
}

static void remember_phase(struct events *ev, const char *id, const char *title)
{
    struct phase **p = find_phase(ev, id);

    if (!*p) {
        *p = xcalloc(1, sizeof(**p));
        (*p)->id = xstrdup(id);
        (*p)->job = ev->job ? xstrdup(ev->job) : NULL;
    }
    free((*p)->title);
    (*p)->title = xstrdup(title);
    (*p)->begin_ms = clock_ms();
    (*p)->progress_ms = -1;
}

void event_phase_begin(struct events *ev, const char *id, const char *title)
{
    if (!ev)
        return;
    remember_phase(ev, id, title);
    json_t *event = new_event("phase");

    set_text(event, "phase", id);
    set_text(event, "title", title);
    set_text(event, "state", "begin");
    emit(ev, event);
}

void event_phase_end(struct events *ev, const char *id, bool ok, const char *detail)
{
    if (!ev)
        return;
    struct phase **p = find_phase(ev, id), *phase = *p;

    if (!phase)
        return;
    *p = phase->next;
    json_t *event = new_event("phase");
    double seconds = (double)(clock_ms() - phase->begin_ms) / 1000;

    set_text(event, "phase", id);
    set_text(event, "title", phase->title);
    set_text(event, "state", "end");
    json_object_set_new(event, "ok", json_boolean(ok));
    json_object_set_new(event, "seconds", json_real(seconds));
    set_text(event, "detail", detail);
    phase_free(phase);
    emit(ev, event);
}

void events_end_phases(struct events *ev)
{
    struct phase *phase = ev ? ev->phases : NULL;

    while (phase) {
        struct phase *next = phase->next;

        if (same_job(phase->job, ev->job))
            event_phase_end(ev, phase->id, false, NULL);
        phase = next;
    }
}

static void forget_phase(struct events *ev, const char *id)
{
    struct phase **p = find_phase(ev, id), *phase = *p;

    if (!phase)
        return;
    *p = phase->next;
    phase_free(phase);
}

static const char *string_of(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));

    return value ? value : "";
}

void events_relay(struct events *ev, json_t *event)
{
    if (!ev) {
        json_decref(event);
        return;
    }
    if (!strcmp(string_of(event, "event"), "phase")) {
        if (!strcmp(string_of(event, "state"), "begin"))
            remember_phase(ev, string_of(event, "phase"), string_of(event, "title"));
        else
            forget_phase(ev, string_of(event, "phase"));
    }
    emit(ev, event);
}

void event_progress(struct events *ev, const char *id, uint64_t done, uint64_t total,
                    const char *unit, const char *detail)
{
    if (!ev)
        return;
    struct phase *phase = *find_phase(ev, id);
    long long now = clock_ms();
    bool last = total && done == total;

    if (phase && phase->progress_ms >= 0 && now - phase->progress_ms < PROGRESS_INTERVAL_MS &&
        !last)
        return;
    if (phase)
        phase->progress_ms = now;
    json_t *event = new_event("progress");

    set_text(event, "phase", id);
    json_object_set_new(event, "done", json_integer((json_int_t)done));
    json_object_set_new(event, "total", json_integer((json_int_t)total));
    set_text(event, "unit", unit);
    set_text(event, "detail", detail);
    emit(ev, event);
}

static void emit_log(struct events *ev, const char *level, const char *fmt, va_list ap)
{
    _cleanup_free_ char *text = xvasprintf(fmt, ap);
    json_t *event = new_event("log");

    set_text(event, "level", level);
    set_text(event, "text", text);
    emit(ev, event);
}

void event_info(struct events *ev, const char *fmt, ...)
{
    va_list ap;

    if (!ev)
        return;
    va_start(ap, fmt);
    emit_log(ev, "info", fmt, ap);
    va_end(ap);
}

void event_warning(struct events *ev, const char *fmt, ...)
{
    va_list ap;

    if (!ev)
        return;
    va_start(ap, fmt);
    emit_log(ev, "warning", fmt, ap);
    va_end(ap);
}

static void set_location(json_t *event, const struct err *err)
{
    const struct err *located = err_located(err);

    if (!located)
        return;
    set_text(event, "file", located->file);
    if (located->line)
        json_object_set_new(event, "line", json_integer(located->line));
    if (located->line && located->column)
        json_object_set_new(event, "column", json_integer(located->column));
}

void event_diag(struct events *ev, const char *level, const struct err *err)
{
    if (!ev)
        return;
    _cleanup_(buf_release) struct buf text = BUF_INIT, message = BUF_INIT;
    json_t *event = new_event("log");

    err_format(err, &text);
    buf_truncate(&text, text.len - 1); /* the newline */
    err_add_message(err, &message);
    set_text(event, "level", level);
    set_text(event, "text", text.data);
    set_text(event, "message", message.data);
    set_text(event, "hint", err_get_hint(err));
    set_location(event, err);
    emit(ev, event);
}

void event_fields(struct events *ev, const char *name, json_t *fields)
{
    if (!ev) {
        json_decref(fields);
        return;
    }
    json_t *event = new_event(name);

    json_object_update_missing(event, fields);
    json_decref(fields);
    emit(ev, event);
}

void event_result(struct events *ev, bool ok, int exit_status, json_t *fields)
{
    json_t *all = json_pack("{s:b, s:i}", "ok", ok, "exit", exit_status);

    if (fields)
        json_object_update_missing(all, fields);
    json_decref(fields);
    event_fields(ev, "result", all);
}
