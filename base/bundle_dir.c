/* Bundles and directories: see bundle.h. */
#include <errno.h>
#include <sys/stat.h>

#include "base/bundle.h"
#include "base/fs.h"

static bool read_file(struct bundle *bundle, const char *dir, const char *path, struct err **err)
{
    _cleanup_(buf_release) struct buf data = BUF_INIT;

    if (bundle_find(bundle, path))
        return true;
    return fs_read_beneath(dir, path, BUNDLE_BYTES_MAX, &data, err) &&
           bundle_add(bundle, path, data.data, data.len, err);
}

static bool add_entry(struct bundle *bundle, const char *dir, const char *path, struct err **err)
{
    _cleanup_free_ char *whole = path_join(dir, path);
    struct stat st;

    if (lstat(whole, &st) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot look at '%s'", whole);
    if (S_ISDIR(st.st_mode))
        return bundle_check_path(path, err) && bundle_add_dir(bundle, dir, path, err);
    return !S_ISREG(st.st_mode) || read_file(bundle, dir, path, err);
}

/* The depth is bounded by the length of paths. */
bool bundle_add_dir(struct bundle *bundle, const char *dir, const char *path, struct err **err)
{
    _cleanup_free_ char *whole = *path ? path_join(dir, path) : xstrdup(dir);
    _cleanup_(strv_release) struct strv names = STRV_INIT;

    if (!fs_list(whole, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *entry =
            *path ? path_join(path, names.items[i]) : xstrdup(names.items[i]);

        if (!bundle_skips_name(names.items[i]) && !add_entry(bundle, dir, entry, err))
            return false;
    }
    return true;
}

bool bundle_read_dir(const char *dir, struct bundle *bundle, struct err **err)
{
    return bundle_add_dir(bundle, dir, "", err) && bundle_check(bundle, err);
}

bool bundle_write_dir(const struct bundle *bundle, const char *dir, struct err **err)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (!fs_write_scratch_below(dir, bundle->items[i].path, bundle->items[i].data,
                                    bundle->items[i].size, err))
            return false;
    return true;
}
