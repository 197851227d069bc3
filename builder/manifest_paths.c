#include "builder/manifest.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

static bool beneath_any(const struct manifest *manifest, const char *absolute)
{
    if (path_is_beneath(absolute, manifest->dir))
        return true;
    for (const char *const *root = manifest->roots; *root; root++)
        if (path_is_beneath(absolute, *root))
            return true;
    return false;
}

bool manifest_path_allowed(const struct manifest *manifest, const char *path)
{
    _cleanup_free_ char *real = realpath(path, NULL);

    return real && beneath_any(manifest, real);
}

/* The first part of the path that is not there may be a typing error: the nearest name beside it.
 */
static char *missing_hint(const char *absolute)
{
    _cleanup_free_ char *part = xstrdup(absolute), *dir = path_dirname(absolute);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *err = NULL;

    while (!fs_exists(dir) && strcmp(dir, "/")) {
        free(part);
        part = dir;
        dir = path_dirname(part);
    }
    if (!fs_list(dir, &names, &err))
        return NULL;
    const char *nearest = text_nearest(path_basename(part), (const char *const *)names.items);
    return nearest ? xasprintf("did you mean '%s'?", nearest) : NULL;
}

static bool missing(const struct manifest *manifest, const struct ynode *node, const char *path,
                    const char *absolute, struct diags *diags)
{
    int reason = errno;
    _cleanup_free_ char *hint = missing_hint(absolute);

    if (reason == ENOENT || reason == ENOTDIR)
        return manifest_error(manifest, node, diags, hint, "'%s' does not exist", path);
    return manifest_error(manifest, node, diags, NULL, "cannot use '%s': %s", path,
                          strerror(reason));
}

char *manifest_path(const struct manifest *manifest, const struct ynode *node, const char *path,
                    struct diags *diags)
{
    _cleanup_free_ char *joined = path_join(manifest->dir, path);
    _cleanup_free_ char *absolute = path_absolute(joined);
    const char *hint = "move it there, or list its directory in roots";

    if (!beneath_any(manifest, absolute)) {
        manifest_error(manifest, node, diags, hint, "'%s' leaves the manifest's directory", path);
        return NULL;
    }
    _cleanup_free_ char *real = realpath(absolute, NULL);
    if (!real) {
        missing(manifest, node, path, absolute, diags);
        return NULL;
    }
    if (!beneath_any(manifest, real)) {
        manifest_error(manifest, node, diags, hint,
                       "'%s' is a symbolic link that leads out of the manifest's directory", path);
        return NULL;
    }
    return xstrdup(absolute);
}
