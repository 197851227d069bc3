/* Directories and trees: what fs.h has about them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"

/* Deeper trees than this are not made by anything we run, and each level costs a descriptor. */
#define DEPTH_MAX 200
#define REMOVE_AGAIN_MS 10
#define REMOVE_TIMES 200

static void close_dir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}
#define _cleanup_dir_ _cleanup_(close_dir)

static DIR *open_dir_at(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && !dir)
        close(fd);
    return dir;
}

/* The next name without "." and ".."; NULL at the end, or with errno set. */
static const char *next_name(DIR *dir)
{
    struct dirent *entry;

    do {
        errno = 0;
        entry = readdir(dir);
    } while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
    return entry ? entry->d_name : NULL;
}

static bool read_names(DIR *dir, const char *shown, struct strv *names, struct err **err)
{
    const char *name;

    while ((name = next_name(dir)))
        strv_add(names, name);
    if (errno)
        return err_set_errno(err, ERR_FAILED, errno, "cannot read the directory '%s'", shown);
    return true;
}

bool fs_list(const char *path, struct strv *names, struct err **err)
{
    _cleanup_dir_ DIR *dir = opendir(path);

    if (!dir)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open the directory '%s'", path);
    if (!read_names(dir, path, names, err))
        return false;
    strv_sort(names);
    return true;
}

struct walk {
    const char *root;
    size_t max_files;
    struct strv *files;
};

static bool walk_dir(struct walk *walk, DIR *dir, const char *prefix, int depth, struct err **err);

static bool walk_entry(struct walk *walk, int parent, const char *prefix, const char *name,
                       int depth, struct err **err)
{
    _cleanup_free_ char *path = path_join(prefix, name);
    struct stat st;

    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot look at '%s' in '%s'", path,
                             walk->root);
    if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) {
        if (walk->files->count >= walk->max_files)
            return err_set(err, ERR_FAILED, "there are more than %zu files in '%s'",
                           walk->max_files, walk->root);
        strv_add(walk->files, path);
        return true;
    }
    if (!S_ISDIR(st.st_mode))
        return true;
    _cleanup_dir_ DIR *dir = open_dir_at(parent, name);

    if (!dir)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open the directory '%s' in '%s'", path,
                             walk->root);
    return walk_dir(walk, dir, path, depth + 1, err);
}

static bool walk_dir(struct walk *walk, DIR *dir, const char *prefix, int depth, struct err **err)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;

    if (depth > DEPTH_MAX)
        return err_set(err, ERR_FAILED, "'%s' is nested more than %d directories deep", walk->root,
                       DEPTH_MAX);
    if (!read_names(dir, walk->root, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++)
        if (!walk_entry(walk, dirfd(dir), prefix, names.items[i], depth, err))
            return false;
    return true;
}

bool fs_walk(const char *path, size_t max_files, struct strv *files, struct err **err)
{
    struct walk walk = {path, max_files, files};
    _cleanup_dir_ DIR *dir = opendir(path);

    if (!dir)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open the directory '%s'", path);
    if (!walk_dir(&walk, dir, "", 0, err))
        return false;
    strv_sort(files);
    return true;
}

static bool remove_at(int parent, const char *name, const char *shown, int depth, struct err **err);

static bool empty_dir(int parent, const char *name, const char *shown, int depth, struct err **err)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_dir_ DIR *dir = open_dir_at(parent, name);

    if (!dir && errno == EACCES && !fchmodat(parent, name, 0700, 0))
        dir = open_dir_at(parent, name);
    if (!dir && errno == ENOENT)
        return true; /* somebody else removes the same tree */
    if (!dir)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open the directory '%s'", shown);
    if (depth > DEPTH_MAX)
        return err_set(err, ERR_FAILED, "cannot remove '%s': nested more than %d directories deep",
                       shown, DEPTH_MAX);
    if (!read_names(dir, shown, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(shown, names.items[i]);

        if (!remove_at(dirfd(dir), names.items[i], path, depth + 1, err))
            return false;
    }
    return true;
}

/* unlinkat() that makes a read-only directory writeable when that is what is in the way; the one
 * that holds the whole tree (AT_FDCWD here) is not ours to change. */
static bool unlink_at(int parent, const char *name, int flags)
{
    if (!unlinkat(parent, name, flags) || errno == ENOENT)
        return true;
    if (errno != EACCES || parent == AT_FDCWD)
        return false;
    if (!fchmod(parent, 0700))
        return !unlinkat(parent, name, flags);
    errno = EACCES;
    return false;
}

/* A compiler whose firn was killed may write into it for a moment yet. */
static bool remove_dir(int parent, const char *name, const char *shown, int depth, struct err **err)
{
    const struct timespec wait = {0, 1000000L * REMOVE_AGAIN_MS};

    for (int times = 0;; times++) {
        if (!empty_dir(parent, name, shown, depth, err))
            return false;
        if (unlink_at(parent, name, AT_REMOVEDIR))
            return true;
        if (errno != ENOTEMPTY || times == REMOVE_TIMES)
            return err_set_errno(err, ERR_FAILED, errno, "cannot remove '%s'", shown);
        nanosleep(&wait, NULL);
    }
}

static bool remove_at(int parent, const char *name, const char *shown, int depth, struct err **err)
{
    struct stat st;

    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ||
               err_set_errno(err, ERR_FAILED, errno, "cannot remove '%s'", shown);
    if (S_ISDIR(st.st_mode))
        return remove_dir(parent, name, shown, depth, err);
    return unlink_at(parent, name, 0) ||
           err_set_errno(err, ERR_FAILED, errno, "cannot remove '%s'", shown);
}

bool fs_remove_tree(const char *path, struct err **err)
{
    return remove_at(AT_FDCWD, path, path, 0, err);
}

static uint64_t usage_at(int parent, const char *name, int depth)
{
    struct stat st;

    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    uint64_t bytes = (uint64_t)st.st_blocks * 512;

    if (!S_ISDIR(st.st_mode))
        return st.st_nlink > 1 ? bytes / st.st_nlink : bytes;
    _cleanup_dir_ DIR *dir = depth > DEPTH_MAX ? NULL : open_dir_at(parent, name);

    for (const char *child; dir && (child = next_name(dir));)
        bytes += usage_at(dirfd(dir), child, depth + 1);
    return bytes;
}

uint64_t fs_disk_usage(const char *path)
{
    return usage_at(AT_FDCWD, path, 0);
}

bool fs_remove_leftovers(const char *parent, struct err **err)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;

    if (!fs_list(parent, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(parent, names.items[i]);

        if (!strncmp(names.items[i], ".tmp-", 5) && !fs_remove_tree(path, err))
            return false;
    }
    return true;
}

static bool protect_at(int parent, const char *name, const char *shown, int depth, struct err **err)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct stat st;

    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot look at '%s'", shown);
    if (S_ISLNK(st.st_mode))
        return true;
    if (S_ISDIR(st.st_mode)) {
        _cleanup_dir_ DIR *dir = depth > DEPTH_MAX ? NULL : open_dir_at(parent, name);

        if (!dir)
            return err_set_errno(err, ERR_FAILED, errno, "cannot open the directory '%s'", shown);
        if (!read_names(dir, shown, &names, err))
            return false;
        for (size_t i = 0; i < names.count; i++)
            if (!protect_at(dirfd(dir), names.items[i], shown, depth + 1, err))
                return false;
    }
    if (!fchmodat(parent, name, st.st_mode & 0555, 0))
        return true;
    return err_set_errno(err, ERR_FAILED, errno, "cannot change '%s'", shown);
}

bool fs_make_read_only(const char *path, struct err **err)
{
    return protect_at(AT_FDCWD, path, path, 0, err);
}
