/*
 * qstr lists: names that are to live in flash instead of RAM.
 *
 * The lines of a file are taken as micropython.qstr_info(1) prints them: Q(name), with the name as
 * it is, nothing escaped. The "qstr pool:" line, comments (# and //) and blank lines hold nothing;
 * a line that is one word is a name, too. What cannot be a qstr is removed with a warning that says
 * which and why, as MicroPython's documentation asks the user to do by eye (docs/manifest.md lists
 * the reasons); what cannot be one in the manifest itself is an error there.
 *
 * Where they go: every qstr of a frozen .mpy file ends up in the frozen pool, in flash, whatever it
 * consists of (MicroPython's tools/mpy-tool.py, freeze_mpy()). So firn writes a .mpy file that has
 * them in its table and does nothing, and freezes it: one object is compiled again. A port without
 * frozen modules takes them through QSTR_DEFS, and every object is compiled again; there the C
 * preprocessor reads each line as a string, so that no double quote or control character can stand.
 */
#ifndef FIRN_BUILDER_QSTR_H
#define FIRN_BUILDER_QSTR_H

#include "builder/manifest.h"

#define QSTR_MAX_BYTES 255
#define QSTR_MAX_FILE_BYTES (1024 * 1024)
#define QSTR_MAX_WARNINGS 20 /* removed lines that are named, a file; then they are counted */

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
/* A .mpy file of format QSTR_MPY_VERSION called `module`, with all names in its table. False: there
 * are none. */
#define QSTR_MPY_VERSION 6
bool qstr_mpy(const struct qstr_list *list, const char *module, struct buf *out);
/* Q(...) lines for all, for a port without frozen modules; NULL if there is none, or with *unfit
 * (the list's own) set to a name that QSTR_DEFS cannot hold. */
char *qstr_all_defs(const struct qstr_list *list, const char **unfit);
void qstr_list_release(struct qstr_list *list);

#endif
