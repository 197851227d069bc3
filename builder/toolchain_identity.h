/*
 * What a compiler is: its version and target, and the hash of every file that takes part, probed
 * once and remembered in $FIRN_HOME/toolchains/<name>.json until one of the files changes.
 * Internal to toolchain.c.
 */
#ifndef FIRN_BUILDER_TOOLCHAIN_IDENTITY_H
#define FIRN_BUILDER_TOOLCHAIN_IDENTITY_H

#include <jansson.h>

#include "base/err.h"

/* What the YAML names; lists end with NULL. */
struct identity_request {
    const char *name;
    const char *prefix;
    const char *compiler; /* absolute path */
    const char *dir;      /* the tools are here; NULL: on PATH */
    const char *const *tools;
    const char *const *programs;
    const char *const *files;
    /* Asked about files that were hashed anew, before they are remembered; NULL: all are good. */
    bool (*check)(const void *data, const json_t *files, struct err **err);
    const void *data;
};

/* *probe is yours: {"compiler": path, "version": "12.2.1", "target": "arm-none-eabi", "files":
 * {name: {"path":, "stamp":, "sha256":}}}. cache_path is the file it is remembered in. */
bool identity_get(const struct identity_request *request, const char *cache_path, json_t **probe,
                  struct err **err) MUST_CHECK;

#endif
