/*
 * A simulated board's terminal, /dev/ttyACMn, opened as what it is.
 *
 * In the mock /dev that name is a link to a pseudo-terminal. umockdev would follow it too, but then
 * wants a socket for its ioctls, as for any device, and a place in its table of 50 open devices;
 * and it would send each read() there with all signals blocked. A terminal needs none of that:
 * opened past umockdev, everything about it is the kernel's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "simulator/preload/preload.h"

#define TERMINALS "/dev/ttyACM"

bool terminal_resolve(const char *path, char target[PRELOAD_PATH_MAX])
{
    const char *root = getenv("UMOCKDEV_DIR");
    char link[PRELOAD_PATH_MAX];
    if (!root || !path || strncmp(path, TERMINALS, strlen(TERMINALS)) != 0)
        return false;
    int len = snprintf(link, sizeof(link), "%s%s", root, path);
    if (len < 0 || (size_t)len >= sizeof(link))
        return false;
    long used = syscall(SYS_readlinkat, AT_FDCWD, link, target, PRELOAD_PATH_MAX - 1);
    if (used < 0)
        return false;
    target[used] = '\0';
    return true;
}

int terminal_open(const char *path, int flags)
{
    char target[PRELOAD_PATH_MAX];
    if (!terminal_resolve(path, target))
        return NOT_OURS;
    return (int)syscall(SYS_openat, AT_FDCWD, target, flags, 0);
}
