/*
 * MicroPython's REPL, the host's end of it: from whatever a board is doing to machine.bootloader().
 * Bytes in, bytes out: this knows neither a serial port nor a clock, its caller (enter.c) has both.
 *
 *     struct repl repl;
 *     struct buf out = BUF_INIT;
 *     repl_init(&repl, now_us);
 *     while (repl_advance(&repl, bytes, len, now_us, &out) == REPL_GOES_ON) {
 *         ... send `out` and clear it; read what came into `bytes`, for some milliseconds
 *         ... is the board gone? Then repl_hang_up() says whether that is good or bad
 *     }
 *     ... REPL_FAILED: repl_explain(&repl, &err)
 *
 * How it goes (MicroPython's documentation, "Raw mode and raw-paste mode"): Ctrl-C twice interrupts
 * the program, Ctrl-A asks for the raw REPL; both are sent again and again, as a program may be
 * deaf for a while and boot.py and main.py come one after the other. Then the command and Ctrl-D,
 * which is answered by "OK", its output, \x04, its traceback, \x04, ">".
 *
 * The board is not trusted: nothing that it sends makes this keep more than REPL_LAST_MAX bytes,
 * send more than a few, or go on for longer than REPL_CALL_MS and two times REPL_ANSWER_MS.
 */
#ifndef FIRN_FLASHER_REPL_H
#define FIRN_FLASHER_REPL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define REPL_LAST_MAX 1024
#define REPL_CALL_MS 5000   /* until the raw REPL's prompt has to be there */
#define REPL_ANSWER_MS 2000 /* until a command has to be answered */

/* ---- what comes back ------------------------------------------------------------------------- */

/* What the next bytes belong to. */
enum repl_part {
    REPL_PART_ANY,       /* anything; prompts are looked for in it */
    REPL_PART_ACCEPT,    /* the answer to a command up to its "OK" */
    REPL_PART_OUTPUT,    /* what the command prints, up to \x04 */
    REPL_PART_TRACEBACK, /* then up to \x04 */
    REPL_PART_END,       /* then the prompt ">" */
};

enum repl_event {
    REPL_EVENT_NONE,
    REPL_EVENT_PROMPT,     /* ">>> " in REPL_PART_ANY */
    REPL_EVENT_RAW_PROMPT, /* "raw REPL; CTRL-B to exit\r\n>" in REPL_PART_ANY */
    REPL_EVENT_ACCEPTED,   /* the command runs */
    REPL_EVENT_OUTPUT,     /* it has ended */
    REPL_EVENT_TRACEBACK,  /* complete, in `last`; empty: the command ran to its end */
    REPL_EVENT_READY,      /* for another command; `last` still holds the traceback */
};

struct repl_parser {
    enum repl_part part;
    size_t last_len;
    char last[REPL_LAST_MAX + 1]; /* the latest bytes of this part, at least REPL_LAST_MAX / 2 of
                                   * them if there were as many, and a NUL */
};

void repl_parser_init(struct repl_parser *parser);
/* A command was sent. */
void repl_parser_expect_answer(struct repl_parser *parser);
enum repl_event repl_parse(struct repl_parser *parser, char byte);

/* ---- what to send ---------------------------------------------------------------------------- */

enum repl_step {
    REPL_GOES_ON,
    REPL_TOLD,   /* the board runs the command: done */
    REPL_FAILED, /* see repl_explain() */
};

struct repl {
    struct repl_parser parser;
    enum repl_step step;
    unsigned command;      /* which one is to be sent or was sent */
    bool sent;             /* it was */
    bool any;              /* anything came at all */
    bool gone;             /* repl_hang_up() */
    unsigned attempts;     /* to interrupt the program */
    long long attempt_us;  /* when the last one began */
    bool asked;            /* for the raw REPL, in this attempt */
    long long deadline_us; /* of what is waited for */
};

void repl_init(struct repl *repl, long long now_us);

/* Take what the board has sent by now_us (monotonic; len may be 0: call it every few milliseconds)
 * and add to out what to send now. After the end it changes nothing any more. */
enum repl_step repl_advance(struct repl *repl, const char *bytes, size_t len, long long now_us,
                            struct buf *out);
/* The board is gone: that is what the command is for, once it was sent. */
enum repl_step repl_hang_up(struct repl *repl);

/* Why it failed, with what came back (printable, cut) and the next step. Returns false. */
bool repl_explain(const struct repl *repl, struct err **err);

#endif
