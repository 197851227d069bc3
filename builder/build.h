/*
 * Manifest to image: the whole of it.
 *
 * build_run() goes through its phases (source, toolchain, frozen, mpy-cross, compile, image), each
 * an event. Its key covers everything that can change a byte; an unchanged key returns the image
 * that is there, in tens of milliseconds and without starting a process.
 */
#ifndef FIRN_BUILDER_BUILD_H
#define FIRN_BUILDER_BUILD_H

#include <jansson.h>

#include "base/event.h"
#include "builder/source.h"

struct build_options {
    struct source_options source;
    const char *output_dir; /* where the image's files are put; NULL = "out/<product>" */
    int jobs;               /* make -j; 0 = cores */
    bool keep;              /* leave the build directory for inspection */
    bool twice;             /* for the command line: build_run() does not look at it */
    bool locked;            /* only what <manifest>.lock has */
    bool relock;            /* for firn lock: the lock does not say which commit the ref is */
    bool no_ccache;         /* compile even what was compiled before */
    bool no_base;           /* compile everything for this product alone */
    bool unsandboxed;       /* run the source's programs as they are; no image for a release */
};

struct build_result {
    char *image_path; /* "<output_dir>/<product>-<version>.dfu", or .elf where there is no image */
    json_t *sidecar;
    bool unchanged; /* nothing was compiled */
    char *machine;  /* emulator's machine or NULL */
};
#define BUILD_RESULT_INIT                                                                          \
    {                                                                                              \
        0                                                                                          \
    }

/* Errors in what the user wrote are in diags (and false is returned); everything else is in err. */
bool build_run(const char *manifest_path, const struct config *config,
               const struct build_options *options, struct events *events,
               struct build_result *result, struct diags *diags, struct err **err) MUST_CHECK;
void build_result_release(struct build_result *result);

#endif
