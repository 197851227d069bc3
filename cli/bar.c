#include "cli/bar.h"

#include <string.h>

#include "base/proc.h"
#include "base/text.h"

#define NAME_COLUMNS 11
#define BAR_COLUMNS 24
#define AMOUNT_COLUMNS 16 /* a bar is drawn if at least so many are left to say how far it is */
#define ETA_AFTER_MS 1500 /* before that, and before a tenth is done, the rate says nothing */

void bar_release(struct bar *bar)
{
    free(bar->job);
    free(bar->phase);
    free(bar->title);
    free(bar->unit);
    free(bar->detail);
}

static bool starts_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t bar_count_columns(const struct buf *text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text->len; i++)
        columns += starts_character(text->data[i]);
    return columns;
}

void bar_add_clipped(struct buf *line, const char *text, size_t columns)
{
    size_t used = 0, i = 0;
    for (; text[i]; i++)
        if (starts_character(text[i]) && used++ == columns)
            break;
    text_add_printable(line, text, i);
}

bool bar_is_outer(const struct bar *bar)
{
    return strcmp(bar->phase, "board") == 0 || strcmp(bar->phase, "product") == 0;
}

void bar_add_name(const struct bar *bar, size_t job_columns, struct buf *line)
{
    if (*bar->job)
        buf_addf(line, "%-*s ", (int)job_columns, bar->job);
    if (!bar_is_outer(bar))
        buf_addf(line, "%-*s ", NAME_COLUMNS - 1, bar->phase);
}

static void add_done(struct buf *line, const struct bar *bar)
{
    if (strcmp(bar->unit, "bytes") == 0) {
        text_add_size(line, bar->done);
        if (bar->total) {
            buf_adds(line, " of ");
            text_add_size(line, bar->total);
        }
    } else if (bar->total) {
        buf_addf(line, "%llu/%llu %s", (unsigned long long)bar->done,
                 (unsigned long long)bar->total, bar->unit);
    } else if (bar->done) {
        buf_addf(line, "%llu %s", (unsigned long long)bar->done, bar->unit);
    }
}

/* Rate for bytes, and the time left at the rate so far. */
static void add_rate(struct buf *line, const struct bar *bar, long long elapsed_ms)
{
    if (elapsed_ms < ETA_AFTER_MS || !bar->done)
        return;
    if (strcmp(bar->unit, "bytes") == 0) {
        buf_adds(line, "  ");
        text_add_size(line, bar->done * 1000 / (uint64_t)elapsed_ms);
        buf_adds(line, "/s");
    }
    if (bar->total > bar->done && bar->done >= bar->total / 10) {
        double left = (double)elapsed_ms * (double)(bar->total - bar->done) / (double)bar->done;
        buf_adds(line, "  ");
        text_add_duration(line, (int64_t)left);
        buf_adds(line, " left");
    }
}

void bar_add_amount(const struct bar *bar, long long now_ms, struct buf *line)
{
    add_done(line, bar);
    add_rate(line, bar, now_ms - bar->started_ms);
}

/* Eighths of a cell, so that a bar of 24 cells moves in 192 steps. */
static void add_cells(struct buf *line, const struct bar *bar, bool color)
{
    static const char *const part[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    uint64_t done = bar->done < bar->total ? bar->done : bar->total;
    unsigned eighths = bar->total ? (unsigned)(done * BAR_COLUMNS * 8 / bar->total) : 0;
    buf_adds(line, color ? "\033[36m" : "");
    for (unsigned cell = 0; cell < BAR_COLUMNS; cell++) {
        unsigned fill = eighths > cell * 8 ? eighths - cell * 8 : 0;
        buf_adds(line, fill >= 8 ? "█" : part[fill]);
    }
    buf_adds(line, color ? "\033[0m" : "");
    buf_adds(line, "▏");
}

void bar_draw(const struct bar *bar, size_t job_columns, size_t columns, bool color,
              struct buf *frame)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    _cleanup_(buf_release) struct buf tail = BUF_INIT;
    bar_add_name(bar, job_columns, &name);
    bar_add_amount(bar, clock_ms(), &tail);
    if (*bar->detail)
        buf_addf(&tail, "  %s", bar->detail);
    size_t room = columns > 3 ? columns - 3 : 0, used = bar_count_columns(&name);
    buf_adds(frame, "  ");
    bar_add_clipped(frame, name.data, room);
    room -= used < room ? used : room;
    if (room >= BAR_COLUMNS + 2 + AMOUNT_COLUMNS) {
        add_cells(frame, bar, color);
        buf_addc(frame, ' ');
        room -= BAR_COLUMNS + 2;
    }
    bar_add_clipped(frame, tail.len ? tail.data : bar->title, room);
    buf_adds(frame, "\033[K\n");
}
