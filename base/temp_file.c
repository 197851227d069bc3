#include "base/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"

#define NAME_DIGITS 16

static char *temp_name(const char *final)
{
    char hex[HASH_HEX_SIZE];
    const char *name = path_basename(final);
    _cleanup_free_ char *dir = path_dirname(final);

    hash_bytes(name, strlen(name), hex);
    return xasprintf("%s/.tmp-%.*s", dir, NAME_DIGITS, hex);
}

static int lock_fd(int fd, int flags)
{
    int status;

    do
        status = flock(fd, LOCK_EX | flags);
    while (status < 0 && errno == EINTR);
    return status;
}

/* Remove what has the name, once nobody writes it any more (with LOCK_NB: if nobody does): then it
 * was left by a killed process, unless it was renamed meanwhile. */
static bool remove_left(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool ok = fd >= 0 ? !lock_fd(fd, flags) && (!fs_has_name(fd, path) || !unlink(path))
                      : errno == ENOENT;
    int errnum = errno;

    if (fd >= 0)
        close(fd);
    errno = errnum;
    return ok;
}

/* Somebody may take a new file for one that was left before it is locked: then it has no name any
 * more, and all begins again. */
static int open_locked(const char *path, mode_t mode)
{
    for (;;) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

        if (fd >= 0 && !lock_fd(fd, 0) && fs_has_name(fd, path))
            return fd;
        if (fd >= 0)
            close(fd);
        else if (errno != EEXIST || !remove_left(path, 0))
            return -1;
    }
}

bool temp_file_open(struct temp_file *temp, const char *final, mode_t mode, struct err **err)
{
    _cleanup_free_ char *path = temp_name(final);

    temp->fd = open_locked(path, mode);
    if (temp->fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", final);
    temp->path = xstrdup(path);
    if (fchmod(temp->fd, mode) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", final);
    return true;
}

/* The lock goes with the descriptor, so that is closed last; fsync() has told every error before.
 */
bool temp_file_commit(struct temp_file *temp, const char *final, struct err **err)
{
    _cleanup_free_ char *dir = path_dirname(final);

    if (fsync(temp->fd) < 0 || rename(temp->path, final) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", final);
    free(temp->path);
    temp->path = NULL;
    return fs_sync_dir(dir, err);
}

void temp_file_remove_left(const char *final)
{
    _cleanup_free_ char *path = temp_name(final);

    (void)!remove_left(path, LOCK_NB);
}

void temp_file_release(struct temp_file *temp)
{
    if (temp->path)
        unlink(temp->path);
    if (temp->fd >= 0)
        close(temp->fd);
    free(temp->path);
}
