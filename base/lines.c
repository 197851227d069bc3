#include "base/lines.h"

#include <string.h>

static void flush(struct lines *lines)
{
    lines->fn(lines->data, lines->partial.data, lines->partial.len);
    buf_clear(&lines->partial);
}

void lines_add(struct lines *lines, const char *data, size_t len)
{
    while (len) {
        if (lines->partial.len == LINES_PIECE && *data != '\n')
            flush(lines);
        const char *newline = memchr(data, '\n', len);
        size_t part = newline ? (size_t)(newline - data) : len;
        size_t room = LINES_PIECE - lines->partial.len;
        bool whole = newline && part <= room;

        if (part > room)
            part = room;
        buf_add(&lines->partial, data, part);
        if (whole)
            flush(lines);
        data += part + whole;
        len -= part + whole;
    }
}

void lines_end(struct lines *lines)
{
    if (lines->partial.len)
        flush(lines);
}

void lines_release(struct lines *lines)
{
    buf_release(&lines->partial);
}
