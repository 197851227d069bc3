/*
 * A plan in words and seconds, for people.
 */
#ifndef FIRN_FLASHER_PLAN_TEXT_H
#define FIRN_FLASHER_PLAN_TEXT_H

#include "flasher/plan.h"

/* "erase 3 sectors (48.0 KiB), write 47.0 KiB": one line, without a newline. */
void plan_add_summary(const struct plan *plan, struct buf *out);
/* One line for neighbouring sectors with the same fate, then the vector table's place and the sums.
 */
void plan_format(const struct plan *plan, struct buf *out);

/* How long a flash would take, from reading what is there (`compared` bytes) to reading back what
 * was written, in seconds. An
 * estimate from typical figures of ST's ROM bootloaders on an STM32F4: a sector of up to 4 KiB is
 * erased in 25 ms, of 16 KiB in 0.4 s, of 64 KiB in 1.2 s, of 128 KiB in 2 s; a byte is programmed
 * in 16 us; 1 KiB is read in 5 ms. */
double plan_expected_seconds(const struct plan *plan, size_t compared);

#endif
