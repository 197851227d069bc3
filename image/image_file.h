/*
 * Image files of every format: which one a file has, and the image in it.
 *
 * Formats are told apart by content: "DfuSe", the magic of ELF, the first record of Intel HEX, the
 * suffix of a plain DFU file. What is none of these is a raw binary; a file that is named .dfu is a
 * plain DFU file without its suffix. Names that promise something else are refused.
 */
#ifndef FIRN_IMAGE_IMAGE_FILE_H
#define FIRN_IMAGE_IMAGE_FILE_H

#include "image/dfuse_file.h"
#include "image/image.h"

enum image_format {
    IMAGE_FORMAT_DFUSE,
    IMAGE_FORMAT_DFU, /* plain */
    IMAGE_FORMAT_HEX,
    IMAGE_FORMAT_BIN,
    IMAGE_FORMAT_ELF,
};

/* What a file holds besides the image. */
struct image_file {
    enum image_format format;
    struct dfu_suffix suffix; /* length 0: there is none */
    struct dfuse_file dfuse;  /* targets and elements; empty for other formats */
};
#define IMAGE_FILE_INIT                                                                            \
    {                                                                                              \
        .format = IMAGE_FORMAT_BIN                                                                 \
    }

/* Read any supported file, of at most IMAGE_MAX_BYTES. address (NULL = none given) is where the
 * first byte of a raw binary or of a plain DFU file belongs; without one the image of such a file
 * is addressless. Other formats hold their own and are not asked for it. *image and *file are
 * yours, and untouched on failure but for file->format; ERR_NOT_FOUND when there is no such file.
 */
bool image_load(struct image *image, const char *path, const uint32_t *address,
                struct image_file *file, struct err **err) MUST_CHECK;
void image_file_release(struct image_file *file);

#endif
