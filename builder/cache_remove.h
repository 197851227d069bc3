/*
 * Removing from $FIRN_HOME what nobody uses: one entry, or what killed processes left.
 *
 * An entry is renamed aside and then deleted: whatever ends the removal, there is no half of one
 * under a valid name. Before, the lock that its maker holds and the one on the entry itself
 * (cache_hold()) are taken, without waiting; if anybody has one of them it is in use.
 */
#ifndef FIRN_BUILDER_CACHE_REMOVE_H
#define FIRN_BUILDER_CACHE_REMOVE_H

#include "base/event.h"
#include "builder/cache.h"

/* *in_use: it stays. One that is gone already is success. */
bool cache_remove(const struct config *config, enum cache_id kind, const char *name, bool *in_use,
                  struct err **err) MUST_CHECK;
/* What cache_remove() would find; nothing is changed. */
bool cache_is_in_use(const struct config *config, enum cache_id kind, const char *name);
/* Does any firn compile just now? */
bool cache_builds_run(const struct config *config);

/* Leftovers in the directory of a kind: what was removed or made halfway, lock files that nobody
 * holds. Their paths below $FIRN_HOME are added to `found`, what they take to *bytes; without
 * dry_run they are removed. False: there was one that could not be, and a warning about it. */
bool cache_sweep(const struct config *config, enum cache_id kind, bool dry_run, struct strv *found,
                 uint64_t *bytes, struct events *events) MUST_CHECK;

/* Warn of what could not be removed, and why. Returns false. */
bool cache_warn(struct events *events, const struct err *err);

#endif
