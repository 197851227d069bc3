/*
 * A simulated board for the flasher's fault tests, in this process and on a clock that only its
 * transfers advance: thousands of flashes a second. It stands between the two because flasher/ and
 * simulator/ name the same things on purpose and cannot be included together.
 */
#ifndef FIRN_TESTS_BENCH_BOARD_H
#define FIRN_TESTS_BENCH_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_board;

enum bench_outcome { BENCH_OK, BENCH_STALLED, BENCH_TIMED_OUT, BENCH_GONE, BENCH_BROKEN };

/* A model of simulator/board_models.c, at timing zero. Aborts for an unknown one. */
struct bench_board *bench_board_new(const char *model);
void bench_board_free(struct bench_board *board);

/* The bytes of its flash, which a test may change while the board is off. */
uint8_t *bench_board_flash(struct bench_board *board, size_t *size);
uint32_t bench_board_flash_address(const struct bench_board *board);
/* Its device and configuration descriptors, and its product string. */
const uint8_t *bench_board_descriptors(const struct bench_board *board, size_t *len);
const char *bench_board_product(const struct bench_board *board);
/* The layout string of an alternate setting ("@Internal Flash..."), yours; NULL = plain DFU. */
char *bench_board_layout(const struct bench_board *board, unsigned alt);

/* Plug it in: in its bootloader, without faults. */
void bench_board_plug(struct bench_board *board);
/* From now on transfer number `number` (from 0) goes wrong: "do=stall" and so on, as in
 * docs/simulator.md; with on=, that one of the transfers of this kind; or the cable is pulled
 * before
 * ("unplug-before") or after it ("unplug-after"). */
void bench_board_fail_at(struct bench_board *board, unsigned number, const char *what);
/* Transfers since it was plugged in. */
unsigned bench_board_transfers(const struct bench_board *board);
/* Did it leave its bootloader to run its program? */
bool bench_board_runs(const struct bench_board *board);
/* Bytes that were programmed over others that were not erased, since it was made. */
unsigned long bench_board_overwritten(const struct bench_board *board);

enum bench_outcome bench_board_control(struct bench_board *board, uint8_t request_type,
                                       uint8_t request, uint16_t value, uint16_t index, void *data,
                                       uint16_t length, unsigned timeout_ms, size_t *moved);
enum bench_outcome bench_board_reset(struct bench_board *board);
long long bench_board_now_us(const struct bench_board *board);
void bench_board_sleep_until(struct bench_board *board, long long when_us);

#endif
