/*
 * The directives that are Python: board, require, include, add_library.
 *
 * They are evaluated by the source's own tools/manifestfile.py, in one run and in the manifest's
 * order, so that they mean here what they mean upstream. A manifest.py is code: it runs in the
 * sandbox, sees the source (/src), the manifest's directory (/product) and its roots, and may name
 * no file that lies elsewhere. The result is kept in
 * $FIRN_HOME/evaluations/ together with the hash of every file that the run read and of every
 * directory that it listed outside the checkout; while these are the same, no Python is started.
 */
#ifndef FIRN_BUILDER_DIRECTIVES_H
#define FIRN_BUILDER_DIRECTIVES_H

#include "builder/board_choice.h"
#include "builder/config.h"
#include "builder/frozen.h"
#include "builder/sandbox.h"

struct evaluated_file {
    size_t entry; /* index into manifest->frozen */
    char *path;   /* absolute */
    char *target;
    char *append; /* text to add to the file, or "" */
    enum frozen_form form;
    int opt; /* -1 = default */
};

struct evaluation {
    struct evaluated_file *files; /* in the order of the directives */
    size_t count;
    bool needs_library;         /* a directive asked for micropython-lib, and there was none */
    size_t library_entry;       /* which */
    struct strv opened, listed; /* files and directories that the run looked at, of this machine */
};
#define EVALUATION_INIT                                                                            \
    {                                                                                              \
        NULL, 0, false, 0, STRV_INIT, STRV_INIT                                                    \
    }

struct evaluation_context {
    const struct config *config;
    const struct manifest *manifest;
    const struct interpreter *interpreter;
    const struct board_choice *board;
    const char *board_manifest; /* port_facts.manifest */
    const char *source_dir;
    const char *commit;     /* of the source; a working copy's changes with its files */
    bool has_library;       /* the checkout has micropython-lib */
    const struct strv *env; /* make_environment() */
    const struct sandbox *sandbox;
};

/* Has the manifest such directives? */
bool directives_any(const struct manifest *manifest);
/* Evaluate them, or take the kept result. Without has_library a directive that needs it is success
 * with needs_library set: check the library out and call again. False: either diags has errors, at
 * the directive's line, or err is set (Python did not run). */
bool directives_evaluate(struct evaluation *evaluation, const struct evaluation_context *context,
                         struct diags *diags, struct err **err) MUST_CHECK;
void evaluation_release(struct evaluation *evaluation);

#endif
