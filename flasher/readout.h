/*
 * Reading a board out: what its memory holds, as an image.
 */
#ifndef FIRN_FLASHER_READOUT_H
#define FIRN_FLASHER_READOUT_H

#include "flasher/fleet.h"
#include "image/image.h"

struct readout_options {
    const char *alt;  /* number or name of the memory; NULL = the first one */
    bool has_address; /* else from the memory's begin */
    uint32_t address;
    bool has_size; /* else to the end of the contiguous memory at that address */
    uint32_t size; /* bytes, at least 1 */
};

/* Read a board of a fleet (fleet.h) into an empty image, which gets its USB ids. A DfuSe board: the
 * span that was asked for, which has to be readable memory. A plain DFU device has no addresses: it
 * sends what it has (at most IMAGE_MAX_BYTES), and the image is addressless; a span is an error
 * (ERR_USAGE). Read protection is named as such. The board stays in its bootloader. */
bool readout_board(struct fleet_board *board, const struct readout_options *options,
                   struct image *image, struct err **err) MUST_CHECK;

#endif
