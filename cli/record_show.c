#include "cli/record_show.h"

#include <string.h>

#include "base/hash.h"
#include "base/json_get.h"
#include "base/text.h"
#include "cli/bar.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "cli/time_text.h"

#define DIGEST_SHOWN 12
#define BODY_COLUMNS 100

/* "name=value"; a digest by its beginning, lists and objects are left out. */
static void add_member(struct buf *out, const char *key, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = text ? strlen(text) : 0;

    if (json_is_object(value) || json_is_array(value) || json_is_null(value))
        return;
    if (out->len)
        buf_addc(out, ' ');
    text_add_printable(out, key, strlen(key));
    buf_addc(out, '=');
    if (text)
        text_add_printable(out, text, hash_is_hex(text) ? DIGEST_SHOWN : len);
    else if (json_is_integer(value))
        buf_addf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        buf_addf(out, "%g", json_real_value(value));
    else
        buf_adds(out, json_is_true(value) ? "yes" : "no");
}

/* What was done to what comes first; the rest may not find room. */
static void add_body(struct buf *out, const json_t *body)
{
    static const char *const first[] = {"product", "version", "state", "path",
                                        "image",   "name",    "by",    "submitted_by"};
    json_t *rest = json_copy((json_t *)body);
    const char *key;
    json_t *value;

    for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
        value = json_object_get(body, first[i]);
        if (value)
            add_member(out, first[i], value);
        json_object_del(rest, first[i]);
    }
    json_object_foreach(rest, key, value) add_member(out, key, value);
    json_decref(rest);
}

static void add_row(struct table *table, const json_t *record)
{
    _cleanup_(buf_release) struct buf age = BUF_INIT, body = BUF_INIT, clipped = BUF_INIT;
    _cleanup_free_ char *kind = printable_field(record, "kind");

    time_add_age(&age, json_get_text(record, "at"));
    add_body(&body, json_object_get(record, "body"));
    bar_add_clipped(&clipped, body.data, BODY_COLUMNS);
    table_addf(table, "%lld", (long long)json_get_int(record, "seq"));
    table_add(table, age.data);
    table_add(table, kind);
    table_addf(table, "%.*s", DIGEST_SHOWN, json_get_text(record, "hash"));
    table_add(table, clipped.data);
}

void record_show_table(const json_t *records, struct buf *out)
{
    static const char *const titles[] = {"SEQ", "WHEN", "KIND", "HASH", "WHAT"};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    const json_t *record;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(titles); i++)
        table_add(&table, titles[i]);
    json_array_foreach(records, i, record) add_row(&table, record);
    table_format(&table, out);
}
