/*
 * Following a daemon's job until it ends: its events, as if it ran here, or its log.
 *
 * A daemon that goes away meanwhile (it is restarted, say) is waited for, FOLLOW_AWAY_S at most.
 */
#ifndef FIRN_CLI_JOB_FOLLOW_H
#define FIRN_CLI_JOB_FOLLOW_H

#include "base/event.h"
#include "cli/client_http.h"

#define FOLLOW_AWAY_S 120

struct job_follow {
    struct client *client;
    struct events *events; /* where its events, and remarks about the connection, go */
    json_int_t id;
    /* Its log instead of its events: more of it. */
    bool (*take_log)(void *data, const char *bytes, size_t len, struct err **err);
    void *data;
    bool said_error; /* set at the end: its events told of an error already */
};

/* *job is what it is at the end; yours. False: *err, ERR_INTERRUPTED when the user will not wait
 * any longer; the job goes on. */
bool job_follow(struct job_follow *follow, json_t **job, struct err **err) MUST_CHECK;
/* An error that says why the job did not go well, to be told where its events did not; true if it
 * did. */
bool job_went_well(const json_t *job, struct err **err) MUST_CHECK;

#endif
