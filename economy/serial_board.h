/*
 * A board at a serial port, in whose own interpreter things are tried out, over the raw REPL.
 *
 *     struct serial_board *board;
 *     if (serial_board_open("/dev/ttyACM0", &board, err) && serial_board_refresh(board, err) &&
 *         serial_board_run(board, code, len, max, 10000, &output, err)) ...
 *     serial_board_close(board);
 *
 * Whatever the board does in between, a hang, a reset, noise: it is called back. Only one that does
 * not come back by itself is an error. What it runs by itself is interrupted, and started again at
 * the end.
 */
#ifndef FIRN_ECONOMY_SERIAL_BOARD_H
#define FIRN_ECONOMY_SERIAL_BOARD_H

#include <jansson.h>

#include "simulator/raw_repl.h"

#define SERIAL_BOARD_BAUD 115200

struct serial_board;

/* What its interpreter has. */
struct board_facts {
    char *machine; /* sys.implementation._machine: "Adafruit Feather STM32F405 with ...", or ... */
    bool clock;    /* time.ticks_us() */
    bool memory;   /* its flash can be read and hashed there */
    bool files;    /* a file system can be mounted whose files come over the terminal */
};

/* patience_ms: how long a board may take to come back after a reset, at least
 * SERIAL_BOARD_PATIENCE_MIN_MS. Errors (ERR_DEVICE) name the port and the next step. *board is
 * yours.
 */
#define SERIAL_BOARD_PATIENCE_MIN_MS 3000
bool serial_board_open(const char *port, int patience_ms, struct serial_board **board,
                       struct err **err) MUST_CHECK;
const struct board_facts *serial_board_facts(const struct serial_board *board);
/* Answers for programs' questions; NULL: none. */
void serial_board_set_answer(struct serial_board *board, raw_repl_answer_fn answer, void *data);
/* A fresh interpreter: a soft reset, or whatever it takes to get the board back. boot.py has run,
 * main.py has not. */
bool serial_board_refresh(struct serial_board *board, struct err **err) MUST_CHECK;
/* Run a program in the fresh interpreter: as raw_repl_exec(). */
bool serial_board_run(struct serial_board *board, const char *source, size_t len, size_t text_max,
                      int timeout_ms, struct raw_repl_output *output, struct err **err) MUST_CHECK;
/* Are these the bytes in its flash? segments: a sidecar's (docs/image.md). *differs is the first
 * one that is not, or NULL. Only with facts.memory; what the processor cannot read is not compared.
 */
bool serial_board_compare(struct serial_board *board, const json_t *segments,
                          const json_t **differs, struct err **err) MUST_CHECK;
/* Lets it start again, with its main.py. NULL is allowed. */
void serial_board_close(struct serial_board *board);

#endif
