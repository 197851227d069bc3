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

static int compare_places(const void *a, const void *b)
{
    const struct err *x = *(struct err *const *)a, *y = *(struct err *const *)b;
    int order = (x->line > y->line) - (x->line < y->line);

    return order ? order : (x->column > y->column) - (x->column < y->column);
}

/* Read and check; the errors are put into the order in which they stand in the file. */
static bool read_and_check(struct manifest *manifest, struct diags *diags)
{
    size_t first = diags->error_count;
    bool ok = find_dir(manifest, diags);

    if (ok) {
        ok = manifest_read(manifest, diags);
        ok &= manifest_check(manifest, diags);
    }
    qsort(diags->errors + first, diags->error_count - first, sizeof(*diags->errors),
          compare_places);
    return ok;
}

struct manifest *manifest_load(const char *path, struct diags *diags)
{
    _cleanup_(manifest_free_ptr) struct manifest *manifest = xcalloc(1, sizeof(*manifest));
    static const char *const none[] = {NULL};

    if (!ydoc_load(&manifest->doc, path, diags))
        return NULL;
    manifest->path = arena_strdup(&manifest->doc.arena, path);
    manifest->roots = manifest->c_modules = manifest->check.imports = manifest->check.skip = none;
    if (!read_and_check(manifest, diags))
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

bool manifest_has_bootloader(const struct manifest *manifest)
{
    return manifest->mboot.node && (manifest->mboot.build || !manifest->mboot.given);
}

const char *manifest_make_value(const struct manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->make_count; i++)
        if (!strcmp(manifest->make[i].name, name))
            return manifest->make[i].value;
    return NULL;
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
