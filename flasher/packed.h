/*
 * Packed images: signed and encrypted chunks (image/mboot_pack.h), written through an mboot that
 * was built with keys (MBOOT_ENABLE_PACKING). The chunks are messages to it, not bytes of flash: it
 * collects one, checks its signature, erases what it needs, decrypts and writes; the last one is
 * the signature of the whole, and only when that is right does it write the start of the program.
 * So nothing is compared or erased beforehand, and nothing can be read back.
 *
 *     write     the chunks in the order of the file, each from its own address on
 *     leave
 *
 * In its descriptors such an mboot looks like any other. Asked to read, it returns what happens to
 * be in its buffer, and says so only to the GETSTATUS after that.
 */
#ifndef FIRN_FLASHER_PACKED_H
#define FIRN_FLASHER_PACKED_H

#include "flasher/flash.h"

/* Do image and board fit: a packed one to an mboot with keys, any other to anything else? Asks the
 * board only where it is an mboot, by reading at `address`, which is in its memory. Ends in
 * dfuIDLE. ERR_DEVICE says what to do instead. */
bool packed_check(struct dfu *dfu, uint32_t address, const struct image *image,
                  struct err **err) MUST_CHECK;

/* Send a packed image; after packed_check(), with dfu claimed and its setting chosen. The result is
 * never "verified": a warning says that the board has checked the signature itself. */
bool packed_run(struct dfu *dfu, const struct image *image, const struct flash_options *options,
                struct events *events, struct flash_result *result, struct err **err) MUST_CHECK;

#endif
