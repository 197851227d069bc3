/*
 * An image: bytes at flash addresses, and what they are. The only thing that builder and flasher
 * share. Files of several formats are read into it and written from it (dfuse_file.h, hex_file.h,
 * elf_file.h, bin below); the sidecar (sidecar.h) carries what those formats cannot.
 *
 * Segments are kept sorted by (alt, address) and never overlap; image_add() refuses an overlap and
 * joins neighbours that touch.
 *
 *     struct image image = IMAGE_INIT;
 *     if (!image_add(&image, 0, 0x08000000, data, len, &err)) ...
 *     image_release(&image);
 */
#ifndef FIRN_IMAGE_IMAGE_H
#define FIRN_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define IMAGE_MAX_BYTES (64u * 1024 * 1024)
#define IMAGE_MAX_SEGMENTS 4096
#define IMAGE_ID_ANY 0xffff

struct segment {
    uint8_t alt;      /* DFU alternate setting; 0 = internal flash */
    uint32_t address; /* first byte */
    uint8_t *data;    /* owned */
    size_t size;      /* 1 .. ; address + size <= 2^32 */
};

struct image {
    struct segment *segments;
    size_t count;
    uint16_t usb_vendor;  /* IMAGE_ID_ANY = any */
    uint16_t usb_product; /* IMAGE_ID_ANY = any */
    uint16_t usb_device;  /* bcdDevice; IMAGE_ID_ANY = any */
};
#define IMAGE_INIT                                                                                 \
    {                                                                                              \
        NULL, 0, IMAGE_ID_ANY, IMAGE_ID_ANY, IMAGE_ID_ANY                                          \
    }

/* Copy bytes in. Fails on an overlap (the message names both ranges), on wrap-around past 2^32 and
 * beyond IMAGE_MAX_BYTES or IMAGE_MAX_SEGMENTS in all. */
bool image_add(struct image *image, uint8_t alt, uint32_t address, const void *data, size_t size,
               struct err **err) MUST_CHECK;
/* Sum of all segments' bytes. */
size_t image_size(const struct image *image);
/* SHA-256 over (alt, address, size, bytes) of every segment in order: the identity of what ends up
 * in flash, whatever file format carried it. */
void image_digest(const struct image *image, char hex[65]);
bool image_equal(const struct image *a, const struct image *b);
void image_release(struct image *image);

/* Flat binary from the lowest address of alt 0 to the highest, gaps filled with 0xFF. *address is
 * the first byte's. Fails when the span exceeds IMAGE_MAX_BYTES or the image has other alts. */
bool image_to_bin(const struct image *image, struct buf *out, uint32_t *address,
                  struct err **err) MUST_CHECK;

enum image_format { IMAGE_FORMAT_DFUSE, IMAGE_FORMAT_HEX, IMAGE_FORMAT_BIN, IMAGE_FORMAT_ELF };

/* Read any supported file, told apart by content (DfuSe prefix, ELF magic, Intel HEX ':'), else
 * raw binary, which needs `bin_address` (NULL = none given: an error that names --address). */
bool image_load(struct image *image, const char *path, const uint32_t *bin_address,
                enum image_format *format, struct err **err) MUST_CHECK;

#endif
