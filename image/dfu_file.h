/*
 * Plain DFU files (.dfu; DFU 1.0 and 1.1, appendix B): the bytes that a device is sent, whatever
 * they mean to it, and a suffix, which may be missing. Where the bytes end up is the device's
 * affair: the image of such a file is addressless.
 */
#ifndef FIRN_IMAGE_DFU_FILE_H
#define FIRN_IMAGE_DFU_FILE_H

#include "image/dfu_suffix.h"
#include "image/image.h"

/* Everything before the suffix becomes the only segment of the image, at *address, or addressless
 * when that is NULL; the suffix's ids become the image's. Fails as dfu_suffix_read() does, when
 * nothing is left without the suffix, and when the suffix is that of a DfuSe file. */
bool dfu_file_read(const void *data, size_t size, const uint32_t *address, struct image *image,
                   struct dfu_suffix *suffix, struct err **err) MUST_CHECK;
/* Append the image's payload (image_payload()) and a suffix with its ids; the address is lost. The
 * same image always gives the same bytes. Fails when the image has no payload. */
bool dfu_file_write(const struct image *image, struct buf *out, struct err **err) MUST_CHECK;

#endif
