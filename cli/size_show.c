#include "cli/size_show.h"

#include <string.h>
#include <time.h>

#include "base/json_get.h"
#include "base/text.h"
#include "cli/table.h"

#define SHOWN_OBJECTS 15
#define BAR_COLUMNS 20

static void add_size(struct table *table, json_int_t bytes)
{
    _cleanup_(buf_release) struct buf cell = BUF_INIT;
    text_add_size(&cell, (uint64_t)bytes);
    table_addf(table, "%10s", cell.data);
}

static void add_table(struct buf *out, struct table *table)
{
    _cleanup_(buf_release) struct buf lines = BUF_INIT;
    buf_addc(out, '\n');
    table_format(table, &lines);
    for (char *line = lines.data, *end; (end = strchr(line, '\n')); line = end + 1)
        buf_addf(out, "  %.*s\n", (int)(end - line), line);
}

/* ---- the whole ---- */

static void add_part(struct buf *out, const char *name, json_int_t bytes, const char **before)
{
    if (!bytes)
        return;
    buf_addf(out, "%s%s ", *before, name);
    text_add_size(out, (uint64_t)bytes);
    *before = ", ";
}

static void add_whole(const json_t *size, const char *name, struct buf *out)
{
    static const char *const parts[] = {"data", "bss", "heap", "stack"};
    const json_t *ram = json_object_get(size, "ram");
    const char *before = "";
    buf_addf(out, "%s\n  flash   ", name);
    text_add_size(out, (uint64_t)json_get_int(size, "flash"));
    buf_adds(out, "\n  RAM     ");
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        add_part(out, parts[i], json_get_int(ram, parts[i]), &before);
    buf_addc(out, '\n');
}

/* "########............  41 %" */
static void add_bar(struct table *table, json_int_t used, json_int_t size)
{
    json_int_t filled = size ? (used * BAR_COLUMNS + size / 2) / size : 0;
    char bar[BAR_COLUMNS + 1];
    for (int i = 0; i < BAR_COLUMNS; i++)
        bar[i] = i < filled || (i == 0 && used) ? '#' : '.';
    bar[BAR_COLUMNS] = '\0';
    table_addf(table, "%s %3lld %%", bar, size ? (long long)(used * 100 / size) : 0);
}

static void add_memories(const json_t *size, struct buf *out)
{
    _cleanup_(table_release) struct table table = TABLE_INIT(6);
    static const char *const titles[] = {"MEMORY",     "AT", "      SIZE",
                                         "      USED", "",   "FREE AT END"};
    const json_t *list = json_object_get(size, "regions"), *region;
    size_t i;
    if (!json_array_size(list))
        return;
    for (i = 0; i < ARRAY_SIZE(titles); i++)
        table_add(&table, titles[i]);
    json_array_foreach(list, i, region)
    {
        table_add(&table, json_get_text(region, "name"));
        table_add(&table, json_get_text(region, "address"));
        add_size(&table, json_get_int(region, "size"));
        add_size(&table, json_get_int(region, "used"));
        add_bar(&table, json_get_int(region, "used"), json_get_int(region, "size"));
        add_size(&table, json_get_int(region, "free_at_end"));
    }
    add_table(out, &table);
}

/* ---- what it is for ---- */

static void add_bytes(struct table *table, json_int_t bytes)
{
    if (bytes)
        table_addf(table, "%9lld", (long long)bytes);
    else
        table_add(table, "        -");
}

static void add_modules(const json_t *size, struct buf *out)
{
    static const char *const columns[] = {"flash", "bytecode", "constants",
                                          "qstrs", "source",   "names"};
    static const char *const titles[] = {"FROZEN MODULE", "    FLASH", " BYTECODE", "CONSTANTS",
                                         "    QSTRS",     "   SOURCE", "    NAMES"};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    const json_t *list = json_object_get(size, "modules"), *module;
    json_int_t shared = json_get_int(size, "modules_shared"), sum = shared;
    size_t i;
    if (!json_array_size(list))
        return;
    for (i = 0; i < ARRAY_SIZE(titles); i++)
        table_add(&table, titles[i]);
    json_array_foreach(list, i, module)
    {
        table_add(&table, json_get_text(module, "name"));
        for (size_t c = 0; c < ARRAY_SIZE(columns); c++)
            add_bytes(&table, json_get_int(module, columns[c]));
        sum += json_get_int(module, "flash");
    }
    table_add(&table, "(lists and qstr pool)");
    add_bytes(&table, shared);
    for (i = 2; i < ARRAY_SIZE(titles); i++)
        table_add(&table, "");
    table_addf(&table, "%zu together", json_array_size(list));
    add_bytes(&table, sum);
    for (i = 2; i < ARRAY_SIZE(titles); i++)
        table_add(&table, "");
    add_table(out, &table);
}

static void add_objects(const json_t *list, const char *title, size_t shown, struct buf *out)
{
    _cleanup_(table_release) struct table table = TABLE_INIT(3);
    json_int_t flash = 0, ram = 0;
    const json_t *object;
    size_t i;
    if (!json_array_size(list))
        return;
    table_add(&table, title);
    table_add(&table, "    FLASH");
    table_add(&table, "      RAM");
    json_array_foreach(list, i, object)
    {
        flash += json_get_int(object, "flash");
        ram += json_get_int(object, "ram");
        if (i >= shown)
            continue;
        table_add(&table, json_get_text(object, "name"));
        add_bytes(&table, json_get_int(object, "flash"));
        add_bytes(&table, json_get_int(object, "ram"));
    }
    if (json_array_size(list) > shown)
        table_addf(&table, "%zu together; --all shows them", json_array_size(list));
    else
        table_addf(&table, "%zu together", json_array_size(list));
    add_bytes(&table, flash);
    add_bytes(&table, ram);
    add_table(out, &table);
}

void size_show(const json_t *size, const char *name, bool all, struct buf *out)
{
    add_whole(size, name, out);
    add_memories(size, out);
    add_modules(size, out);
    add_objects(json_object_get(size, "c_modules"), "C MODULE", SIZE_MAX, out);
    add_objects(json_object_get(size, "objects"), "OBJECT", all ? SIZE_MAX : SHOWN_OBJECTS, out);
}

/* ---- history ---- */

/* The module or object that grew or shrank most. */
static void add_largest_change(const json_t *before, const json_t *now, struct table *table)
{
    json_t *diff = size_diff(before, now);
    const json_t *first = json_array_get(json_object_get(diff, "modules"), 0);
    if (!first)
        first = json_array_get(json_object_get(diff, "objects"), 0);
    if (first)
        table_addf(table, "%s %+lld", json_get_text(first, "name"),
                   (long long)(json_get_int(first, "now") - json_get_int(first, "before")));
    else
        table_add(table, "");
    json_decref(diff);
}

void size_history_show(const json_t *history, struct buf *out)
{
    static const char *const titles[] = {"BUILT",     "VERSION",   "BOARD",     "    FLASH",
                                         "   CHANGE", "      RAM", "MOST OF IT"};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    const json_t *entry, *before = NULL;
    size_t i;
    for (i = 0; i < ARRAY_SIZE(titles); i++)
        table_add(&table, titles[i]);
    json_array_foreach(history, i, entry)
    {
        const json_t *size = json_object_get(entry, "size");
        const json_t *ram = json_object_get(size, "ram");
        char when[32] = "";
        time_t seconds = (time_t)json_get_int(entry, "time");
        struct tm local;
        if (localtime_r(&seconds, &local))
            strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &local);
        table_add(&table, when);
        table_add(&table, json_get_text(entry, "version"));
        table_add(&table, json_get_text(entry, "board"));
        add_bytes(&table, json_get_int(size, "flash"));
        if (before)
            table_addf(&table, "%+9lld",
                       (long long)(json_get_int(size, "flash") - json_get_int(before, "flash")));
        else
            table_add(&table, "");
        add_bytes(&table, json_get_int(ram, "data") + json_get_int(ram, "bss"));
        if (before)
            add_largest_change(before, size, &table);
        else
            table_add(&table, "");
        before = size;
    }
    table_format(&table, out);
}
