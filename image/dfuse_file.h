/*
 * DfuSe files (.dfu): ST UM0391 / AN3156, DFU 1.1 appendix B for the suffix.
 *
 * One "Target" per alternate setting, one element per segment. The 16-byte suffix ends with the
 * inverted CRC-32 of everything before it.
 */
#ifndef FIRN_IMAGE_DFUSE_FILE_H
#define FIRN_IMAGE_DFUSE_FILE_H

#include "image/image.h"

#define DFU_SUFFIX_SIZE 16

/* Append the file's bytes to out. name (at most 254 bytes, may be NULL) goes into each target. An
 * id of IMAGE_ID_ANY is written as 0xFFFF. The same image always gives the same bytes. */
void dfuse_file_write(const struct image *image, const char *name, struct buf *out);
/* Parse; checks every length against the file's size, the CRC and overlapping elements. Errors
 * name the field and its offset. */
bool dfuse_file_read(const void *data, size_t size, struct image *image,
                     struct err **err) MUST_CHECK;
/* CRC-32 as in the suffix: reflected 0x04C11DB7, initial value 0xFFFFFFFF, not inverted at the end.
 */
uint32_t dfu_crc32(const void *data, size_t size);

#endif
