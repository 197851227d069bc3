#include "builder/farm.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

struct farm {
    const char *from, *from_at, *to;
    const struct strv *written;
};

/* Is anything written in this directory or below it? "" is the root. */
static bool is_written(const struct farm *farm, const char *dir)
{
    size_t len = strlen(dir);
    for (size_t i = 0; i < farm->written->count; i++) {
        const char *path = farm->written->items[i];
        if (!strncmp(path, dir, len) && path[len] == '/')
            return true;
    }
    return len == 0;
}

static bool add_link(const struct farm *farm, const char *path, struct err **err)
{
    _cleanup_free_ char *target = path_join(farm->from_at, path);
    _cleanup_free_ char *link = path_join(farm->to, path);
    if (symlink(target, link) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_FAILED, errno, "cannot make the link '%s'", link);
    return true;
}

static bool add_dir(const struct farm *farm, const char *dir, struct err **err)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_free_ char *from = path_join(farm->from, dir);
    _cleanup_free_ char *to = path_join(farm->to, dir);
    if (!fs_mkdirs(to, err) || !fs_list(from, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path =
            dir[0] ? path_join(dir, names.items[i]) : xstrdup(names.items[i]);
        _cleanup_free_ char *full = path_join(farm->from, path);
        bool deeper = is_written(farm, path) && fs_is_dir(full);
        if (!(deeper ? add_dir(farm, path, err) : add_link(farm, path, err)))
            return false;
    }
    return true;
}

bool farm_make(const char *from, const char *from_at, const char *to, const struct strv *written,
               struct err **err)
{
    const struct farm farm = {from, from_at, to, written};
    return add_dir(&farm, "", err);
}
