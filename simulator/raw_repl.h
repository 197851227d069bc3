/*
 * MicroPython's raw REPL, seen from the host, over any pair of file descriptors: an emulator's
 * pipes, a serial port, a test's socket pair. (MicroPython's documentation, "The MicroPython
 * interactive interpreter mode", sections "Raw mode" and "Raw-paste mode".)
 *
 *     struct raw_repl repl = RAW_REPL_INIT(from_board, to_board);
 *     raw_repl_enter(&repl, deadline, &err)      Ctrl-A, until the prompt came
 *     raw_repl_exec(&repl, code, len, ...)       as often as wanted
 *     raw_repl_leave(&repl, deadline, &err)      Ctrl-B, until the friendly prompt came
 *     raw_repl_release(&repl)                    the descriptors stay the caller's
 *
 * The board is not trusted: all that it sends is bounded in size, every call ends at its deadline,
 * and nothing that it sends is interpreted but the protocol's own marks. A program that prints
 * \x04 ends its own output early; the protocol has no escape for it. The descriptors should not
 * block on writing (O_NONBLOCK), else a deadline can be missed while the board does not read.
 * SIGPIPE must be ignored. After a failed call the state of the board is unknown: enter again.
 */
#ifndef FIRN_SIMULATOR_RAW_REPL_H
#define FIRN_SIMULATOR_RAW_REPL_H

#include "base/buf.h"
#include "base/err.h"

#define RAW_REPL_TRACEBACK_MAX ((size_t)64 * 1024)

/* What a running program asks of the host, and is answered on its standard input. Called with all
 * that it has printed by now, whenever that is more: takes the questions out of text and adds the
 * answers to reply. */
typedef void (*raw_repl_answer_fn)(void *data, struct buf *text, struct buf *reply);

/* How a program is sent. A pipe waits for the board; a serial port's board may have room for no
 * more than some hundred bytes. */
enum raw_repl_sending {
    RAW_REPL_AT_ONCE,
    RAW_REPL_PASTE,     /* in raw-paste mode, if the board knows it (MicroPython 1.14), else ... */
    RAW_REPL_IN_PIECES, /* ... with a pause after each */
};

struct raw_repl {
    int in;                    /* what the board sends */
    int out;                   /* what the board receives; may be the same descriptor */
    struct buf pending;        /* received and not yet consumed; bounded */
    raw_repl_answer_fn answer; /* NULL: programs get no answers */
    void *answer_data;
    enum raw_repl_sending sending;
};
#define RAW_REPL_INIT(in_fd, out_fd)                                                               \
    {                                                                                              \
        .in = (in_fd), .out = (out_fd), .pending = BUF_INIT                                        \
    }

/* What a program printed, with the REPL's line ends (\r\n) made \n again. */
struct raw_repl_output {
    struct buf text;
    struct buf traceback; /* empty: it ran to its end */
};
#define RAW_REPL_OUTPUT_INIT                                                                       \
    {                                                                                              \
        BUF_INIT, BUF_INIT                                                                         \
    }

/* Interrupt whatever runs and get the raw prompt. Asks again while a board that is still starting
 * does not answer. deadline_ms is a time of clock_ms(), here and below. ERR_DEVICE: no prompt in
 * time (the message quotes what came instead), or the board hung up; ERR_INTERRUPTED: a signal. */
bool raw_repl_enter(struct raw_repl *repl, long long deadline_ms, struct err **err) MUST_CHECK;

/* Run source code (no control characters but tab, CR, LF: they are the protocol's) and wait for its
 * end. Success says that the protocol went well: whether the program did is in output->traceback.
 * More than text_max bytes of output are an error; so is a deadline that passes. In both cases
 * output->text holds what had come by then. Appends to output. */
bool raw_repl_exec(struct raw_repl *repl, const char *source, size_t len, size_t text_max,
                   long long deadline_ms, struct raw_repl_output *output,
                   struct err **err) MUST_CHECK;

/* A fresh interpreter: end this one (Ctrl-D at the raw prompt) and wait for the next one's prompt.
 */
bool raw_repl_restart(struct raw_repl *repl, long long deadline_ms, struct err **err) MUST_CHECK;

/* Back to the friendly REPL. */
bool raw_repl_leave(struct raw_repl *repl, long long deadline_ms, struct err **err) MUST_CHECK;

void raw_repl_release(struct raw_repl *repl);
void raw_repl_output_release(struct raw_repl_output *output);

#endif
