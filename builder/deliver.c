#include "builder/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"

#define COMPARE_MAX_BYTES (256u * 1024 * 1024)
#define ASIDE_NAME ".firn-new"

/* In the order in which they come. */
static const char *const suffixes[] = {"json", "map",      "hex",     "bin",
                                       "elf",  "pack.dfu", "app.dfu", "dfu"};

/* One delivery. changed[i]: that file is not as it is to be, or is not to be. */
struct delivery {
    const char *image_dir, *name, *output_dir;
    char *aside;
    bool changed[ARRAY_SIZE(suffixes)];
};

static char *file_in(const struct delivery *d, const char *dir, size_t i)
{
    return xasprintf("%s/%s.%s", dir, d->name, suffixes[i]);
}

/* Released by close(), or by the death of the process. */
static bool lock_directory(const char *dir, int *fd, struct err **err)
{
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0 && flock(*fd, LOCK_EX) == 0)
        return true;
    if (errno == EINTR)
        return err_set(err, ERR_INTERRUPTED, "interrupted while waiting for '%s'", dir);
    return err_set_errno(err, ERR_FAILED, errno, "cannot lock the directory '%s'", dir);
}

/* Is the file that the user has the image's? */
static bool compare(const char *from, const char *to, bool *differs, struct err **err)
{
    _cleanup_(buf_release) struct buf a = BUF_INIT;
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    _cleanup_err_ struct err *unreadable = NULL;
    if (!fs_is_file(from)) {
        *differs = fs_exists(to);
        return true;
    }
    if (!fs_read(from, COMPARE_MAX_BYTES, &a, err))
        return false;
    *differs = !fs_is_file(to) || !fs_read(to, COMPARE_MAX_BYTES, &b, &unreadable) ||
               a.len != b.len || memcmp(a.data, b.data, a.len) != 0;
    return true;
}

static bool find_changed(struct delivery *d, bool *any, struct err **err)
{
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        _cleanup_free_ char *from = file_in(d, d->image_dir, i);
        _cleanup_free_ char *to = file_in(d, d->output_dir, i);
        if (!compare(from, to, &d->changed[i], err))
            return false;
        *any |= d->changed[i];
    }
    return true;
}

static bool write_aside(const struct delivery *d, struct err **err)
{
    if (!fs_mkdirs(d->aside, err))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        _cleanup_free_ char *from = file_in(d, d->image_dir, i);
        _cleanup_free_ char *to = file_in(d, d->aside, i);
        if (d->changed[i] && fs_is_file(from) && !fs_copy(from, to, err))
            return false;
    }
    return true;
}

static bool remove_old(const struct delivery *d, struct err **err)
{
    for (size_t i = ARRAY_SIZE(suffixes); i-- > 0;) {
        _cleanup_free_ char *path = file_in(d, d->output_dir, i);
        if (d->changed[i] && unlink(path) != 0 && errno != ENOENT)
            return err_set_errno(err, ERR_FAILED, errno, "cannot replace '%s'", path);
    }
    return true;
}

static bool move_new(const struct delivery *d, struct err **err)
{
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        _cleanup_free_ char *from = file_in(d, d->aside, i);
        _cleanup_free_ char *to = file_in(d, d->output_dir, i);
        if (d->changed[i] && rename(from, to) != 0 && errno != ENOENT)
            return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", to);
    }
    return fs_sync_dir(d->output_dir, err);
}

static bool replace(struct delivery *d, struct err **err)
{
    bool any = false;
    if (!find_changed(d, &any, err) || !any)
        return !*err;
    return write_aside(d, err) && remove_old(d, err) && move_new(d, err);
}

static void close_lock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

bool deliver(const char *image_dir, const char *name, const char *output_dir, struct err **err)
{
    _cleanup_free_ char *aside = path_join(output_dir, ASIDE_NAME);
    struct delivery d = {image_dir, name, output_dir, aside, {false}};
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_(close_lock) int lock = -1;
    /* What a killed one left aside. */
    bool ok = fs_mkdirs(output_dir, err) && lock_directory(output_dir, &lock, err) &&
              fs_remove_tree(aside, err) && replace(&d, err);
    if (lock >= 0)
        (void)!fs_remove_tree(aside, &ignored);
    return ok || err_wrap(err, "cannot write the image to %s", output_dir);
}
