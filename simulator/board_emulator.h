/*
 * What was flashed onto a simulated board, running in QEMU behind the board's serial port.
 *
 *     struct board_emulator *emulator;
 *     if (!board_emulator_start("netduino2", flash, size, &emulator, &err)) ...
 *     board_emulator_send(emulator, bytes, len);
 *     while (board_emulator_receive(emulator, &out, max)) ...   every few milliseconds
 *     board_emulator_stop(emulator);
 *
 * Nothing here waits.
 */
#ifndef FIRN_SIMULATOR_BOARD_EMULATOR_H
#define FIRN_SIMULATOR_BOARD_EMULATOR_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define BOARD_EMULATOR_POLL_US 2000 /* how often to look what it has said */

struct board_emulator;

/* machine: of emulator_start()'s; the flash is copied. */
bool board_emulator_start(const char *machine, const uint8_t *flash, size_t size,
                          struct board_emulator **emulator, struct err **err) MUST_CHECK;
/* For its serial port. What it does not take at once waits; more than 64 KiB of that is lost. */
void board_emulator_send(struct board_emulator *emulator, const uint8_t *bytes, size_t len);
/* Add what it has said to out, until that has max bytes. False: it has ended, by a reset or because
 * it crashed. */
bool board_emulator_receive(struct board_emulator *emulator, struct buf *out,
                            size_t max) MUST_CHECK;
/* NULL is allowed. */
void board_emulator_stop(struct board_emulator *emulator);

#endif
