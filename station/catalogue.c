#include "station/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "base/text.h"
#include "station/catalogue_internal.h"

bool catalogue_is_name(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char other[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(name);
    return len >= 1 && len <= PRODUCT_NAME_MAX && strchr(first, name[0]) &&
           strspn(name, other) == len && !text_ends_with(name, ".yaml") &&
           !text_ends_with(name, ".yml");
}

struct product *catalogue_find(const struct catalogue *catalogue, const char *name)
{
    struct product *product = catalogue->first;
    while (product && strcmp(product->name, name) != 0)
        product = product->next;
    return product;
}

/* What the store knows of it from before. */
static void recall(struct catalogue *catalogue, struct product *product)
{
    struct err *err = NULL;
    json_t *known = NULL;
    if (!store_product_get(catalogue->station->store, product->name, &known, &err)) {
        err_free(err);
        return;
    }
    json_object_update_existing(product->json, known);
    json_decref(known);
}

struct product *catalogue_add(struct catalogue *catalogue, const char *name, const char *dir,
                              const char *manifest, bool flat)
{
    struct product *product = product_new(name, dir, manifest, flat);
    struct product **at = &catalogue->first;
    product->catalogue = catalogue;
    recall(catalogue, product);
    while (*at && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    product->next = *at;
    *at = product;
    return product;
}

void catalogue_drop(struct catalogue *catalogue, struct product *product)
{
    struct product **at = &catalogue->first;
    struct err *err = NULL;
    while (*at != product)
        at = &(*at)->next;
    *at = product->next;
    if (product->check)
        catalogue->checks--;
    if (!store_product_remove(catalogue->station->store, product->name, &err)) {
        if (err->code == ERR_NOT_FOUND)
            err_free_ptr(&err);
        else
            station_store_failed(catalogue->station, &err);
    }
    product_free(product);
    station_changed(catalogue->station);
}

/* ---- what others see ---- */

const json_t *catalogue_get(const struct catalogue *catalogue, const char *name)
{
    const struct product *product = catalogue_find(catalogue, name);
    return product ? product->json : NULL;
}

void catalogue_each(const struct catalogue *catalogue,
                    void (*each)(void *data, const json_t *product), void *data)
{
    for (const struct product *p = catalogue->first; p; p = p->next)
        each(data, p->json);
}

static json_t *latest_job(struct station *station, const char *name)
{
    struct err *err = NULL;
    struct job job;
    bool found = false;
    if (!store_product_job(station->store, name, &found, &job, &err) || !found) {
        err_free(err);
        return json_null();
    }
    json_t *json = job_to_json(&job, NULL, false);
    job_release(&job);
    return json;
}

static json_t *latest_image(struct station *station, const char *name)
{
    struct image_filter filter = {.product = name, .limit = 1};
    _cleanup_(image_list_release) struct image_list list = IMAGE_LIST_INIT;
    struct err *err = NULL;
    if (!store_images_list(station->store, &filter, &list, &err) || !list.count) {
        err_free(err);
        return json_null();
    }
    return image_to_json(&list.items[0], false);
}

json_t *product_shown(struct station *station, const json_t *product, bool in_full)
{
    static const char *const inner[] = {"need", "commit"}, *const full[] = {"files", "errors",
                                                                            "warnings"};
    const char *name = json_get_text(product, "name");
    json_t *shown = json_copy((json_t *)product);
    for (size_t i = 0; i < ARRAY_SIZE(inner); i++)
        json_object_del(shown, inner[i]);
    for (size_t i = 0; !in_full && i < ARRAY_SIZE(full); i++)
        json_object_del(shown, full[i]);
    json_object_set_new(shown, "job", latest_job(station, name));
    json_object_set_new(shown, "image", latest_image(station, name));
    return shown;
}

static bool no_such_product(const char *name, struct err **err)
{
    err_set(err, ERR_NOT_FOUND, "there is no product '%s'", name);
    return err_hint(err, "GET /v1/products has all of them");
}

bool catalogue_job(const struct catalogue *catalogue, const char *name, enum job_kind kind,
                   struct job *job, struct err **err)
{
    const struct settings *settings = catalogue->station->settings;
    const json_t *product = catalogue_get(catalogue, name);
    if (!product)
        return no_such_product(name, err);
    const char *state = json_get_text(product, "state");
    if (strcmp(state, "valid") != 0) {
        err_set(err, ERR_MANIFEST, "%s is %s", name,
                strcmp(state, "checking") == 0 ? "being checked" : "invalid");
        return err_hint(err,
                        strcmp(state, "checking") == 0
                            ? "ask again in a moment"
                            : "mend its errors: GET /v1/products/%s has them",
                        name);
    }
    const json_t *need = json_object_get(product, "need");
    job_init(job);
    job->kind = kind;
    job->product = xstrdup(name);
    job->bundle = xstrdup(json_get_text(product, "bundle"));
    job->need_memory = (uint64_t)json_get_int(need, "memory");
    job->need_cores = (int)json_get_int(need, "cores");
    if (!job->need_memory)
        job->need_memory = settings->build_memory;
    if (!job->need_cores)
        job->need_cores = settings->build_cores;
    job->submitted_ms = now_ms();
    return true;
}

/* ---- from the API ---- */

static bool is_changeable(const struct catalogue *catalogue, const char *name, struct err **err)
{
    const struct product *product = catalogue_find(catalogue, name);
    if (!product || product->submitted)
        return true;
    err_set(err, ERR_USAGE, "%s is kept in the directory of manifests", name);
    return err_hint(err, "change %s/%s there, or choose another name", product->dir,
                    product->manifest);
}

static bool write_files(const struct bundle *bundle, const char *temp, struct err **err)
{
    _cleanup_free_ char *mark = path_join(temp, SUBMITTED_MARK);
    if (!bundle_write_dir(bundle, temp, err) || !fs_write(mark, "", 0, 0644, err))
        return false;
    /* All files and directories of it at once. */
    int fd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && syncfs(fd) == 0;
    int errnum = errno;
    if (fd >= 0)
        close(fd);
    return ok || err_set_errno(err, ERR_FAILED, errnum, "cannot write %s to the disk", temp);
}

/* Exchange the directories in one step, so that there is always one of them whole. */
static bool publish(const char *temp, const char *dir, struct err **err)
{
    unsigned flags = fs_exists(dir) ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, dir, flags) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot put the files into %s", dir);
    _cleanup_free_ char *parent = path_dirname(dir);
    if (!fs_sync_dir(parent, err))
        return false;
    return flags != RENAME_EXCHANGE || fs_remove_tree(temp, err);
}

bool catalogue_put(struct catalogue *catalogue, const char *name, const struct bundle *bundle,
                   bool build, const char *by, struct err **err)
{
    const char *root = catalogue->station->settings->manifests;
    _cleanup_free_ char *dir = path_join(root, name);
    _cleanup_free_ char *temp = NULL;
    if (!is_changeable(catalogue, name, err) || !fs_temp_dir(root, &temp, err))
        return false;
    chmod(temp, 0755);
    if (!write_files(bundle, temp, err) || !publish(temp, dir, err)) {
        struct err *ignored = NULL;
        if (!fs_remove_tree(temp, &ignored))
            err_free(ignored);
        return false;
    }
    struct product *product = catalogue_find(catalogue, name);
    if (!product)
        product = catalogue_add(catalogue, name, dir, BUNDLE_MANIFEST, false);
    product->submitted = true;
    product_signature(product, product->signature);
    product->build = build;
    free(product->build_by);
    product->build_by = xstrdup(by);
    json_object_set_new(product->json, "state", json_string("checking"));
    catalogue_changed(catalogue, product);
    return true;
}

bool catalogue_remove(struct catalogue *catalogue, const char *name, struct err **err)
{
    struct product *product = catalogue_find(catalogue, name);
    if (!product)
        return no_such_product(name, err);
    if (!is_changeable(catalogue, name, err) || !fs_remove_tree(product->dir, err))
        return false;
    catalogue_drop(catalogue, product);
    return true;
}

/* ---- refs ---- */

void catalogue_followed(struct catalogue *catalogue, const char *name, const json_t *result)
{
    struct product *product = catalogue_find(catalogue, name);
    const json_t *lock = json_array_get(json_object_get(result, "locks"), 0);
    const char *commit = json_get_text(lock, "commit");
    if (!product || !*commit)
        return;
    const char *known = json_get_text(product->json, "commit");
    json_t *moved = json_deep_copy(json_object_get(lock, "changes"));
    if (!moved)
        moved = json_array();
    if (*known && strcmp(known, commit) != 0 && !json_array_size(moved))
        json_array_append_new(moved, json_sprintf("source %.10s -> %.10s", known, commit));
    json_object_set_new(product->json, "moved", moved);
    json_object_set_new(product->json, "followed_at", json_time(now_ms()));
    if (!*known)
        json_object_set_new(product->json, "commit", json_string(commit));
    catalogue_store(catalogue, product, false);
}

void catalogue_built(struct catalogue *catalogue, const char *name, const char *commit)
{
    struct product *product = catalogue_find(catalogue, name);
    if (!product || !*commit || strcmp(json_get_text(product->json, "commit"), commit) == 0)
        return;
    json_object_set_new(product->json, "commit", json_string(commit));
    json_object_set_new(product->json, "moved", json_array());
    catalogue_store(catalogue, product, false);
}

void catalogue_retry(struct catalogue *catalogue)
{
    for (struct product *p = catalogue->first; p; p = p->next)
        p->signature[0] = '\0'; /* looked at as if it were new */
    catalogue_look_soon(catalogue);
}

/* ---- life cycle ---- */

struct catalogue *catalogue_new(struct station *station, struct err **err)
{
    struct catalogue *catalogue = xcalloc(1, sizeof(*catalogue));
    catalogue->station = station;
    catalogue->inotify_fd = -1;
    if (fs_mkdirs(station->settings->manifests, err) &&
        fs_remove_leftovers(station->settings->manifests, err) && catalogue_watch(catalogue, err))
        return catalogue;
    catalogue_free(catalogue);
    return NULL;
}

void catalogue_free(struct catalogue *catalogue)
{
    if (!catalogue)
        return;
    catalogue_unwatch(catalogue);
    while (catalogue->first) {
        struct product *product = catalogue->first;
        catalogue->first = product->next;
        product_free(product);
    }
    free(catalogue);
}
