/*
 * Many manifests at once: each product is built by a firn of its own, bases first, as many at a
 * time as processors and memory allow (schedule.h). What is unchanged costs no process.
 */
#ifndef FIRN_CLI_BUILD_MANY_H
#define FIRN_CLI_BUILD_MANY_H

#include "cli/product.h"

/* The whole command: with the result event and, for people, a table. options->jobs is the total of
 * compilers and products at a time; 0 = by processors and free memory. One product's failure keeps
 * no other from being built. Exit status: 1 if any failed, 130 if interrupted; 2, with nothing
 * built, for manifests that cannot be built together. */
int build_many(struct cli *cli, char **paths, int count, const struct config *config,
               const struct build_options *options);
/* Its part without the result event: the exit status; how each ended is in products. */
int build_products(struct cli *cli, struct products *products, const struct config *config,
                   const struct build_options *options, double *seconds);

#endif
