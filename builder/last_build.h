/*
 * What a manifest's last build was made of, kept in $FIRN_HOME/products/: for `firn explain`.
 */
#ifndef FIRN_BUILDER_LAST_BUILD_H
#define FIRN_BUILDER_LAST_BUILD_H

#include "builder/build_job.h"

struct last_build {
    char key[HASH_HEX_SIZE], base_key[HASH_HEX_SIZE];
    char bootloader_key[HASH_HEX_SIZE]; /* "" without one */
    struct key_parts parts;
};
#define LAST_BUILD_INIT                                                                            \
    {                                                                                              \
        "", "", "", KEY_PARTS_INIT                                                                 \
    }

/* What the records of a manifest are called: by its own path, since two products may well have the
 * same name. The caller frees. */
char *last_build_name(const char *manifest_path);
/* Was the last build this one? */
bool last_build_is(const struct build_job *job, const char *manifest_path);
bool last_build_write(const struct build_job *job, const char *manifest_path,
                      struct err **err) MUST_CHECK;
/* False: there is none. */
bool last_build_read(const struct config *config, const char *manifest_path,
                     struct last_build *last);
void last_build_release(struct last_build *last);

/* A part that differs. Borrowed from the two lists. */
struct key_change {
    enum key_scope scope;
    const char *name;
    const char *before, *now; /* NULL: there was, or is, none of that name */
};
/* A value for a message: of a hash, enough to tell it from another. The caller frees. */
char *key_shown(const char *value);
/* In the order of `now`, what is gone last. *changes is yours (free()), of *count. Of parts with
 * the same name, the n-th is compared with the n-th. */
void key_compare(const struct key_parts *before, const struct key_parts *now,
                 struct key_change **changes, size_t *count);

#endif
