#include "builder/last_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

#define RECORD_MAX_BYTES (16u * 1024 * 1024)
#define NAME_DIGITS 32
#define SHOWN_LENGTH 19 /* "sha256 " and 12 digits */

char *last_build_name(const char *manifest_path)
{
    char hex[HASH_HEX_SIZE];
    _cleanup_free_ char *absolute = path_absolute(manifest_path);
    hash_bytes(absolute, strlen(absolute), hex);
    return xstrndup(hex, NAME_DIGITS);
}

static char *record_path(const struct config *config, const char *manifest_path)
{
    _cleanup_free_ char *name = last_build_name(manifest_path);
    return xasprintf("%s/products/%s.json", config->home, name);
}

static json_t *read_record(const char *path)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    return fs_read_shared(path, RECORD_MAX_BYTES, &text, &ignored)
               ? json_loadb(text.data, text.len, 0, NULL)
               : NULL;
}

bool last_build_is(const struct build_job *job, const char *manifest_path)
{
    _cleanup_free_ char *path = record_path(job->config, manifest_path);
    json_t *record = read_record(path);
    const char *kept = json_string_value(json_object_get(record, "key"));
    bool same = kept && !strcmp(kept, job->key);
    json_decref(record);
    return same;
}

bool last_build_write(const struct build_job *job, const char *manifest_path, struct err **err)
{
    _cleanup_free_ char *path = record_path(job->config, manifest_path);
    _cleanup_free_ char *dir = path_dirname(path);
    _cleanup_free_ char *manifest = path_absolute(manifest_path);
    json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:o}", "manifest", manifest, "key", job->key,
                               "base_key", job->base_key, "bootloader_key", job->bootloader_key,
                               "parts", key_to_json(&job->parts));
    _cleanup_free_ char *text = json_dumps(record, JSON_SORT_KEYS | JSON_INDENT(1));
    json_decref(record);
    return !text || (fs_mkdirs(dir, err) && fs_write(path, text, strlen(text), 0644, err));
}

bool last_build_read(const struct config *config, const char *manifest_path,
                     struct last_build *last)
{
    _cleanup_free_ char *path = record_path(config, manifest_path);
    const char *key, *base_key, *bootloader_key = "";
    json_t *record = read_record(path), *parts;
    bool ok = record &&
              json_unpack(record, "{s:s, s:s, s?s, s:o}", "key", &key, "base_key", &base_key,
                          "bootloader_key", &bootloader_key, "parts", &parts) == 0 &&
              strlen(key) < HASH_HEX_SIZE && strlen(base_key) < HASH_HEX_SIZE &&
              strlen(bootloader_key) < HASH_HEX_SIZE && key_from_json(parts, &last->parts);
    if (ok) {
        snprintf(last->key, sizeof(last->key), "%s", key);
        snprintf(last->base_key, sizeof(last->base_key), "%s", base_key);
        snprintf(last->bootloader_key, sizeof(last->bootloader_key), "%s", bootloader_key);
    } else {
        last_build_release(last);
    }
    json_decref(record);
    return ok;
}

void last_build_release(struct last_build *last)
{
    key_parts_release(&last->parts);
    *last = (struct last_build)LAST_BUILD_INIT;
}

char *key_shown(const char *value)
{
    if (!text_starts_with(value, "sha256 "))
        return xstrdup(value);
    return xasprintf("%.*s...", SHOWN_LENGTH, value);
}

/* The n-th part of that name. */
static const struct key_part *find_part(const struct key_parts *parts, const char *name, size_t n)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (!strcmp(parts->items[i].name, name) && n-- == 0)
            return &parts->items[i];
    }
    return NULL;
}

/* How many parts before this one have its name? */
static size_t occurrence(const struct key_parts *parts, size_t index)
{
    size_t n = 0;
    for (size_t i = 0; i < index; i++)
        n += !strcmp(parts->items[i].name, parts->items[index].name);
    return n;
}

void key_compare(const struct key_parts *before, const struct key_parts *now,
                 struct key_change **changes, size_t *count)
{
    *count = 0;
    *changes = xcalloc(before->count + now->count + 1, sizeof(**changes));
    for (size_t i = 0; i < now->count; i++) {
        const struct key_part *part = &now->items[i];
        const struct key_part *old = find_part(before, part->name, occurrence(now, i));
        if (!old || strcmp(old->value, part->value) != 0)
            (*changes)[(*count)++] =
                (struct key_change){part->scope, part->name, old ? old->value : NULL, part->value};
    }
    for (size_t i = 0; i < before->count; i++) {
        const struct key_part *part = &before->items[i];
        if (!find_part(now, part->name, occurrence(before, i)))
            (*changes)[(*count)++] =
                (struct key_change){part->scope, part->name, part->value, NULL};
    }
}
