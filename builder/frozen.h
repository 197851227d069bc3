/*
 * The frozen set: every directive of the manifest expanded to explicit files.
 *
 * Expansion gives a list sorted by target, without duplicates, each file with the manifest entry
 * that brought it: directives that name files beside the manifest are listed by frozen_files.h,
 * those that are Python (board, require, include, add_library) were evaluated before
 * (directives.h). frozen_stage() copies the files' bytes aside and writes the explicit manifest.py
 * that the build uses: what was hashed is what is compiled. frozen_check() then compiles the staged
 * files, so that an error names the user's file before anything is built.
 *
 *     _cleanup_(frozen_release) struct frozen frozen = FROZEN_INIT;
 *     frozen_expand(&frozen, manifest, &evaluation, diags) && frozen_stage(&frozen, NULL, dir, err)
 * && frozen_check(&frozen, manifest, &check, diags, err)
 */
#ifndef FIRN_BUILDER_FROZEN_H
#define FIRN_BUILDER_FROZEN_H

#include "builder/manifest.h"

#define FROZEN_MAX_FILE_BYTES (4u * 1024 * 1024)
/* The module that holds the qstrs (qstr.h); nobody imports it. */
#define FROZEN_QSTR_MODULE "_firn_qstrs.py"

struct evaluation;
struct sandbox;

enum frozen_form { FROZEN_BYTECODE, FROZEN_SOURCE, FROZEN_MPY };

struct frozen_file {
    enum frozen_form form;
    const struct freeze_entry *entry; /* who brought it */
    char *path;                       /* absolute, where it was read */
    char *target;                     /* "acme/__init__.py": what the interpreter calls it */
    char *data; /* its bytes (with __version__ appended where metadata(version) asks for it) */
    size_t size;
    int opt;           /* -1 = default */
    size_t flash_size; /* about what it takes: its .mpy's size, a str's own; after frozen_check() */
};

struct frozen {
    struct frozen_file *files; /* sorted by target */
    size_t count;
};
#define FROZEN_INIT                                                                                \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* "bytecode", "source", "mpy": for the sidecar and messages. */
const char *frozen_form_name(enum frozen_form form);

/* evaluation: what the Python directives brought; NULL when there are none. False: diags has errors
 * at the manifest's lines: two files of one name, names that mpy-tool cannot tell apart or that
 * make no C identifier, unreadable and damaged files. */
bool frozen_expand(struct frozen *frozen, const struct manifest *manifest,
                   const struct evaluation *evaluation, struct diags *diags) MUST_CHECK;
/* Write dir/{mpy,str,bin}/... and dir/manifest.py; dir exists and is empty. qstrs:
 * FROZEN_QSTR_MODULE as a .mpy file; NULL or empty = none. */
bool frozen_stage(const struct frozen *frozen, const struct buf *qstrs, const char *dir,
                  struct err **err) MUST_CHECK;
/* What import calls a target: "acme" for "acme/__init__.py", "acme.drv" for "acme/drv.py". The
 * caller frees. */
char *frozen_module_name(const char *target);
/* Where frozen_stage() put a file, relative to its dir. The caller frees. */
char *frozen_staged_path(const struct frozen *frozen, size_t index);
void frozen_release(struct frozen *frozen);

/* Paths ending in _at are what the sandbox calls them. */
struct frozen_check {
    const struct sandbox *sandbox; /* with everything below bound */
    const char *mpy_cross_at;      /* the compiler of this source */
    const char *mpy_cross_flags;   /* what the port gives it, "-march=armv7m" or "" */
    const char *stage_at;          /* frozen_stage()'s dir */
    const char *out_dir, *out_at;  /* a directory that may be written */
};

/* Compile every .py with mpy-cross (a syntax error names the user's file and line, with the source
 * line) and hold every .mpy's version and architecture against what this mpy-cross emits. Sets the
 * files' flash_size and leaves each module as out_dir/frozen_mpy/<target>.mpy, where
 * tools/makemanifest.py looks for it before it compiles it itself. False: either diags has errors,
 * or err is set (the compiler did not run). */
bool frozen_check(struct frozen *frozen, const struct manifest *manifest,
                  const struct frozen_check *check, struct diags *diags,
                  struct err **err) MUST_CHECK;

#endif
