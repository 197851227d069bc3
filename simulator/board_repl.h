/*
 * What a running board's terminal says: a small stand-in for MicroPython's REPL.
 *
 * Bytes of the host go in, bytes for it come out; no I/O. It has the friendly and the raw mode with
 * their prompts, echo and control characters (docs.micropython.org, "The MicroPython REPL") and
 * answers raw-paste as MicroPython before 1.14 does, which had none. It understands a handful of
 * statements: import of known modules, print() of a literal, literals, machine.bootloader(),
 * pyb.bootloader(), machine.reset(). Anything else is the exception that MicroPython would raise
 * for an unknown name, or a SyntaxError.
 *
 *     board_repl_init(&repl); board_repl_boot(&repl);
 *     board_repl_input(&repl, bytes, len, &request);   // then send what is in repl.out
 *     board_repl_release(&repl);
 */
#ifndef FIRN_SIMULATOR_BOARD_REPL_H
#define FIRN_SIMULATOR_BOARD_REPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define BOARD_REPL_OUT_MAX 4096  /* bytes that wait for a host; what comes later is lost */
#define BOARD_REPL_LINE_MAX 4096 /* bytes of one input; the rest is ignored */
#define BOARD_REPL_TICK_MS 100   /* board_repl_tick() is due that often */

/* What runs on the board. */
enum board_program {
    BOARD_PROGRAM_REPL,    /* nothing: the prompt */
    BOARD_PROGRAM_LOOP,    /* a main.py that prints; Ctrl-C ends it and leads to the prompt */
    BOARD_PROGRAM_BUSY,    /* one that prints and ignores Ctrl-C */
    BOARD_PROGRAM_SILENT,  /* no REPL on this port: nothing is ever answered */
    BOARD_PROGRAM_GARBAGE, /* bytes that mean nothing */
    BOARD_PROGRAM_FLASHED, /* what was flashed, in QEMU: nothing that is here (board_emulator.h) */
};

/* What the board does because of its input. */
enum board_request { BOARD_GOES_ON, BOARD_TO_BOOTLOADER, BOARD_RESETS };

struct board_repl {
    enum board_program program;
    bool raw, paste;
    bool interrupted; /* the program of BOARD_PROGRAM_LOOP has ended */
    unsigned ticks;
    struct buf line;
    struct buf out; /* for the host; whoever sends it clears it */
};

/* NULL-terminated, in the order of the enum: "repl", "loop", "busy", "silent", "garbage",
 * "flashed". */
extern const char *const board_program_names[];

void board_repl_init(struct board_repl *repl);
void board_repl_release(struct board_repl *repl);
/* Power-on: what was said before is forgotten; the program stays. */
void board_repl_boot(struct board_repl *repl);
/* Time has passed: programs print. */
void board_repl_tick(struct board_repl *repl);
/* The host sent these bytes. After a request other than BOARD_GOES_ON the rest is not looked at. */
enum board_request board_repl_input(struct board_repl *repl, const uint8_t *bytes, size_t len);

#endif
