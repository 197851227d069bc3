#include "builder/frozen_files.h"

#include <string.h>

#include "base/fs.h"
#include "base/text.h"

/* What the listing of one entry needs on every level. */
struct listing {
    struct freeze_files *files;
    const struct manifest *manifest;
    const struct freeze_entry *entry;
    struct diags *diags;
    const char *suffix; /* ".py" or ".mpy": the files that count */
    int dirs;           /* walked: links to directories can multiply them */
};

static const struct {
    const char *name;
    const char *suffix; /* NULL: not local */
} kinds[] = {
    [FREEZE_BOARD] = {"board", NULL},
    [FREEZE_MODULE] = {"module", ".py"},
    [FREEZE_PACKAGE] = {"package", ".py"},
    [FREEZE_AS_STR] = {"freeze_as_str", ".py"},
    [FREEZE_AS_MPY] = {"freeze_as_mpy", ".py"},
    [FREEZE_MPY] = {"freeze_mpy", ".mpy"},
    [FREEZE_REQUIRE] = {"require", NULL},
    [FREEZE_INCLUDE] = {"include", NULL},
    [FREEZE_ADD_LIBRARY] = {"add_library", NULL},
};

bool freeze_kind_is_local(enum freeze_kind kind)
{
    return kinds[kind].suffix;
}

const char *freeze_kind_name(enum freeze_kind kind)
{
    return kinds[kind].name;
}

static char *join(const char *dir, const char *name)
{
    return *dir ? path_join(dir, name) : xstrdup(name);
}

/* Takes path and target. */
static void add_file(struct freeze_files *files, char *path, char *target)
{
    if (files->count == files->size) {
        files->size = files->size ? files->size * 2 : 16;
        files->items = xreallocarray(files->items, files->size, sizeof(*files->items));
    }
    files->items[files->count++] = (struct freeze_file){path, target};
}

static bool walk_error(struct listing *listing, const char *path, const char *hint,
                       const char *reason)
{
    return manifest_error(listing->manifest, listing->entry->node, listing->diags, hint,
                          "%s: '%s' %s", freeze_kind_name(listing->entry->kind), path, reason);
}

static bool walk(struct listing *listing, const char *dir, const char *target, int depth);

static bool walk_name(struct listing *listing, const char *dir, const char *target,
                      const char *name, int depth)
{
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_free_ char *sub = join(target, name);
    bool is_dir = fs_is_dir(path);
    if (!is_dir && !text_ends_with(name, listing->suffix))
        return true;
    if (!is_dir && !fs_is_file(path))
        return walk_error(listing, sub, "remove it", "is a link to nothing, or no regular file");
    if (!manifest_path_allowed(listing->manifest, path))
        return walk_error(listing, sub, "copy the file, or list the other directory in roots",
                          "is a symbolic link that leads out of the manifest's directory");
    if (is_dir)
        return walk(listing, path, sub, depth + 1);
    if (listing->files->count >= FREEZE_FILES_MAX)
        return walk_error(listing, listing->entry->name, "name a smaller directory",
                          "holds more than 10000 files");
    add_file(listing->files, path, sub);
    path = sub = NULL;
    return true;
}

/* Every file below dir that has the suffix, as target/... */
static bool walk(struct listing *listing, const char *dir, const char *target, int depth)
{
    if (depth > FREEZE_DEPTH_MAX || ++listing->dirs > FREEZE_FILES_MAX)
        return walk_error(listing, target, "does a symbolic link lead back to its own directory?",
                          "leads through too many directories");
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *err = NULL;
    if (!fs_list(dir, &names, &err))
        return manifest_error(listing->manifest, listing->entry->node, listing->diags, NULL, "%s",
                              err->message);
    for (size_t i = 0; i < names.count; i++)
        if (!walk_name(listing, dir, target, names.items[i], depth))
            return false;
    return true;
}

/* The part of a path that becomes the name of a module: "acme/io.py", nothing to be resolved. */
static bool check_target(struct listing *listing, const char *target)
{
    _cleanup_free_ char *guarded = xasprintf("/%s/", target);
    if (strstr(guarded, "/../") || strstr(guarded, "/./") || strstr(guarded, "//"))
        return walk_error(listing, target, "put the directory into base_path",
                          "would become the module's name, which has no '.', '..' or empty part");
    return true;
}

/* A file or directory that the manifest names itself. */
static bool list_named(struct listing *listing, const char *path, const char *target)
{
    _cleanup_free_ char *absolute =
        manifest_path(listing->manifest, listing->entry->node, path, listing->diags);
    if (!absolute)
        return false;
    if (fs_is_dir(absolute))
        return walk(listing, absolute, target, 0);
    if (!fs_is_file(absolute) || !text_ends_with(absolute, listing->suffix))
        return manifest_error(listing->manifest, listing->entry->node, listing->diags, NULL,
                              "%s: '%s' is not a %s file", freeze_kind_name(listing->entry->kind),
                              path, listing->suffix);
    add_file(listing->files, absolute, xstrdup(*target ? target : path_basename(path)));
    absolute = NULL;
    return true;
}

/* The files or directories listed in files: or script:, whose names start in `dir`. */
static bool list_parts(struct listing *listing, const char *dir, const char *target_dir)
{
    for (const char *const *part = listing->entry->files; *part; part++) {
        _cleanup_free_ char *path = path_join(dir, *part);
        _cleanup_free_ char *target = join(target_dir, *part);
        if (!check_target(listing, target) || !list_named(listing, path, target))
            return false;
    }
    return true;
}

static bool list_module(struct listing *listing)
{
    const struct freeze_entry *entry = listing->entry;
    _cleanup_free_ char *path = join(entry->base_path, entry->name);
    if (!text_ends_with(entry->name, ".py"))
        return manifest_error(listing->manifest, entry->node, listing->diags,
                              "a directory is a package", "module: '%s' is not a .py file",
                              entry->name);
    return check_target(listing, entry->name) && list_named(listing, path, entry->name);
}

static bool list_package(struct listing *listing)
{
    const struct freeze_entry *entry = listing->entry;
    _cleanup_free_ char *path = join(entry->base_path, entry->name);
    if (!check_target(listing, entry->name))
        return false;
    if (entry->files)
        return list_parts(listing, path, entry->name);
    _cleanup_free_ char *dir = manifest_path(listing->manifest, entry->node, path, listing->diags);
    if (!dir)
        return false;
    if (!fs_is_dir(dir))
        return manifest_error(listing->manifest, entry->node, listing->diags,
                              "a single file is a module", "package: '%s' is not a directory",
                              path);
    return walk(listing, dir, entry->name, 0);
}

static bool list_entry(struct listing *listing)
{
    switch (listing->entry->kind) {
    case FREEZE_MODULE:
        return list_module(listing);
    case FREEZE_PACKAGE:
        return list_package(listing);
    default: /* the freeze_* family: the path itself is not part of the name */
        return listing->entry->files ? list_parts(listing, listing->entry->name, "")
                                     : list_named(listing, listing->entry->name, "");
    }
}

static int compare_targets(const void *a, const void *b)
{
    const struct freeze_file *x = a, *y = b;
    return strcmp(x->target, y->target);
}

bool freeze_files_list(struct freeze_files *files, const struct manifest *manifest,
                       const struct freeze_entry *entry, struct diags *diags)
{
    struct listing listing = {files, manifest, entry, diags, kinds[entry->kind].suffix, 0};
    size_t before = files->count;
    if (!listing.suffix)
        return true;
    if (!list_entry(&listing))
        return false;
    if (files->count == before)
        return walk_error(&listing, entry->name, "an empty entry would freeze nothing: remove it",
                          strcmp(listing.suffix, ".py") ? "holds no .mpy file"
                                                        : "holds no .py file");
    qsort(files->items, files->count, sizeof(*files->items), compare_targets);
    return true;
}

void freeze_files_release(struct freeze_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].path);
        free(files->items[i].target);
    }
    free(files->items);
    *files = (struct freeze_files)FREEZE_FILES_INIT;
}
