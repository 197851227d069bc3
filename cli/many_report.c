#include "cli/many_report.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/build_one.h"
#include "cli/table.h"

static bool is_built(const struct product *p)
{
    return p->ended && p->exit_status == 0;
}

static bool is_failed(const struct product *p)
{
    return p->ended && p->exit_status != 0 && p->exit_status != 130;
}

static size_t count_of(const struct products *products, bool (*is)(const struct product *))
{
    size_t count = 0;
    for (size_t i = 0; i < products->count; i++)
        count += is(&products->items[i]);
    return count;
}

char *many_report_summary(const struct products *products)
{
    size_t failed = count_of(products, is_failed);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    buf_addf(&text, "%zu of %zu products", count_of(products, is_built), products->count);
    if (failed)
        buf_addf(&text, ", %zu failed", failed);
    return buf_detach(&text, NULL);
}

static void add_row(struct table *table, const struct product *p)
{
    _cleanup_(buf_release) struct buf size = BUF_INIT;
    _cleanup_(buf_release) struct buf time = BUF_INIT;
    json_int_t bytes = json_integer_value(json_object_get(p->image, "size"));
    if (bytes)
        text_add_size(&size, (uint64_t)bytes);
    text_add_duration(&time, (int64_t)(p->seconds * 1000 + 0.5));
    table_add(table, build_field(p->image, "product"));
    table_add(table, build_field(p->image, "version"));
    table_add(table, build_field(p->image, "board"));
    table_add(table, size.data);
    table_add(table, time.data);
    table_add(table, json_is_true(json_object_get(p->image, "unchanged")) ? "unchanged" : "built");
}

static void add_table(const struct products *products, struct buf *out)
{
    static const char *const titles[] = {"PRODUCT", "VERSION", "BOARD", "FLASH", "TIME", ""};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
        table_add(&table, titles[i]);
    for (size_t i = 0; i < products->count; i++) {
        if (is_built(&products->items[i]))
            add_row(&table, &products->items[i]);
    }
    table_format(&table, out);
}

static void add_failures(const struct products *products, struct buf *out)
{
    for (size_t i = 0; i < products->count; i++) {
        const struct product *p = &products->items[i];
        if (!is_failed(p))
            continue;
        _cleanup_(buf_release) struct buf reason = BUF_INIT;
        const char *error = p->first_error ? p->first_error : "";
        text_add_printable(&reason, error, strlen(error));
        buf_addf(out, "  %s: %s\n", p->path, reason.data);
    }
}

void many_report_print(const struct products *products, double seconds)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_free_ char *summary = many_report_summary(products);
    if (count_of(products, is_built))
        add_table(products, &out);
    buf_addf(&out, "%s, ", summary);
    text_add_duration(&out, (int64_t)(seconds * 1000 + 0.5));
    buf_adds(&out, count_of(products, is_failed) ? ":\n" : "\n");
    add_failures(products, &out);
    fputs(out.data, stdout);
}

static json_t *image_fields(const struct product *p)
{
    json_t *image = json_copy(p->image);
    json_object_set_new(image, "job", json_string(p->label));
    json_object_set_new(image, "manifest", json_string(p->path));
    json_object_set_new(image, "seconds", json_real(p->seconds));
    return image;
}

static json_t *failure_fields(const struct product *p)
{
    return json_pack("{s:s, s:s, s:s, s:i}", "job", p->label, "manifest", p->path, "message",
                     p->first_error ? p->first_error : "", "exit", p->exit_status);
}

json_t *many_report_fields(const struct products *products, double seconds)
{
    json_t *images = json_array(), *failed = json_array();
    for (size_t i = 0; i < products->count; i++) {
        const struct product *p = &products->items[i];
        if (is_built(p))
            json_array_append_new(images, image_fields(p));
        else if (is_failed(p))
            json_array_append_new(failed, failure_fields(p));
    }
    return json_pack("{s:o, s:o, s:f}", "images", images, "failed", failed, "seconds", seconds);
}
