/*
 * A view: which of this machine's directories a sandbox shows, and what they are called there.
 *
 * For programs that are given paths and answer with paths (directives.c): a path that leads into a
 * directory of the view is translated either way; any other has no translation. With the sandbox
 * off every path stays as it is.
 */
#ifndef FIRN_BUILDER_VIEW_H
#define FIRN_BUILDER_VIEW_H

#include "builder/sandbox.h"

struct view {
    bool on;
    struct strv real, at; /* pairs; the first that fits counts */
};
#define VIEW_INIT                                                                                  \
    {                                                                                              \
        false, STRV_INIT, STRV_INIT                                                                \
    }

/* Bind `real` (absolute) at `at`, read-only, and remember both. */
void view_add(struct view *view, struct sandbox *sandbox, const char *real, const char *at);
/* The caller frees; NULL: it is in none of the directories. */
char *view_inside(const struct view *view, const char *real_path);
char *view_outside(const struct view *view, const char *path);
void view_release(struct view *view);

#endif
