/*
 * <dir>/.sizes: what the entries of a kind take on the disk, so that a quota costs no walk through
 * every tree at each build. Entries do not change once they are published; one is known by its
 * name, its inode and the time at which that was made. A line is added for each new one; a file
 * that is lost or damaged costs one walk.
 */
#ifndef FIRN_BUILDER_CACHE_SIZES_H
#define FIRN_BUILDER_CACHE_SIZES_H

#include "base/buf.h"
#include "base/err.h"

struct cache_size {
    const char *name; /* in the text */
    uint64_t inode, born_ns, bytes;
};

struct cache_sizes {
    struct buf text;
    struct cache_size *items; /* sorted */
    size_t count;
};
#define CACHE_SIZES_INIT                                                                           \
    {                                                                                              \
        BUF_INIT, NULL, 0                                                                          \
    }

void cache_sizes_load(struct cache_sizes *sizes, const char *dir);
/* Fills size->bytes; false if it is not known. */
bool cache_sizes_get(const struct cache_sizes *sizes, struct cache_size *size);
/* Append a line to the text of new ones. */
void cache_sizes_add(struct buf *lines, const struct cache_size *size);
/* Put lines into <dir>/.sizes: behind those that are there, or instead of them. Not being able to
 * remember is no failure. */
void cache_sizes_append(const char *dir, const struct buf *lines);
void cache_sizes_replace(const char *dir, const struct buf *lines);
void cache_sizes_release(struct cache_sizes *sizes);

#endif
