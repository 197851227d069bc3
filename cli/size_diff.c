/* Two sizes held against each other. */
#include <stdlib.h>
#include <string.h>

#include "base/json_get.h"
#include "base/text.h"
#include "cli/size_show.h"
#include "cli/table.h"

#define SHOWN_OBJECTS 15

static const char *name_of(const json_t *item)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    return name ? name : "";
}

static const json_t *find(const json_t *list, const char *name)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) if (!strcmp(name_of(item), name)) return item;
    return NULL;
}

/* Sections have a "size" and say in which memories they are; all others have a number for each. */
static json_int_t flash_of(const json_t *item)
{
    if (json_is_boolean(json_object_get(item, "flash")))
        return json_is_true(json_object_get(item, "flash")) ? json_get_int(item, "size") : 0;
    return json_get_int(item, "flash");
}

static json_int_t ram_of(const json_t *item)
{
    if (json_is_boolean(json_object_get(item, "ram")))
        return json_is_true(json_object_get(item, "ram")) ? json_get_int(item, "size") : 0;
    return json_get_int(item, "ram");
}

static void add_item(json_t *list, const char *name, const json_t *before, const json_t *now)
{
    json_int_t flash_before = flash_of(before), flash_now = flash_of(now);
    json_int_t ram_before = ram_of(before), ram_now = ram_of(now);
    if (flash_before == flash_now && ram_before == ram_now)
        return;
    json_t *item =
        json_pack("{s:s, s:I, s:I}", "name", name, "before", flash_before, "now", flash_now);
    if (ram_before != ram_now) {
        json_object_set_new(item, "ram_before", json_integer(ram_before));
        json_object_set_new(item, "ram_now", json_integer(ram_now));
    }
    json_array_append_new(list, item);
}

static json_int_t weight(const json_t *item)
{
    return llabs(json_get_int(item, "now") - json_get_int(item, "before")) +
           llabs(json_get_int(item, "ram_now") - json_get_int(item, "ram_before"));
}

static int by_weight(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    json_int_t of_x = weight(*x), of_y = weight(*y);
    return of_x != of_y ? (of_x < of_y ? 1 : -1) : strcmp(name_of(*x), name_of(*y));
}

static json_t *sorted(json_t *list)
{
    size_t count = json_array_size(list);
    json_t **items = xcalloc(count + 1, sizeof(json_t *));
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(list, i);
    qsort(items, count, sizeof(*items), by_weight);
    for (size_t i = 0; i < count; i++)
        json_array_append(out, items[i]);
    free(items);
    json_decref(list);
    return out;
}

static json_t *diff_lists(const json_t *before, const json_t *now)
{
    json_t *list = json_array(), *item;
    size_t i;
    json_array_foreach(now, i, item)
        add_item(list, name_of(item), find(before, name_of(item)), item);
    json_array_foreach(before, i, item) if (!find(now, name_of(item)))
        add_item(list, name_of(item), item, NULL);
    return sorted(list);
}

static json_t *diff_numbers(json_int_t before, json_int_t now)
{
    return json_pack("{s:I, s:I}", "before", before, "now", now);
}

json_t *size_diff(const json_t *before, const json_t *now)
{
    static const char *const lists[] = {"sections", "modules", "c_modules", "objects"};
    static const char *const parts[] = {"data", "bss", "heap", "stack"};
    const json_t *ram_before = json_object_get(before, "ram"),
                 *ram_now = json_object_get(now, "ram");
    json_t *diff = json_object(), *ram = json_object();
    json_object_set_new(diff, "flash",
                        diff_numbers(json_get_int(before, "flash"), json_get_int(now, "flash")));
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        json_object_set_new(
            ram, parts[i],
            diff_numbers(json_get_int(ram_before, parts[i]), json_get_int(ram_now, parts[i])));
    json_object_set_new(diff, "ram", ram);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        json_object_set_new(
            diff, lists[i],
            diff_lists(json_object_get(before, lists[i]), json_object_get(now, lists[i])));
    return diff;
}

/* ---- for a person ---- */

static void add_change(struct table *table, json_int_t before, json_int_t now)
{
    table_addf(table, "%9lld", (long long)before);
    table_addf(table, "%9lld", (long long)now);
    if (before == now)
        table_add(table, "        =");
    else
        table_addf(table, "%+9lld", (long long)(now - before));
}

static void add_titles(struct table *table, const char *first)
{
    table_add(table, first);
    table_add(table, "   BEFORE");
    table_add(table, "      NOW");
    table_add(table, "   CHANGE");
}

static void add_list(const json_t *list, const char *title, size_t shown, struct buf *out)
{
    _cleanup_(table_release) struct table table = TABLE_INIT(5);
    const json_t *item;
    size_t i;
    if (!json_array_size(list))
        return;
    add_titles(&table, title);
    table_add(&table, "");
    json_array_foreach(list, i, item)
    {
        if (i >= shown)
            break;
        table_add(&table, name_of(item));
        add_change(&table, json_get_int(item, "before"), json_get_int(item, "now"));
        if (json_object_get(item, "ram_now"))
            table_addf(&table, "RAM %lld -> %lld", (long long)json_get_int(item, "ram_before"),
                       (long long)json_get_int(item, "ram_now"));
        else
            table_add(&table, "");
    }
    buf_addc(out, '\n');
    table_format(&table, out);
    if (json_array_size(list) > shown)
        buf_addf(out, "%zu more; --all shows them\n", json_array_size(list) - shown);
}

void size_diff_show(const json_t *diff, const char *before, const char *now, bool all,
                    struct buf *out)
{
    _cleanup_(table_release) struct table table = TABLE_INIT(4);
    const json_t *flash = json_object_get(diff, "flash"), *part;
    const char *name;
    buf_addf(out, "%s, before: %s\n\n", now, before);
    add_titles(&table, "");
    table_add(&table, "flash");
    add_change(&table, json_get_int(flash, "before"), json_get_int(flash, "now"));
    json_object_foreach(json_object_get(diff, "ram"), name, part)
    {
        table_addf(&table, "RAM, %s", name);
        add_change(&table, json_get_int(part, "before"), json_get_int(part, "now"));
    }
    table_format(&table, out);
    add_list(json_object_get(diff, "sections"), "SECTION", SIZE_MAX, out);
    add_list(json_object_get(diff, "modules"), "FROZEN MODULE", SIZE_MAX, out);
    add_list(json_object_get(diff, "c_modules"), "C MODULE", SIZE_MAX, out);
    add_list(json_object_get(diff, "objects"), "OBJECT", all ? SIZE_MAX : SHOWN_OBJECTS, out);
}
