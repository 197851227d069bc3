/*
 * The sandbox: what the programs of a build can see and do.
 *
 * Makefiles, manifest.py files and the cross compiler of a source are somebody else's code. They
 * run under bubblewrap in a file system that holds /usr read-only and what was bound, at paths that
 * are the same for everybody; without network, home, other processes or the user's environment;
 * with limits on memory, time and the size of a file. The same paths everywhere are also what makes
 * a build reproducible.
 *
 *     /src  the interpreter's sources    /product  what was staged    /build  the one writeable
 * place
 *
 * A struct sandbox is a value: sandbox_init() decides once how it is done here, sandbox_fork()
 * gives each run its own copy to bind in. Off (--unsandboxed), commands run as they are and every
 * path is the real one, so that callers write the same code for both:
 *
 *     _cleanup_(sandbox_release) struct sandbox box = sandbox_fork(&job->sandbox);
 *     const char *src = sandbox_bind(&box, source->dir, "/src", SANDBOX_READ);
 *     sandbox_command(&box, &argv);         // "bwrap ... --", or nothing
 *     strv_add(&argv, "make"); ...
 */
#ifndef FIRN_BUILDER_SANDBOX_H
#define FIRN_BUILDER_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum sandbox_access { SANDBOX_READ, SANDBOX_WRITE };

struct sandbox_limits {
    uint64_t memory_bytes; /* address space of one process */
    uint64_t file_bytes;   /* one file that is written */
    int seconds;           /* processor time of one process, and all of a run's wall time */
};

#define SANDBOX_LIMITS_DEFAULT                                                                     \
    {                                                                                              \
        UINT64_C(4) << 30, UINT64_C(1) << 30, 3600                                                 \
    }

struct sandbox {
    bool on;
    bool own_user; /* in a user namespace; root in a chroot can have none */
    struct sandbox_limits limits;
    char *toolchain_dir; /* bound at /toolchain; or NULL */
    char *path;          /* off: PATH with the compiler's directory, if it is not on it; or NULL */
    struct strv binds;   /* option, from, at; option, from, at; ... */
};
#define SANDBOX_INIT                                                                               \
    {                                                                                              \
        false, false, {0, 0, 0}, NULL, NULL, STRV_INIT                                             \
    }

/* on: false = --unsandboxed. ERR_NOT_FOUND when bubblewrap is not installed. */
bool sandbox_init(struct sandbox *sandbox, bool on, const struct sandbox_limits *limits,
                  struct err **err) MUST_CHECK;
/* The directory of a toolchain that is not below /usr, from the compiler's absolute path; called
 * once the compiler is known. With the sandbox off: what has to come before PATH. */
void sandbox_set_compiler(struct sandbox *sandbox, const char *compiler);
struct sandbox sandbox_fork(const struct sandbox *sandbox);
void sandbox_release(struct sandbox *sandbox);

/* Make `from` (absolute, exists) visible at `at`. Where a program of the sandbox finds it: `at`, or
 * `from` when the sandbox is off; borrowed from the arguments. */
const char *sandbox_bind(struct sandbox *sandbox, const char *from, const char *at,
                         enum sandbox_access access);
/* What stands before the program in argv. */
void sandbox_command(const struct sandbox *sandbox, struct strv *argv);
/* The programs' PATH, in the sandbox a fixed one. Borrowed. */
const char *sandbox_path_variable(const struct sandbox *sandbox);

/* After a failed run: if the sandbox itself cannot be made here, *err becomes that, with how to
 * mend it. Returns false. */
bool sandbox_blame(const struct sandbox *sandbox, struct err **err);

#endif
