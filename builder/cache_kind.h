/*
 * The kinds of things in $FIRN_HOME that can be had again: where each lies, what getting it back
 * costs, how much of it is kept. A table; docs/cache.md explains it. What is not in it (rescue/,
 * pins/) is never removed.
 */
#ifndef FIRN_BUILDER_CACHE_KIND_H
#define FIRN_BUILDER_CACHE_KIND_H

#include <stdbool.h>
#include <stdint.h>

/* In the order of the build: what comes first is made of what comes last. */
enum cache_id {
    CACHE_IMAGES,
    CACHE_BASES,
    CACHE_CCACHE,
    CACHE_MPY_CROSS,
    CACHE_SOURCES,
    CACHE_GIT,
    CACHE_DOWNLOADS,
    CACHE_TOOLCHAINS,
    CACHE_PROBES,
    CACHE_FACTS,
    CACHE_EVALUATIONS,
    CACHE_PRODUCTS,
    CACHE_LOGS,
    CACHE_BUILD,
    CACHE_KIND_COUNT
};

#define CACHE_UNLIMITED UINT64_MAX

/* The lock that whoever makes an entry holds meanwhile. */
enum cache_lock {
    CACHE_LOCK_NONE,
    CACHE_LOCK_BESIDE, /* <dir>/<name>.lock */
    CACHE_LOCK_KIND,   /* <dir>/.lock, one for all */
    CACHE_LOCK_MIRROR, /* beside it, and that of src/, whose checkouts read mirrors */
    CACHE_LOCK_BUILD,  /* build/<the first digits of the key>.lock */
};

struct cache_kind {
    const char *name; /* on the command line and in config.yaml */
    const char *dir;  /* below $FIRN_HOME */
    const char *what;
    const char *again; /* what it takes to get it back */
    bool needs_network;
    bool is_files;      /* an entry is a file; else a directory */
    bool changes;       /* entries grow after they were made: their size is not remembered */
    bool read_by_build; /* a build that runs reads entries without a lock on them */
    enum cache_lock lock;
    uint64_t quota;      /* bytes, unless config.yaml says otherwise */
    int64_t old_seconds; /* unused for so long an entry is a leftover; -1 = never */
};

extern const struct cache_kind CACHE_KINDS[CACHE_KIND_COUNT];

/* By name; NULL if there is none. */
const struct cache_kind *cache_kind_find(const char *name);
/* The nearest name, or NULL. */
const char *cache_kind_nearest(const char *name);

#endif
