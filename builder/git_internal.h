/*
 * What the files around libgit2 (builder/git*.c) share; nobody else includes this.
 */
#ifndef FIRN_BUILDER_GIT_INTERNAL_H
#define FIRN_BUILDER_GIT_INTERNAL_H

#include <git2.h>

#include "builder/git.h"

#define _cleanup_object_ _cleanup_(git_object_free_ptr)
static inline void git_object_free_ptr(git_object **object)
{
    git_object_free(*object);
}

/* libgit2's last error as ours, with its reason appended; ERR_INTERRUPTED when a callback of ours
 * stopped it because of a signal. To be called at once, before another call to libgit2. Returns
 * false. */
bool git_fail(struct err **err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The commit's tree. The caller frees. */
bool git_commit_tree_of(struct git_repository *repo, const char *commit, git_tree **tree,
                        struct err **err) MUST_CHECK;
/* Keep a commit that no tag or branch leads to. */
bool git_keep(struct git_repository *repo, const git_oid *id, struct err **err) MUST_CHECK;
/* A callback's answer to libgit2: non-zero, which ends the work, once a signal asked us to stop. */
int git_stop_if_interrupted(void);

#endif
