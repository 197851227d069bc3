/*
 * Toolchains: toolchains/<name>.yaml says how a compiler is recognised, which versions are good and
 * which Debian packages bring it.
 *
 * toolchain_find() looks on PATH, checks the version against the YAML's and the manifest's ranges
 * and records the identity: version, target, and the SHA-256 of every binary that turns source into
 * bytes (gcc, cc1, as, ld, objcopy, and the libraries named in the YAML). Hashes are cached in
 * $FIRN_HOME/toolchains/identity.json by path, size, inode and mtime, so that an unchanged compiler
 * costs a few stat() calls.
 */
#ifndef FIRN_BUILDER_TOOLCHAIN_H
#define FIRN_BUILDER_TOOLCHAIN_H

#include <jansson.h>

#include "builder/config.h"
#include "builder/manifest.h"

struct toolchain {
    char *name;
    char *prefix;   /* CROSS_COMPILE, "arm-none-eabi-"; "" for the host */
    char *version;  /* "12.2.1" */
    char *target;   /* "arm-none-eabi" */
    char *digest;   /* SHA-256 over the whole identity */
    json_t *identity; /* for sidecar and lock */
};
#define TOOLCHAIN_INIT {NULL, NULL, NULL, NULL, NULL, NULL}

/* name: the manifest's or the port's default. Errors point at the manifest's node when it names the
 * toolchain, and name the Debian package when the compiler is missing. */
bool toolchain_find(const struct config *config, const char *name, const struct manifest *manifest,
                    struct toolchain *toolchain, struct diags *diags) MUST_CHECK;
void toolchain_release(struct toolchain *toolchain);

/* Does "12.2.1" satisfy ">=12", ">=12,<14", "12.2"? Sets err (ERR_MANIFEST) on a malformed range. */
bool version_in_range(const char *version, const char *range, bool *in, struct err **err) MUST_CHECK;

#endif
