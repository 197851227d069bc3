/*
 * `firn lock`: from a manifest to its lock.
 */
#ifndef FIRN_BUILDER_LOCK_MAKE_H
#define FIRN_BUILDER_LOCK_MAKE_H

#include "builder/build_job.h"
#include "builder/lock.h"

struct lock_update {
    bool update;      /* --update: replace what is locked */
    const char *name; /* of it, only what this covers (lock_name.h); NULL = everything, and refs are
                         fetched anew */
};

struct lock_result {
    char *path;
    char *commit;        /* of the source */
    size_t inputs;       /* locked */
    bool unchanged;      /* the file was as it would be written */
    struct strv changes; /* one line each: what is not as it was locked before */
};
#define LOCK_RESULT_INIT                                                                           \
    {                                                                                              \
        NULL, NULL, 0, false, STRV_INIT                                                            \
    }

/* Find the inputs as a build does and write the lock. Without update, a lock that is there and does
 * not say the same is ERR_FETCH, naming the first difference; with a name, so is one that differs
 * in anything else. */
bool lock_make(const char *manifest_path, const struct config *config,
               const struct build_options *options, const struct lock_update *update,
               struct events *events, struct lock_result *result, struct diags *diags,
               struct err **err) MUST_CHECK;
void lock_result_release(struct lock_result *result);

#endif
