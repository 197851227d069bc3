/*
 * A farm of symbolic links: a base's objects seen as a product's build directory, without copying
 * them.
 */
#ifndef FIRN_BUILDER_FARM_H
#define FIRN_BUILDER_FARM_H

#include "base/buf.h"
#include "base/err.h"

/* Make links in `to` to everything in `from`, which the reader of the links will see as from_at.
 * Directories that hold one of `written` (files relative to `from`) are real ones, so that it can
 * be written beside the links; of all others one link stands for the whole. What is in `to` already
 * stays. */
bool farm_make(const char *from, const char *from_at, const char *to, const struct strv *written,
               struct err **err) MUST_CHECK;

#endif
