/*
 * The few statements of Python that a simulated board's REPL understands (simulator/board_repl.h).
 */
#ifndef FIRN_SIMULATOR_BOARD_PYTHON_H
#define FIRN_SIMULATOR_BOARD_PYTHON_H

#include "simulator/board_repl.h"

/* Run source text, line by line, until an exception or a request. echo: the value of an expression
 * is printed, as at the prompt. Appends what is printed, and the traceback of an exception; lines
 * end with "\r\n". */
enum board_request board_python_run(const char *source, bool echo, struct buf *printed,
                                    struct buf *raised);

#endif
