#include "cli/check_show.h"

#include <string.h>

#include "base/json_get.h"
#include "base/text.h"
#include "cli/table.h"
#include "economy/heap_map.h"

#define MAP_COLUMNS 64
#define MAP_LINES 4
#define OUTPUT_SHOWN 400

static bool works(const json_t *probe)
{
    return !strcmp(json_get_text(probe, "outcome"), "works");
}

/* What it is called in the table; of a comparison that did not work, instead of its number. */
static const char *outcome_title(const json_t *probe)
{
    static const char *const titles[][2] = {
        {"works", "works"},  {"raised", "FAILS"},      {"memory", "NO MEMORY"},
        {"hung", "HANGS"},   {"reset", "RESETS"},      {"garbage", "GARBAGE"},
        {"flood", "FLOODS"}, {"untried", "NOT TRIED"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
        if (!strcmp(json_get_text(probe, "outcome"), titles[i][0]))
            return titles[i][1];
    return "";
}

static void add_ram(struct table *table, const json_t *probe)
{
    if (!probe)
        table_add(table, "        -");
    else if (json_object_get(probe, "ram"))
        table_addf(table, "%9lld", (long long)json_get_int(probe, "ram"));
    else
        table_addf(table, "%9s", outcome_title(probe));
}

static void add_ms(struct table *table, const json_t *probe)
{
    const json_t *ms = json_object_get(probe, "ms");
    if (ms)
        table_addf(table, "%7.2f", json_number_value(ms));
    else
        table_add(table, "      -");
}

static void add_modules(const json_t *modules, struct buf *out)
{
    static const char *const titles[] = {"MODULE",    "",          "      RAM", "  AS .MPY",
                                         "AS SOURCE", "    SAVED", "QSTRS",     "     MS"};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    const json_t *module;
    size_t i;
    for (i = 0; i < ARRAY_SIZE(titles); i++)
        table_add(&table, titles[i]);
    json_array_foreach(modules, i, module)
    {
        const json_t *source = json_object_get(module, "source");
        table_add(&table, json_get_text(module, "name"));
        table_add(&table, outcome_title(module));
        add_ram(&table, json_object_get(module, "ram") ? module : NULL);
        add_ram(&table, json_object_get(module, "mpy"));
        add_ram(&table, source);
        if (json_object_get(source, "ram") && json_object_get(module, "ram"))
            table_addf(&table, "%9lld",
                       (long long)(json_get_int(source, "ram") - json_get_int(module, "ram")));
        else
            table_add(&table, "        -");
        if (json_object_get(module, "qstrs"))
            table_addf(&table, "%5lld", (long long)json_get_int(module, "qstrs"));
        else
            table_add(&table, "    -");
        add_ms(&table, module);
    }
    table_format(&table, out);
}

/* Indented, and no more than some lines of it. */
static void add_text(const char *what, size_t max, struct buf *out)
{
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    size_t len = strlen(what), shown = len < max ? len : max;
    while (shown && what[shown - 1] == '\n')
        shown--;
    for (size_t i = 0; i < shown;) {
        size_t n = strcspn(what + i, "\n");
        if (n > shown - i)
            n = shown - i;
        buf_clear(&printable);
        text_add_printable(&printable, what + i, n);
        buf_addf(out, "    %s\n", printable.data);
        i += n + 1;
    }
    if (len > max)
        buf_addf(out, "    ... %zu bytes more\n", len - max);
}

static void add_failure(const json_t *probe, const char *name, struct buf *out)
{
    if (works(probe) || !strcmp(json_get_text(probe, "outcome"), "untried"))
        return;
    buf_addf(out, "\n%s %s:\n", name, outcome_title(probe));
    add_text(json_get_text(probe, "message"), 4 * OUTPUT_SHOWN, out);
    if (*json_get_text(probe, "output")) {
        buf_adds(out, "  it printed:\n");
        add_text(json_get_text(probe, "output"), OUTPUT_SHOWN, out);
    }
    if (!strcmp(json_get_text(probe, "outcome"), "hung"))
        buf_addf(out, "  if it is meant to run for ever: check: {skip: [%s]}\n", name);
}

static void add_size(struct buf *out, const char *before, json_int_t bytes)
{
    buf_adds(out, before);
    text_add_size(out, (uint64_t)bytes);
}

static void add_heap(const json_t *product, struct buf *out)
{
    const json_t *heap = json_object_get(product, "heap");
    json_int_t free_bytes = json_get_int(product, "heap_free");
    add_size(out, "  heap     ", json_get_int(product, "heap_used"));
    add_size(out, " used, ", free_bytes);
    buf_adds(out, " free");
    if (json_is_object(heap)) {
        json_int_t largest = json_get_int(heap, "largest_free"), all = json_get_int(heap, "free");
        add_size(out, "; the largest free block ", largest);
        buf_addf(out, ", %lld %% of what is free\n", all ? (long long)(largest * 100 / all) : 100);
        _cleanup_(buf_release) struct buf map = BUF_INIT;
        heap_map_draw(heap, MAP_COLUMNS, MAP_LINES, &map);
        for (char *line = map.data, *end; (end = strchr(line, '\n')); line = end + 1)
            buf_addf(out, "           %.*s\n", (int)(end - line), line);
    } else {
        buf_addc(out, '\n');
    }
}

static void add_product(const json_t *product, struct buf *out)
{
    size_t count = json_array_size(json_object_get(product, "imports"));
    buf_addf(out, "\nall together: %zu import%s %s", count, count == 1 ? "" : "s",
             works(product) ? "work" : outcome_title(product));
    if (json_object_get(product, "ms"))
        buf_addf(out, ", %.2f ms", json_number_value(json_object_get(product, "ms")));
    buf_addc(out, '\n');
    if (!works(product)) {
        add_text(json_get_text(product, "message"), 4 * OUTPUT_SHOWN, out);
        return;
    }
    add_size(out, "  RAM      ", json_get_int(product, "ram"));
    buf_addf(out, " taken, %lld qstrs in it\n", (long long)json_get_int(product, "qstrs"));
    add_heap(product, out);
    if (json_object_get(product, "expect"))
        buf_addf(out, "  expect   '%s' %s\n", json_get_text(product, "expect"),
                 json_is_true(json_object_get(product, "expected")) ? "was printed"
                                                                    : "WAS NOT PRINTED");
}

static void add_names(const json_t *names, struct buf *out)
{
    const json_t *name;
    size_t i;
    json_array_foreach(names, i, name)
        buf_addf(out, "%s%s", i ? ", " : "", json_string_value(name));
}

/* What of the board was missing where it ran. */
static void add_twin(const json_t *report, struct buf *out)
{
    const json_t *twin = json_object_get(report, "twin"), *module;
    size_t i;
    if (!twin)
        return;
    buf_addf(out,
             "\non a twin, %s (%s), with the board's heap: there is no emulator for the board\n",
             json_get_text(twin, "board"), json_get_text(twin, "port"));
    json_array_foreach(json_object_get(report, "modules"), i, module)
    {
        const json_t *stubs = json_object_get(module, "stubs");
        if (!json_array_size(stubs))
            continue;
        buf_addf(out, "  %s took of stubs: ", json_get_text(module, "name"));
        add_names(stubs, out);
        buf_addc(out, '\n');
    }
    if (json_array_size(json_object_get(twin, "left_out"))) {
        buf_adds(out, "  left out, as they are native code for the board: ");
        add_names(json_object_get(twin, "left_out"), out);
        buf_addc(out, '\n');
    }
}

static void add_board(const json_t *report, struct buf *out)
{
    const json_t *board = json_object_get(report, "board");
    if (board)
        buf_addf(out, "\non the board at %s: %s\n", json_get_text(board, "port"),
                 json_get_text(board, "machine"));
}

void check_show(const json_t *report, struct buf *out)
{
    const json_t *modules = json_object_get(report, "modules"), *module;
    size_t i;
    if (json_array_size(modules))
        add_modules(modules, out);
    json_array_foreach(modules, i, module) add_failure(module, json_get_text(module, "name"), out);
    if (json_object_get(report, "product"))
        add_product(json_object_get(report, "product"), out);
    if (json_object_get(report, "lost"))
        buf_addf(out, "\n%s\n  press its reset button, or unplug it and plug it in again\n",
                 json_get_text(report, "lost"));
    add_twin(report, out);
    add_board(report, out);
}
