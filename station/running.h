/*
 * One running job: what its child has said so far, and how it is to be ended in the store.
 */
#ifndef FIRN_STATION_RUNNING_H
#define FIRN_STATION_RUNNING_H

#include "station/child.h"
#include "station/station.h"

#define RUNNING_LOG_MAX (64ull * 1024 * 1024) /* of a log; a job that says more is ended */

struct running {
    struct running *next;
    struct runner *runner;
    struct job job;
    char *dir;
    struct child *child; /* NULL when it has ended */
    json_t *phase;       /* the innermost that it is in, as docs/api.md has it, or NULL */
    json_t *phases;      /* those that are over */
    json_t *result;      /* its result event, or NULL */
    char *reason, *hint; /* of its first error, or NULL */
    uint64_t log_bytes;
    bool moved;         /* there is progress to tell */
    bool phases_moved;  /* there are phases to write */
    int64_t written_ms; /* when phases were written last */
    bool adopted;       /* was started by an earlier daemon */
    bool ended;
    bool flooded;    /* ended because its log became too long */
    bool requeue;    /* to be queued again, as the daemon ends or it never ran */
    int exit_status; /* as child_owner.on_end has it */
};

/* Takes *job. */
struct running *running_new(struct job *job);
void running_free(struct running *running);
void running_take_event(struct running *running, const json_t *event);
/* It could not be started: the reason. Frees *err. */
void running_refuse(struct running *running, struct err **err);
/* Tell clients and the store how far it is, if there is something to tell. */
void running_publish(struct running *running, struct station *station);
/* It has ended: write that down. False: it could not be written, to be tried again. *lost: it was
 * somebody else's by now. */
bool running_settle(struct running *running, struct station *station, bool *lost,
                    struct err **err) MUST_CHECK;

#endif
