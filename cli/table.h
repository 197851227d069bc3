/*
 * A table for people: a line of titles, then rows, columns as wide as they have to be.
 *
 *     struct table t = TABLE_INIT(3);
 *     table_add(&t, "KIND");  ... every cell of every row, from left to right
 *     table_format(&t, &out);
 *     table_release(&t);
 *
 * Cells are made printable: they may come from outside.
 */
#ifndef FIRN_CLI_TABLE_H
#define FIRN_CLI_TABLE_H

#include "base/buf.h"

struct table {
    size_t columns;
    struct strv cells;
};
#define TABLE_INIT(columns)                                                                        \
    {                                                                                              \
        (columns), STRV_INIT                                                                       \
    }

void table_add(struct table *table, const char *cell);
void table_addf(struct table *table, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* One row (0: the titles) with its newline; the last cell is not padded. For tables with other
 * lines between their rows. */
void table_format_row(const struct table *table, size_t row, struct buf *out);
void table_format(const struct table *table, struct buf *out);
void table_release(struct table *table);

#endif
