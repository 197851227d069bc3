#include "builder/manifest_keys.h"

#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/frozen_files.h"
#include "image/mboot_keys.h"

static const struct ynode *node_of(const struct manifest *manifest, const char *key)
{
    return ynode_get(manifest->doc.root, key);
}

/* The node of the i-th string of a key that holds one string or a list of them. */
static const struct ynode *item_node(const struct ynode *node, size_t i)
{
    return node->type == YNODE_SEQUENCE ? node->items[i] : node;
}

/* Make the roots absolute, links resolved, so that other paths can be compared with them. */
static bool resolve_roots(struct manifest *m, struct diags *diags)
{
    const struct ynode *node = node_of(m, "roots");
    size_t count = 0;
    bool ok = true;

    while (m->roots[count])
        count++;
    const char **roots = arena_alloc(&m->doc.arena, (count + 1) * sizeof(*roots));
    for (size_t i = 0, kept = 0; i < count; i++) {
        _cleanup_free_ char *joined = path_join(m->dir, m->roots[i]);
        _cleanup_free_ char *real = realpath(joined, NULL);
        if (real && fs_is_dir(real))
            roots[kept++] = arena_strdup(&m->doc.arena, real);
        else
            ok = manifest_error(m, item_node(node, i), diags, NULL,
                                "roots: '%s' is not a directory", m->roots[i]);
    }
    m->roots = roots;
    return ok;
}

static bool check_dir(const struct manifest *m, const struct ynode *node, const char *path,
                      const char *must_hold, struct diags *diags)
{
    _cleanup_free_ char *absolute = manifest_path(m, node, path, diags);

    if (!absolute)
        return false;
    if (!fs_is_dir(absolute))
        return manifest_error(m, node, diags, NULL, "'%s' is not a directory", path);
    if (!must_hold)
        return true;
    _cleanup_free_ char *file = path_join(absolute, must_hold);
    return fs_is_file(file) ||
           manifest_error(m, node, diags, NULL, "'%s' holds no %s", path, must_hold);
}

static bool check_file(const struct manifest *m, const struct ynode *node, const char *path,
                       struct diags *diags)
{
    _cleanup_free_ char *absolute = manifest_path(m, node, path, diags);

    return absolute && (fs_is_file(absolute) ||
                        manifest_error(m, node, diags, NULL, "'%s' is not a file", path));
}

/* The keys themselves are read again by the build. */
static bool check_keys(const struct manifest *m, struct diags *diags)
{
    struct mboot_keys keys;
    struct err *err = NULL;
    char digest[HASH_HEX_SIZE];

    if (!check_file(m, m->mboot.keys_node, m->mboot.keys, diags))
        return false;
    _cleanup_free_ char *path = manifest_path(m, m->mboot.keys_node, m->mboot.keys, diags);
    if (path && mboot_keys_load(path, &keys, digest, &err)) {
        mboot_keys_release(&keys);
        return true;
    }
    if (path)
        manifest_error(m, m->mboot.keys_node, diags, err->hint, "'%s': %s", m->mboot.keys,
                       err->message);
    err_free(err);
    return false;
}

static bool check_paths(const struct manifest *m, struct diags *diags)
{
    bool ok = true;

    if (m->firmware.path)
        ok &= check_dir(m, ynode_get(m->firmware.node, "path"), m->firmware.path, NULL, diags);
    if (m->board.dir)
        ok &= check_dir(m, m->board.dir_node, m->board.dir, NULL, diags);
    if (m->mboot.keys)
        ok &= check_keys(m, diags);
    for (size_t i = 0; m->c_modules[i]; i++)
        ok &= check_dir(m, item_node(node_of(m, "c_modules"), i), m->c_modules[i], "micropython.mk",
                        diags);
    for (size_t i = 0; i < m->qstr_count; i++)
        if (m->qstrs[i].file)
            ok &= check_file(m, ynode_get(m->qstrs[i].node, "file"), m->qstrs[i].file, diags);
    return ok;
}

/* $(MPY_DIR)/... is known only to the interpreter's own manifestfile.py, so the path that follows
 * cannot be looked up yet; the variable's name can. */
static bool check_variable(const struct manifest *m, const struct ynode *node, const char *path,
                           struct diags *diags)
{
    static const char *const known[] = {"MPY_DIR", "MPY_LIB_DIR", "PORT_DIR", "BOARD_DIR", NULL};
    size_t len = strcspn(path + 2, ")");
    _cleanup_free_ char *name = xstrndup(path + 2, len);
    const char *nearest = text_nearest(name, known);

    for (const char *const *k = known; *k; k++)
        if (path[2 + len] && !strcmp(name, *k))
            return true;
    _cleanup_free_ char *hint =
        nearest ? xasprintf("did you mean '$(%s)'?", nearest)
                : xstrdup("known are MPY_DIR, MPY_LIB_DIR, PORT_DIR and BOARD_DIR");
    return manifest_error(m, node, diags, hint, "unknown variable in '%s'", path);
}

/* include: a manifest.py or a directory that holds one. add_library: a directory. */
static bool check_python_path(const struct manifest *m, const struct freeze_entry *entry,
                              struct diags *diags)
{
    bool library = entry->kind == FREEZE_ADD_LIBRARY;
    const char *path = library ? entry->library : entry->name;
    const struct ynode *node = library ? entry->library_node : entry->node;

    if (text_starts_with(path, "$("))
        return check_variable(m, node, path, diags);
    if (library)
        return check_dir(m, node, path, NULL, diags);
    _cleanup_free_ char *absolute = manifest_path(m, node, path, diags);
    if (!absolute)
        return false;
    return !fs_is_dir(absolute) || check_dir(m, node, path, "manifest.py", diags);
}

/* A frozen module's name, with what brought it. */
struct named {
    char *name; /* "acme/io": without suffix, so that io.py and io.mpy are one */
    const struct freeze_entry *entry;
    size_t index; /* of the entry: the later one gets the error */
};

struct names {
    struct named *items;
    size_t count;
};

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].name);
    free(names->items);
}

static void add_names(struct names *names, const struct freeze_files *files,
                      const struct freeze_entry *entry, size_t index)
{
    names->items = xreallocarray(names->items, names->count + files->count, sizeof(*names->items));
    for (size_t i = 0; i < files->count; i++) {
        const char *target = files->items[i].target;
        char *name = xstrndup(target, (size_t)(strrchr(target, '.') - target));
        names->items[names->count++] = (struct named){name, entry, index};
    }
}

static int compare_names(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static bool report_duplicate(const struct manifest *m, const struct named *first,
                             const struct named *again, struct diags *diags)
{
    enum freeze_kind a = first->entry->kind, b = again->entry->kind;
    _cleanup_free_ char *hint =
        xasprintf("it comes from line %u already", first->entry->node->line);

    if ((a == FREEZE_AS_STR) != (b == FREEZE_AS_STR))
        return manifest_error(m, again->entry->node, diags, hint,
                              "module '%s' is frozen both as source and as bytecode: the source "
                              "would hide the other",
                              first->name);
    return manifest_error(m, again->entry->node, diags, hint, "module '%s' is frozen twice",
                          first->name);
}

/* Two files of one name: MicroPython's own tools find out in the C compiler, or not at all. One
 * error for each pair of entries is enough. */
static bool check_duplicates(const struct manifest *m, struct names *names, struct diags *diags)
{
    size_t reported = SIZE_MAX; /* the index of an entry */
    bool ok = true;

    if (names->count) /* qsort() takes no NULL */
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
    for (size_t i = 1; i < names->count; i++) {
        const struct named *first = &names->items[i - 1], *again = &names->items[i];
        if (strcmp(first->name, again->name) || again->index == reported)
            continue;
        reported = again->index;
        ok = report_duplicate(m, first, again, diags);
    }
    return ok;
}

static bool check_frozen(const struct manifest *m, struct diags *diags)
{
    _cleanup_(names_release) struct names names = {NULL, 0};
    bool ok = true;

    for (size_t i = 0; i < m->frozen_count; i++) {
        const struct freeze_entry *entry = &m->frozen[i];
        _cleanup_(freeze_files_release) struct freeze_files files = FREEZE_FILES_INIT;
        if (!entry->name || (entry->kind == FREEZE_ADD_LIBRARY && !entry->library))
            continue;
        if (entry->kind == FREEZE_INCLUDE || entry->kind == FREEZE_ADD_LIBRARY)
            ok &= check_python_path(m, entry, diags);
        else if (freeze_files_list(&files, m, entry, diags))
            add_names(&names, &files, entry, i);
        else
            ok = false;
    }
    return check_duplicates(m, &names, diags) && ok;
}

bool manifest_check(struct manifest *manifest, struct diags *diags)
{
    if (!resolve_roots(manifest, diags))
        return false;
    bool ok = check_paths(manifest, diags);
    return check_frozen(manifest, diags) && ok;
}
