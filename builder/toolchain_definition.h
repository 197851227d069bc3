/*
 * toolchains/<name>.yaml: how a compiler is recognised, which versions are good, where it comes
 * from. The fields are explained in toolchains/arm-none-eabi.yaml and docs/sources.md.
 *
 *     struct toolchain_definition d = TOOLCHAIN_DEFINITION_INIT;
 *     if (toolchain_definition_load(&d, path, &diags)) ... d.prefix ...
 *     toolchain_definition_release(&d);        // every string goes with it
 */
#ifndef FIRN_BUILDER_TOOLCHAIN_DEFINITION_H
#define FIRN_BUILDER_TOOLCHAIN_DEFINITION_H

#include "base/yaml.h"

/* An archive to download; url is NULL where there is none for this machine. */
struct toolchain_download {
    const char *url;
    const char *sha256;  /* NULL: recorded when it is first downloaded */
    const char *version; /* what the compiler in it says of itself */
    long strip;          /* leading components of the archive's names that are left out */
};

struct toolchain_definition {
    struct ydoc doc;
    const char *prefix;
    const char *version;                                                       /* a range */
    const char *const *tools, *const *programs, *const *files, *const *debian; /* NULL-ended */
    struct toolchain_download download;
};
#define TOOLCHAIN_DEFINITION_INIT                                                                  \
    {                                                                                              \
        .doc = YDOC_INIT                                                                           \
    }

bool toolchain_definition_load(struct toolchain_definition *definition, const char *path,
                               struct diags *diags) MUST_CHECK;
void toolchain_definition_release(struct toolchain_definition *definition);

/* The names of all definitions in a directory, sorted. */
bool toolchain_definition_names(const char *dir, struct strv *names, struct err **err) MUST_CHECK;
/* This machine as download: has it, "x86_64-linux". The caller frees. */
char *toolchain_definition_host(void);

#endif
