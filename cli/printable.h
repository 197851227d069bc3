/*
 * What comes from a daemon, made fit for a terminal: no byte that others stored there drives it.
 */
#ifndef FIRN_CLI_PRINTABLE_H
#define FIRN_CLI_PRINTABLE_H

#include <jansson.h>

#include "base/buf.h"

/* As text_add_printable(), but newlines and tabs stay. */
void printable_add_lines(struct buf *out, const char *text, size_t len);
/* Every string in a value, those in lists and objects too, in this way. */
void printable_json(json_t *value);
/* A member that is a string, made printable, or "-" where there is none (or an empty one). Yours.
 */
char *printable_field(const json_t *object, const char *name);

#endif
