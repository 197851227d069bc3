/*
 * Flashing: find the board, put an image into it, and prove that it is there.
 *
 *     struct flash_result result = FLASH_RESULT_INIT;
 *     if (!flash_image(&image, &options, events, &result, &err)) ...
 *     flash_result_release(&result);
 */
#ifndef FIRN_FLASHER_FLASH_H
#define FIRN_FLASHER_FLASH_H

#include "base/event.h"
#include "base/hash.h"
#include "flasher/device.h"
#include "flasher/plan.h"

struct flash_options {
    struct device_match match;
    bool verify;  /* read back and compare */
    bool leave;   /* start the program at the end */
    bool dry_run; /* end after the plan; nothing is changed */
};

struct flash_result {
    char *path;                 /* port path of the board, NULL = none was found */
    char *serial;               /* printable; NULL = none */
    char digest[HASH_HEX_SIZE]; /* image_digest() */
    size_t bytes_written;       /* what the transfers carried: image, filled blocks, kept data */
    size_t sectors_erased;
    bool verified;
    bool left;        /* the bootloader */
    double seconds;   /* from find to leave */
    struct plan plan; /* borrows the image */
};
#define FLASH_RESULT_INIT                                                                          \
    {                                                                                              \
        .plan = PLAN_INIT                                                                          \
    }

/* Find the one board that matches and flash it (sequence.h says how). Errors are ERR_DEVICE or
 * ERR_INTERRUPTED; they name the port path, the address, what happened there and the next step. The
 * result is filled as far as it went. */
bool flash_image(const struct image *image, const struct flash_options *options,
                 struct events *events, struct flash_result *result, struct err **err) MUST_CHECK;
void flash_result_release(struct flash_result *result);

#endif
