/*
 * One build in progress: what its phases hand on to each other. Shared by the build_*.c files only;
 * build.h is the interface.
 */
#ifndef FIRN_BUILDER_BUILD_JOB_H
#define FIRN_BUILDER_BUILD_JOB_H

#include "base/hash.h"
#include "builder/board_choice.h"
#include "builder/bootloader.h"
#include "builder/build.h"
#include "builder/directives.h"
#include "builder/key_parts.h"
#include "builder/make.h"
#include "builder/port_facts.h"
#include "builder/qstr.h"
#include "builder/sandbox.h"
#include "builder/toolchain.h"

/* A directory of the user's that make reads from a copy: a C module or a board. */
struct copied_dir {
    char *label;         /* "c_modules/filter": in the sidecar, and below the build directory */
    char *path;          /* absolute, the user's own */
    struct strv files;   /* relative to path, sorted */
    struct strv digests; /* SHA-256 of each, in the same order */
};

#define BUILD_MAX_HELD 10

struct build_job {
    const struct config *config;
    const struct build_options *options;
    struct events *events;
    struct diags *diags;

    struct manifest *manifest;
    struct interpreter *interpreter;
    struct source source;
    struct board_choice board;
    struct strv make_vars; /* board_choice_vars() */
    struct strv env;       /* make_environment() */
    struct port_facts facts;
    bool ccache;      /* ccache_choose()'s answer */
    bool has_library; /* the checkout has micropython-lib */
    struct toolchain toolchain, host;
    struct evaluation evaluation;
    struct frozen frozen;
    struct qstr_list qstrs;
    struct buf qstr_mpy;       /* the .mpy file that holds them; empty: none */
    char *qstr_defs;           /* for a port without frozen modules, or NULL */
    struct strv qstrs_removed; /* why each line was left out */
    struct copied_dir *copied;
    size_t copied_count;
    struct mboot_keys keys; /* with manifest->mboot.keys */
    char keys_digest[HASH_HEX_SIZE];

    struct sandbox sandbox; /* the source's programs run in forks of it */

    struct key_parts parts; /* what the keys are made of */
    struct key_parts lock;  /* what <manifest>.lock has; empty: there is none, or it is not asked */
    int held[BUILD_MAX_HELD]; /* what is used of the caches: build_hold() */
    size_t held_count;

    char key[HASH_HEX_SIZE];
    char base_key[HASH_HEX_SIZE]; /* of what all products on one base share */
    char bootloader_key[HASH_HEX_SIZE];
    struct bootloader bootloader; /* with manifest_has_bootloader() */
    bool bootloader_in_storage;   /* the program's file system would overwrite it */
    char *name;                   /* "<product>-<version>": of every file of the image */
    char *image_dir;              /* $FIRN_HOME/images/<key> */
    char *dir;                    /* $FIRN_HOME/build/<key>, removed when the build ends */
    char *work;                   /* in it: where make runs */
    char *log_path;
    struct make_sizes sizes;
};

/* build_job.c: a job from its beginning to its key; a caller that only asks what would be built
 * goes no further. False: errors in diags or in err. */
struct build_job build_job_init(const struct config *config, const struct build_options *options,
                                struct events *events, struct diags *diags);
bool build_find_inputs(struct build_job *job, const char *manifest_path,
                       struct err **err) MUST_CHECK;
void build_job_release(struct build_job *job);
/* Use an entry of a cache until the job's end: nobody removes it meanwhile. False: it is not there
 * (any more). */
bool build_hold(struct build_job *job, const char *path) MUST_CHECK;

/* ERR_FAILED: somebody removed it between our finding it and our use of it. */
bool build_removed(const char *path, struct err **err);

/* build_resolve.c: the manifest's ref to a commit, the lock's where there is one. */
bool build_resolve(struct build_job *job, struct err **err) MUST_CHECK;

/* build_inputs.c: everything that the key covers, read once. Each false means errors in job->diags
 * or in err. */
bool build_find_source(struct build_job *job, struct err **err) MUST_CHECK;
bool build_find_toolchain(struct build_job *job) MUST_CHECK;
bool build_expand(struct build_job *job, struct err **err) MUST_CHECK;
/* Point an error that is not the manifest's own at the line that asked for it; false. */
bool build_blame(const struct build_job *job, const struct ynode *node, struct err **err);

/* build_plan.c: of a job whose inputs were found. */
enum build_cost build_cost_of(const struct build_job *job);
/* Would a build have to compile its boot loader, too? */
bool build_lacks_bootloader(const struct build_job *job);
/* build_key.c: sets job->parts, key and base_key. */
void build_make_key(struct build_job *job);

/* place.c: where one make runs: a directory with what was staged of the product and with what make
 * leaves, and the sandbox in which both are seen. Names ending in _at are the sandbox's. */
struct place {
    char *dir;             /* holds the other two */
    char *product, *build; /* <dir>/product, <dir>/build */
    struct sandbox sandbox;
    char *src_at, *product_at, *build_at;
    char *mpy_cross_at; /* the program; NULL for a port that cannot freeze modules */
};
#define PLACE_INIT                                                                                 \
    {                                                                                              \
        NULL, NULL, NULL, SANDBOX_INIT, NULL, NULL, NULL, NULL                                     \
    }

/* Makes dir new and empty. mpy_cross: the program on this machine, or NULL. */
bool place_open(struct place *place, const struct build_job *job, const char *dir,
                const char *mpy_cross, struct err **err) MUST_CHECK;
void place_release(struct place *place);

/* build_stage.c: fill place->product. A base has no frozen modules and a placeholder for a name; a
 * boot loader has, besides, no C modules and no qstrs, but keys. */
#define BASE_NAME "firn:the product's name and version stand here"
#define STAGED_KEYS "keys/mboot_keys.h"
enum stage { STAGE_BOOTLOADER, STAGE_BASE, STAGE_PRODUCT };
bool build_stage(const struct build_job *job, const struct place *place, enum stage stage,
                 struct err **err) MUST_CHECK;
/* Compile the frozen modules into place->build. */
bool build_check(struct build_job *job, const struct place *place, struct err **err) MUST_CHECK;

/* build_compile.c: make's command line and environment for a place; run it, or the base's script in
 * its stead. */
struct recipe {
    char *dir;    /* make's -C, in the sandbox */
    char *target; /* the program */
    char *rules;  /* make_rules() */
    struct strv vars, env;
    struct path_map *maps; /* for messages */
};
#define RECIPE_INIT                                                                                \
    {                                                                                              \
        NULL, NULL, NULL, STRV_INIT, STRV_INIT, NULL                                               \
    }
/* with_ccache: compile through it, if job->ccache. */
bool recipe_make(struct recipe *recipe, const struct build_job *job, struct place *place,
                 bool with_ccache, struct err **err) MUST_CHECK;
/* The same for the port's boot loader. */
bool recipe_make_bootloader(struct recipe *recipe, const struct build_job *job, struct place *place,
                            struct err **err) MUST_CHECK;
void recipe_release(struct recipe *recipe);
bool build_compile(struct build_job *job, struct place *place, const char *phase,
                   struct err **err) MUST_CHECK;

/* build_image.c: from make's output to a published image directory. */
bool build_image(struct build_job *job, const struct place *place, struct err **err) MUST_CHECK;
/* build_sidecar.c: image and program (the part of it that is no boot loader) are NULL for a program
 * of this machine. Yours. */
json_t *build_sidecar(const struct build_job *job, const struct image *image,
                      const struct image *program, json_t *files);

#endif
