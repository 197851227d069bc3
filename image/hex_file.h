/*
 * Intel HEX: record types 00 (data), 01 (end), 04 (extended linear address), read also 02, 03, 05.
 */
#ifndef FIRN_IMAGE_HEX_FILE_H
#define FIRN_IMAGE_HEX_FILE_H

#include "image/image.h"

/* 16 data bytes a record, lower addresses first; alt 0 only. Other alts, an addressless and a
 * packed image are an error. */
bool hex_write(const struct image *image, struct buf *out, struct err **err) MUST_CHECK;
/* Errors carry the line number. Overlapping data is refused. */
bool hex_read(const char *text, size_t len, struct image *image, struct err **err) MUST_CHECK;

#endif
