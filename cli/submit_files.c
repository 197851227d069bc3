#include "cli/submit_files.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/frozen_files.h"

#define MANIFEST_MAX (1024u * 1024)
#define WALK_MAX 100000

struct collect {
    struct bundle *bundle;
    const struct manifest *manifest;
    struct diags *diags;
};

/* An error that belongs to a place of the manifest. */
static bool fail_at(const struct collect *c, const struct ynode *node, struct err *err)
{
    _cleanup_(buf_release) struct buf message = BUF_INIT;

    err_add_message(err, &message);
    manifest_error(c->manifest, node, c->diags, err->hint, "%s", message.data);
    err_free(err);
    return false;
}

/* An absolute path as the bundle has it; borrowed from path. NULL: it lies outside. */
static const char *relative(const struct collect *c, const struct ynode *node, const char *path)
{
    size_t len = strlen(c->manifest->dir);

    if (path_is_beneath(path, c->manifest->dir))
        return path[len] == '/' ? path + len + 1 : path + len;
    manifest_error(c->manifest, node, c->diags,
                   "move it beneath the manifest's directory: what `roots` allows is not on the "
                   "daemon's machine",
                   "'%s' lies outside of the manifest's directory and cannot be sent", path);
    return NULL;
}

static bool add_file(const struct collect *c, const struct ynode *node, const char *path)
{
    const char *name = relative(c, node, path);
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    struct err *err = NULL;

    if (!name)
        return false;
    return bundle_find(c->bundle, name) ||
           (fs_read(path, BUNDLE_BYTES_MAX, &data, &err) &&
            bundle_add(c->bundle, name, data.data, data.len, &err)) ||
           fail_at(c, node, err);
}

static bool is_skipped(const char *path)
{
    for (const char *name = path; name; name = strchr(name, '/')) {
        name += *name == '/';
        _cleanup_free_ char *part = xstrndup(name, strcspn(name, "/"));
        if (bundle_skips_name(part))
            return true;
    }
    return false;
}

/* Where a build would follow a link, the daemon's has nothing. */
static bool warn_of_links(const struct collect *c, const struct ynode *node, const char *dir)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    struct err *err = NULL;

    if (!fs_walk(dir, WALK_MAX, &files, &err))
        return fail_at(c, node, err);
    for (size_t i = 0; i < files.count; i++) {
        _cleanup_free_ char *path = path_join(dir, files.items[i]);
        _cleanup_free_ char *shown = path_shown(path);
        struct stat st;

        if (is_skipped(files.items[i]) || lstat(path, &st) != 0 || !S_ISLNK(st.st_mode))
            continue;
        err_set(&err, ERR_MANIFEST, "'%s' is a symbolic link and is not sent", shown);
        err_hint(&err, "put the file itself there if a build needs it");
        diags_take_warning(c->diags, err);
        err = NULL;
    }
    return true;
}

static bool add_dir(const struct collect *c, const struct ynode *node, const char *path)
{
    const char *name = relative(c, node, path);
    struct err *err = NULL;

    if (!name)
        return false;
    if (!bundle_add_dir(c->bundle, c->manifest->dir, name, &err))
        return fail_at(c, node, err);
    return warn_of_links(c, node, path);
}

/* A path of the manifest: a file, or a directory with all that is in it. */
static bool add_path(const struct collect *c, const struct ynode *node, const char *path)
{
    _cleanup_free_ char *absolute = manifest_path(c->manifest, node, path, c->diags);

    if (!absolute)
        return false;
    return fs_is_dir(absolute) ? add_dir(c, node, absolute) : add_file(c, node, absolute);
}

/* ---- what a manifest names ---- */

static bool add_frozen(const struct collect *c, const struct freeze_entry *entry)
{
    _cleanup_(freeze_files_release) struct freeze_files files = FREEZE_FILES_INIT;

    if (!freeze_files_list(&files, c->manifest, entry, c->diags))
        return false;
    for (size_t i = 0; i < files.count; i++)
        if (!add_file(c, entry->node, files.items[i].path))
            return false;
    return true;
}

/* A manifest.py names what it likes: most likely what lies beside it. */
static bool add_python(const struct collect *c, const struct freeze_entry *entry)
{
    bool library = entry->kind == FREEZE_ADD_LIBRARY;
    const char *path = library ? entry->library : entry->name;
    const struct ynode *node = library ? entry->library_node : entry->node;

    if (text_starts_with(path, "$("))
        return true;
    _cleanup_free_ char *absolute = manifest_path(c->manifest, node, path, c->diags);
    _cleanup_free_ char *dir = !absolute || fs_is_dir(absolute) ? NULL : path_dirname(absolute);
    return absolute && add_dir(c, node, dir ? dir : absolute);
}

static bool add_all_frozen(const struct collect *c)
{
    bool ok = true;

    for (size_t i = 0; i < c->manifest->frozen_count; i++) {
        const struct freeze_entry *entry = &c->manifest->frozen[i];

        if (entry->kind == FREEZE_INCLUDE || entry->kind == FREEZE_ADD_LIBRARY)
            ok &= add_python(c, entry);
        else if (freeze_kind_is_local(entry->kind))
            ok &= add_frozen(c, entry);
    }
    return ok;
}

static bool add_qstrs(const struct collect *c)
{
    bool ok = true;

    for (size_t i = 0; i < c->manifest->qstr_count; i++)
        if (c->manifest->qstrs[i].file)
            ok &= add_path(c, c->manifest->qstrs[i].node, c->manifest->qstrs[i].file);
    return ok;
}

/* Whoever gets the bundle can sign with them. */
static bool add_keys(const struct collect *c)
{
    const struct manifest *m = c->manifest;
    struct err *err = NULL;

    err_set(&err, ERR_MANIFEST, "the keys in '%s' are sent, and kept by the daemon", m->mboot.keys);
    err_hint(&err, "the boot loader cannot be built without them");
    diags_take_warning(c->diags, err);
    return add_path(c, m->mboot.keys_node, m->mboot.keys);
}

/* The daemon's machine has neither. */
static bool refuse_paths(const struct collect *c)
{
    const struct manifest *m = c->manifest;
    bool ok = true;

    if (m->firmware.path)
        ok = manifest_error(m, ynode_get(m->firmware.node, "path"), c->diags,
                            "commit it, and name git and ref",
                            "a working copy of the sources cannot be sent");
    for (const char *const *root = m->roots; *root; root++)
        if (!path_is_beneath(*root, m->dir))
            ok = manifest_error(m, ynode_get(m->doc.root, "roots"), c->diags,
                                "put what is needed of it beneath the manifest's directory",
                                "roots: '%s' is not on the daemon's machine", *root);
    return ok;
}

static bool add_named(const struct collect *c)
{
    const struct manifest *m = c->manifest;
    const struct ynode *modules = ynode_get(m->doc.root, "c_modules");
    bool ok = refuse_paths(c) && add_all_frozen(c);

    ok &= add_qstrs(c);
    for (size_t i = 0; m->c_modules[i]; i++)
        ok &= add_path(c, modules, m->c_modules[i]);
    if (m->board.dir)
        ok &= add_path(c, m->board.dir_node, m->board.dir);
    if (m->mboot.keys)
        ok &= add_keys(c);
    return ok;
}

/* ---- all of it ---- */

/* The manifest, under the name that a bundle has it by, and its lock. */
static bool add_manifest(struct bundle *bundle, const char *path, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT, lock = BUF_INIT;
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", path);

    if (!fs_read(path, MANIFEST_MAX, &text, err) ||
        !bundle_add(bundle, BUNDLE_MANIFEST, text.data, text.len, err))
        return false;
    return !fs_exists(lock_path) ||
           (fs_read(lock_path, BUNDLE_BYTES_MAX, &lock, err) &&
            bundle_add(bundle, BUNDLE_MANIFEST ".lock", lock.data, lock.len, err));
}

bool submit_files_collect(struct bundle *bundle, const struct manifest *manifest,
                          const struct strv *further, struct diags *diags)
{
    const struct collect c = {bundle, manifest, diags};
    struct err *err = NULL;
    bool ok = true;

    if (!add_manifest(bundle, manifest->path, &err)) {
        diags_take_error(diags, err);
        return false;
    }
    for (size_t i = 0; further && i < further->count; i++)
        ok &= add_path(&c, manifest->doc.root, further->items[i]);
    ok &= add_named(&c);
    if (ok && !bundle_check(bundle, &err)) {
        diags_take_error(diags, err);
        ok = false;
    }
    return ok;
}

bool submit_files_all(struct bundle *bundle, const char *manifest_path, struct err **err)
{
    _cleanup_free_ char *dir = path_dirname(manifest_path);

    return add_manifest(bundle, manifest_path, err) && bundle_add_dir(bundle, dir, "", err) &&
           bundle_check(bundle, err);
}
