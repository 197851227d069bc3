#include "cli/progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/text.h"

#define BARS_MAX 64
#define NAME_COLUMNS 11
#define BAR_COLUMNS 24
#define AMOUNT_COLUMNS 16 /* a bar is drawn if at least so many are left to say how far it is */
#define COLUMNS_DEFAULT 80
#define PLAIN_INTERVAL_MS 5000
#define ETA_AFTER_MS 1500 /* before that, and before a tenth is done, the rate says nothing */

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

struct progress {
    FILE *out;
    struct buf frame; /* what one event changes: written in one piece, so that nothing flickers */
    enum progress_style style;
    bool quiet;
    struct bar bars[BARS_MAX]; /* the phases under way, oldest first */
    size_t count;
    size_t drawn; /* lines of the block on the screen */
};

enum progress_style progress_style_for(FILE *out, bool no_color)
{
    const char *term = getenv("TERM");
    const char *env_no_color = getenv("NO_COLOR");
    if (!isatty(fileno(out)) || !term || strcmp(term, "dumb") == 0)
        return PROGRESS_PLAIN;
    return no_color || (env_no_color && *env_no_color) ? PROGRESS_TERMINAL : PROGRESS_COLOR;
}

struct progress *progress_new(FILE *out, enum progress_style style, bool quiet)
{
    struct progress *p = xcalloc(1, sizeof(*p));
    p->out = out;
    p->frame = (struct buf)BUF_INIT;
    p->style = style;
    p->quiet = quiet;
    return p;
}

static const char *paint(const struct progress *p, const char *code)
{
    return p->style == PROGRESS_COLOR ? code : "";
}
#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"
#define DIM "\033[2m"
#define BOLD "\033[1m"
#define RESET "\033[0m"

static void bar_release(struct bar *bar)
{
    free(bar->job);
    free(bar->phase);
    free(bar->title);
    free(bar->unit);
    free(bar->detail);
}

static size_t terminal_columns(const struct progress *p)
{
    struct winsize size;
    if (ioctl(fileno(p->out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT;
    return size.ws_col;
}

static bool starts_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

static size_t count_columns(const struct buf *text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text->len; i++)
        columns += starts_character(text->data[i]);
    return columns;
}

/* Cut to a number of columns; continuation bytes of UTF-8 take none. */
static void add_clipped(struct buf *line, const char *text, size_t columns)
{
    size_t used = 0, i = 0;
    for (; text[i]; i++)
        if (starts_character(text[i]) && used++ == columns)
            break;
    text_add_printable(line, text, i);
}

/* "compile" or "1-1.4 write", padded: the phases of one job stand in one column. */
static void add_name(struct buf *line, const struct bar *bar)
{
    if (*bar->job)
        buf_addf(line, "%s ", bar->job);
    buf_addf(line, "%-*s ", NAME_COLUMNS - 1, bar->phase);
}

static void add_amount(struct buf *line, const struct bar *bar)
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

/* Eighths of a cell, so that a bar of 24 cells moves in 192 steps. */
static void add_bar(struct buf *line, const struct progress *p, const struct bar *bar)
{
    static const char *const part[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    uint64_t done = bar->done < bar->total ? bar->done : bar->total;
    unsigned eighths = bar->total ? (unsigned)(done * BAR_COLUMNS * 8 / bar->total) : 0;
    buf_adds(line, paint(p, CYAN));
    for (unsigned cell = 0; cell < BAR_COLUMNS; cell++) {
        unsigned fill = eighths > cell * 8 ? eighths - cell * 8 : 0;
        buf_adds(line, fill >= 8 ? "█" : part[fill]);
    }
    buf_adds(line, paint(p, RESET));
    buf_adds(line, "▏");
}

/* A line that would wrap could not be taken back: what does not fit is cut; a bar is drawn if there
 * is room for the amount behind it. */
static void draw_bar(struct progress *p, const struct bar *bar, size_t columns)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    _cleanup_(buf_release) struct buf tail = BUF_INIT;
    add_name(&name, bar);
    add_amount(&tail, bar);
    add_rate(&tail, bar, clock_ms() - bar->started_ms);
    if (*bar->detail)
        buf_addf(&tail, "  %s", bar->detail);
    size_t room = columns > 3 ? columns - 3 : 0, used = count_columns(&name);
    buf_adds(&p->frame, "  ");
    add_clipped(&p->frame, name.data, room);
    room -= used < room ? used : room;
    if (room >= BAR_COLUMNS + 2 + AMOUNT_COLUMNS) {
        add_bar(&p->frame, p, bar);
        buf_addc(&p->frame, ' ');
        room -= BAR_COLUMNS + 2;
    }
    add_clipped(&p->frame, tail.len ? tail.data : bar->title, room);
    buf_adds(&p->frame, "\033[K\n");
}

/* Ctrl-C is echoed behind the block as ^C: back to the first column, or the next line would wrap.
 */
static void block_erase(struct progress *p)
{
    if (p->drawn)
        buf_addf(&p->frame, "\r\033[%zuA\033[J", p->drawn);
    p->drawn = 0;
}

static void block_draw(struct progress *p)
{
    if (p->style == PROGRESS_PLAIN || p->quiet)
        return;
    size_t columns = terminal_columns(p);
    for (size_t i = 0; i < p->count; i++)
        draw_bar(p, &p->bars[i], columns);
    p->drawn = p->count;
}

static void show_frame(struct progress *p)
{
    fwrite(p->frame.data, 1, p->frame.len, p->out);
    fflush(p->out);
    buf_clear(&p->frame);
}

static const char *field(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));
    return value ? value : "";
}

static struct bar *find_bar(struct progress *p, const json_t *event)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->bars[i].phase, field(event, "phase")) == 0 &&
            strcmp(p->bars[i].job, field(event, "job")) == 0)
            return &p->bars[i];
    return NULL;
}

static void replace(char **slot, const char *value)
{
    if (*slot && strcmp(*slot, value) == 0)
        return;
    free(*slot);
    *slot = xstrdup(value);
}

static void on_phase_begin(struct progress *p, const json_t *event)
{
    if (p->count == BARS_MAX || find_bar(p, event))
        return;
    struct bar *bar = &p->bars[p->count++];
    *bar = (struct bar){.started_ms = clock_ms(), .said_ms = clock_ms()};
    replace(&bar->job, field(event, "job"));
    replace(&bar->phase, field(event, "phase"));
    replace(&bar->title, field(event, "title"));
    replace(&bar->unit, "");
    replace(&bar->detail, "");
}

static void say_progress(struct progress *p, struct bar *bar)
{
    _cleanup_(buf_release) struct buf line = BUF_INIT;
    long long now = clock_ms();
    if (p->style != PROGRESS_PLAIN || p->quiet || now - bar->said_ms < PLAIN_INTERVAL_MS)
        return;
    bar->said_ms = now;
    add_name(&line, bar);
    add_amount(&line, bar);
    add_rate(&line, bar, now - bar->started_ms);
    buf_addf(&p->frame, "  %s ...\n", line.data);
}

static void on_progress(struct progress *p, const json_t *event)
{
    struct bar *bar = find_bar(p, event);
    if (!bar)
        return;
    bar->done = (uint64_t)json_integer_value(json_object_get(event, "done"));
    bar->total = (uint64_t)json_integer_value(json_object_get(event, "total"));
    replace(&bar->unit, field(event, "unit"));
    replace(&bar->detail, field(event, "detail"));
    say_progress(p, bar);
}

static void say_end(struct progress *p, const struct bar *bar, const json_t *event)
{
    _cleanup_(buf_release) struct buf line = BUF_INIT;
    _cleanup_(buf_release) struct buf time = BUF_INIT;
    bool ok = json_is_true(json_object_get(event, "ok"));
    double seconds = json_number_value(json_object_get(event, "seconds"));
    const char *detail = field(event, "detail");
    text_add_duration(&time, (int64_t)(seconds * 1000 + 0.5));
    add_name(&line, bar);
    if (p->style == PROGRESS_PLAIN) {
        buf_addf(&p->frame, "  %s%-8s  %s%s\n", line.data, time.data, ok ? "" : "FAILED ",
                 *detail ? detail : bar->title);
        return;
    }
    buf_addf(&p->frame, "%s%s%s %s%s%8s%s  ", paint(p, ok ? GREEN : RED), ok ? "✓" : "✗",
             paint(p, RESET), line.data, paint(p, DIM), time.data, paint(p, RESET));
    size_t columns = terminal_columns(p), used = 2 + count_columns(&line) + 8 + 2;
    add_clipped(&p->frame, *detail ? detail : bar->title, columns > used ? columns - used : 0);
    buf_addc(&p->frame, '\n');
}

static void on_phase_end(struct progress *p, const json_t *event)
{
    struct bar *bar = find_bar(p, event);
    if (!bar)
        return;
    if (!p->quiet)
        say_end(p, bar, event);
    bar_release(bar);
    size_t index = (size_t)(bar - p->bars);
    memmove(bar, bar + 1, (p->count - index - 1) * sizeof(*bar));
    p->count--;
}

/* A diagnostic: the first line's severity in colour, the rest (source line, caret) as it is. */
static void on_log(struct progress *p, const json_t *event)
{
    const char *level = field(event, "level");
    const char *text = field(event, "text");
    size_t len = strlen(text);
    const char *end = len && text[len - 1] == '\n' ? "" : "\n";
    bool error = strcmp(level, "error") == 0;
    if (strcmp(level, "info") == 0) {
        if (!p->quiet)
            buf_addf(&p->frame, "  %s%s", text, end);
        return;
    }
    buf_addf(&p->frame, "%s%s:%s %s%s", paint(p, error ? BOLD RED : BOLD YELLOW),
             error ? "error" : "warning", paint(p, RESET), text, end);
}

void progress_sink(void *data, const json_t *event)
{
    struct progress *p = data;
    const char *kind = field(event, "event");
    block_erase(p);
    if (strcmp(kind, "phase") == 0 && strcmp(field(event, "state"), "begin") == 0)
        on_phase_begin(p, event);
    else if (strcmp(kind, "phase") == 0)
        on_phase_end(p, event);
    else if (strcmp(kind, "progress") == 0)
        on_progress(p, event);
    else if (strcmp(kind, "log") == 0)
        on_log(p, event);
    block_draw(p);
    show_frame(p);
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    block_erase(p);
    show_frame(p);
    buf_release(&p->frame);
    for (size_t i = 0; i < p->count; i++)
        bar_release(&p->bars[i]);
    free(p);
}
