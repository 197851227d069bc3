#include "cli/progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/text.h"
#include "cli/bar.h"

#define BARS_MAX 512
#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT 24
#define ROWS_KEPT 2 /* of a terminal's rows that the block leaves alone */
#define PLAIN_INTERVAL_MS 5000
#define FEW_BARS 4
#define REDRAW_MS 40 /* of more bars than that */

struct progress {
    FILE *out;
    struct buf said;  /* lines that stay, of the event being handled */
    struct buf frame; /* what one event changes: written in one piece, so that nothing flickers */
    enum progress_style style;
    bool quiet;
    struct bar bars[BARS_MAX]; /* the phases under way, oldest first */
    size_t count;
    size_t drawn;       /* lines of the block on the screen */
    long long drawn_ms; /* when */
    size_t job_columns; /* the longest job's name so far */
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
    p->said = p->frame = (struct buf)BUF_INIT;
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
#define DIM "\033[2m"
#define BOLD "\033[1m"
#define RESET "\033[0m"

static size_t terminal_columns(const struct progress *p)
{
    struct winsize size;
    if (ioctl(fileno(p->out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT;
    return size.ws_col;
}

static size_t terminal_rows(const struct progress *p)
{
    struct winsize size;
    if (ioctl(fileno(p->out), TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return ROWS_DEFAULT;
    return size.ws_row;
}

/* The lines that stay, in the place of the block. Nothing is erased before it is drawn over: that
 * would flicker. Ctrl-C is echoed behind the block as ^C: back to the first column, or the next
 * line would wrap. */
static void say_over_block(struct progress *p)
{
    if (p->drawn)
        buf_addf(&p->frame, "\r\033[%zuA", p->drawn);
    for (size_t i = 0; i < p->said.len; i++) {
        if (p->said.data[i] == '\n' && p->drawn)
            buf_adds(&p->frame, "\033[K");
        buf_addc(&p->frame, p->said.data[i]);
    }
    buf_clear(&p->said);
}

/* The phase of the same board or product around this one; NULL = none. */
static const struct bar *outer_of(const struct progress *p, const struct bar *bar)
{
    for (size_t i = 0; i < p->count; i++)
        if (&p->bars[i] != bar && bar_is_outer(&p->bars[i]) &&
            strcmp(p->bars[i].job, bar->job) == 0)
            return &p->bars[i];
    return NULL;
}

/* What is drawn in this one's place, so that jobs keep theirs while their phases change: the newest
 * phase within an outer one; NULL = nothing, as it is drawn in the outer one's place. */
static const struct bar *drawn_for(const struct progress *p, const struct bar *bar)
{
    if (!bar_is_outer(bar))
        return outer_of(p, bar) ? NULL : bar;
    for (size_t i = p->count; i-- > 0;)
        if (!bar_is_outer(&p->bars[i]) && strcmp(p->bars[i].job, bar->job) == 0)
            return &p->bars[i];
    return bar;
}

/* From the top of the block to its end. */
enum rank { AT_WORK, WAITING, OVERALL };

static enum rank rank_of(const struct bar *bar)
{
    if (!*bar->job)
        return OVERALL;
    return bar_is_outer(bar) ? WAITING : AT_WORK;
}

static size_t count_bars(const struct progress *p, enum rank rank)
{
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct bar *bar = drawn_for(p, &p->bars[i]);
        count += bar && rank_of(bar) == rank;
    }
    return count;
}

/* Draw the bars of this rank as far as there are rows; the number of those that had no room is
 * returned. */
static size_t draw_bars(struct progress *p, enum rank rank, size_t rows, size_t columns)
{
    size_t left_out = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct bar *bar = drawn_for(p, &p->bars[i]);
        if (!bar || rank_of(bar) != rank)
            continue;
        if (p->drawn < rows) {
            bar_draw(bar, p->job_columns, columns, p->style == PROGRESS_COLOR, &p->frame);
            p->drawn++;
        } else {
            left_out++;
        }
    }
    return left_out;
}

/* The rows that the block may have: more than the terminal has could not be taken back. */
static size_t block_rows(const struct progress *p)
{
    size_t rows = terminal_rows(p);
    return rows > ROWS_KEPT + 1 ? rows - ROWS_KEPT : 1;
}

/* One bar a job, then those of no job, which have their place in any case. Of the jobs, those that
 * only wait are left out first. */
static void block_draw(struct progress *p)
{
    size_t drawn_before = p->drawn;
    size_t columns = terminal_columns(p), rows = block_rows(p);
    size_t overall = count_bars(p, OVERALL), jobs = count_bars(p, AT_WORK) + count_bars(p, WAITING);
    size_t room = rows > overall ? rows - overall : 0;
    if (jobs > room && room)
        room--;
    p->drawn = 0;
    size_t left_out = draw_bars(p, AT_WORK, room, columns);
    left_out += draw_bars(p, WAITING, room, columns);
    if (left_out && p->drawn < rows) {
        buf_addf(&p->frame, "  and %zu more\033[K\n", left_out);
        p->drawn++;
    }
    (void)draw_bars(p, OVERALL, rows, columns);
    if (drawn_before > 0)
        buf_adds(&p->frame, "\033[J");
    p->drawn_ms = clock_ms();
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
    if (strlen(bar->job) > p->job_columns)
        p->job_columns = strlen(bar->job);
    replace(&bar->phase, field(event, "phase"));
    replace(&bar->title, field(event, "title"));
    replace(&bar->unit, "");
    replace(&bar->detail, "");
}

static void say_progress(struct progress *p, struct bar *bar)
{
    _cleanup_(buf_release) struct buf line = BUF_INIT;
    long long now = clock_ms();
    if (p->style != PROGRESS_PLAIN || p->quiet || outer_of(p, bar) ||
        now - bar->said_ms < PLAIN_INTERVAL_MS)
        return;
    bar->said_ms = now;
    bar_add_name(bar, p->job_columns, &line);
    bar_add_amount(bar, now, &line);
    buf_addf(&p->said, "  %s ...\n", line.data);
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
    bar_add_name(bar, p->job_columns, &line);
    if (p->style == PROGRESS_PLAIN) {
        buf_addf(&p->said, "  %s%-8s  %s%s\n", line.data, time.data, ok ? "" : "FAILED ",
                 *detail ? detail : bar->title);
        return;
    }
    buf_addf(&p->said, "%s%s%s %s%s%8s%s  ", paint(p, ok ? GREEN : RED), ok ? "✓" : "✗",
             paint(p, RESET), line.data, paint(p, DIM), time.data, paint(p, RESET));
    size_t columns = terminal_columns(p), used = 2 + bar_count_columns(&line) + 8 + 2;
    bar_add_clipped(&p->said, *detail ? detail : bar->title, columns > used ? columns - used : 0);
    buf_addc(&p->said, '\n');
}

static void on_phase_end(struct progress *p, const json_t *event)
{
    struct bar *bar = find_bar(p, event);
    if (!bar)
        return;
    if (!p->quiet && !outer_of(p, bar))
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
            buf_addf(&p->said, "  %s%s", text, end);
        return;
    }
    buf_addf(&p->said, "%s%s:%s %s%s", paint(p, error ? BOLD RED : BOLD YELLOW),
             error ? "error" : "warning", paint(p, RESET), text, end);
}

/* Each bar changes up to 20 times a second: many of them are not drawn anew at each change. */
static bool is_too_soon(const struct progress *p, const char *kind)
{
    return strcmp(kind, "progress") == 0 && p->drawn > FEW_BARS &&
           clock_ms() - p->drawn_ms < REDRAW_MS;
}

void progress_sink(void *data, const json_t *event)
{
    struct progress *p = data;
    const char *kind = field(event, "event");
    if (strcmp(kind, "phase") == 0 && strcmp(field(event, "state"), "begin") == 0)
        on_phase_begin(p, event);
    else if (strcmp(kind, "phase") == 0)
        on_phase_end(p, event);
    else if (strcmp(kind, "progress") == 0)
        on_progress(p, event);
    else if (strcmp(kind, "log") == 0)
        on_log(p, event);
    bool has_block = p->style != PROGRESS_PLAIN && !p->quiet;
    if (has_block && is_too_soon(p, kind))
        return;
    say_over_block(p);
    if (has_block)
        block_draw(p);
    show_frame(p);
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    say_over_block(p);
    if (p->drawn)
        buf_adds(&p->frame, "\033[J");
    show_frame(p);
    buf_release(&p->said);
    buf_release(&p->frame);
    for (size_t i = 0; i < p->count; i++)
        bar_release(&p->bars[i]);
    free(p);
}
