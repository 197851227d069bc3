/*
 * .gitmodules: which repository belongs at which path of a tree (gitmodules(5), git-config(1) for
 * the syntax).
 *
 * Our own reader of the small part of git's configuration language that such files use, because it
 * reads what a stranger wrote: it follows no include, runs nothing and knows two keys (path, url).
 * All strings live in the arena given.
 */
#ifndef FIRN_BUILDER_GITMODULES_H
#define FIRN_BUILDER_GITMODULES_H

#include <stddef.h>

#include "base/err.h"

#define GITMODULES_MAX_BYTES (256 * 1024)
#define GITMODULES_MAX 1000

struct gitmodule {
    const char *name;
    const char *path; /* NULL when it has none */
    const char *url;  /* NULL when it has none */
};

struct gitmodules {
    struct gitmodule *items;
    size_t count;
    struct arena arena;
};
#define GITMODULES_INIT                                                                            \
    {                                                                                              \
        NULL, 0, ARENA_INIT                                                                        \
    }

/* ERR_FETCH with ".gitmodules:LINE" on bad syntax or too many. Sections other than
 * [submodule "name"] and other keys are skipped. */
bool gitmodules_parse(struct gitmodules *modules, const char *text, size_t len,
                      struct err **err) MUST_CHECK;
/* The entry for a path, or NULL. */
const struct gitmodule *gitmodules_find(const struct gitmodules *modules, const char *path);
/* Refuse what could lead out of the checkout or be taken for an option: a name or path with an
 * empty, ".", ".." or ".git" component, a leading '-' or '/', or control characters
 * (CVE-2018-17456, CVE-2024-32002, CVE-2025-48384). ERR_FETCH. */
bool gitmodule_check(const struct gitmodule *module, struct err **err) MUST_CHECK;
void gitmodules_release(struct gitmodules *modules);

#endif
