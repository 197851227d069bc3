/*
 * Times as a daemon tells them (RFC 3339 in UTC, "2026-11-28T22:10:50.123Z"), for people.
 */
#ifndef FIRN_CLI_TIME_TEXT_H
#define FIRN_CLI_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Milliseconds since the epoch; false: it is no such time. */
bool time_parse(const char *text, int64_t *ms);
/* Milliseconds since the epoch, now. */
int64_t time_now_ms(void);
/* "5 min ago", or "-". */
void time_add_age(struct buf *out, const char *text);
/* "2026-11-28 22:10:50 UTC, 5 min ago", or "-". */
void time_add_long(struct buf *out, const char *text);
/* How long from one to the other (now, if that is no time), or "-". */
void time_add_between(struct buf *out, const char *from, const char *to);

#endif
