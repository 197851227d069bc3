/*
 * Toolchains that were downloaded: $FIRN_HOME/toolchains/store/<sha256 of the archive>/, as they
 * were unpacked, read-only, with a record of every file's hash (.firn.json).
 *
 * Nothing in it is believed for being there: whoever uses one has its files hashed
 * (toolchain_identity.h) and compared with the record.
 */
#ifndef FIRN_BUILDER_TOOLCHAIN_STORE_H
#define FIRN_BUILDER_TOOLCHAIN_STORE_H

#include <jansson.h>

#include "base/event.h"
#include "builder/config.h"
#include "builder/toolchain_definition.h"

struct stored_toolchain {
    char *root;   /* absolute */
    char *sha256; /* of the archive */
};
#define STORED_TOOLCHAIN_INIT                                                                      \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

/* The one that is here; root is NULL if none is. Asks nobody. */
struct stored_toolchain toolchain_store_find(const struct config *config,
                                             const struct toolchain_download *download);
/* The same, downloaded and unpacked if it is not here. name: of the definition. Progress in phase
 * "toolchain". ERR_FETCH as fetch.h and unpack.h have it. */
bool toolchain_store_get(const struct config *config, const char *name,
                         const struct toolchain_download *download, bool offline,
                         struct events *events, struct stored_toolchain *stored,
                         struct err **err) MUST_CHECK;
void stored_toolchain_release(struct stored_toolchain *stored);

/* files: {name: {"path":, "sha256":}}, as they are now. Those in root have to be what was unpacked:
 * ERR_AUTHENTIC names the first that is not. */
bool toolchain_store_check(const char *root, const json_t *files, struct err **err) MUST_CHECK;

#endif
