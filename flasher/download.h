/*
 * Plain DFU (1.0 and 1.1): a board without addresses takes a file and does with it what it likes.
 *
 *     write     DNLOAD block by block, then the empty one (DFU 1.1, 6.1.1)
 *     manifest  wait until the device has put it in place (7): it comes back to dfuIDLE, wants a
 *               USB reset, or leaves by itself (bitManifestationTolerant, bitWillDetach)
 *     verify    UPLOAD and compare, where the device can (bitCanUpload) and is still there
 *
 * A device that cannot be read back is judged by its own status alone, and the result says so.
 */
#ifndef FIRN_FLASHER_DOWNLOAD_H
#define FIRN_FLASHER_DOWNLOAD_H

#include "flasher/descriptor.h"
#include "flasher/flash.h"

/* Send the image's only segment (image_payload()), whatever its address. functional may be NULL:
 * the device has no such descriptor. dfu is claimed; whatever state the device is in is mended
 * first. The result is "verified" after a comparison only; else a warning says what is known. */
bool download_run(struct dfu *dfu, const struct dfu_functional *functional,
                  const struct image *image, const struct flash_options *options,
                  struct events *events, struct flash_result *result, struct err **err) MUST_CHECK;

#endif
