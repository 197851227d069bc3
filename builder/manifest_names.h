/*
 * The names in a manifest that are defined elsewhere: the interpreter (firmware-src), the board and
 * its port (the interpreter's definition, and the sources when they are there), the toolchain
 * (toolchains). A build finds the same errors on its way; this is for those who do not build.
 */
#ifndef FIRN_BUILDER_MANIFEST_NAMES_H
#define FIRN_BUILDER_MANIFEST_NAMES_H

#include "builder/config.h"
#include "builder/manifest.h"

/* Nothing is fetched. Without a checkout of the manifest's ref only the definition's list of boards
 * is known: a name near to a listed one is an error then, any other a warning. */
bool manifest_check_names(const struct manifest *manifest, const struct config *config,
                          struct diags *diags) MUST_CHECK;

#endif
