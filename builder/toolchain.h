/*
 * Toolchains: toolchains/<name>.yaml says how a compiler is recognised, which versions are good,
 * which Debian packages bring it and where it can be downloaded (toolchain_definition.h).
 *
 * toolchain_find() looks on PATH; if what is there is missing or of a version that the YAML's or
 * the manifest's range excludes, and the YAML has a download for this machine, it takes that
 * (toolchain_store.h). The manifest's `from: path` or `from: download` allows one of the two only.
 * It records the identity: version, target, and the SHA-256 of every binary that turns source into
 * bytes (the tools, cc1, as, collect2, the libraries that are linked in). Hashes are kept in
 * $FIRN_HOME/toolchains/ and used again as long as path, size, inode and times are the same, so
 * that an unchanged compiler costs a few stat() calls and no process.
 */
#ifndef FIRN_BUILDER_TOOLCHAIN_H
#define FIRN_BUILDER_TOOLCHAIN_H

#include <jansson.h>

#include "builder/config.h"
#include "builder/manifest.h"

struct toolchain {
    char *name;
    char *prefix;     /* CROSS_COMPILE, "arm-none-eabi-"; "" for the host */
    char *compiler;   /* absolute path, "/usr/bin/arm-none-eabi-gcc" */
    char *version;    /* "12.2.1" */
    char *target;     /* "arm-none-eabi" */
    char *digest;     /* SHA-256 over the whole identity */
    json_t *identity; /* name, version, target, files{name: sha256}: no paths of this machine */
    /* Of a downloaded one; NULL: found on PATH. */
    char *root;           /* its directory, read-only; the tools are in root/bin */
    char *url;            /* as in the YAML */
    char *archive_sha256; /* of what was downloaded */
};
#define TOOLCHAIN_INIT                                                                             \
    {                                                                                              \
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL                                 \
    }

struct toolchain_options {
    bool offline;          /* download nothing */
    struct events *events; /* of the download, in phase "toolchain"; may be NULL */
};

/* name: the manifest's or the port's default. manifest (may be NULL) gives the version range and
 * the place that errors point at when it names the toolchain. A compiler that is missing is an
 * error that names the Debian packages; one of the wrong version says which was found and where.
 * options: NULL = what is not here is missing, nothing is downloaded. A downloaded file that was
 * changed is ERR_AUTHENTIC, by name. */
bool toolchain_find(const struct config *config, const char *name, const struct manifest *manifest,
                    const struct toolchain_options *options, struct toolchain *toolchain,
                    struct diags *diags) MUST_CHECK;
void toolchain_release(struct toolchain *toolchain);

/* Does a version satisfy every part of a range? Parts are joined by ','; each is an operator (>=,
 * >,
 * <=, <, =, ==) and a dotted number; a number alone matches all versions that begin with it ("12.2"
 * matches 12.2.1). A malformed range is ERR_MANIFEST. */
bool version_in_range(const char *version, const char *range, bool *in,
                      struct err **err) MUST_CHECK;

#endif
