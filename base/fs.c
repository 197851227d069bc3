#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/temp_file.h"
#include "base/text.h"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
#define _cleanup_fd_ _cleanup_(close_fd)

bool fs_exists(const char *path)
{
    struct stat st;

    return !lstat(path, &st);
}

bool fs_is_dir(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

bool fs_is_file(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISREG(st.st_mode);
}

static bool too_long(const char *path, size_t max, struct err **err)
{
    _cleanup_(buf_release) struct buf size = BUF_INIT;

    text_add_size(&size, max);
    return err_set(err, ERR_FAILED, "'%s' is too large: at most %s are read", path, size.data);
}

/* The file may grow while it is read: its size is a hint, what counts is where it ends. */
static bool read_fd(int fd, const char *path, size_t max, struct buf *out, struct err **err)
{
    char block[64 * 1024];
    size_t got = 0;
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot read '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_FAILED, "cannot read '%s': %s", path,
                       S_ISDIR(st.st_mode) ? "it is a directory" : "it is not a regular file");
    if ((unsigned long long)st.st_size > max)
        return too_long(path, max, err);
    while ((n = read(fd, block, sizeof(block))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(err, ERR_FAILED, errno, "cannot read '%s'", path);
        if ((size_t)n > max - got)
            return too_long(path, max, err);
        buf_add(out, block, (size_t)n);
        got += (size_t)n;
    }
    return true;
}

bool fs_read(const char *path, size_t max, struct buf *out, struct err **err)
{
    /* O_NONBLOCK: opening a FIFO must not wait for its writer; read_fd() refuses it. */
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open '%s'", path);
    return read_fd(fd, path, max, out, err);
}

bool fs_read_shared(const char *path, size_t max, struct buf *out, struct err **err)
{
    if (!fs_read(path, max, out, err))
        return false;
    temp_file_remove_left(path);
    return true;
}

static int open_beneath(int dir_fd, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    long fd;

    do
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
    while (fd < 0 && errno == EAGAIN); /* a rename elsewhere made the ".." check inconclusive */
    return (int)fd;
}

bool fs_read_beneath(const char *dir, const char *path, size_t max, struct buf *out,
                     struct err **err)
{
    _cleanup_fd_ int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open the directory '%s'", dir);
    _cleanup_fd_ int fd = open_beneath(dir_fd, path);

    if (fd < 0 && errno == EXDEV)
        return err_set(err, ERR_FAILED, "'%s' leads out of the directory '%s'", path, dir);
    if (fd < 0 && errno == ELOOP)
        return err_set(err, ERR_FAILED,
                       "'%s' in '%s' goes through a symbolic link, which is not followed", path,
                       dir);
    if (fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open '%s' in '%s'", path, dir);
    return read_fd(fd, path, max, out, err);
}

static bool write_fd(int fd, const char *path, const void *data, size_t len, struct err **err)
{
    const char *p = data;

    while (len) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", path);
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool fs_sync_dir(const char *dir, struct err **err)
{
    _cleanup_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    /* EINVAL: a file system that has nothing to sync. */
    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
        return err_set_errno(err, ERR_FAILED, errno, "cannot sync the directory '%s'", dir);
    return true;
}

bool fs_write(const char *path, const void *data, size_t len, mode_t mode, struct err **err)
{
    _cleanup_(temp_file_release) struct temp_file temp = TEMP_FILE_INIT;

    return temp_file_open(&temp, path, mode, err) && write_fd(temp.fd, path, data, len, err) &&
           temp_file_commit(&temp, path, err);
}

bool fs_close(int *fd)
{
    int status = close(*fd);

    *fd = -1;
    return status == 0;
}

static bool close_written(int *fd, const char *path, struct err **err)
{
    return fs_close(fd) || err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", path);
}

bool fs_write_scratch(const char *path, const void *data, size_t len, struct err **err)
{
    _cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

    if (fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", path);
    return write_fd(fd, path, data, len, err) && close_written(&fd, path, err);
}

bool fs_write_scratch_below(const char *dir, const char *path, const void *data, size_t len,
                            struct err **err)
{
    _cleanup_free_ char *whole = path_join(dir, path);
    _cleanup_free_ char *parent = path_dirname(whole);
    return fs_mkdirs(parent, err) && fs_write_scratch(whole, data, len, err);
}

static bool copy_fd(int from_fd, const char *from, int to_fd, const char *to, struct err **err)
{
    char block[64 * 1024];
    ssize_t n;

    while ((n = read(from_fd, block, sizeof(block))) != 0) {
        if (n < 0 && errno != EINTR)
            return err_set_errno(err, ERR_FAILED, errno, "cannot read '%s'", from);
        if (n > 0 && !write_fd(to_fd, to, block, (size_t)n, err))
            return false;
    }
    return true;
}

static bool open_to_copy(const char *from, int *fd, struct stat *st, struct err **err)
{
    *fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 || fstat(*fd, st) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open '%s'", from);
    return S_ISREG(st->st_mode) ||
           err_set(err, ERR_FAILED, "cannot copy '%s': it is not a regular file", from);
}

bool fs_copy(const char *from, const char *to, struct err **err)
{
    _cleanup_(temp_file_release) struct temp_file temp = TEMP_FILE_INIT;
    _cleanup_fd_ int fd = -1;
    struct stat st = {0};

    return open_to_copy(from, &fd, &st, err) && temp_file_open(&temp, to, st.st_mode & 0777, err) &&
           copy_fd(fd, from, temp.fd, to, err) && temp_file_commit(&temp, to, err);
}

bool fs_publish_file(const char *temp, const char *final, struct err **err)
{
    _cleanup_free_ char *dir = path_dirname(final);
    _cleanup_fd_ int fd = open(temp, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0 || rename(temp, final) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot rename '%s' to '%s'", temp, final);
    return fs_sync_dir(dir, err);
}

bool fs_copy_scratch(const char *from, const char *to, struct err **err)
{
    _cleanup_fd_ int fd = -1, to_fd = -1;
    struct stat st = {0};

    if (!open_to_copy(from, &fd, &st, err))
        return false;
    to_fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, st.st_mode & 0777);
    if (to_fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", to);
    return copy_fd(fd, from, to_fd, to, err) && close_written(&to_fd, to, err);
}

bool fs_mkdirs(const char *path, struct err **err)
{
    _cleanup_free_ char *copy = xstrdup(path);

    for (char *p = copy + strspn(copy, "/");; p++) {
        char c = *p;

        if (c && c != '/')
            continue;
        *p = '\0';
        if (*copy && mkdir(copy, 0777) < 0 && (errno != EEXIST || !fs_is_dir(copy)))
            return err_set_errno(err, ERR_FAILED, errno, "cannot make the directory '%s'", copy);
        *p = c;
        if (!c)
            return true;
    }
}

bool fs_temp_dir(const char *parent, char **path, struct err **err)
{
    char *template = xasprintf("%s/.tmp-XXXXXX", parent);

    if (!mkdtemp(template)) {
        err_set_errno(err, ERR_FAILED, errno, "cannot make a directory in '%s'", parent);
        free(template);
        return false;
    }
    *path = template;
    return true;
}

bool fs_temp_dir_anywhere(char **path, struct err **err)
{
    const char *parent = getenv("TMPDIR");
    _cleanup_free_ char *absolute = path_absolute(parent && *parent ? parent : "/tmp");
    return fs_temp_dir(absolute, path, err);
}

/* Once its name is there, so is its content, whatever happens to the power. One syncfs() costs far
 * less than an fsync() of each of thousands of files. */
static bool sync_content(const char *dir, struct err **err)
{
    _cleanup_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || syncfs(fd) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot sync the directory '%s'", dir);
    return true;
}

bool fs_publish_dir(const char *temp, const char *final, struct err **err)
{
    _cleanup_free_ char *parent = path_dirname(final);

    if (!sync_content(temp, err))
        return false;
    if (!rename(temp, final))
        return fs_sync_dir(parent, err);
    int errnum = errno;

    if ((errnum == EEXIST || errnum == ENOTEMPTY) && fs_is_dir(final))
        return fs_remove_tree(temp, err);
    return err_set_errno(err, ERR_FAILED, errnum, "cannot rename '%s' to '%s'", temp, final);
}
