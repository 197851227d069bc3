/* How an error looks: err_format() of err.h. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"

#define TAB_WIDTH 4
/* A longer source line is cut to this many characters, beginning this far before the column. */
#define SHOWN_MAX 90
#define SHOWN_BEFORE 40

/* Columns that a character takes on a terminal. wcwidth() would depend on the locale. */
static size_t char_width(uint32_t c)
{
    static const struct {
        uint32_t first, last;
        size_t width;
    } ranges[] = {
        {0x0300, 0x036f, 0},   {0x1100, 0x115f, 2}, {0x200b, 0x200d, 0}, {0x20d0, 0x20ff, 0},
        {0x2e80, 0xa4cf, 2},   {0xac00, 0xd7a3, 2}, {0xf900, 0xfaff, 2}, {0xfe00, 0xfe0f, 0},
        {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2}, {0xffe0, 0xffe6, 2}, {0x1f300, 0x1faff, 2},
        {0x20000, 0x3fffd, 2},
    };

    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return ranges[i].width;
    return 1;
}

/* One character of a source line; bytes that are no UTF-8 count as one character each. */
static size_t next_char(const char *s, size_t len, uint32_t *code)
{
    size_t n = text_utf8_decode(s, len, code);

    if (!n)
        *code = 0xfffd;
    return n ? n : 1;
}

/* Append one character as it is shown; returns the columns that it takes from `column` on. */
static size_t add_cell(struct buf *out, const char *s, size_t n, uint32_t code, size_t column)
{
    size_t before = out->len;

    if (code == '\t') {
        buf_fill(out, ' ', TAB_WIDTH - column % TAB_WIDTH);
        return out->len - before;
    }
    text_add_printable(out, s, n);
    bool escaped = out->len - before != n;

    return escaped ? out->len - before : char_width(code);
}

static size_t count_chars(const char *s)
{
    size_t count = 0;
    uint32_t code;

    for (size_t len = strlen(s), i = 0; i < len; count++)
        i += next_char(s + i, len - i, &code);
    return count;
}

/* Append the shown part of the line; *caret and *width are where and how wide to underline (when
 * there is a column at all). */
static void add_source(struct buf *out, const struct err *err, size_t *caret, size_t *width)
{
    const char *s = err->source_line;
    size_t len = strlen(s), chars = count_chars(s);
    size_t first = 0, mark = err->column ? err->column - 1 : 0,
           mark_len = err->length ? err->length : 1;
    size_t column = 0, index = 0;

    if (chars > SHOWN_MAX && mark > SHOWN_MAX - SHOWN_BEFORE / 2)
        first = (mark < chars ? mark : chars) - SHOWN_BEFORE;
    if (first) {
        buf_adds(out, "...");
        column = 3;
    }
    *caret = *width = 0;
    for (size_t i = 0, n; i < len && index < first + SHOWN_MAX; i += n, index++) {
        uint32_t code;

        n = next_char(s + i, len - i, &code);
        if (index < first)
            continue;
        if (index == mark)
            *caret = column;
        size_t cells = add_cell(out, s + i, n, code, column);

        column += cells;
        if (index >= mark && index - mark < mark_len)
            *width += cells;
    }
    if (index < chars)
        buf_adds(out, "...");
    if (mark >= index) /* just behind the end: something is missing there */
        *caret = column;
    if (!*width)
        *width = 1;
}

/* Lines of the hint, the first one where we are, each later one indented by two spaces. */
static void add_hint(struct buf *out, const char *hint)
{
    for (;;) {
        size_t n = strcspn(hint, "\n");

        text_add_printable(out, hint, n);
        buf_addc(out, '\n');
        if (!hint[n] || !hint[n + 1])
            return;
        hint += n + 1;
        buf_adds(out, "  ");
    }
}

/* "     | " below the line number */
static void add_marks(struct buf *out, size_t gutter, size_t caret, size_t width)
{
    buf_fill(out, ' ', gutter);
    buf_adds(out, " | ");
    buf_fill(out, ' ', caret);
    buf_addc(out, '^');
    buf_fill(out, '~', width - 1);
}

static void add_excerpt(struct buf *out, const struct err *err, const char *hint)
{
    size_t caret, width;
    size_t start = out->len;

    buf_addf(out, "%4u", err->line);
    size_t gutter = out->len - start;

    buf_adds(out, " | ");
    add_source(out, err, &caret, &width);
    buf_addc(out, '\n');
    if (err->column) {
        add_marks(out, gutter, caret, width);
        if (!hint)
            buf_addc(out, '\n');
    }
    if (hint) {
        buf_adds(out, err->column ? " " : "  ");
        add_hint(out, hint);
    }
}

static void add_location(struct buf *out, const struct err *err)
{
    text_add_printable(out, err->file, strlen(err->file));
    if (err->line)
        buf_addf(out, ":%u", err->line);
    if (err->line && err->column)
        buf_addf(out, ":%u", err->column);
    buf_adds(out, ": ");
}

const struct err *err_located(const struct err *err)
{
    while (err && !err->file)
        err = err->cause;
    return err;
}

const char *err_get_hint(const struct err *err)
{
    while (err && !err->hint)
        err = err->cause;
    return err ? err->hint : NULL;
}

void err_add_message(const struct err *err, struct buf *out)
{
    for (const struct err *e = err; e; e = e->cause) {
        text_add_printable(out, e->message, strlen(e->message));
        if (e->cause)
            buf_adds(out, ": ");
    }
}

void err_format(const struct err *err, struct buf *out)
{
    const struct err *located = err_located(err);
    const char *hint = err_get_hint(err);

    if (located)
        add_location(out, located);
    err_add_message(err, out);
    buf_addc(out, '\n');
    if (located && located->line && located->source_line) {
        add_excerpt(out, located, hint);
    } else if (hint) {
        buf_adds(out, "  ");
        add_hint(out, hint);
    }
}
