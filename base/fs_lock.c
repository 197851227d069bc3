/* Locks: fs_lock() and the rest of them in fs.h. All are flock(2) locks: they belong to the open
 * file, so that a leftover file is no held lock and a killed process holds none. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

/* How a lock is to be got. */
struct wish {
    const char *path;
    int flags;     /* of open() */
    int operation; /* of flock() */
    void (*on_wait)(void *data);
    void *data;
};

enum outcome { GOT, TAKEN, FAILED };

/* Waits without SA_RESTART, so that an interrupt ends the wait. */
static bool wait_for_lock(const struct wish *wish, int fd, struct err **err)
{
    while (flock(fd, wish->operation & ~LOCK_NB) < 0) {
        if (errno != EINTR)
            return err_set_errno(err, ERR_FAILED, errno, "cannot lock '%s'", wish->path);
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted while waiting for '%s'", wish->path);
    }
    return true;
}

bool fs_has_name(int fd, const char *path)
{
    struct stat open_file, named;

    return !fstat(fd, &open_file) && !stat(path, &named) && open_file.st_dev == named.st_dev &&
           open_file.st_ino == named.st_ino;
}

static enum outcome lock_fd(struct wish *wish, int fd, struct err **err)
{
    if (!flock(fd, wish->operation | LOCK_NB))
        return GOT;
    if (errno != EWOULDBLOCK) {
        err_set_errno(err, ERR_FAILED, errno, "cannot lock '%s'", wish->path);
        return FAILED;
    }
    if (wish->operation & LOCK_NB)
        return TAKEN;
    if (wish->on_wait)
        wish->on_wait(wish->data);
    wish->on_wait = NULL;
    return wait_for_lock(wish, fd, err) ? GOT : FAILED;
}

/* Opens again as long as the file that it locked has lost its name: who removed it had the lock
 * before, and whoever comes next will lock the new file. */
static enum outcome get(struct wish *wish, int *fd, struct err **err)
{
    for (;;) {
        int file = open(wish->path, wish->flags | O_CLOEXEC, 0666);

        if (file < 0) {
            err_set_errno(err, ERR_FAILED, errno, "cannot open the lock file '%s'", wish->path);
            return FAILED;
        }
        enum outcome outcome = lock_fd(wish, file, err);

        if (outcome == GOT && fs_has_name(file, wish->path)) {
            *fd = file;
            return GOT;
        }
        close(file);
        if (outcome != GOT)
            return outcome;
    }
}

bool fs_lock(const char *path, void (*on_wait)(void *data), void *data, int *fd, struct err **err)
{
    struct wish wish = {path, O_RDWR | O_CREAT, LOCK_EX, on_wait, data};

    return get(&wish, fd, err) == GOT;
}

bool fs_try_lock(const char *path, int *fd, struct err **err)
{
    struct wish wish = {path, O_RDWR | O_CREAT, LOCK_EX | LOCK_NB, NULL, NULL};

    *fd = -1;
    return get(&wish, fd, err) != FAILED;
}

void fs_unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void fs_remove_lock(const char *path, int *fd)
{
    if (fs_has_name(*fd, path))
        (void)!unlink(path);
    fs_unlock(fd);
}

/* O_NONBLOCK: a FIFO of that name must not keep us waiting. */
static enum outcome get_existing(const char *path, int operation, int *fd)
{
    _cleanup_err_ struct err *ignored = NULL;
    struct wish wish = {path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, operation, NULL, NULL};

    return get(&wish, fd, &ignored);
}

bool fs_hold(const char *path, int *fd)
{
    return get_existing(path, LOCK_SH, fd) == GOT;
}

bool fs_seize(const char *path, int *fd)
{
    return get_existing(path, LOCK_EX | LOCK_NB, fd) == GOT;
}

bool fs_is_locked(const char *path)
{
    int fd = -1;
    enum outcome outcome = get_existing(path, LOCK_EX | LOCK_NB, &fd);

    fs_unlock(&fd);
    return outcome == TAKEN;
}
