/*
 * The modules of a product that are imported to be measured: all frozen ones but those of
 * check.skip.
 */
#ifndef FIRN_ECONOMY_IMPORTS_H
#define FIRN_ECONOMY_IMPORTS_H

#include "builder/build.h"

/* Their names ("acme.drv") and targets ("acme/drv.py"), in the order of the latter. but: names to
 * be left out, or NULL. */
void imports_list(const struct build_result *product, const struct strv *but, struct strv *names,
                  struct strv *targets);

#endif
