/*
 * What lies in $FIRN_HOME: its entries, what each takes on the disk, when it was last used.
 *
 * An entry is a directory (or, of some kinds, a file) in its kind's directory, with a name that
 * does not begin with a dot. Its modification time says when it was last used: nothing else depends
 * on it. Who uses an entry says so:
 *
 *     int held = -1;
 *     if (cache_hold(dir, &held)) { ... use it ... }      // else it is not there: make it
 *     fs_unlock(&held);
 *
 * Who made one calls cache_enforce() (cache_clean.h) after it was published. Nothing here is ever a
 * build's failure.
 */
#ifndef FIRN_BUILDER_CACHE_H
#define FIRN_BUILDER_CACHE_H

#include "base/err.h"
#include "builder/config.h"

/* What cache_clean() did with it, or would do. */
enum cache_fate { CACHE_STAYS, CACHE_REMOVED, CACHE_IN_USE, CACHE_FAILED };
enum cache_reason { CACHE_UNUSED, CACHE_OVER_QUOTA, CACHE_OVER_MAX };

struct cache_entry {
    enum cache_id kind;
    char *name;
    uint64_t bytes;  /* on the disk */
    int64_t used_ns; /* since the epoch */
    bool pinned;     /* cache_pins_mark() */
    enum cache_fate fate;
    enum cache_reason reason; /* of CACHE_REMOVED */
};

struct cache_list {
    struct cache_entry *items;
    size_t count, size;
};
#define CACHE_LIST_INIT                                                                            \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Mark an entry as used now: one system call, never an error. */
void cache_touch(const char *path);
/* The same, and nobody removes it until fs_unlock(held) or the end of the process. False: it is not
 * there. Several may hold the same; three more system calls. */
bool cache_hold(const char *path, int *held) MUST_CHECK;

/* What becomes of <dir>/.sizes, where sizes are looked up before anything is measured. */
enum cache_memory {
    CACHE_LOOK_ONLY,
    CACHE_REMEMBER, /* add those that were not there */
    CACHE_RENEW,    /* keep those of the entries there are, and no others */
};

/* Append the entries of a kind, sorted by name; none if it has no directory. */
bool cache_list_add(struct cache_list *list, const struct config *config, enum cache_id kind,
                    enum cache_memory memory, struct err **err) MUST_CHECK;
void cache_list_release(struct cache_list *list);
/* Of one kind. */
uint64_t cache_list_bytes(const struct cache_list *list, enum cache_id kind);

/* $FIRN_HOME/<dir>, and an entry in it. The caller frees. */
char *cache_kind_dir(const struct config *config, enum cache_id kind);
char *cache_entry_path(const struct config *config, enum cache_id kind, const char *name);
/* Is it a name that an entry can have? Lock files and what is being made have others. */
bool cache_is_entry_name(const char *name);

/* The one entry that `wanted` means: a name, the first 6 characters of one or more, or either with
 * the kind and a '/' in front. ERR_USAGE when there is none, or several. *name is yours. */
bool cache_find(const struct config *config, const char *wanted, enum cache_id *kind, char **name,
                struct err **err) MUST_CHECK;

int64_t cache_now_ns(void);

#endif
