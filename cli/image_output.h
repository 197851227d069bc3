/*
 * An image into a file, in the format that was asked for or that its name promises.
 */
#ifndef FIRN_CLI_IMAGE_OUTPUT_H
#define FIRN_CLI_IMAGE_OUTPUT_H

#include "image/image_file.h"

/* By the extension: .dfu (DfuSe), .hex or .bin. False: it is none of these. */
bool image_output_format(const char *path, enum image_format *format);

/* Append the file's bytes. name (may be NULL) goes into the targets of a DfuSe file. Fails where
 * the format cannot hold the image. */
bool image_output_encode(const struct image *image, enum image_format format, const char *name,
                         struct buf *out, struct err **err) MUST_CHECK;

/* Replace the file at once or not at all. */
bool image_output_write(const char *path, const struct buf *bytes, struct err **err) MUST_CHECK;

#endif
