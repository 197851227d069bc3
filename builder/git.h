/*
 * Git repositories, through libgit2; only builder/git*.c know that library.
 *
 * A struct git_repository is opened by repo_open(), used by one thread and closed by repo_close().
 * No hook is run, no filter and no user's or system's git configuration is read: the same commit
 * gives the same files everywhere. Ids are 40 lower-case hexadecimal digits.
 *
 *     _cleanup_repo_ struct git_repository *repo = NULL;
 *     if (!repo_open(mirror, &repo, err) || !repo_find(repo, "v1.25.0", &commit, err)) ...
 */
#ifndef FIRN_BUILDER_GIT_H
#define FIRN_BUILDER_GIT_H

#include "base/event.h"

#define GIT_HEX_SIZE 41 /* 40 digits and the terminating NUL */
#define GIT_ABBREV_MIN 7

struct git_repository;

/* ERR_NOT_FOUND when there is no repository at that path. Both bare ones and work trees. */
bool repo_open(const char *path, struct git_repository **repo, struct err **err) MUST_CHECK;
/* The same, made as an empty bare one if there is none; what is there and is none (a killed
 * process's) is replaced. The caller holds the mirror's lock. */
bool repo_open_or_init(const char *path, struct git_repository **repo, struct err **err) MUST_CHECK;
void repo_close(struct git_repository *repo);
static inline void repo_close_ptr(struct git_repository **repo)
{
    repo_close(*repo);
}
#define _cleanup_repo_ _cleanup_(repo_close_ptr)

/* "libgit2 1.5.1, https, ssh": what it is and which remote repositories it can reach. The caller
 * frees. */
char *git_library_version(void);

enum repo_ref_kind { REPO_TAG, REPO_BRANCH, REPO_COMMIT };

struct repo_commit {
    enum repo_ref_kind kind; /* what the ref turned out to be */
    char id[GIT_HEX_SIZE];
    char object[GIT_HEX_SIZE]; /* an annotated tag's own id; else id */
    long long time;            /* the committer's, seconds since the epoch */
    char *origin;              /* what follows "Firn-Origin: " in the message, or NULL */
    bool complete;             /* false: its parents are elsewhere */
};
#define REPO_COMMIT_INIT                                                                           \
    {                                                                                              \
        REPO_COMMIT, "", "", 0, NULL, true                                                         \
    }
void repo_commit_release(struct repo_commit *commit);

/* Is it 7 to 40 hexadecimal digits, so that it may be (the beginning of) a commit's id? */
bool repo_is_hex(const char *ref);
/* Look a tag, a branch (in this order), a commit or the beginning of its id up. ERR_NOT_FOUND when
 * there is nothing of that name; ERR_FETCH when the beginning fits several, when it is no commit,
 * or when the repository is damaged. */
bool repo_find(struct git_repository *repo, const char *ref, struct repo_commit *commit,
               struct err **err) MUST_CHECK;
/* Is the work tree in dir exactly its HEAD commit, submodules included: nothing changed, added or
 * untracked (but for what .gitignore names)? A directory without a repository is not. */
bool repo_is_clean(const char *dir);
/* Names of all tags and branches, for suggestions. */
void repo_names(struct git_repository *repo, struct strv *names);

/* A file of a commit; ERR_NOT_FOUND if it has none of that name. */
bool repo_read_file(struct git_repository *repo, const char *commit, const char *path, size_t max,
                    struct buf *out, struct err **err) MUST_CHECK;
/* The commit that a submodule is pinned to; ERR_NOT_FOUND if there is no submodule at that path of
 * the tree (git's gitlink). */
bool repo_gitlink(struct git_repository *repo, const char *commit, const char *path,
                  char id[GIT_HEX_SIZE], struct err **err) MUST_CHECK;

/* Write all files of a commit into dir, which must be an empty directory: contents as stored,
 * permissions 0644 or 0755, symbolic links as links, submodules as empty directories. A name or a
 * link that could lead out of dir is ERR_FETCH. *files counts on. */
bool repo_export(struct git_repository *repo, const char *commit, const char *dir,
                 struct events *events, size_t *files, struct err **err) MUST_CHECK;

/* Bring what `ref` names from url into the mirror `repo`, over the network. Tags and branches keep
 * their names. ERR_NOT_FOUND when the other side has no such ref (its names are in `names`, for
 * suggestions); ERR_FETCH with libgit2's reason when it cannot be reached; ERR_INTERRUPTED. The
 * mirror is as before then. */
bool repo_fetch(struct git_repository *repo, const char *url, const char *ref,
                struct events *events, struct strv *names, struct err **err) MUST_CHECK;
/* The same from a repository on this machine. Only the commit's own files are copied, not its
 * history: libgit2's local transport reads all of it and fails on shallow and partial clones. */
bool repo_copy(struct git_repository *repo, const char *path, const char *ref,
               struct events *events, struct strv *names, struct err **err) MUST_CHECK;

#endif
