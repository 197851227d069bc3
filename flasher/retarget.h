/*
 * Which memory of a board an image goes to: the alternate settings that it names, or the one that
 * was asked for.
 */
#ifndef FIRN_FLASHER_RETARGET_H
#define FIRN_FLASHER_RETARGET_H

#include "flasher/device.h"
#include "image/image.h"

/* The target that `alt` means: a number, or a name as `firn devices` shows it (in any case). NULL
 * with an error that lists those of the board. The device is open. */
const struct device_target *retarget_find(const struct device *device, const char *alt,
                                          struct err **err) MUST_CHECK;

/* All of an image to one alternate setting. *moved borrows the image's data: free(moved->segments)
 * is all it needs. Fails (ERR_USAGE) for an image that has data for several. */
bool retarget_image(const struct image *image, uint8_t alt, struct image *moved,
                    struct err **err) MUST_CHECK;

#endif
