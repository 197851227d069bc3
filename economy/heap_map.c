#include "economy/heap_map.h"

#include <stdio.h>
#include <string.h>

#define ROW_BLOCKS 64
#define ROWS_MAX 65536

static void add_row(json_t *rows, const char *blocks, size_t len)
{
    if (json_array_size(rows) < ROWS_MAX)
        json_array_append_new(rows, json_stringn(blocks, len));
}

/* "       (74 lines all free)" or "00000400: hhShh...". */
static void read_line(json_t *rows, const char *line)
{
    static const char free_row[ROW_BLOCKS + 1] =
        "................................................................";
    unsigned offset, count;
    int at = 0;
    if (sscanf(line, " (%u lines all free)", &count) == 1) {
        for (unsigned i = 0; i < count && i < ROWS_MAX; i++)
            add_row(rows, free_row, ROW_BLOCKS);
    } else if (sscanf(line, "%8x: %n", &offset, &at) == 1 && at) {
        size_t len = strcspn(line + at, "\r\n");
        if (len && len <= ROW_BLOCKS)
            add_row(rows, line + at, len);
    }
}

json_t *heap_map_read(const struct buf *lines)
{
    unsigned long long total, used, free_bytes, largest = 0;
    const char *at = strstr(lines->data, "GC: total: ");
    if (!at ||
        sscanf(at, "GC: total: %llu, used: %llu, free: %llu", &total, &used, &free_bytes) != 3)
        return json_null();
    const char *sizes = strstr(at, "max free sz: ");
    json_t *rows = json_array(), *row;
    size_t blocks = 0, i;
    if (sizes)
        (void)sscanf(sizes, "max free sz: %llu", &largest);
    for (const char *line = strstr(at, "GC memory layout"); line && (line = strchr(line, '\n'));)
        read_line(rows, ++line);
    json_array_foreach(rows, i, row) blocks += json_string_length(row);
    /* Blocks are 16 bytes on 32-bit boards and 32 on 64-bit machines. */
    unsigned long long block = blocks ? (total + blocks / 2) / blocks : 16;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "total", (json_int_t)total, "used",
                     (json_int_t)used, "free", (json_int_t)free_bytes, "largest_free",
                     (json_int_t)(largest * block), "block", (json_int_t)block, "rows", rows);
}

static void count_blocks(const json_t *rows, size_t first, size_t end, size_t *used)
{
    *used = 0;
    for (size_t i = first; i < end; i++) {
        const char *row = json_string_value(json_array_get(rows, i / ROW_BLOCKS));
        *used += row && i % ROW_BLOCKS < strlen(row) && row[i % ROW_BLOCKS] != '.';
    }
}

void heap_map_draw(const json_t *map, size_t columns, size_t lines, struct buf *out)
{
    static const char *const shades[] = {"·", "░", "▒", "▓", "█"};
    const json_t *rows = json_object_get(map, "rows");
    size_t count = json_array_size(rows);
    if (!count)
        return;
    size_t blocks = (count - 1) * ROW_BLOCKS + json_string_length(json_array_get(rows, count - 1));
    size_t cell = (blocks + columns * lines - 1) / (columns * lines);
    for (size_t at = 0, column = 0; at < blocks; at += cell, column++) {
        size_t end = at + cell < blocks ? at + cell : blocks, used;
        if (column == columns) {
            buf_addc(out, '\n');
            column = 0;
        }
        count_blocks(rows, at, end, &used);
        size_t shade = used == 0 ? 0 : 1 + used * 3 / (end - at);
        buf_adds(out, shades[shade < ARRAY_SIZE(shades) ? shade : ARRAY_SIZE(shades) - 1]);
    }
    buf_addc(out, '\n');
}
