/*
 * Erasing: sectors of a board, or all of its flash, and looking whether they are erased.
 */
#ifndef FIRN_FLASHER_WIPE_H
#define FIRN_FLASHER_WIPE_H

#include "flasher/fleet.h"

struct wipe_options {
    const char *alt; /* number or name of the memory; NULL = the first one */
    bool mass;       /* the whole flash by one command; else the span */
    uint32_t address;
    uint32_t size; /* bytes, at least 1; the span begins and ends where sectors do */
    bool dry_run;  /* only the check of the span */
};

/* Erase on a DfuSe board of a fleet (fleet.h), then read it back: every byte has to be erased, or
 * it is an error that names the first that is not. Memory that cannot be read is not `verified`. A
 * span that cuts a sector is an error with the nearest spans that do not. The board stays in its
 * bootloader. */
bool wipe_board(struct fleet_board *board, const struct wipe_options *options,
                struct err **err) MUST_CHECK;

/* Is the board's flash protected against reading? Reads one block of it. */
bool wipe_is_protected(struct fleet_board *board, bool *is_protected, struct err **err) MUST_CHECK;
/* Remove the read protection of a DfuSe board, which erases its whole flash, and see it gone. The
 * board disconnects and comes back in its bootloader on the same port. */
bool wipe_unprotect(struct fleet_board *board, struct err **err) MUST_CHECK;

#endif
