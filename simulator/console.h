/*
 * A terminal connected to a board's REPL: bytes both ways, unchanged, until Ctrl-].
 */
#ifndef FIRN_SIMULATOR_CONSOLE_H
#define FIRN_SIMULATOR_CONSOLE_H

#include "base/err.h"

#define CONSOLE_LEAVE_KEY 0x1d /* Ctrl-], as in telnet and mpremote */

/* Returns true when the user left, the terminal ended or a signal came; ERR_DEVICE when the board
 * hung up. A terminal is put into raw mode and set back in every case. tty_in may be a pipe. */
bool console_run(int from_board, int to_board, int tty_in, int tty_out,
                 struct err **err) MUST_CHECK;

#endif
