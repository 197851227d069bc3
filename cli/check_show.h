/*
 * What `firn check` found, for a person, from its report (docs/economy.md).
 */
#ifndef FIRN_CLI_CHECK_SHOW_H
#define FIRN_CLI_CHECK_SHOW_H

#include <jansson.h>

#include "base/buf.h"

/* A table of modules, what is wrong with each that is not well, then the product and its heap. */
void check_show(const json_t *report, struct buf *out);

#endif
