/*
 * DfuSe files (.dfu): ST UM0391 / AN3156, and the suffix of DFU 1.1, appendix B.
 *
 * One "Target" per alternate setting, one element per segment. dfuse_file_parse() tells what is
 * written in a file; dfuse_file_read() makes an image of it, in which elements that touch are one.
 */
#ifndef FIRN_IMAGE_DFUSE_FILE_H
#define FIRN_IMAGE_DFUSE_FILE_H

#include "image/dfu_suffix.h"
#include "image/image.h"

struct dfuse_element {
    uint32_t address;
    uint32_t size; /* 0: an empty one, which is legal and means nothing */
    size_t offset; /* of its bytes in the file */
};

struct dfuse_target {
    uint8_t alt;
    char name[IMAGE_NAME_SIZE]; /* "" = none */
    size_t first, count;        /* its elements in dfuse_file.elements */
};

/* The file's own order, nothing joined. */
struct dfuse_file {
    struct dfuse_target *targets;
    size_t target_count;
    struct dfuse_element *elements;
    size_t element_count;
    struct dfu_suffix suffix;
};
#define DFUSE_FILE_INIT                                                                            \
    {                                                                                              \
        .target_count = 0                                                                          \
    }
/* At most this many elements in all. */
#define DFUSE_MAX_ELEMENTS 65536

/* Append the file's bytes to out. name (may be NULL) goes into each target whose setting has none
 * of its own. An id of IMAGE_ID_ANY is written as 0xFFFF. The same image always gives the same
 * bytes. Not for an addressless image; a packed one keeps its chunks. */
void dfuse_file_write(const struct image *image, const char *name, struct buf *out);
/* Checks every length against the file's size, and the CRC. *file is yours (dfuse_file_release).
 * Errors name the field and its offset. */
bool dfuse_file_parse(const void *data, size_t size, struct dfuse_file *file,
                      struct err **err) MUST_CHECK;
void dfuse_file_release(struct dfuse_file *file);
/* Make an image of the parsed file `data`. Empty elements are left out. Fails when elements overlap
 * (the error names both), when there is nothing in them, and as mboot_pack_read() does for a packed
 * image. */
bool dfuse_file_to_image(const struct dfuse_file *file, const void *data, struct image *image,
                         struct err **err) MUST_CHECK;
/* Both of them. */
bool dfuse_file_read(const void *data, size_t size, struct image *image,
                     struct err **err) MUST_CHECK;

#endif
