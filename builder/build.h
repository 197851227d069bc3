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
#include "builder/frozen.h"
#include "builder/input_list.h"
#include "builder/interpreter.h"
#include "builder/sandbox.h"
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
    bool no_qstrs;          /* as if the manifest listed none: for firn qstrs */
    bool unsandboxed;       /* run the source's programs as they are; no image for a release */
    /* For whoever waits for changes: filled with what was read, also by a build that failed; or
     * NULL. */
    struct input_list *inputs;
};

struct build_result {
    char *image_path; /* "<output_dir>/<product>-<version>.dfu", or .elf where there is no image */
    json_t *sidecar;
    bool unchanged; /* nothing was compiled */
    char *machine;  /* emulator's machine or NULL */
    /* For whoever runs it: what it was made of. */
    char *dir;  /* in the cache, with all of the image's files and MODULES_SUFFIX's */
    char *name; /* "<product>-<version>", of each of them */
    struct manifest *manifest;
    struct interpreter *interpreter;
    const struct target *target; /* in the interpreter */
    struct frozen frozen;        /* of the manifest */
    struct sandbox sandbox;
};
#define BUILD_RESULT_INIT                                                                          \
    {                                                                                              \
        .frozen = FROZEN_INIT, .sandbox = SANDBOX_INIT                                             \
    }

/* The modules that were compiled: a line "<bytes> <target>" each, an empty line, the .mpy files one
 * behind the other. */
#define MODULES_SUFFIX "mpy"

/* Errors in what the user wrote are in diags (and false is returned); everything else is in err. */
bool build_run(const char *manifest_path, const struct config *config,
               const struct build_options *options, struct events *events,
               struct build_result *result, struct diags *diags, struct err **err) MUST_CHECK;
void build_result_release(struct build_result *result);

enum build_cost {
    BUILD_COST_NOTHING, /* the image is there */
    BUILD_COST_PRODUCT, /* modules are frozen and linked on a base that is there */
    BUILD_COST_BASE,    /* the base is compiled first */
    BUILD_COST_ALONE,   /* everything is compiled, and no base comes of it */
};

/* What a build would have to do. */
struct build_plan {
    char key[HASH_HEX_SIZE];
    char base_key[HASH_HEX_SIZE]; /* of what products on the same base share */
    enum build_cost cost;
    bool bootloader; /* its boot loader is compiled first, besides */
};

/* Run the phases that find the inputs, as build_run() would, and no other. */
bool build_plan(const char *manifest_path, const struct config *config,
                const struct build_options *options, struct events *events, struct build_plan *plan,
                struct diags *diags, struct err **err) MUST_CHECK;
/* What a product on this base, whose image is not there, costs now. */
enum build_cost build_cost_on_base(const struct config *config, const char *base_key);

#endif
