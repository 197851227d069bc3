/*
 * A daemon's records for people: one a line.
 */
#ifndef FIRN_CLI_RECORD_SHOW_H
#define FIRN_CLI_RECORD_SHOW_H

#include <jansson.h>

#include "base/buf.h"

/* Records as in docs/api.md (an array), one a line below titles. */
void record_show_table(const json_t *records, struct buf *out);

#endif
