#include "base/bundle.h"

#include <string.h>

#include "base/base64.h"
#include "base/text.h"

/* ---- paths ---- */

static bool refuse_path(const char *path, const char *reason, struct err **err)
{
    err_set(err, ERR_USAGE, "a file may not have the path '%.*s': %s", BUNDLE_NAME_MAX, path,
            reason);
    return err_hint(err, "rename it; paths are relative to the manifest's directory");
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static const char *wrong_character(const char *path, size_t len)
{
    for (size_t i = 0, n; i < len; i += n) {
        uint32_t code;

        n = text_utf8_decode(path + i, len - i, &code);
        if (!n)
            return "it is not valid UTF-8";
        if (is_control(code))
            return "it has a control character";
        if (code == '\\')
            return "it has a backslash";
    }
    return NULL;
}

static const char *wrong_segment(const char *path)
{
    for (;;) {
        size_t len = strcspn(path, "/");

        if (!len)
            return "a part of it is empty";
        if (len == 2 && path[0] == '.' && path[1] == '.')
            return "it leads up";
        if (path[0] == '.')
            return "a part of it is hidden";
        if (len > BUNDLE_NAME_MAX)
            return "a part of it is longer than 255 bytes";
        if (!path[len])
            return NULL;
        path += len + 1;
    }
}

bool bundle_check_path(const char *path, struct err **err)
{
    size_t len = strlen(path);
    const char *wrong = !len                    ? "it is empty"
                        : len > BUNDLE_PATH_MAX ? "it is longer than 1024 bytes"
                        : path[0] == '/'        ? "it is not relative"
                                                : wrong_character(path, len);

    if (!wrong)
        wrong = wrong_segment(path);
    return !wrong || refuse_path(path, wrong, err);
}

bool bundle_skips_name(const char *name)
{
    return name[0] == '.' || strcmp(name, "__pycache__") == 0;
}

/* ---- files ---- */

/* Where a path is, or belongs. */
static size_t find_place(const struct bundle *bundle, const char *path, bool *found)
{
    size_t low = 0, high = bundle->count;

    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(bundle->items[middle].path, path);

        *found = order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return *found ? high : low;
}

const struct bundle_file *bundle_find(const struct bundle *bundle, const char *path)
{
    bool found;
    size_t place = find_place(bundle, path, &found);

    return found ? &bundle->items[place] : NULL;
}

static bool too_much(const struct bundle *bundle, const char *path, size_t size, struct err **err)
{
    _cleanup_(buf_release) struct buf max = BUF_INIT;

    if (bundle->count == BUNDLE_FILES_MAX)
        return err_set(err, ERR_USAGE, "there are more than %d files: '%s' is one too many",
                       BUNDLE_FILES_MAX, path);
    if (size <= BUNDLE_BYTES_MAX - bundle->bytes)
        return true;
    text_add_size(&max, BUNDLE_BYTES_MAX);
    return err_set(err, ERR_USAGE, "the files are larger than %s together: '%s' is one too many",
                   max.data, path);
}

bool bundle_add(struct bundle *bundle, const char *path, const void *data, size_t size,
                struct err **err)
{
    if (!bundle_check_path(path, err) || !too_much(bundle, path, size, err))
        return false;
    bool found;
    size_t place = find_place(bundle, path, &found);

    if (found)
        return err_set(err, ERR_USAGE, "there are two files '%s'", path);
    bundle->items = xreallocarray(bundle->items, bundle->count + 1, sizeof(*bundle->items));
    memmove(&bundle->items[place + 1], &bundle->items[place],
            (bundle->count - place) * sizeof(*bundle->items));
    char *copy = xmalloc(size + 1);
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    bundle->items[place] = (struct bundle_file){xstrdup(path), copy, size};
    bundle->count++;
    bundle->bytes += size;
    return true;
}

bool bundle_check(const struct bundle *bundle, struct err **err)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const char *path = bundle->items[i].path;

        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
            _cleanup_free_ char *dir = xstrndup(path, (size_t)(slash - path));

            if (bundle_find(bundle, dir))
                return err_set(err, ERR_USAGE, "'%s' is a file, and the directory of '%s'", dir,
                               path);
        }
    }
    return true;
}

void bundle_release(struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        free(bundle->items[i].path);
        free(bundle->items[i].data);
    }
    free(bundle->items);
    *bundle = (struct bundle)BUNDLE_INIT;
}

/* ---- JSON ---- */

/* A NUL would end the path, and what is behind it would not have been checked. */
static const char *path_of(const json_t *file)
{
    const json_t *path = json_object_get(file, "path");
    const char *value = json_string_value(path);

    return value && strlen(value) == json_string_length(path) ? value : NULL;
}

static bool unknown_member(const json_t *file, const char *path, struct err **err)
{
    const char *key;
    const json_t *value;

    json_object_foreach((json_t *)file, key, value)
    {
        if (strcmp(key, "path") != 0 && strcmp(key, "text") != 0 && strcmp(key, "base64") != 0)
            return err_set(err, ERR_USAGE, "file '%s' has an unknown member '%.64s'", path, key);
    }
    return true;
}

static bool parse_file(const json_t *file, size_t index, struct bundle *bundle, struct err **err)
{
    const char *path = path_of(file);

    if (!path)
        return err_set(err, ERR_USAGE, "file %zu of the list has no \"path\" that is a string",
                       index + 1);
    if (!bundle_check_path(path, err) || !unknown_member(file, path, err))
        return false;
    const json_t *text = json_object_get(file, "text"), *coded = json_object_get(file, "base64");
    _cleanup_(buf_release) struct buf data = BUF_INIT;

    if (!text == !coded)
        return err_set(err, ERR_USAGE, "file '%s' must have \"text\" or \"base64\"", path);
    if (!json_is_string(text ? text : coded))
        return err_set(err, ERR_USAGE, "the content of file '%s' is not a string", path);
    if (text)
        return bundle_add(bundle, path, json_string_value(text), json_string_length(text), err);
    if (strlen(json_string_value(coded)) != json_string_length(coded) ||
        !base64_decode(json_string_value(coded), &data))
        return err_set(err, ERR_USAGE,
                       "\"base64\" of file '%s' is not Base64 (RFC 4648, with padding, without "
                       "line breaks)",
                       path);
    return bundle_add(bundle, path, data.data, data.len, err);
}

bool bundle_parse(const json_t *files, struct bundle *bundle, struct err **err)
{
    if (!json_is_array(files))
        return err_set(err, ERR_USAGE,
                       "\"files\" must be a list of {\"path\",\"text\"} or "
                       "{\"path\",\"base64\"}");
    for (size_t i = 0; i < json_array_size(files); i++)
        if (!parse_file(json_array_get(files, i), i, bundle, err))
            return false;
    if (!bundle_find(bundle, BUNDLE_MANIFEST)) {
        err_set(err, ERR_USAGE, "there is no file '" BUNDLE_MANIFEST "'");
        return err_hint(err, "a product is described by a " BUNDLE_MANIFEST " at its top");
    }
    return bundle_check(bundle, err);
}

bool bundle_is_text(const struct bundle_file *file)
{
    for (size_t i = 0, n; i < file->size; i += n) {
        uint32_t code;

        n = text_utf8_decode(file->data + i, file->size - i, &code);
        if (!n || !code)
            return false;
    }
    return true;
}

static json_t *file_to_json(const struct bundle_file *file)
{
    _cleanup_(buf_release) struct buf coded = BUF_INIT;
    json_t *json = json_object();

    json_object_set_new(json, "path", json_string(file->path));
    if (bundle_is_text(file)) {
        json_object_set_new(json, "text", json_stringn(file->data, file->size));
        return json;
    }
    base64_encode(file->data, file->size, &coded);
    json_object_set_new(json, "base64", json_stringn(coded.data, coded.len));
    return json;
}

json_t *bundle_to_json(const struct bundle *bundle)
{
    json_t *files = json_array();

    for (size_t i = 0; i < bundle->count; i++)
        json_array_append_new(files, file_to_json(&bundle->items[i]));
    return json_pack("{s:o}", "files", files);
}

void bundle_add_text(const struct bundle *bundle, struct buf *out)
{
    json_t *json = bundle_to_json(bundle);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

    buf_adds(out, text);
    free(text);
    json_decref(json);
}

void bundle_digest(const struct bundle *bundle, char hex[HASH_HEX_SIZE])
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    bundle_add_text(bundle, &text);
    hash_bytes(text.data, text.len, hex);
}
