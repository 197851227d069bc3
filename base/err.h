/*
 * Errors: one type, set once where it happened, wrapped only to add what the caller knew.
 *
 * A fallible function returns bool and takes `struct err **err` last. On failure it returns false
 * and *err is a new error that the caller owns; on success *err is untouched. `err` itself may not
 * be NULL, and *err must be NULL on entry.
 *
 *     struct err *err = NULL;
 *     if (!fs_read(path, MAX, &buf, &err))
 *         return err_wrap(&err, "cannot load the manifest");
 *
 * Every message names the thing and the reason; the hint is the next step. An error may point into
 * a file that a person wrote (err_at): then it prints as
 *
 *     manifests/greeter.yaml:12:10: unknown board 'PYBV12'
 *       12 | board: PYBV12
 *          |        ^~~~~~ did you mean 'PYBV11'?
 *
 * Diagnostics (struct diags) collect several of them, up to DIAGS_MAX, for a reader that goes on
 * after an error.
 */
#ifndef FIRN_BASE_ERR_H
#define FIRN_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"

/* Codes exist only where a caller branches; each has one exit status (err_exit_status). */
enum err_code {
    ERR_FAILED = 1,  /* a build, a tool or the system failed */
    ERR_USAGE,       /* wrong command line */
    ERR_MANIFEST,    /* a file that the user wrote is wrong */
    ERR_FETCH,       /* a source could not be had, or is not what the lock says */
    ERR_DEVICE,      /* a board, or the way to it */
    ERR_AUTHENTIC,   /* not reproducible or not authentic */
    ERR_BUDGET,      /* over budget */
    ERR_INTERRUPTED, /* a signal asked us to stop */
    ERR_NOT_FOUND,   /* a file or object does not exist (exit status as ERR_FAILED) */
};

/* A place in a file that a person wrote. line and column count from 1; 0 = unknown. */
struct loc {
    const char *file;
    unsigned line;
    unsigned column;
    unsigned length; /* characters to underline, 0 = a caret alone */
};

struct err {
    enum err_code code;
    char *message;
    char *hint; /* the next step, or NULL */
    char *file; /* location, or NULL */
    unsigned line, column, length;
    char *source_line; /* the text of that line, or NULL */
    struct err *cause; /* what the wrapped call said, or NULL */
    int errnum;        /* the system's number for what it refused, or 0 */
};

/* Set *err; always returns false, so that `return err_set(...)` reads well. */
bool err_set(struct err **err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same with ": strerror(errnum)" appended. ENOENT becomes ERR_NOT_FOUND when code is
 * ERR_FAILED; ENOSPC gains a hint that names the file system's free space as the thing to mend. */
bool err_set_errno(struct err **err, enum err_code code, int errnum, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Did the machine fail (a disk that is full or broken, no memory), and not what was asked of it?
 * The same may well succeed later. Looks at the causes, too. */
bool err_is_of_machine(const struct err *err);
/* Make *err the cause of a new error with the same code. Returns false. */
bool err_wrap(struct err **err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Add or replace the hint of *err. Returns false. */
bool err_hint(struct err **err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Say where, a file as path_shown() has it; copies loc and source_line (may be NULL). Returns
 * false. */
bool err_at(struct err **err, struct loc loc, const char *source_line);

void err_free(struct err *err);
static inline void err_free_ptr(struct err **err)
{
    err_free(*err);
    *err = NULL;
}
#define _cleanup_err_ _cleanup_(err_free_ptr)

/* The whole text: location, message, causes joined by ": ", source line with caret, hint. Ends with
 * a newline. Location and hint are the outermost ones of the chain. Tabs of the source line are
 * expanded, a long line is cut around the column. Without a source line the hint follows on lines
 * of its own (it may have several), indented by two spaces. Control characters from outside are
 * escaped, so that no input can drive a terminal. */
void err_format(const struct err *err, struct buf *out);
/* Its parts: message and causes on one line; the error of the chain that has a location, or NULL;
 * the hint, or NULL. Borrowed. */
void err_add_message(const struct err *err, struct buf *out);
const struct err *err_located(const struct err *err);
const char *err_get_hint(const struct err *err);
/* 0 never; see shared exit codes: 1 failed, 2 manifest or usage, 3 fetch or lock, 4 device,
 * 5 not authentic, 6 over budget, 130 interrupted. */
int err_exit_status(const struct err *err);

#define DIAGS_MAX 20
#define DIAGS_WARNINGS_MAX 100

/* Errors and warnings in the order in which they were found. */
struct diags {
    struct err *errors[DIAGS_MAX];
    size_t error_count;   /* kept */
    size_t error_dropped; /* beyond DIAGS_MAX */
    struct err **warnings;
    size_t warning_count;   /* kept */
    size_t warning_dropped; /* beyond DIAGS_WARNINGS_MAX */
};
#define DIAGS_INIT                                                                                 \
    {                                                                                              \
        {0}, 0, 0, NULL, 0, 0                                                                      \
    }

/* Take one error or warning (freed and counted when the list is full). */
void diags_take_error(struct diags *diags, struct err *err);
void diags_take_warning(struct diags *diags, struct err *err);
/* All errors, then "N more errors" if some were dropped. */
void diags_format_errors(const struct diags *diags, struct buf *out);
void diags_release(struct diags *diags);

#endif
