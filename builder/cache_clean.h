/*
 * Keeping the disk: what goes when there is too much in $FIRN_HOME, least recently used first.
 *
 * cache_clean() is `firn clean`; cache_enforce() is what the builder does after it made an entry.
 * Neither removes what is pinned (cache_pin.h) or in use (cache_remove.h). docs/cache.md says how
 * they decide.
 */
#ifndef FIRN_BUILDER_CACHE_CLEAN_H
#define FIRN_BUILDER_CACHE_CLEAN_H

#include "base/event.h"
#include "builder/cache.h"

struct cache_clean_options {
    int64_t keep_seconds; /* what was not used for longer goes; -1 = that alone is no reason */
    uint64_t max_bytes;   /* of all kinds together; CACHE_UNLIMITED = no limit */
    bool dry_run;         /* say what would go; change nothing */
    bool only_some;       /* only these kinds, and max_bytes is for them: */
    bool kinds[CACHE_KIND_COUNT];
};
#define CACHE_CLEAN_OPTIONS_INIT                                                                   \
    {                                                                                              \
        -1, CACHE_UNLIMITED, false, false,                                                         \
        {                                                                                          \
            false                                                                                  \
        }                                                                                          \
    }

struct cache_report {
    struct cache_list entries; /* all that were looked at, each with its fate */
    struct strv leftovers;     /* paths below $FIRN_HOME */
    uint64_t leftover_bytes;
    uint64_t removed_bytes; /* of entries */
    size_t removed;         /* entries */
    bool failed;            /* something could not be removed; there was a warning */
};
#define CACHE_REPORT_INIT                                                                          \
    {                                                                                              \
        CACHE_LIST_INIT, STRV_INIT, 0, 0, 0, false                                                 \
    }

/* Leftovers, what is over its kind's quota, and what the options name. Waits for another firn that
 * cleans. ERR_INTERRUPTED between two entries; the report then says what went until then. While any
 * firn compiles, the kinds that builds read without a lock stay as they are. */
bool cache_clean(const struct config *config, const struct cache_clean_options *options,
                 struct events *events, struct cache_report *report, struct err **err) MUST_CHECK;
void cache_report_release(struct cache_report *report);

/* Remove the least recently used entries of a kind beyond its quota, never the one called `made`
 * (may be NULL). For the builder, after it published `made` and while it holds (cache_hold()) what
 * it still uses. Costs a stat() an entry; does nothing while another firn cleans. What goes wrong
 * is a warning. */
void cache_enforce(const struct config *config, enum cache_id kind, const char *made,
                   struct events *events);

#endif
