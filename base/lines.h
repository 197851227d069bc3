/*
 * Bytes as they arrive, handed on line by line.
 *
 *     struct lines lines = LINES_INIT(take_line, data);
 *     lines_add(&lines, block, len);   // for each block that was read
 *     lines_end(&lines);               // what came without a newline
 *     lines_release(&lines);
 */
#ifndef FIRN_BASE_LINES_H
#define FIRN_BASE_LINES_H

#include "base/buf.h"

#define LINES_PIECE (64 * 1024)

/* One line without its newline, NUL-terminated; one longer than LINES_PIECE comes in pieces. */
typedef void (*line_fn)(void *data, const char *line, size_t len);

struct lines {
    line_fn fn;
    void *data;
    struct buf partial; /* not yet complete */
};
#define LINES_INIT(fn, data)                                                                       \
    {                                                                                              \
        (fn), (data), BUF_INIT                                                                     \
    }

void lines_add(struct lines *lines, const char *data, size_t len);
/* No more will come. */
void lines_end(struct lines *lines);
void lines_release(struct lines *lines);

#endif
