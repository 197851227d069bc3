/*
 * A preload library that makes one of a program's calls that write fail, as a disk does that is
 * full or broken. It counts those that reach below certain directories:
 *
 *     FIRN_FAULT_DIRS=DIR:DIR     which directories; absolute, without links
 *     FIRN_FAULT_AT=N             fail the Nth (from 1); 0 or absent: count only
 *     FIRN_FAULT_ERRNO=28         with ENOSPC (5: EIO)
 *     FIRN_FAULT_WHILE=FILE       instead: fail all of them while that file is there, which holds
 * the number of the error FIRN_FAULT_LOG=FILE         "N CALL PATH" of each call, or of the one
 * that failed
 *
 * The call does not happen, but for close(), which has closed all the same. What a program writes
 * through stdio fails when its stream is closed. Programs that this one starts are left alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS 1024

static atomic_int count;
static int fail_at, fail_errno;
static int log_fd = -1;
static char *dirs;
static const char *while_file;
static atomic_bool written[FDS]; /* since it was opened or synced */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void)
{
    const char *at = getenv("FIRN_FAULT_AT"), *number = getenv("FIRN_FAULT_ERRNO");
    const char *log = getenv("FIRN_FAULT_LOG"), *where = getenv("FIRN_FAULT_DIRS");

    fail_at = at ? atoi(at) : 0;
    fail_errno = number ? atoi(number) : ENOSPC;
    dirs = strdup(where ? where : "");
    while_file = getenv("FIRN_FAULT_WHILE");
    if (log)
        log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    unsetenv("LD_PRELOAD");
}

static bool is_watched(const char *path)
{
    for (const char *dir = dirs; *dir; dir += strcspn(dir, ":"), dir += *dir == ':') {
        size_t len = strcspn(dir, ":");

        if (!strncmp(path, dir, len) && (path[len] == '/' || !path[len]))
            return true;
    }
    return false;
}

static void note(int n, const char *call, const char *path)
{
    char line[PATH_MAX + 64];
    int len = snprintf(line, sizeof(line), "%d %s %s\n", n, call, path);

    if (log_fd >= 0 && REAL(write)(log_fd, line, (size_t)len) != len)
        abort();
}

/* The error that all calls fail with just now; 0 = none. */
static int error_for_all(void)
{
    char text[16] = "";
    int error = errno, fd = REAL(open)(while_file, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
        abort();
    if (fd >= 0)
        REAL(close)(fd);
    errno = error;
    return atoi(text);
}

/* Is this the call that fails? Then errno is set. */
static bool fails(const char *call, const char *path)
{
    int error = errno;

    if (!is_watched(path))
        return false;
    int n = atomic_fetch_add(&count, 1) + 1;
    int for_all = while_file ? error_for_all() : 0;

    if (for_all) {
        errno = for_all;
        return true;
    }
    if (!fail_at || n == fail_at)
        note(n, call, path);
    errno = n == fail_at ? fail_errno : error;
    return n == fail_at;
}

static bool fails_at(const char *call, int dir, const char *path)
{
    char whole[PATH_MAX], link[64];

    if (path[0] == '/')
        return fails(call, path);
    snprintf(link, sizeof(link), dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", dir);
    ssize_t len = readlink(link, whole, sizeof(whole) - 1);

    if (len < 0)
        return false;
    snprintf(whole + len, sizeof(whole) - (size_t)len, "/%s", path);
    return fails(call, whole);
}

static bool fails_fd(const char *call, int fd)
{
    char path[PATH_MAX], link[64];
    int error = errno;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);

    errno = error;
    if (len < 0)
        return false;
    path[len] = '\0';
    return fails(call, path);
}

static void set_written(int fd, bool is)
{
    if (fd >= 0 && fd < FDS)
        written[fd] = is;
}

/* ---- the calls ---- */

static int open_at(const char *symbol, int dir, const char *path, int flags, mode_t mode)
{
    int (*real)(int, const char *, int, ...) =
        (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, symbol);

    if (flags & O_CREAT && fails_at("open", dir, path))
        return -1;
    int fd = real(dir, path, flags, mode);

    set_written(fd, false);
    return fd;
}

/* The mode is there, or garbage that nobody looks at. */
#define TAKE_MODE(mode)                                                                            \
    va_list ap;                                                                                    \
    va_start(ap, flags);                                                                           \
    mode_t mode = va_arg(ap, mode_t);                                                              \
    va_end(ap)

int open(const char *path, int flags, ...)
{
    TAKE_MODE(mode);
    return open_at("openat", AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    TAKE_MODE(mode);
    return open_at("openat64", AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
    TAKE_MODE(mode);
    return open_at("openat", dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...)
{
    TAKE_MODE(mode);
    return open_at("openat64", dir, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (fails_fd("write", fd))
        return -1;
    set_written(fd, true);
    return REAL(write)(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (fails_fd("pwrite", fd))
        return -1;
    set_written(fd, true);
    return REAL(pwrite)(fd, data, len, offset);
}

/* What glibc calls them with 64 bits: the same functions, by the names that SQLite uses. */
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
    return pwrite(fd, data, len, offset);
}

int close(int fd)
{
    bool matters = fd >= 0 && fd < FDS && written[fd] && fails_fd("close", fd);
    int errnum = errno;
    int status = REAL(close)(fd);

    set_written(fd, false);
    if (!matters)
        return status;
    errno = errnum;
    return -1;
}

/* fd_call(CALL): int CALL(int fd) */
#define FD_CALL(call)                                                                              \
    int call(int fd)                                                                               \
    {                                                                                              \
        if (fails_fd(#call, fd))                                                                   \
            return -1;                                                                             \
        set_written(fd, false);                                                                    \
        return REAL(call)(fd);                                                                     \
    }
FD_CALL(fsync)
FD_CALL(fdatasync)
FD_CALL(syncfs)

int ftruncate(int fd, off_t size)
{
    return fails_fd("ftruncate", fd) ? -1 : REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

int fchmod(int fd, mode_t mode)
{
    return fails_fd("fchmod", fd) ? -1 : REAL(fchmod)(fd, mode);
}

int chmod(const char *path, mode_t mode)
{
    return fails_at("chmod", AT_FDCWD, path) ? -1 : REAL(chmod)(path, mode);
}

/* One that is there already is no write. */
int mkdir(const char *path, mode_t mode)
{
    struct stat st;

    if (!lstat(path, &st)) {
        errno = EEXIST;
        return -1;
    }
    return fails_at("mkdir", AT_FDCWD, path) ? -1 : REAL(mkdir)(path, mode);
}

char *mkdtemp(char *template)
{
    return fails_at("mkdtemp", AT_FDCWD, template) ? NULL : REAL(mkdtemp)(template);
}

int rename(const char *from, const char *to)
{
    return fails_at("rename", AT_FDCWD, to) ? -1 : REAL(rename)(from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return fails_at("renameat2", to_dir, to) ? -1
                                             : REAL(renameat2)(from_dir, from, to_dir, to, flags);
}

int symlink(const char *target, const char *path)
{
    return fails_at("symlink", AT_FDCWD, path) ? -1 : REAL(symlink)(target, path);
}

int link(const char *from, const char *to)
{
    return fails_at("link", AT_FDCWD, to) ? -1 : REAL(link)(from, to);
}

int utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
    return fails_at("utimensat", dir, path) ? -1 : REAL(utimensat)(dir, path, times, flags);
}

FILE *fopen(const char *path, const char *mode)
{
    bool writes = mode[0] != 'r' || strchr(mode, '+');

    return writes && fails_at("fopen", AT_FDCWD, path) ? NULL : REAL(fopen)(path, mode);
}

int fclose(FILE *stream)
{
    bool writes = (fcntl(fileno(stream), F_GETFL) & O_ACCMODE) != O_RDONLY;
    bool fail = writes && fails_fd("fclose", fileno(stream));
    int status = REAL(fclose)(stream);

    if (!fail)
        return status;
    errno = fail_errno;
    return EOF;
}
