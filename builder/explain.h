/*
 * Why a build would do what it would do: what of the key changed since the manifest's last build,
 * and what that costs.
 */
#ifndef FIRN_BUILDER_EXPLAIN_H
#define FIRN_BUILDER_EXPLAIN_H

#include "builder/last_build.h"

struct explanation {
    char *product; /* "greeter 1.4.0" */
    enum build_cost cost;
    double base_seconds;        /* what a base took last, of this product; 0 = not known */
    char *bootloader;           /* the name of the one that is compiled, too; or NULL */
    double bootloader_seconds;  /* what it took last */
    bool built_before;          /* there is a last build to compare with */
    struct last_build last;     /* what `changes` points into, with parts */
    struct key_parts parts;     /* of now */
    struct key_change *changes; /* base's and product's, as key_compare() has them */
    size_t change_count;
};
#define EXPLANATION_INIT                                                                           \
    {                                                                                              \
        NULL, BUILD_COST_NOTHING, 0, NULL, 0, false, LAST_BUILD_INIT, KEY_PARTS_INIT, NULL, 0      \
    }

/* Nothing is built; sources are fetched as a build would, unless options->source.offline. */
bool explain_build(const char *manifest_path, const struct config *config,
                   const struct build_options *options, struct events *events,
                   struct explanation *explanation, struct diags *diags,
                   struct err **err) MUST_CHECK;
void explanation_release(struct explanation *explanation);

#endif
