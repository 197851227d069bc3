/*
 * DfuSe, ST's extension of DFU 1.1 (AN3156, UM0424): memory with addresses.
 *
 * Commands are sent as DNLOAD to block 0. Data goes to blocks 2 and up: block n lands at the
 * address pointer + (n - 2) * transfer size, so that a contiguous run needs one SET_ADDRESS. Work
 * is done on the GETSTATUS after a request, which is why every function here ends by waiting for
 * it.
 *
 * All functions expect the board in dfuIDLE or dfuDNLOAD-IDLE (dfu_make_idle() gets it there), with
 * the alternate setting chosen. Their errors begin with what was being done, and at which address.
 */
#ifndef FIRN_FLASHER_DFUSE_H
#define FIRN_FLASHER_DFUSE_H

#include "flasher/dfu.h"

/* The slowest sector known takes 4 s at most by its data sheet; boards have been measured to need
 * far longer than they announce. */
#define DFUSE_ERASE_LIMIT_MS 35000
/* One block; writing it on a board that erases or decrypts on the way takes a second or two. */
#define DFUSE_WRITE_LIMIT_MS 10000
/* SET_ADDRESS and other commands that touch no memory. */
#define DFUSE_COMMAND_LIMIT_MS 5000

/* Called after each block with its bytes; false (with the error set) stops between two blocks. */
struct dfuse_watch {
    bool (*block_done)(void *data, size_t bytes, struct err **err);
    void *data;
};

/* Erase the sector at an address. A board reports no error for a write-protected sector: only
 * reading back shows that it was not erased. */
bool dfuse_erase_sector(struct dfu *dfu, uint32_t address, struct err **err) MUST_CHECK;
/* Write a contiguous run, in blocks of the transfer size. A last block that is shorter gets a
 * SET_ADDRESS of its own, as some parts compute its place from its own length. */
bool dfuse_write_run(struct dfu *dfu, uint32_t address, const uint8_t *data, size_t size,
                     const struct dfuse_watch *watch, struct err **err) MUST_CHECK;
/* Read a contiguous run, which must lie in the board's memory entirely: some crash when they read
 * past its end. Ends in dfuIDLE. */
bool dfuse_read_run(struct dfu *dfu, uint32_t address, uint8_t *data, size_t size,
                    const struct dfuse_watch *watch, struct err **err) MUST_CHECK;
/* Leave the bootloader for the program whose vector table is at an address. Once the board was told
 * to, anything but an error that it reports is success, as most are gone before they could answer.
 * When it was gone before that, dfu->fault is USB_GONE. */
bool dfuse_leave(struct dfu *dfu, uint32_t address, struct err **err) MUST_CHECK;

#endif
