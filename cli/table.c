#include "cli/table.h"

#include <string.h>

#include "base/text.h"
#include "cli/bar.h"

#define GAP 2 /* columns of the terminal between two of the table */

void table_add(struct table *table, const char *cell)
{
    _cleanup_(buf_release) struct buf printable = BUF_INIT;

    text_add_printable(&printable, cell, strlen(cell));
    strv_add(&table->cells, printable.data);
}

void table_addf(struct table *table, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    _cleanup_free_ char *cell = xvasprintf(fmt, ap);
    va_end(ap);
    table_add(table, cell);
}

static size_t cell_columns(const char *cell)
{
    const struct buf text = {(char *)cell, strlen(cell), 0};

    return bar_count_columns(&text);
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t width = 0;

    for (size_t i = column; i < table->cells.count; i += table->columns) {
        size_t columns = cell_columns(table->cells.items[i]);

        width = columns > width ? columns : width;
    }
    return width;
}

void table_format_row(const struct table *table, size_t row, struct buf *out)
{
    size_t first = row * table->columns, last = table->columns - 1;

    /* Empty cells at the end would leave blanks behind the line. */
    while (last && !*table->cells.items[first + last])
        last--;
    for (size_t i = 0; i <= last; i++) {
        const char *cell = table->cells.items[first + i];

        buf_adds(out, cell);
        if (i < last)
            buf_fill(out, ' ', column_width(table, i) - cell_columns(cell) + GAP);
    }
    buf_addc(out, '\n');
}

void table_format(const struct table *table, struct buf *out)
{
    for (size_t row = 0; row < table->cells.count / table->columns; row++)
        table_format_row(table, row, out);
}

void table_release(struct table *table)
{
    strv_release(&table->cells);
}
