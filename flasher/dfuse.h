/*
 * DfuSe, ST's extension of DFU 1.1 (AN3156, UM0424): memory with addresses.
 *
 * Commands are sent as DNLOAD to block 0. Data goes to blocks 2 and up: block n lands at the
 * address pointer + (n - 2) * transfer size. Work is done on the GETSTATUS after a request, which
 * is why every function here ends by waiting for it.
 *
 * A struct dfuse remembers where the board's pointer is, so that blocks which follow each other
 * need one SET_ADDRESS for all of them, and so do blocks that are read with gaps between them:
 *
 *     struct dfuse dfuse = {.dfu = dfu};        // the board is in dfuIDLE, its setting is chosen
 *     for (each block)
 *         if (!dfuse_write(&dfuse, address, data, len, &err)) ...
 *     dfuse_end(&dfuse, &err);                  // in dfuIDLE again
 *
 * What it costs, in control transfers:
 *
 *     erase, mass erase     3   DNLOAD, GETSTATUS (busy), GETSTATUS (done)
 *     write a block         3   the same; 3 more for SET_ADDRESS where it does not follow the last
 *     read a block          1   UPLOAD; 4 more for the first, and where it does not lie whole
 *                               blocks behind the last: SET_ADDRESS, ABORT
 *     leave reading         1   ABORT, before anything that is not the next block
 *     leave the bootloader  5   SET_ADDRESS, DNLOAD, GETSTATUS
 *
 * Errors begin with what was being done, and at which address. After one the board is in no
 * certain state (dfu_make_idle(), and a new struct dfuse).
 */
#ifndef FIRN_FLASHER_DFUSE_H
#define FIRN_FLASHER_DFUSE_H

#include "flasher/dfu.h"

/* The slowest sector known takes 4 s at most by its data sheet; boards have been measured to need
 * far longer than they announce. */
#define DFUSE_ERASE_LIMIT_MS 35000
/* The same where a board is known to stay busy when it is done (QUIRK_WEDGES_IN_BUSY): 128 KiB of
 * an STM32H7 take 4 s at most by its data sheet. */
#define DFUSE_WEDGED_ERASE_LIMIT_MS 5000
/* All sectors: 32 s for 1 MiB at most by the data sheet, and there are parts of 2 MiB. */
#define DFUSE_MASS_ERASE_LIMIT_MS 150000
/* One block; writing it on a board that erases or decrypts on the way takes a second or two. */
#define DFUSE_WRITE_LIMIT_MS 10000
/* SET_ADDRESS and other commands that touch no memory. */
#define DFUSE_COMMAND_LIMIT_MS 5000

enum dfuse_mode {
    DFUSE_IDLE,        /* dfuIDLE */
    DFUSE_DOWNLOADING, /* dfuDNLOAD-IDLE */
    DFUSE_UPLOADING,   /* dfuUPLOAD-IDLE */
};

struct dfuse {
    struct dfu *dfu;
    enum dfuse_mode mode;
    uint32_t block; /* the next wBlockNum; 0 = the address has to be set first */
    uint32_t next;  /* the address that it stands for */
};

/* Erase the sector at an address. A board reports no error for a write-protected sector: only
 * reading back shows that it was not erased. */
bool dfuse_erase_sector(struct dfuse *dfuse, uint32_t address, struct err **err) MUST_CHECK;
/* Erase the whole internal flash, whichever alternate setting is chosen. */
bool dfuse_mass_erase(struct dfuse *dfuse, struct err **err) MUST_CHECK;
/* Write a block of at most the transfer size. A shorter one gets a SET_ADDRESS of its own, as some
 * parts compute its place from its own length. */
bool dfuse_write(struct dfuse *dfuse, uint32_t address, const void *data, uint16_t len,
                 struct err **err) MUST_CHECK;
/* Read a block of at most the transfer size, which must lie in the board's memory entirely: some
 * crash when they read past its end. */
bool dfuse_read(struct dfuse *dfuse, uint32_t address, void *data, uint16_t len,
                struct err **err) MUST_CHECK;
/* Lift read protection, which erases the whole flash first; the board then resets itself and is a
 * new one on the bus. Success: it was told, and did not refuse. */
bool dfuse_unprotect(struct dfuse *dfuse, struct err **err) MUST_CHECK;
/* Back to dfuIDLE. */
bool dfuse_end(struct dfuse *dfuse, struct err **err) MUST_CHECK;
/* Leave the bootloader for the program whose vector table is at an address. Once the board was told
 * to, anything but an error that it reports is success, as most are gone before they could answer.
 * When it was gone before that, dfu->fault is USB_GONE. */
bool dfuse_leave(struct dfuse *dfuse, uint32_t address, struct err **err) MUST_CHECK;

#endif
