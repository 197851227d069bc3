/*
 * Child processes: argv arrays, never a shell; output by line; deadline; whole group ended.
 *
 * A child runs in a process group of its own, so that a make and all its compilers end together
 * when the deadline passes or the user interrupts (interrupt_requested()). Standard input is
 * /dev/null. Whatever a child leaves behind in its group when it ends is ended too.
 */
#ifndef FIRN_BASE_PROC_H
#define FIRN_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/lines.h"

struct proc {
    const char *const *argv; /* argv[0] is looked up on PATH; ends with NULL */
    const char *const *env;  /* "NAME=value" ..., NULL = inherit ours; ends with NULL */
    const char *cwd;         /* NULL = ours */
    const char *name;        /* of the program in messages; NULL = argv[0] */
    int timeout_ms;          /* 0 = none */
    line_fn on_line;         /* standard output and error, merged; NULL = see out */
    void *data;
    struct buf *out; /* collects output (both streams) if on_line is NULL; may be NULL */
    size_t out_max;  /* bytes kept in out (the rest is read and dropped); 0 = 16 MiB */
};

struct proc_result {
    int exit_status; /* 0..255, or 128 + signal */
    bool timed_out;
    long max_rss_kib;
};

/* Run to the end. False only when it could not be started, timed out or was interrupted
 * (ERR_INTERRUPTED); a non-zero exit status is the caller's to judge. */
bool proc_run(const struct proc *proc, struct proc_result *result, struct err **err) MUST_CHECK;

/* The absolute path of a program on PATH (our environment's), or of one named with a '/', or NULL.
 * The caller frees. */
char *proc_find(const char *name);

/* SIGINT and SIGTERM set a flag; a second SIGINT ends the process at once. */
void interrupt_install(void);
bool interrupt_requested(void);

/* Monotonic time in milliseconds. */
long long clock_ms(void);

#endif
