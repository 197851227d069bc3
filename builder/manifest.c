#include "builder/manifest.h"

#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "builder/manifest_keys.h"

/* The real directory of the manifest: paths in it are compared with links resolved. */
static bool find_dir(struct manifest *manifest, struct diags *diags)
{
    _cleanup_free_ char *dir = path_dirname(manifest->path);
    _cleanup_free_ char *real = realpath(dir, NULL);
    _cleanup_err_ struct err *err = NULL;

    if (real) {
        manifest->dir = arena_strdup(&manifest->doc.arena, real);
        return true;
    }
    (void)!err_set_errno(&err, ERR_MANIFEST, errno, "cannot find the directory %s", dir);
    diags_take_error(diags, err);
    err = NULL;
    return false;
}

struct manifest *manifest_load(const char *path, struct diags *diags)
{
    _cleanup_(manifest_free_ptr) struct manifest *manifest = xcalloc(1, sizeof(*manifest));
    static const char *const none[] = {NULL};

    if (!ydoc_load(&manifest->doc, path, diags))
        return NULL;
    manifest->path = arena_strdup(&manifest->doc.arena, path);
    manifest->roots = manifest->c_modules = manifest->check.imports = none;
    if (!find_dir(manifest, diags) || !manifest_read(manifest, diags) ||
        !manifest_check(manifest, diags))
        return NULL;
    struct manifest *result = manifest;
    manifest = NULL;
    return result;
}

void manifest_free(struct manifest *manifest)
{
    if (!manifest)
        return;
    ydoc_release(&manifest->doc);
    free(manifest);
}

bool manifest_error(const struct manifest *manifest, const struct ynode *node, struct diags *diags,
                    const char *hint, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    _cleanup_free_ char *message = xvasprintf(fmt, ap);
    va_end(ap);
    return ynode_error(&manifest->doc, node, diags, hint, "%s", message);
}
