/*
 * qstr lists: names that are to live in flash instead of RAM.
 *
 * Lines are taken as micropython.qstr_info(1) prints them (Q(name), the "qstr pool:" header line is
 * skipped, # comments and blank lines too) or as plain names. What cannot be a qstr is removed with
 * a warning that says which and why, as MicroPython's documentation asks the user to do by eye:
 * empty, over 255 bytes, not UTF-8, an unbalanced Q(...), the printed name of a path or prompt
 * text that is no name at all (documented in docs/manifest.md), a duplicate.
 *
 * Where they go: names that are Python identifiers are mentioned by a frozen, never-imported module
 * (one object is rebuilt); all others go through QSTR_DEFS (every object is rebuilt).
 */
#ifndef FIRN_BUILDER_QSTR_H
#define FIRN_BUILDER_QSTR_H

#include "builder/manifest.h"

#define QSTR_MAX_BYTES 255
#define QSTR_MAX_FILE_BYTES (1024 * 1024)

struct qstr_list {
    struct strv names; /* sorted, unique, valid */
};
#define QSTR_LIST_INIT {STRV_INIT}

/* Read all of the manifest's lists. Removed lines are warnings in diags; a file that cannot be read
 * is an error. */
bool qstr_list_load(struct qstr_list *list, const struct manifest *manifest,
                    struct diags *diags) MUST_CHECK;
/* One line of a list. Returns the name (caller frees) or NULL with *reason set to why (a constant
 * string), or NULL with *reason NULL for a line that holds nothing (comment, blank, pool header). */
char *qstr_parse_line(const char *line, size_t len, const char **reason);
/* Source of the module that mentions every name that fits there; NULL if there is none. */
char *qstr_module(const struct qstr_list *list);
/* Q(...) lines for the others; NULL if there is none. */
char *qstr_defs(const struct qstr_list *list);
void qstr_list_release(struct qstr_list *list);

#endif
