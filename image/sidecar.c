#include "image/sidecar.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/text.h"

/* Without the last extension. */
static size_t stem_length(const char *image_path)
{
    const char *name = path_basename(image_path);
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? (size_t)(dot - image_path) : strlen(image_path);
}

/* A part of an image, packed or not, is described where the image is. */
char *sidecar_path(const char *image_path)
{
    static const char *const parts[] = {".app.dfu", ".pack.dfu"};
    char *path = xasprintf("%.*s.json", (int)stem_length(image_path), image_path);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (!text_ends_with(image_path, parts[i]) || fs_exists(path))
            continue;
        free(path);
        return xasprintf("%.*s.json", (int)(strlen(image_path) - strlen(parts[i])), image_path);
    }
    return path;
}

bool sidecar_load(const char *image_path, json_t **out, struct err **err)
{
    _cleanup_free_ char *path = sidecar_path(image_path);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    json_error_t error;
    if (!fs_read(path, SIDECAR_MAX_BYTES, &text, err))
        return false;
    json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return err_set(err, ERR_FAILED, "%s:%d:%d: not JSON: %s", path, error.line, error.column,
                       error.text);
    if (!json_is_object(json)) {
        json_decref(json);
        return err_set(err, ERR_FAILED, "%s: a sidecar is a JSON object", path);
    }
    *out = json;
    return true;
}

bool sidecar_save(const char *image_path, const json_t *sidecar, struct err **err)
{
    _cleanup_free_ char *path = sidecar_path(image_path);
    _cleanup_free_ char *dump = json_dumps(sidecar, JSON_SORT_KEYS | JSON_INDENT(2));
    if (!dump)
        return err_set(err, ERR_FAILED, "cannot write %s: a field is not valid UTF-8", path);
    _cleanup_free_ char *text = xasprintf("%s\n", dump);
    return fs_write(path, text, strlen(text), 0644, err);
}

json_t *sidecar_segments(const struct image *image)
{
    json_t *list = json_array();
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        char address[11], hex[HASH_HEX_SIZE];
        snprintf(address, sizeof(address), "0x%08x", s->address);
        hash_bytes(s->data, s->size, hex);
        json_array_append_new(list, json_pack("{s:i, s:s, s:I, s:s}", "alt", s->alt, "address",
                                              address, "size", (json_int_t)s->size, "sha256", hex));
    }
    return list;
}
