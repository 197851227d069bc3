/*
 * What the guest's clients share: lines of a transcript, and the simulator's control socket.
 *
 * A transcript says nothing that may differ from one run to the next on the same bus: no times, no
 * addresses in memory.
 */
#ifndef FIRN_TESTS_GUEST_TRANSCRIPT_H
#define FIRN_TESTS_GUEST_TRANSCRIPT_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "simulator/control.h"

static inline void section(const char *title)
{
    printf("\n-- %s\n", title);
}

/* "what: ..." */
static inline void PRINTF_LIKE(2, 3) say(const char *what, const char *fmt, ...)
{
    va_list ap;
    printf("%s: ", what);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
}

static inline void say_bytes(const char *what, const uint8_t *data, size_t len)
{
    printf("%s: %zu bytes", what, len);
    for (size_t i = 0; i < len; i++)
        printf("%s%02x", i % 32 ? " " : "\n    ", data[i]);
    printf("\n");
}

/* One line to the simulator; its answer goes into the transcript. */
static inline void tell(const char *line)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    const char *path = getenv(CONTROL_VARIABLE);
    if (path && control_send(path, line, &answer, &err)) {
        say(line, "%s", answer.data);
        return;
    }
    say(line, "%s", err ? err->message : "no simulator");
    err_free(err);
    exit(1);
}

#endif
