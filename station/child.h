/*
 * A child `firn`: started so that it outlives us, watched by its files.
 *
 * It writes to files in a directory of its own, not to pipes: should the daemon be killed, a flash
 * goes on, nothing that was said is lost, and the daemon that comes next finds what has become of
 * it (child_adopt()). In the directory:
 *
 *     pid           who it is: process id, its start time, the boot; written before it runs
 *     begun         it has come through the gate, see below
 *     events.jsonl  its events (--events=3), one JSON object a line
 *     log.txt       its output and errors, as a terminal would show them
 *
 * The process waits behind a gate until `pid` is written, and never runs if the daemon dies before:
 * there is no child that nobody knows of. Single-threaded, on one loop.
 */
#ifndef FIRN_STATION_CHILD_H
#define FIRN_STATION_CHILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/err.h"

#define CHILD_EVENTS "events.jsonl"
#define CHILD_LOG "log.txt"
#define CHILD_EVENTS_FD "3" /* for --events= */

struct child;

/* What its owner wants to know; called from the loop. on_end is the last, everything it wrote was
 * delivered; exit_status is 0..255, 128 + signal, or -1 of one that was adopted. The child may be
 * freed in on_end, not in the others. */
struct child_owner {
    void (*on_event)(void *data, const json_t *event);
    void (*on_output)(void *data, uint64_t log_bytes); /* may be NULL */
    void (*on_end)(void *data, int exit_status);
    void *data;
};

struct child_command {
    const char *const *argv; /* argv[0] is a path; ends with NULL */
    const char *cwd;         /* NULL = ours */
    const char *home;        /* $FIRN_HOME of it; NULL = ours */
    bool dies_with_us;       /* ends (SIGTERM) when the daemon is gone */
};

/* dir exists; what an earlier child left in it is replaced. */
struct child *child_start(sd_event *loop, const char *dir, const struct child_command *command,
                          const struct child_owner *owner, struct err **err) MUST_CHECK;

enum child_found {
    CHILD_NEVER_RAN, /* not started, or it never came through the gate */
    CHILD_RUNS,      /* *child is watched as if we had started it */
    CHILD_ENDED,     /* everything it said was delivered by on_event (not: on_end) */
};
/* The child of an earlier daemon in this directory. on_event is called with what it has said so
 * far. */
enum child_found child_adopt(sd_event *loop, const char *dir, const struct child_owner *owner,
                             struct child **child, struct err **err);

/* Has the child of this directory come through the gate? One that has not has done nothing. */
bool child_has_begun(const char *dir);
/* Ask it to end (SIGTERM); what has not ended within grace_ms is killed. Again: nothing more. */
void child_stop(struct child *child, int grace_ms);
uint64_t child_log_bytes(const struct child *child);
/* No longer watched. A process that runs goes on. NULL is allowed. */
void child_free(struct child *child);

#endif
