/*
 * Events: what a command does, as a stream of JSON objects (docs/events.md is the contract).
 *
 * A command reports to a struct events; sinks get each event as it happens: the terminal's progress
 * bars, plain lines, a file descriptor that receives one object a line (--events=FD, --json).
 * A NULL `struct events *` is allowed everywhere and drops everything, so library code and unit
 * tests need no sink. Single-threaded.
 *
 *     event_phase_begin(ev, "compile", "Compiling");
 *     event_progress(ev, "compile", 12, 211, "files", "py/gc.c");
 *     event_phase_end(ev, "compile", true, "211 files");
 */
#ifndef FIRN_BASE_EVENT_H
#define FIRN_BASE_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct events;
typedef void (*event_sink_fn)(void *data, const json_t *event);

struct events *events_new(void);
void events_free(struct events *ev);
static inline void events_free_ptr(struct events **ev)
{
    events_free(*ev);
}
/* Every later event goes to fn; `event` is borrowed for the call. */
void events_add_sink(struct events *ev, event_sink_fn fn, void *data);
/* One JSON object a line, keys sorted, to fd (borrowed; made close-on-exec unless it is a standard
 * stream). A closed reader ends that sink quietly. */
void events_add_fd(struct events *ev, int fd);
/* Somebody looks at progress: said by whoever adds a sink that shows it; events_add_fd() does. */
void events_show_progress(struct events *ev);
/* Does anybody? It may not be worth finding out how much there is to do. */
bool events_shows_progress(const struct events *ev);
/* The events of one job among several that run at the same time: they go to the parent's sinks,
 * labelled "job": name. NULL for a NULL parent. Freed before the parent. */
struct events *events_fork(struct events *parent, const char *job);
/* An event that another firn emitted, read from its stream: to our sinks, with our label in place
 * of its own. Takes event. */
void events_relay(struct events *ev, json_t *event);
/* End, as failed, the phases of this label that have begun and not ended: of a firn that is gone.
 */
void events_end_phases(struct events *ev);
/* Label the events that follow with "job": name (a product, a board's port path); NULL = none. */
void events_set_job(struct events *ev, const char *job);

/* {"event":"phase","phase":id,"title":title,"state":"begin"} */
void event_phase_begin(struct events *ev, const char *id, const char *title);
/* {"event":"phase",...,"state":"end","ok":ok,"seconds":s}; detail (may be NULL) says for instance
 * "unchanged" or "211 files". */
void event_phase_end(struct events *ev, const char *id, bool ok, const char *detail);
/* {"event":"progress","phase":id,"done":n,"total":n,"unit":u,"detail":d}; total 0 = unknown.
 * Rate-limited to 20 a second per phase; the last one (done == total) always goes out. */
void event_progress(struct events *ev, const char *id, uint64_t done, uint64_t total,
                    const char *unit, const char *detail);
/* {"event":"log","level":"info"|"warning"|"error","text":...} */
void event_info(struct events *ev, const char *fmt, ...) PRINTF_LIKE(2, 3);
void event_warning(struct events *ev, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A diagnostic with its location as fields beside the formatted text. level "warning" or "error".
 */
void event_diag(struct events *ev, const char *level, const struct err *err);
/* {"event":name, ...fields}. Takes fields (an object). */
void event_fields(struct events *ev, const char *name, json_t *fields);
/* {"event":"result","ok":...,"exit":n, ...fields}: the last event of a command. Takes fields (an
 * object, may be NULL). */
void event_result(struct events *ev, bool ok, int exit_status, json_t *fields);

#endif
