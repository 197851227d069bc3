/*
 * Comparing: from what a board holds to what has to be erased and written.
 *
 *     for each sector: while compare_wants() a block: read it, compare_block()
 *     compare_settle()         the vector table's sector may want blocks now
 *     compare_finish()         PLAN_WRITE and PLAN_VERIFY are set
 *
 * A sector that holds the image's bytes already is left alone. A block whose old content is erased
 * memory may be programmed as it is; any other difference means that its sector has to be erased:
 * clearing single bits in flash that was programmed is not possible on parts with ECC. Once that
 * is known, the rest of the sector is of interest only as far as it holds other data.
 *
 * The block with the vector table is valid only while everything else is: if anything besides it
 * changes, its sector is erased, too, even if it would be the same in the end (unless the block is
 * blank already).
 */
#ifndef FIRN_FLASHER_COMPARE_H
#define FIRN_FLASHER_COMPARE_H

#include "flasher/plan.h"

/* Does the old content of this block matter, as far as is known now? */
bool compare_wants(const struct plan *plan, const struct plan_sector *sector, size_t block);
/* Tell what a block holds (plan_block_size() bytes). */
void compare_block(const struct plan *plan, struct plan_sector *sector, size_t block,
                   const uint8_t *old);
/* Put other data back into a sector whose blocks with other data were all read: `saved` is what it
 * held before an earlier run erased it. Only where the board holds the same or nothing now, and not
 * over bytes of the image; false: the board holds something else there, and nothing was changed. */
bool compare_restore(const struct plan *plan, struct plan_sector *sector,
                     const struct image *saved);
void compare_settle(struct plan *plan);
void compare_finish(struct plan *plan);

#endif
