/*
 * Mirrors: one bare repository in $FIRN_HOME/git/ for each URL (after config.yaml's mirrors:), made
 * and updated on demand. source.c and source_checkout.c use this; nobody else does.
 */
#ifndef FIRN_BUILDER_SOURCE_MIRROR_H
#define FIRN_BUILDER_SOURCE_MIRROR_H

#include "builder/git.h"
#include "builder/source.h"

/* What a ref is in a mirror. */
struct mirror_ref {
    char *mirror; /* the bare repository */
    char *commit;
    char *describe;
    char *origin;
    long long commit_time;
    bool bad_ref; /* after a failure: the repository is there and lacks the ref */
};
#define MIRROR_REF_INIT                                                                            \
    {                                                                                              \
        NULL, NULL, NULL, NULL, 0, false                                                           \
    }
void mirror_ref_release(struct mirror_ref *ref);

/* Make sure that the mirror of `url` holds `ref` and say what it is. Answers are remembered in the
 * mirror until the next fetch, so that an unchanged ref costs one small file. Fetches hold the
 * mirror's lock; two processes that want the same wait for each other and the second finds it done.
 * Errors as source_resolve(). */
bool mirror_get(const struct config *config, const char *url, const char *ref,
                const struct source_options *options, struct events *events, struct mirror_ref *out,
                struct err **err) MUST_CHECK;

#endif
