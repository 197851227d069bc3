/*
 * Sources: firmware.git and firmware.ref to a checkout of exactly one commit.
 *
 *   $FIRN_HOME/git/<name>-<hash of the URL>.git       bare mirror, kept
 *   $FIRN_HOME/src/<commit>-<submodule set>/tree/     checkout, read-only by convention; published
 *                                                     whole, with source.json beside it
 *
 * The URL is mapped by config.yaml's mirrors first. A mirror is only asked to fetch when it does
 * not hold the ref, or with refresh (a tag or branch; a commit does not move). Mirrors are locked
 * while they are written; an interrupted fetch leaves what was there. An unchanged source costs two
 * small files: no repository is opened.
 *
 * A commit whose message has a line "Firn-Origin: TEXT" was imported from somewhere else (a
 * distribution's source package); the text becomes source.origin, else "upstream".
 *
 * Progress events have the phase "source" ("objects", then "files"); the caller begins and ends it.
 */
#ifndef FIRN_BUILDER_SOURCE_H
#define FIRN_BUILDER_SOURCE_H

#include "base/event.h"
#include "builder/config.h"

struct source {
    char *url;            /* as in the manifest */
    char *ref;            /* as in the manifest */
    char *commit;         /* 40 hex digits */
    char *archive_sha256; /* of one that was unpacked: all 64 hex digits; or NULL */
    char *origin;         /* "upstream" or the Firn-Origin text */
    char *mirror;         /* the bare repository */
    char *dir;            /* the checkout, after source_checkout() */
    char
        *describe; /* for MICROPY_GIT_TAG: the tag if ref is one, "<branch>-g<short>", "g<short>" */
    long long commit_time; /* seconds since the epoch, for SOURCE_DATE_EPOCH */
    struct submodule {
        char *path, *url, *commit;
    } * submodules; /* those checked out, sorted by path */
    size_t submodule_count;
    bool dirty;   /* a working copy that is not exactly a commit */
    bool bad_ref; /* after source_resolve() failed: the ref is to blame, not the URL */
};
#define SOURCE_INIT                                                                                \
    {                                                                                              \
        0                                                                                          \
    }

struct source_options {
    bool offline; /* never fetch */
    bool refresh; /* fetch even if the ref is there */
};

/* Mirror and resolve. ERR_FETCH with the reason and the next step: an unknown ref suggests the
 * nearest tag, an unreachable URL names mirrors: and --offline. */
bool source_resolve(const struct config *config, const char *url, const char *ref,
                    const struct source_options *options, struct events *events,
                    struct source *source, struct err **err) MUST_CHECK;
/* Check out, with these submodules (paths in the tree, NULL-ended) and, recursively, theirs.
 * Nothing is done when it is there already. */
bool source_checkout(const struct config *config, struct source *source,
                     const char *const *submodules, const struct source_options *options,
                     struct events *events, struct err **err) MUST_CHECK;
/* Any checkout of the resolved commit that is there, with whatever submodules: its tree, for
 * looking at files that are in no submodule. NULL when there is none. The caller frees. */
char *source_find_checkout(const struct config *config, const struct source *source);
/* Forget the checkout and its submodules; source_checkout() does so first, so that it can be called
 * again with another set. */
void source_release_checkout(struct source *source);
void source_release(struct source *source);

#endif
