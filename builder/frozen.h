/*
 * The frozen set: every directive of the manifest expanded to explicit files.
 *
 * Expansion gives a list sorted by target path, without duplicates, each file with the manifest
 * entry that brought it. Directives that are Python (board, require, include) are evaluated by the
 * source's own tools/manifestfile.py, run once, and their result joins the list. frozen_stage()
 * copies the files' bytes aside under their target names and writes the explicit manifest.py that
 * the build uses: what was hashed is what is compiled.
 */
#ifndef FIRN_BUILDER_FROZEN_H
#define FIRN_BUILDER_FROZEN_H

#include "builder/interpreter.h"
#include "builder/manifest.h"

enum frozen_form { FROZEN_BYTECODE, FROZEN_SOURCE, FROZEN_MPY };

struct frozen_file {
    enum frozen_form form;
    const struct freeze_entry *entry; /* who brought it */
    char *path;     /* absolute, where it was read */
    char *target;   /* "acme/__init__.py": what the interpreter calls it */
    char *data;     /* its bytes (with __version__ appended where metadata(version) asks for it) */
    size_t size;
    int opt;        /* -1 = default */
};

struct frozen {
    struct frozen_file *files; /* sorted by target */
    size_t count;
};
#define FROZEN_INIT {NULL, 0}

struct frozen_context {
    const struct manifest *manifest;
    const struct interpreter *interpreter;
    const struct port *port;
    const char *source_dir; /* the checkout; NULL: only what needs no source is expanded */
    const char *board_dir;  /* absolute, or NULL */
};

/* False: diags has errors at the manifest's lines. */
bool frozen_expand(struct frozen *frozen, const struct frozen_context *context,
                   struct diags *diags) MUST_CHECK;
/* Do any directives need the checkout (board, require, include)? */
bool frozen_needs_source(const struct manifest *manifest);
/* Syntax check of every .py with mpy-cross, before anything is built; an error names the user's file
 * and line with the source line. .mpy files: magic, version and flags must suit this source. */
bool frozen_check(const struct frozen *frozen, const char *mpy_cross, const char *source_dir,
                  const char *scratch_dir, struct diags *diags) MUST_CHECK;
/* Write dir/{mpy,str,bin}/... and dir/manifest.py. extra_module: source of a module that mentions
 * the qstrs (qstr.h), frozen as "_firn_qstrs.py"; NULL = none. */
bool frozen_stage(const struct frozen *frozen, const char *extra_module, const char *dir,
                  struct err **err) MUST_CHECK;
void frozen_release(struct frozen *frozen);

#endif
