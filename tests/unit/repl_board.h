/*
 * A board's end of MicroPython's REPL, in memory: keys in, characters out. As much of it as is
 * needed, by what shared/runtime/pyexec.c does.
 */
#ifndef FIRN_TESTS_REPL_BOARD_H
#define FIRN_TESTS_REPL_BOARD_H

#include "base/buf.h"

#define RAW_REPL_BANNER "raw REPL; CTRL-B to exit\r\n>"

struct board {
    bool deaf;                 /* Ctrl-C does nothing now */
    bool running;              /* a program runs */
    bool raw;                  /* the raw REPL */
    bool mute;                 /* takes no commands */
    const char *tracebacks[2]; /* of the first and second command; NULL: it disconnects */
    const char *noise;         /* printed each time that the board is asked, NULL = none */
    bool gone;
    unsigned commands;
    struct buf sent, back; /* sent: everything that it received */
};

static void board_run(struct board *board)
{
    if (board->mute)
        return;
    const char *traceback = board->tracebacks[board->commands++];
    buf_adds(&board->back, "OK");
    if (!traceback)
        board->gone = true;
    else
        buf_addf(&board->back, "\x04%s\x04>", traceback);
}

static inline void board_key(struct board *board, char key)
{
    buf_addc(&board->sent, key);
    if (board->running) {
        if (key != 3 || board->deaf)
            return;
        board->running = false;
        buf_adds(&board->back, "Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n>>> ");
        return;
    }
    if (key == 1) {
        board->raw = true;
        buf_adds(&board->back, RAW_REPL_BANNER);
    } else if (key == 2) {
        board->raw = false;
        buf_adds(&board->back, "\r\n>>> ");
    } else if (key == 4 && board->raw) {
        board_run(board);
    } else if ((key == 3 || key == '\r') && !board->raw) {
        buf_adds(&board->back, "\r\n>>> ");
    }
}

static inline void board_release(struct board *board)
{
    buf_release(&board->sent);
    buf_release(&board->back);
}

#define BOARD(...)                                                                                 \
    {                                                                                              \
        .sent = BUF_INIT, .back = BUF_INIT, __VA_ARGS__                                            \
    }

#endif
