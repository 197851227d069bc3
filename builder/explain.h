/*
 * Why a build would do what it would do: what of the key changed since the manifest's last build,
 * and what that costs.
 */
#ifndef FIRN_BUILDER_EXPLAIN_H
#define FIRN_BUILDER_EXPLAIN_H

#include "builder/last_build.h"

enum explain_cost {
    EXPLAIN_NOTHING, /* the image is there */
    EXPLAIN_PRODUCT, /* modules are frozen and linked on a base that is there */
    EXPLAIN_BASE,    /* the base, or everything where no base can be used, is compiled */
};

struct explanation {
    char *product; /* "greeter 1.4.0" */
    enum explain_cost cost;
    double base_seconds;        /* what a base took last, of this product; 0 = not known */
    bool built_before;          /* there is a last build to compare with */
    struct last_build last;     /* what `changes` points into, with parts */
    struct key_parts parts;     /* of now */
    struct key_change *changes; /* base's and product's, as key_compare() has them */
    size_t change_count;
};
#define EXPLANATION_INIT                                                                           \
    {                                                                                              \
        NULL, EXPLAIN_NOTHING, 0, false, LAST_BUILD_INIT, KEY_PARTS_INIT, NULL, 0                  \
    }

/* Nothing is built; sources are fetched as a build would, unless options->source.offline. */
bool explain_build(const char *manifest_path, const struct config *config,
                   const struct build_options *options, struct events *events,
                   struct explanation *explanation, struct diags *diags,
                   struct err **err) MUST_CHECK;
void explanation_release(struct explanation *explanation);

#endif
