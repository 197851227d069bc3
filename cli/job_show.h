/*
 * A daemon's jobs for people: a table of them, and all about one.
 */
#ifndef FIRN_CLI_JOB_SHOW_H
#define FIRN_CLI_JOB_SHOW_H

#include <jansson.h>

#include "base/buf.h"

/* Jobs as in docs/api.md (an array), one a line below titles. */
void job_show_table(const json_t *jobs, struct buf *out);
/* One with its phases. */
void job_show_page(const json_t *job, struct buf *out);
/* "build 42 of greeter", "flash 43", printable. */
void job_add_name(struct buf *out, const json_t *job);
/* What it waits for, is at, or failed of: one line, may be empty; printable. */
void job_add_note(struct buf *out, const json_t *job);
bool job_state_is(const json_t *job, const char *state);
/* Has it ended, in whatever way? */
bool job_is_over(const json_t *job);
/* 0 where it went well; else its own exit status, 130 if it was cancelled, 1 if it has none. */
int job_exit_status(const json_t *job);

#endif
