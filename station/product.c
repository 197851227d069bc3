#include "station/product.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "base/text.h"
#include "station/job.h"

#define LOCK_SUFFIX ".lock"

static json_t *new_json(const char *name)
{
    return json_pack("{s:s, s:s, s:n, s:n, s:n, s:[], s:[], s:i, s:b, s:s, s:n, s:[], s:n, s:n,"
                     " s:s, s:[], s:{}, s:n}",
                     "name", name, "state", "checking", "version", "board", "title", "errors",
                     "warnings", "error_count", 0, "auto_build", 0, "follow", "never",
                     "followed_at", "moved", "bundle", "changed_at", "source", "directory", "files",
                     "need", "commit");
}

struct product *product_new(const char *name, const char *dir, const char *manifest, bool flat)
{
    struct product *product = xcalloc(1, sizeof(*product));
    product->name = xstrdup(name);
    product->dir = xstrdup(dir);
    product->manifest = xstrdup(manifest);
    product->flat = flat;
    product->json = new_json(name);
    return product;
}

void product_free(struct product *product)
{
    child_free(product->check);
    free(product->name);
    free(product->dir);
    free(product->manifest);
    free(product->build_by);
    json_decref(product->json);
    json_decref(product->errors);
    json_decref(product->warnings);
    json_decref(product->result);
    free(product);
}

/* ---- its files ---- */

/* The name that a file of a bundle has in the directory: the manifest's differs in a flat one. */
static char *name_on_disk(const struct product *product, const char *path)
{
    if (strcmp(path, BUNDLE_MANIFEST) == 0)
        return xstrdup(product->manifest);
    if (strcmp(path, BUNDLE_MANIFEST LOCK_SUFFIX) == 0)
        return xasprintf("%s" LOCK_SUFFIX, product->manifest);
    return xstrdup(path);
}

static void list_flat(const struct product *product, struct strv *names)
{
    size_t i;
    json_t *file;
    strv_add(names, product->manifest);
    strv_addf(names, "%s" LOCK_SUFFIX, product->manifest);
    json_array_foreach(json_object_get(product->json, "files"), i, file)
    {
        _cleanup_free_ char *name = name_on_disk(product, json_get_text(file, "path"));
        strv_add(names, name);
    }
    strv_sort_unique(names);
}

static void list_dir(const struct product *product, struct strv *names)
{
    struct err *err = NULL;
    if (!fs_walk(product->dir, BUNDLE_FILES_MAX * 2, names, &err))
        err_free(err); /* reading them says what is wrong */
}

void product_signature(const struct product *product, char hex[HASH_HEX_SIZE])
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct hash hash;
    hash_init(&hash);
    if (product->flat)
        list_flat(product, &names);
    else
        list_dir(product, &names);
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(product->dir, names.items[i]);
        struct stat st = {0};
        if (lstat(path, &st) != 0)
            continue;
        hash_field_str(&hash, "path", names.items[i]);
        hash_field(&hash, "mtime", &st.st_mtim, sizeof(st.st_mtim));
        hash_field(&hash, "ctime", &st.st_ctim, sizeof(st.st_ctim));
        hash_field(&hash, "size", &st.st_size, sizeof(st.st_size));
        hash_field(&hash, "inode", &st.st_ino, sizeof(st.st_ino));
    }
    hash_final(&hash, hex);
}

static bool add_file(const struct product *product, const char *on_disk, const char *path,
                     struct bundle *bundle, struct err **err)
{
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    return fs_read_beneath(product->dir, on_disk, BUNDLE_BYTES_MAX, &data, err) &&
           bundle_add(bundle, path, data.data, data.len, err);
}

static bool read_flat(const struct product *product, struct bundle *bundle, struct err **err)
{
    size_t i;
    json_t *file;
    _cleanup_free_ char *lock = xasprintf("%s" LOCK_SUFFIX, product->manifest);
    _cleanup_free_ char *lock_path = path_join(product->dir, lock);
    if (!add_file(product, product->manifest, BUNDLE_MANIFEST, bundle, err) ||
        (fs_is_file(lock_path) &&
         !add_file(product, lock, BUNDLE_MANIFEST LOCK_SUFFIX, bundle, err)))
        return false;
    json_array_foreach(json_object_get(product->json, "files"), i, file)
    {
        const char *path = json_get_text(file, "path");
        _cleanup_free_ char *full = path_join(product->dir, path);
        /* One that has vanished is firn validate's to complain of. */
        if (!bundle_find(bundle, path) && fs_is_file(full) &&
            !add_file(product, path, path, bundle, err))
            return false;
    }
    return true;
}

bool product_read(const struct product *product, struct bundle *bundle, struct err **err)
{
    return product->flat ? read_flat(product, bundle, err)
                         : bundle_read_dir(product->dir, bundle, err);
}

void product_set_bundle(struct product *product, const struct bundle *bundle, const char *digest)
{
    json_t *files = json_array();
    for (size_t i = 0; i < bundle->count; i++)
        json_array_append_new(files, json_pack("{s:s, s:I}", "path", bundle->items[i].path, "size",
                                               (json_int_t)bundle->items[i].size));
    json_object_set_new(product->json, "files", files);
    json_object_set_new(product->json, "source",
                        json_string(product->submitted ? "submitted" : "directory"));
    if (strcmp(json_get_text(product->json, "bundle"), digest) == 0)
        return;
    json_object_set_new(product->json, "bundle", json_string(digest));
    json_object_set_new(product->json, "changed_at", json_time(now_ms()));
}

/* ---- what firn validate says ---- */

static json_t *copy(const json_t *event, const char *key)
{
    json_t *value = json_object_get(event, key);
    return value ? json_incref(value) : json_null();
}

void product_take_event(struct product *product, const json_t *event)
{
    static const char *const keys[] = {"file", "line", "column", "message", "hint", "text"};
    const char *name = json_get_text(event, "event"), *level = json_get_text(event, "level");
    if (strcmp(name, "result") == 0) {
        json_decref(product->result);
        product->result = json_deep_copy(event);
    }
    if (strcmp(name, "log") != 0 || strcmp(level, "info") == 0)
        return;
    json_t *said = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        json_object_set_new(said, keys[i], copy(event, keys[i]));
    /* A flat one's manifest has another name in the bundle, under which it is shown and changed. */
    if (strcmp(json_get_text(said, "file"), product->manifest) == 0)
        json_object_set_new(said, "file", json_string(BUNDLE_MANIFEST));
    bool is_error = strcmp(level, "error") == 0;
    json_array_append_new(is_error ? product->errors : product->warnings, said);
}

static void take_valid(json_t *json, const json_t *manifest)
{
    json_object_set_new(json, "title", copy(manifest, "product"));
    json_object_set_new(json, "version", copy(manifest, "version"));
    json_object_set_new(json, "board", copy(manifest, "board"));
    json_object_set_new(json, "auto_build",
                        json_boolean(json_is_true(json_object_get(manifest, "auto_build"))));
    const char *follow = json_get_text(manifest, "follow");
    json_object_set_new(json, "follow", json_string(*follow ? follow : "never"));
    json_object_set_new(json, "need",
                        json_pack("{s:o, s:o}", "memory", copy(manifest, "memory"), "cores",
                                  copy(manifest, "cores")));
}

/* What a flat one is made of, by its own word. Their sizes come when they are read. */
static void name_files(json_t *json, const json_t *names)
{
    size_t i;
    json_t *name, *files = json_array();
    json_array_foreach(names, i, name) json_array_append_new(
        files, json_pack("{s:s, s:i}", "path", json_string_value(name), "size", 0));
    json_object_set_new(json, "files", files);
}

void product_checked(struct product *product)
{
    const json_t *manifest = json_array_get(json_object_get(product->result, "manifests"), 0);
    bool ok = product->result && json_is_true(json_object_get(product->result, "ok"));
    if (!ok && !json_array_size(product->errors))
        json_array_append_new(product->errors,
                              json_pack("{s:n, s:n, s:n, s:s, s:n, s:s}", "file", "line", "column",
                                        "message", "firn validate ended without saying why", "hint",
                                        "text", "firn validate ended without saying why"));
    json_object_set_new(product->json, "state", json_string(ok ? "valid" : "invalid"));
    json_object_set_new(product->json, "error_count",
                        json_integer((json_int_t)json_array_size(product->errors)));
    json_object_set(product->json, "errors", product->errors);
    json_object_set(product->json, "warnings", product->warnings);
    if (ok)
        take_valid(product->json, manifest);
    if (ok && product->flat)
        name_files(product->json, json_object_get(manifest, "files"));
}
