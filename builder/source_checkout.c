#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/text.h"
#include "builder/git.h"
#include "builder/source.h"
#include "builder/source_submodules.h"

/*
 * $FIRN_HOME/src/<commit>-<set>/
 *     tree/          the files
 *     source.json    the submodules among them, so that a checkout that is there needs no git
 */
#define RECORD_MAX_BYTES (1024 * 1024)
#define SET_DIGITS 12

/* The submodules that were asked for name the set: the commit pins everything else about them but
 * the URLs, which may be relative to the superproject's. */
static char *checkout_path(const struct config *config, const struct source *source,
                           const struct strv *wanted)
{
    struct hash hash;
    char digest[HASH_HEX_SIZE];

    hash_init(&hash);
    if (wanted->count > 0)
        hash_field_str(&hash, "url", source->url);
    for (size_t i = 0; i < wanted->count; i++)
        hash_field_str(&hash, "submodule", wanted->items[i]);
    hash_final(&hash, digest);
    return xasprintf("%s/src/%s-%.*s", config->home, source->commit, SET_DIGITS, digest);
}

/* Sorted, each once. */
static void unique_paths(const char *const *submodules, struct strv *wanted)
{
    _cleanup_(strv_release) struct strv all = STRV_INIT;

    strv_add_all(&all, submodules);
    strv_sort(&all);
    for (size_t i = 0; i < all.count; i++) {
        if (i == 0 || strcmp(all.items[i], all.items[i - 1]) != 0)
            strv_add(wanted, all.items[i]);
    }
}

/* ---- source.json
 * --------------------------------------------------------------------------------- */

static bool record_write(const char *dir, const struct submodule_plan *plan, struct err **err)
{
    _cleanup_free_ char *path = path_join(dir, "source.json");
    json_t *list = json_array();

    for (size_t i = 0; i < plan->count; i++) {
        const struct submodule *s = &plan->items[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "path", s->path, "url", s->url,
                                              "commit", s->commit));
    }
    json_t *record = json_pack("{s:o}", "submodules", list);
    _cleanup_free_ char *text = json_dumps(record, JSON_SORT_KEYS | JSON_INDENT(1));
    json_decref(record);
    return fs_write(path, text, strlen(text), 0644, err);
}

static bool record_take(const json_t *list, struct source *source)
{
    size_t count = json_array_size(list), i;
    json_t *item;

    source->submodules = xcalloc(count + 1, sizeof(struct submodule));
    json_array_foreach(list, i, item)
    {
        const char *path, *url, *commit;
        if (json_unpack(item, "{s:s, s:s, s:s}", "path", &path, "url", &url, "commit", &commit) !=
            0)
            return false;
        source->submodules[source->submodule_count++] =
            (struct submodule){xstrdup(path), xstrdup(url), xstrdup(commit)};
    }
    return true;
}

static bool record_read(const char *dir, struct source *source, struct err **err)
{
    _cleanup_free_ char *path = path_join(dir, "source.json");
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    if (!fs_read(path, RECORD_MAX_BYTES, &text, err))
        return false;
    json_t *record = json_loadb(text.data, text.len, 0, NULL);
    const json_t *list = json_object_get(record, "submodules");
    bool ok = json_is_array(list) && record_take(list, source);
    json_decref(record);
    if (ok)
        return true;
    err_set(err, ERR_FETCH, "%s is damaged", path);
    return err_hint(err, "remove the directory %s; the next run makes it again", dir);
}

/* ---- writing it
 * ---------------------------------------------------------------------------------- */

/* A submodule goes where its gitlink left an empty directory; a link on the way there would lead
 * elsewhere (CVE-2024-32002). */
static bool check_place(const char *tree, const char *path, struct err **err)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int root = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
    int errnum = errno;

    if (root >= 0)
        close(root);
    if (fd < 0)
        return err_set_errno(err, ERR_FETCH, errnum, "submodule '%s' has no place in the checkout",
                             path);
    close(fd);
    return true;
}

static bool export_from(const char *mirror, const char *commit, const char *dir,
                        struct events *events, size_t *files, struct err **err)
{
    _cleanup_repo_ struct git_repository *repo = NULL;

    return repo_open(mirror, &repo, err) && repo_export(repo, commit, dir, events, files, err);
}

static bool write_trees(const struct source *source, const struct submodule_plan *plan,
                        const char *tree, struct events *events, struct err **err)
{
    size_t files = 0;

    if (!export_from(source->mirror, source->commit, tree, events, &files, err))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct submodule *s = &plan->items[i];
        _cleanup_free_ char *dir = path_join(tree, s->path);
        if (!check_place(tree, s->path, err) ||
            !export_from(plan->mirrors[i], s->commit, dir, events, &files, err))
            return err_wrap(err, "submodule '%s'", s->path);
    }
    event_progress(events, "source", files, files, "files", NULL);
    return true;
}

/* Made aside and renamed: a checkout is there with everything in it or it is not there. */
static bool write_checkout(const struct source *source, const struct submodule_plan *plan,
                           const char *parent, const char *final, struct events *events,
                           struct err **err)
{
    _cleanup_free_ char *temp = NULL;

    /* The lock is held: what is there is nobody's. */
    if (!fs_remove_leftovers(parent, err) || !fs_temp_dir(parent, &temp, err))
        return false;
    _cleanup_free_ char *tree = path_join(temp, "tree");
    if (fs_mkdirs(tree, err) && write_trees(source, plan, tree, events, err) &&
        record_write(temp, plan, err) && fs_publish_dir(temp, final, err))
        return true;
    _cleanup_err_ struct err *kept = NULL;
    if (!fs_remove_tree(temp, &kept))
        event_warning(events, "cannot remove %s: %s", temp, kept->message);
    return err_wrap(err, "cannot check %s %s out", source->url, source->ref);
}

static void say_waiting(void *events)
{
    event_info(events, "waiting for another firn that checks sources out");
}

static bool make_checkout(const struct source *source, const struct submodule_plan *plan,
                          const char *final, struct events *events, struct err **err)
{
    _cleanup_free_ char *parent = path_dirname(final);
    _cleanup_free_ char *lock = path_join(parent, ".lock");
    _cleanup_(fs_unlock) int fd = -1;

    if (!fs_mkdirs(parent, err) || !fs_lock(lock, say_waiting, events, &fd, err))
        return false;
    return fs_is_dir(final) || write_checkout(source, plan, parent, final, events, err);
}

bool source_checkout(const struct config *config, struct source *source,
                     const char *const *submodules, const struct source_options *options,
                     struct events *events, struct err **err)
{
    _cleanup_(submodule_plan_release) struct submodule_plan plan = SUBMODULE_PLAN_INIT;
    _cleanup_(strv_release) struct strv wanted = STRV_INIT;

    source_release_checkout(source);
    unique_paths(submodules, &wanted);
    _cleanup_free_ char *dir = checkout_path(config, source, &wanted);
    if (!fs_is_dir(dir) && (!submodule_plan_make(config, source, (const char *const *)wanted.items,
                                                 options, events, &plan, err) ||
                            !make_checkout(source, &plan, dir, events, err)))
        return false;
    if (!record_read(dir, source, err))
        return false;
    source->dir = path_join(dir, "tree");
    return true;
}
