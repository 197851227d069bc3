/*
 * The ways to open a file: those of simulated boards go to terminal.c and node.c, all others on to
 * umockdev.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>

#include "simulator/preload/preload.h"

/* Glibc's fortified open(), which no header declares without _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

static int open_ours(const char *path, int flags)
{
    int fd = terminal_open(path, flags);
    return fd == NOT_OURS ? node_open(path, flags) : fd;
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define WRAP_OPEN(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode_t mode = mode_of(flags, ap);                                                          \
        va_end(ap);                                                                                \
        int fd = open_ours(path, flags);                                                           \
        if (fd != NOT_OURS)                                                                        \
            return fd;                                                                             \
        int (*next)(const char *, int, ...) =                                                      \
            (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);                              \
        return next(path, flags, mode);                                                            \
    }

#define WRAP_OPEN_2(name)                                                                          \
    int name(const char *path, int flags)                                                          \
    {                                                                                              \
        int fd = open_ours(path, flags);                                                           \
        if (fd != NOT_OURS)                                                                        \
            return fd;                                                                             \
        int (*next)(const char *, int) = (int (*)(const char *, int))dlsym(RTLD_NEXT, #name);      \
        return next(path, flags);                                                                  \
    }

#define WRAP_FOPEN(name)                                                                           \
    FILE *name(const char *path, const char *mode)                                                 \
    {                                                                                              \
        char target[PRELOAD_PATH_MAX];                                                             \
        FILE *(*next)(const char *, const char *) =                                                \
            (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, #name);                      \
        return next(terminal_resolve(path, target) ? target : path, mode);                         \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPEN_2(__open_2)
WRAP_OPEN_2(__open64_2)
WRAP_FOPEN(fopen)
WRAP_FOPEN(fopen64)
