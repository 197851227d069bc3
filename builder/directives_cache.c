#include "builder/directives_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "builder/leftover.h"

#define CACHE_MAX_BYTES (16u * 1024 * 1024)

static char *cache_path(const struct evaluation_context *x, const json_t *request)
{
    char hex[HASH_HEX_SIZE];
    _cleanup_free_ char *text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);
    hash_bytes(text, strlen(text), hex);
    return xasprintf("%s/evaluations/%s.json", x->config->home, hex);
}

/* "" for a file that is not there: that, too, may change. */
static void file_state(const char *path, char hex[HASH_HEX_SIZE])
{
    _cleanup_err_ struct err *ignored = NULL;
    if (!hash_file(path, hex, &ignored))
        hex[0] = '\0';
}

static void directory_state(const char *path, char hex[HASH_HEX_SIZE])
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    struct hash hash;
    hex[0] = '\0';
    if (!fs_list(path, &names, &ignored))
        return;
    hash_init(&hash);
    for (size_t i = 0; i < names.count; i++)
        hash_field_str(&hash, "name", names.items[i]);
    hash_final(&hash, hex);
}

/* {"path": state} for each name outside the checkout. */
static json_t *states(const struct evaluation_context *x, const json_t *paths,
                      void (*state)(const char *, char *))
{
    json_t *object = json_object();
    size_t i;
    json_t *item;
    json_array_foreach(paths, i, item)
    {
        char hex[HASH_HEX_SIZE];
        const char *path = json_string_value(item);
        if (!path || path_is_beneath(path, x->source_dir))
            continue;
        state(path, hex);
        json_object_set_new(object, path, json_string(hex));
    }
    return object;
}

static bool unchanged(json_t *object, void (*state)(const char *, char *))
{
    const char *path;
    json_t *value;
    json_object_foreach(object, path, value)
    {
        char hex[HASH_HEX_SIZE];
        state(path, hex);
        if (!json_is_string(value) || strcmp(hex, json_string_value(value)) != 0)
            return false;
    }
    return json_is_object(object);
}

bool directives_cache_load(const struct evaluation_context *context, const json_t *request,
                           json_t **answer)
{
    _cleanup_free_ char *path = cache_path(context, request);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (!fs_read_shared(path, CACHE_MAX_BYTES, &text, &ignored))
        return false;
    json_t *kept = json_loadb(text.data, text.len, 0, NULL);
    if (kept && unchanged(json_object_get(kept, "files_read"), file_state) &&
        unchanged(json_object_get(kept, "directories_listed"), directory_state)) {
        _cleanup_free_ char *aside = xasprintf("%s.tmp", path);
        _cleanup_free_ char *lock_path = xasprintf("%s.lock", path);
        leftover_remove(aside, lock_path, NULL);
        *answer = json_incref(json_object_get(kept, "answer"));
        json_decref(kept);
        return *answer != NULL;
    }
    json_decref(kept);
    return false;
}

bool directives_cache_save(const struct evaluation_context *context, const json_t *request,
                           json_t *answer, struct err **err)
{
    _cleanup_free_ char *path = cache_path(context, request);
    json_t *kept = json_pack(
        "{s:o, s:o, s:O}", "files_read",
        states(context, json_object_get(answer, "opened"), file_state), "directories_listed",
        states(context, json_object_get(answer, "listed"), directory_state), "answer", answer);
    _cleanup_free_ char *text = json_dumps(kept, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(kept);
    return fs_write(path, text, strlen(text), 0644, err);
}

bool evaluation_place_open(struct evaluation_place *place, const struct evaluation_context *context,
                           const json_t *request, struct err **err)
{
    _cleanup_free_ char *path = cache_path(context, request);
    _cleanup_free_ char *parent = path_dirname(path);
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", path);
    place->aside = xasprintf("%s.tmp", path);
    return fs_mkdirs(parent, err) && fs_lock(lock_path, NULL, NULL, &place->lock, err) &&
           fs_remove_tree(place->aside, err) && fs_mkdirs(place->aside, err) &&
           fs_temp_dir(place->aside, &place->dir, err);
}

void evaluation_place_release(struct evaluation_place *place)
{
    _cleanup_err_ struct err *ignored = NULL;
    if (place->lock >= 0)
        (void)!fs_remove_tree(place->aside, &ignored);
    fs_unlock(&place->lock);
    free(place->aside);
    free(place->dir);
}
