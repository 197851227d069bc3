/*
 * A job: one thing that the daemon has accepted to do, by a child `firn`.
 *
 *     queued -> running -> done | failed | interrupted
 *        \---------\-----> cancelled
 *
 * A job is on the disk (store.h) before it is acknowledged. Whoever runs it holds a lease on it
 * with a fencing token: every later write names the token, and is refused when somebody else has
 * taken the job meanwhile. Strings are owned by the struct and may be NULL where the comment says
 * so.
 */
#ifndef FIRN_STATION_JOB_H
#define FIRN_STATION_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum job_kind { JOB_BUILD, JOB_FLASH, JOB_FOLLOW, JOB_KIND_COUNT };
enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_DONE,
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_INTERRUPTED,
    JOB_STATE_COUNT
};

#define JOB_PRIORITY_MIN (-10)
#define JOB_PRIORITY_MAX 10

struct job {
    int64_t id;
    enum job_kind kind;
    enum job_state state;
    char *product;     /* NULL: the flash of an image of which only the digest was given */
    char *bundle;      /* digest of the product's files (store_bundle_get()); NULL for a flash */
    char *image;       /* digest of what is flashed, or was built; NULL = not known yet */
    char *path;        /* flash: the USB port; NULL = the only board there is */
    int64_t waits_for; /* the build whose image is flashed; 0 = none */
    int64_t retry_of;  /* 0 = of none */
    int priority;
    uint64_t need_memory; /* bytes */
    int need_cores;
    char *station; /* who has it or had it; of a flash: whose USB it is, from the beginning; or NULL
                    */
    char *submitted_by;
    int attempt;                                /* how often it was started */
    int64_t token;                              /* the fencing token of the present or last lease */
    bool cancel_requested;                      /* running, and somebody wants it ended */
    int64_t submitted_ms, started_ms, ended_ms; /* since the epoch; 0 = not yet */
    int exit_status;                            /* -1 = has none */
    char *reason, *hint;                        /* of a failure; or NULL */
    json_t *phases;                             /* array, never NULL */
    json_t *result;                             /* object, or NULL */
};

void job_init(struct job *job); /* zeros, exit_status -1, phases [] */
void job_release(struct job *job);
void job_copy(struct job *to, const struct job *from); /* `to` is uninitialised */

const char *job_kind_name(enum job_kind kind);    /* "build" */
const char *job_state_name(enum job_state state); /* "queued" */
bool job_kind_parse(const char *name, enum job_kind *kind);
bool job_state_parse(const char *name, enum job_state *state);
/* Has it ended, in whatever way? */
bool job_has_ended(enum job_state state);

/* As docs/api.md has it; `in_full` with phases and result. phase is where it is now, borrowed, NULL
 * = not known. Yours. */
json_t *job_to_json(const struct job *job, const json_t *phase, bool in_full);

/* "2026-11-28T22:10:50.123Z" as a JSON string; null for 0. */
json_t *json_time(int64_t ms);
/* A JSON string, or null for NULL. */
json_t *json_text(const char *text);
/* Milliseconds since the epoch, now. */
int64_t now_ms(void);

#endif
