/*
 * A child process to talk with: pipes to its standard input and from its output and error.
 *
 * It runs in a process group of its own and dies with us, however we end (a parent-death signal
 * covers SIGKILL and crashes). It inherits no other descriptor of ours and leaves no core file. Our
 * ends do not block. Starting one makes this process ignore
 * SIGPIPE: a peer that is gone is then an error of write(), not our death.
 *
 *     _cleanup_(coprocess_stop) struct coprocess qemu = COPROCESS_INIT;
 *     if (!coprocess_start(&qemu, argv, NULL, dir, err)) ...
 */
#ifndef FIRN_SIMULATOR_COPROCESS_H
#define FIRN_SIMULATOR_COPROCESS_H

#include <sys/types.h>

#include "base/err.h"

struct coprocess {
    pid_t pid; /* 0 = none */
    int in;    /* to its standard input */
    int out;   /* from its standard output */
    int err;   /* from its standard error */
};
#define COPROCESS_INIT                                                                             \
    {                                                                                              \
        0, -1, -1, -1                                                                              \
    }

/* argv[0] is looked up on our PATH; env NULL = ours; dir is its working directory. ERR_NOT_FOUND:
 * there is no such program (the hint is the caller's to add). */
bool coprocess_start(struct coprocess *cp, const char *const *argv, const char *const *env,
                     const char *dir, struct err **err) MUST_CHECK;
/* Close its standard input: it reads an end of file. */
void coprocess_close_input(struct coprocess *cp);
/* Wait for its end, until deadline_ms of clock_ms(): false when that passed. *status is its exit
 * status, or 128 + signal. */
bool coprocess_wait(struct coprocess *cp, long long deadline_ms, int *status) MUST_CHECK;
/* Kill the whole group if it still runs, reap it and close the pipes. Harmless on a stopped one. */
void coprocess_stop(struct coprocess *cp);

#endif
