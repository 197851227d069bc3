#include "builder/input_list.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "builder/build_job.h"
#include "builder/frozen_files.h"
#include "builder/lock.h"
#include "builder/working_copy.h"

#define DEPTH_MAX 32
#define DIRS_MAX 20000

/* A path and, where a link leads elsewhere, what is there. */
static void add_file(struct input_list *list, const char *path)
{
    char real[PATH_MAX];
    strv_add(&list->files, path);
    if (realpath(path, real) && strcmp(real, path) != 0)
        strv_add(&list->files, real);
}

typedef bool (*skip_fn)(const char *name);

static bool skip_none(const char *name)
{
    (void)name;
    return false;
}

/* Where editors, git and builds keep their own. */
static bool skip_hidden_and_output(const char *name)
{
    return name[0] == '.' || !strcmp(name, "out") || working_copy_skips(name);
}

/* A directory with all below it. Links to directories are followed as far as DEPTH_MAX allows. */
static void add_tree(struct input_list *list, const char *dir, skip_fn skip, int depth)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (depth == DEPTH_MAX || list->dirs.count == DIRS_MAX || !fs_list(dir, &names, &ignored))
        return;
    strv_add(&list->dirs, dir);
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(dir, names.items[i]);
        if (fs_is_dir(path) && !skip(names.items[i]))
            add_tree(list, path, skip, depth + 1);
    }
}

/* What is a file or a directory, or may become either: its own name in its parent counts, too. */
static void add_path(struct input_list *list, const char *path)
{
    add_file(list, path);
    if (fs_is_dir(path))
        add_tree(list, path, skip_none, 0);
}

/* A path as the manifest has it; one in the source ("$(MPY_DIR)/...") is not the user's. */
static void add_named(struct input_list *list, const struct manifest *m, const char *name)
{
    if (name[0] == '$')
        return;
    _cleanup_free_ char *joined = path_join(m->dir, name);
    _cleanup_free_ char *path = path_absolute(joined);
    add_path(list, path);
}

static void add_entry(struct input_list *list, const struct manifest *m,
                      const struct freeze_entry *entry)
{
    _cleanup_free_ char *name = path_join(entry->base_path ? entry->base_path : "", entry->name);
    if (entry->kind == FREEZE_MODULE || entry->kind == FREEZE_PACKAGE)
        add_named(list, m, entry->base_path && entry->base_path[0] ? name : entry->name);
    else if (freeze_kind_is_local(entry->kind) || entry->kind == FREEZE_INCLUDE)
        add_named(list, m, entry->name);
    else if (entry->kind == FREEZE_ADD_LIBRARY)
        add_named(list, m, entry->library);
}

static void add_manifest(struct input_list *list, const struct manifest *m)
{
    for (size_t i = 0; i < m->frozen_count; i++)
        add_entry(list, m, &m->frozen[i]);
    for (size_t i = 0; i < m->qstr_count; i++) {
        if (m->qstrs[i].file)
            add_named(list, m, m->qstrs[i].file);
    }
    for (size_t i = 0; m->c_modules[i]; i++)
        add_named(list, m, m->c_modules[i]);
    if (m->board.dir)
        add_named(list, m, m->board.dir);
    if (m->mboot.keys)
        add_named(list, m, m->mboot.keys);
    if (m->firmware.path) {
        _cleanup_free_ char *joined = path_join(m->dir, m->firmware.path);
        _cleanup_free_ char *dir = path_absolute(joined);
        add_file(list, dir);
        add_tree(list, dir, working_copy_skips, 0);
    }
}

static bool is_users(const struct build_job *job, const char *path)
{
    return (!job->source.dir || !path_is_beneath(path, job->source.dir)) &&
           !path_is_beneath(path, job->config->home) && !path_is_beneath(path, "/usr");
}

/* What manifest.py files read and listed, and the files that they froze. */
static void add_evaluation(struct input_list *list, const struct build_job *job)
{
    const struct evaluation *e = &job->evaluation;
    for (size_t i = 0; i < e->opened.count; i++) {
        if (is_users(job, e->opened.items[i]))
            add_file(list, e->opened.items[i]);
    }
    for (size_t i = 0; i < e->listed.count; i++) {
        if (is_users(job, e->listed.items[i]))
            strv_add(&list->dirs, e->listed.items[i]);
    }
    for (size_t i = 0; i < e->count; i++) {
        if (is_users(job, e->files[i].path))
            add_file(list, e->files[i].path);
    }
}

void input_list_collect(struct input_list *list, const struct build_job *job,
                        const char *manifest_path)
{
    _cleanup_free_ char *path = path_absolute(manifest_path);
    input_list_release(list);
    add_file(list, path);
    if (job->options->locked) {
        _cleanup_free_ char *lock = lock_path(path);
        add_file(list, lock);
    }
    if (job->manifest) {
        add_manifest(list, job->manifest);
        add_evaluation(list, job);
    }
    /* Not all could be read, and what was not may name any file there. */
    if (!job->image_dir) {
        _cleanup_free_ char *dir = path_dirname(path);
        add_tree(list, dir, skip_hidden_and_output, 0);
    }
    strv_sort_unique(&list->files);
    strv_sort_unique(&list->dirs);
    if (job->image_dir)
        memcpy(list->key, job->key, sizeof(list->key));
}

void input_list_release(struct input_list *list)
{
    strv_release(&list->files);
    strv_release(&list->dirs);
    *list = (struct input_list)INPUT_LIST_INIT;
}
