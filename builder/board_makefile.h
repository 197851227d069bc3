/*
 * A board's makefile (mpconfigboard.mk), as far as it can be read without running make: which
 * variables it sets, and to what.
 *
 * A makefile is a program, and only make knows what it does: a build asks it (port_facts.h). This
 * is for saying, before anything is run, that a board names a file that is not there; so it knows
 * what it does not know. Assignments within ifeq ... endif are kept as conditional ones, and a
 * value that needs anything but variables known here has no expansion. Included makefiles are read
 * where their names can be expanded.
 *
 *     struct board_makefile mk = BOARD_MAKEFILE_INIT;
 *     if (board_makefile_load(&mk, ".../PYBV11/mpconfigboard.mk", ".../ports/stm32", err))
 *         series = board_makefile_expand(&mk, "$(MCU_SERIES)", NULL);      // "f4"
 *     board_makefile_release(&mk);
 */
#ifndef FIRN_BUILDER_BOARD_MAKEFILE_H
#define FIRN_BUILDER_BOARD_MAKEFILE_H

#include "base/err.h"

#define BOARD_MAKEFILE_MAX_BYTES (256 * 1024)
#define BOARD_MAKEFILE_MAX_ITEMS 2000 /* assignments; what is beyond them is not known */
#define BOARD_MAKEFILE_MAX_FILES 32   /* included ones */
#define BOARD_MAKEFILE_MAX_VARIABLES                                                               \
    64 /* that are looked up for one text, nested ones among them */

struct board_assignment {
    char *name;
    char *value;      /* as written, without the space around it */
    bool conditional; /* it may not happen */
};

struct board_makefile {
    struct board_assignment *items; /* in make's order; what a later one surely replaces is gone */
    size_t count;
    unsigned includes; /* read so far */
    bool incomplete;   /* not all was read, such as a makefile that it includes: it may set
                          anything */
};
#define BOARD_MAKEFILE_INIT                                                                        \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

/* Set a variable as the port's makefile does before it includes the board's. */
void board_makefile_set(struct board_makefile *mk, const char *name, const char *value);
/* Add what a makefile's text does. Whatever is no assignment (rules, recipes, define) is passed
 * over. What it includes is read from port_dir, which make runs in; NULL: it is not read. */
void board_makefile_parse(struct board_makefile *mk, const char *text, size_t len,
                          const char *port_dir);
/* The same for a file. False when it cannot be read. */
bool board_makefile_load(struct board_makefile *mk, const char *path, const char *port_dir,
                         struct err **err) MUST_CHECK;

/* Is a variable set at all? */
bool board_makefile_sets(const struct board_makefile *mk, const char *name);
/* The text with the variables in it replaced: $(NAME) and ${NAME}. One without a value that is
 * known for sure is replaced by `unknown`, or, when that is NULL, makes the result NULL. The caller
 * frees. */
char *board_makefile_expand(const struct board_makefile *mk, const char *text, const char *unknown);
void board_makefile_release(struct board_makefile *mk);

#endif
