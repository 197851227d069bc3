/*
 * Loaded into the programs on a simulated bus, before umockdev's library: opens a simulated board's
 * terminal, /dev/ttyACMn, as what it is.
 *
 * In the mock /dev that name is a link to a pseudo-terminal. umockdev would follow it too, but then
 * wants a socket for its ioctls, as for any device, and a place in its table of 50 open devices;
 * and it would send each read() there with all signals blocked. A terminal needs none of that:
 * opened past umockdev, everything about it is the kernel's.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TERMINALS "/dev/ttyACM"

/* Glibc's fortified open(), which no header declares without _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

/* What the terminal's name stands for; false: it is not one of a simulated board. */
static bool resolve(const char *path, char *target, size_t size)
{
    const char *root = getenv("UMOCKDEV_DIR");
    char link[PATH_MAX];
    if (!root || !path || strncmp(path, TERMINALS, strlen(TERMINALS)) != 0)
        return false;
    int len = snprintf(link, sizeof(link), "%s%s", root, path);
    if (len < 0 || (size_t)len >= sizeof(link))
        return false;
    long used = syscall(SYS_readlinkat, AT_FDCWD, link, target, size - 1);
    if (used < 0)
        return false;
    target[used] = '\0';
    return true;
}

static int open_terminal(const char *target, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, target, flags, 0);
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define WRAP_OPEN(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        char target[PATH_MAX];                                                                     \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode_t mode = mode_of(flags, ap);                                                          \
        va_end(ap);                                                                                \
        if (resolve(path, target, sizeof(target)))                                                 \
            return open_terminal(target, flags);                                                   \
        int (*next)(const char *, int, ...) =                                                      \
            (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);                              \
        return next(path, flags, mode);                                                            \
    }

#define WRAP_OPEN_2(name)                                                                          \
    int name(const char *path, int flags)                                                          \
    {                                                                                              \
        char target[PATH_MAX];                                                                     \
        if (resolve(path, target, sizeof(target)))                                                 \
            return open_terminal(target, flags);                                                   \
        int (*next)(const char *, int) = (int (*)(const char *, int))dlsym(RTLD_NEXT, #name);      \
        return next(path, flags);                                                                  \
    }

#define WRAP_FOPEN(name)                                                                           \
    FILE *name(const char *path, const char *mode)                                                 \
    {                                                                                              \
        char target[PATH_MAX];                                                                     \
        FILE *(*next)(const char *, const char *) =                                                \
            (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, #name);                      \
        return next(resolve(path, target, sizeof(target)) ? target : path, mode);                  \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPEN_2(__open_2)
WRAP_OPEN_2(__open64_2)
WRAP_FOPEN(fopen)
WRAP_FOPEN(fopen64)
