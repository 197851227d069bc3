/*
 * The second back-end: the real dfu-util writes, for the cautious. firn chooses the board, plans,
 * keeps other data, and verifies what dfu-util wrote; dfu-util erases and writes in between.
 *
 * dfu-util erases every sector that it writes to, so the plan has to erase all that it touches
 * (FLASH_ERASE_ALL); and it knows no order: interrupted, a board may start half a program.
 */
#ifndef FIRN_FLASHER_DFU_UTIL_H
#define FIRN_FLASHER_DFU_UTIL_H

#include "flasher/plan.h"
#include "flasher/usb.h"

/* Write all blocks of a plan that are to be written. Nobody may have claimed the board's interface
 * meanwhile. Fails (ERR_DEVICE) with the last thing that dfu-util said, or where it is not
 * installed; ERR_INTERRUPTED. Blocks until it is done, other boards too. */
bool dfu_util_write(const struct plan *plan, const struct usb_entry *usb,
                    struct err **err) MUST_CHECK;

#endif
