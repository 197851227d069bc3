/*
 * One phase under way as a line on the terminal: name, bar, amount, rate, what it is at.
 */
#ifndef FIRN_CLI_BAR_H
#define FIRN_CLI_BAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct bar {
    char *job; /* "" = none */
    char *phase;
    char *title;
    char *unit;
    char *detail;
    uint64_t done, total;
    long long started_ms;
    long long said_ms; /* plain: when the last line about it was printed */
};

void bar_release(struct bar *bar);

/* The phase around all others of one board or product among several (docs/events.md). */
bool bar_is_outer(const struct bar *bar);

/* "compile" or "1-1.4 write", padded: jobs (of at most job_columns) and phases stand in a column
 * each. An outer phase needs no name. */
void bar_add_name(const struct bar *bar, size_t job_columns, struct buf *line);
/* "12.0 KiB of 338 KiB  70 KiB/s  4.1 s left", as far as it is known at now_ms. */
void bar_add_amount(const struct bar *bar, long long now_ms, struct buf *line);
/* The whole line with its newline, in at most `columns`: what does not fit is cut; a bar is drawn
 * if there is room for the amount behind it. */
void bar_draw(const struct bar *bar, size_t job_columns, size_t columns, bool color,
              struct buf *frame);

/* Append text cut to a number of columns; continuation bytes of UTF-8 take none. */
void bar_add_clipped(struct buf *line, const char *text, size_t columns);
size_t bar_count_columns(const struct buf *text);

#endif
