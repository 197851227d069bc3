/*
 * Which submodules a checkout needs, and where each comes from: a walk over .gitmodules files and
 * gitlinks in mirrors, before anything is written. source_checkout.c uses this; nobody else does.
 */
#ifndef FIRN_BUILDER_SOURCE_SUBMODULES_H
#define FIRN_BUILDER_SOURCE_SUBMODULES_H

#include "builder/source.h"

/* A source->submodules entry with the mirror that holds it. */
struct submodule_plan {
    struct submodule *items; /* sorted by path, so that a parent comes before what is in it */
    char **mirrors;
    size_t count;
};
#define SUBMODULE_PLAN_INIT                                                                        \
    {                                                                                              \
        NULL, NULL, 0                                                                              \
    }
void submodule_plan_release(struct submodule_plan *plan);

/* The wanted paths (NULL-ended) of source's commit and, recursively, all submodules of those.
 * Fetches what is missing. ERR_FETCH: a path that is no submodule, a hostile or incomplete
 * .gitmodules, anything that mirror_get() says. */
bool submodule_plan_make(const struct config *config, const struct source *source,
                         const char *const *wanted, const struct source_options *options,
                         struct events *events, struct submodule_plan *plan,
                         struct err **err) MUST_CHECK;

#endif
