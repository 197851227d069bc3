/*
 * Which board a manifest means: its port, its name, its directory when it is kept outside the
 * source, and the make variables that say so.
 */
#ifndef FIRN_BUILDER_BOARD_CHOICE_H
#define FIRN_BUILDER_BOARD_CHOICE_H

#include "builder/interpreter.h"
#include "builder/manifest.h"

struct board_choice {
    const struct port *port; /* borrowed from the interpreter */
    const struct target *target;
    const char *name; /* borrowed from the manifest or the interpreter; NULL: the port has none */
    const char *variant; /* or NULL */
    char *dir;           /* absolute, of a board outside the source; or NULL */
};
#define BOARD_CHOICE_INIT                                                                          \
    {                                                                                              \
        NULL, NULL, NULL, NULL, NULL                                                               \
    }

/* source_dir NULL: only what the interpreter's YAML lists is known; a name that it does not list is
 * success with `port` NULL, and the checkout has to be asked. With a checkout an unknown name or
 * variant is an error with the nearest one, as are an unknown port, a board that several ports
 * have and a boot loader that its port has not. A board outside the source that lacks a file is an
 * error either way (board_files.h), but only with a checkout all that it may need is looked for. */
bool board_choose(struct board_choice *board, const struct manifest *manifest,
                  const struct interpreter *interpreter, const char *source_dir,
                  struct diags *diags) MUST_CHECK;
void board_choice_release(struct board_choice *board);

/* Add "BOARD=...", BOARD_DIR, BOARD_VARIANT as the port has them, then the target's, those of a
 * boot loader that is built, too, and, over the target's, the manifest's config.make variables, one
 * "NAME=value" each. A manifest's value for the port's
 * cflags_var is left out: see board_choice_cflags(). */
void board_choice_vars(const struct board_choice *board, const struct manifest *manifest,
                       struct strv *vars);
/* What the manifest adds to the compiler's flags; "" when nothing. Borrowed. */
const char *board_choice_cflags(const struct board_choice *board, const struct manifest *manifest);
/* The board's directory for $(BOARD_DIR) in a manifest.py; NULL when the port has no boards, or
 * when it is in the source and source_dir is NULL. The caller frees. */
char *board_choice_path(const struct board_choice *board, const char *source_dir);

#endif
