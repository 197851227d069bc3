#include "builder/base_record.h"

#include <string.h>

#include "base/fs.h"

#define RECORD_MAX_BYTES (256 * 1024)

json_t *base_record_identity(const struct build_job *job)
{
    return json_pack("{s:s, s:s*, s:s*, s:s, s:s, s:s}", "port", job->board.port->name, "board",
                     job->board.name, "variant", job->board.variant, "commit", job->source.commit,
                     "describe", job->source.describe, "toolchain", job->toolchain.version);
}

bool base_record_write(const struct base *base, const struct build_job *job, struct err **err)
{
    _cleanup_free_ char *path = path_join(base->dir, "base.json");
    json_t *objects = json_array();
    for (size_t i = 0; i < base->objects.count; i++)
        json_array_append_new(objects, json_string(base->objects.items[i]));
    json_t *record = base_record_identity(job);
    json_t *own = json_pack("{s:b, s:s*, s:f, s:o}", "usable", base->usable, "why", base->why,
                            "seconds", base->seconds, "objects", objects);
    json_object_update(record, own);
    json_decref(own);
    _cleanup_free_ char *text = json_dumps(record, JSON_SORT_KEYS | JSON_INDENT(1));
    json_decref(record);
    return fs_write_scratch(path, text, strlen(text), err);
}

static bool take(const json_t *record, struct base *base)
{
    const char *why = NULL;
    int usable = 0;
    json_t *objects = NULL, *item;
    size_t i;
    if (json_unpack((json_t *)record, "{s:b, s?s, s:F, s:o}", "usable", &usable, "why", &why,
                    "seconds", &base->seconds, "objects", &objects) != 0)
        return false;
    json_array_foreach(objects, i, item)
    {
        if (!json_is_string(item))
            return false;
        strv_add(&base->objects, json_string_value(item));
    }
    base->usable = usable;
    base->why = why ? xstrdup(why) : NULL;
    return true;
}

bool base_load(const char *dir, struct base *base)
{
    _cleanup_free_ char *path = path_join(dir, "base.json");
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (!fs_read(path, RECORD_MAX_BYTES, &text, &ignored))
        return false;
    json_t *record = json_loadb(text.data, text.len, 0, NULL);
    bool ok = record && take(record, base);
    json_decref(record);
    if (ok)
        base->dir = xstrdup(dir);
    else
        base_release(base);
    return ok;
}
