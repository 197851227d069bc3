/*
 * One run of a program of this machine (the unix port's interpreter): source to its standard input,
 * what it prints back, bounded and until a deadline.
 */
#ifndef FIRN_SIMULATOR_NATIVE_H
#define FIRN_SIMULATOR_NATIVE_H

#include "simulator/raw_repl.h"

struct native_options {
    const char *program, *dir;  /* it runs in dir */
    const char *const *wrapper; /* stands before the program; NULL-ended, or NULL */
    const char *path;           /* its module path: ".frozen" is the frozen modules alone */
    uint64_t heap_bytes;        /* 0 = its own choice */
};

/* The meaning of the result is raw_repl_exec()'s: standard error is the traceback when the exit
 * status is not 0, and ordinary text otherwise. ERR_DEVICE: too long, too much, or ended by a
 * signal. */
bool native_run(const struct native_options *options, const char *source, size_t len,
                size_t text_max, long long deadline_ms, struct raw_repl_output *output,
                struct err **err) MUST_CHECK;

#endif
