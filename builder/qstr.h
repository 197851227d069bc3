/*
 * qstr lists: names that are to live in flash instead of RAM.
 *
 * The lines of a file are taken as micropython.qstr_info(1) prints them: Q(name), with the name as
 * it is, nothing escaped. The "qstr pool:" line, comments (# and //) and blank lines hold nothing;
 * a line that is one word is a name, too. What cannot be a qstr is removed with a warning that says
 * which and why, as MicroPython's documentation asks the user to do by eye (docs/manifest.md lists
 * the reasons); what cannot be one in the manifest itself is an error there.
 *
 * Where they go (see MicroPython's py/parse.c, py/makeqstrdata.py):
 * - A frozen, never-imported module mentions what a module can: any name of up to
 *   QSTR_INTERNED_BYTES as a string, which mpy-cross interns; longer identifiers as globals; longer
 *   identifiers joined by dots (file and package names) as an import. One object is rebuilt.
 * - All others go through QSTR_DEFS, and every object is rebuilt. A double quote or a control
 *   character cannot stand there: the C preprocessor reads each line as a string.
 */
#ifndef FIRN_BUILDER_QSTR_H
#define FIRN_BUILDER_QSTR_H

#include "builder/manifest.h"

#define QSTR_MAX_BYTES 255
#define QSTR_MAX_FILE_BYTES (1024 * 1024)
#define QSTR_INTERNED_BYTES 10 /* MICROPY_ALLOC_PARSE_INTERN_STRING_LEN of mpy-cross */
#define QSTR_MAX_WARNINGS 20   /* removed lines that are named, a file; then they are counted */

struct qstr_list {
    struct strv names; /* sorted, unique, valid */
};
#define QSTR_LIST_INIT                                                                             \
    {                                                                                              \
        STRV_INIT                                                                                  \
    }

/* Read all of the manifest's lists. Removed lines are warnings in diags; a file that cannot be read
 * and an inline name that cannot be a qstr are errors. */
bool qstr_list_load(struct qstr_list *list, const struct manifest *manifest,
                    struct diags *diags) MUST_CHECK;
/* One line of a list. Returns the name (caller frees) or NULL with *reason set to why (a constant
 * string), or NULL with *reason NULL for a line that holds nothing (comment, blank, pool header).
 */
char *qstr_parse_line(const char *line, size_t len, const char **reason);
/* Why this cannot be a qstr that firn puts into flash (a constant string), or NULL. */
const char *qstr_unfit(const char *name);
/* Source of the module that mentions every name that fits there; NULL if there is none. */
char *qstr_module(const struct qstr_list *list);
/* Q(...) lines for the others; NULL if there is none. */
char *qstr_defs(const struct qstr_list *list);
/* Q(...) lines for all, for a port without frozen modules; NULL if there is none, or with *unfit
 * (the list's own) set to a name that QSTR_DEFS cannot hold. */
char *qstr_all_defs(const struct qstr_list *list, const char **unfit);
/* Has one of these Q(...) lines this name? defs may be NULL. */
bool qstr_defs_hold(const char *defs, const char *name);
void qstr_list_release(struct qstr_list *list);

#endif
