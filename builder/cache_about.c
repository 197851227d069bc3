#include "builder/cache_about.h"

#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "image/sidecar.h"

#define SHORT_COMMIT 10
#define URL_MAX_BYTES 4096

static const char *field(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}

/* The sidecar has the product's name: it is the only .json of an image. */
static char *record_name(enum cache_id kind, const char *dir)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (kind == CACHE_BASES)
        return xstrdup("base.json");
    if (kind == CACHE_SOURCES)
        return xstrdup("source.json");
    if (kind != CACHE_IMAGES || !fs_list(dir, &names, &ignored))
        return NULL;
    for (size_t i = 0; i < names.count; i++)
        if (text_ends_with(names.items[i], ".json"))
            return xstrdup(names.items[i]);
    return NULL;
}

json_t *cache_record(const struct config *config, enum cache_id kind, const char *name)
{
    _cleanup_free_ char *dir = cache_entry_path(config, kind, name);
    _cleanup_free_ char *file = record_name(kind, dir);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (!file || !fs_read_beneath(dir, file, SIDECAR_MAX_BYTES, &text, &ignored))
        return NULL;
    json_t *record = json_loadb(text.data, text.len, 0, NULL);

    if (json_is_object(record))
        return record;
    json_decref(record);
    return NULL;
}

static char *about_image(const json_t *record)
{
    const json_t *board = json_object_get(record, "board");
    const char *variant = field(board, "variant");

    return xasprintf("%s %s for %s/%s%s%s", field(record, "product"), field(record, "version"),
                     field(board, "port"), field(board, "name"), *variant ? " " : "", variant);
}

static char *about_base(const json_t *record)
{
    const char *variant = field(record, "variant");

    const char *loader = field(json_object_get(record, "bootloader"), "name");

    return xasprintf("%s%s%s/%s%s%s, commit %.*s", loader, *loader ? " for " : "",
                     field(record, "port"), field(record, "board"), *variant ? " " : "", variant,
                     SHORT_COMMIT, field(record, "commit"));
}

static char *about_source(const json_t *record)
{
    const json_t *submodules = json_object_get(record, "submodules");
    size_t count = json_array_size(submodules);

    if (!count)
        return xstrdup("without submodules");
    return xasprintf("with %zu submodule%s: %s%s", count, count == 1 ? "" : "s",
                     field(json_array_get(submodules, 0), "path"), count == 1 ? "" : " ...");
}

static char *about_mirror(const char *dir)
{
    _cleanup_(buf_release) struct buf url = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;

    if (!fs_read_beneath(dir, CACHE_URL_FILE, URL_MAX_BYTES, &url, &ignored))
        return xstrdup("");
    return xstrndup(url.data, strcspn(url.data, "\n"));
}

char *cache_about(const struct config *config, enum cache_id kind, const char *name)
{
    _cleanup_free_ char *dir = cache_entry_path(config, kind, name);

    if (kind == CACHE_GIT)
        return about_mirror(dir);
    json_t *record = cache_record(config, kind, name);
    char *text = !record                ? xstrdup("")
                 : kind == CACHE_IMAGES ? about_image(record)
                 : kind == CACHE_BASES  ? about_base(record)
                                        : about_source(record);
    json_decref(record);
    return text;
}
