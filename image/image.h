/*
 * An image: bytes at flash addresses, and what they are. The only thing that builder and flasher
 * share. Files of several formats are read into it (image_file.h) and written from it
 * (dfuse_file.h, dfu_file.h, hex_file.h, image_to_bin() below); the sidecar (sidecar.h) carries
 * what those formats cannot.
 *
 * Segments are kept sorted by (alt, address) and never overlap; image_add() refuses an overlap and
 * joins neighbours that touch.
 *
 *     struct image image = IMAGE_INIT;
 *     if (!image_add(&image, 0, 0x08000000, data, len, &err)) ...
 *     image_release(&image);
 *
 * Two kinds are different, and whoever uses an image must know them:
 * - addressless: a plain DFU file or a raw binary of which nobody said where it belongs. Its only
 *   segment stands at address 0 of setting 0 for want of a better place. A plain DFU device takes
 * it as it is; everything else needs an address first (image_check_address()).
 * - packed: the segments are messages to mboot, not bytes of flash (mboot_pack.h): the chunks of
 * the file in its order, not joined; a chunk is larger than the flash that it is for, so that they
 * do overlap.
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

#define IMAGE_NAME_SIZE 255 /* with the NUL at its end */

/* What a DfuSe file calls the data of one alternate setting. */
struct target_name {
    uint8_t alt;
    char text[IMAGE_NAME_SIZE];
};

struct image {
    struct segment *segments;
    size_t count;
    struct target_name *names; /* of some of the settings, in no order; see image_name() */
    size_t name_count;
    uint16_t usb_vendor;  /* IMAGE_ID_ANY = any */
    uint16_t usb_product; /* IMAGE_ID_ANY = any */
    uint16_t usb_device;  /* bcdDevice; IMAGE_ID_ANY = any */
    bool addressless;     /* see above */
    bool packed;          /* see above */
};
#define IMAGE_INIT                                                                                 \
    {                                                                                              \
        .usb_vendor = IMAGE_ID_ANY, .usb_product = IMAGE_ID_ANY, .usb_device = IMAGE_ID_ANY        \
    }

/* Copy bytes in. Fails on an overlap (the message names both ranges), on wrap-around past 2^32 and
 * beyond IMAGE_MAX_BYTES or IMAGE_MAX_SEGMENTS in all. */
bool image_add(struct image *image, uint8_t alt, uint32_t address, const void *data, size_t size,
               struct err **err) MUST_CHECK;
/* Copy every segment of another image in. */
bool image_add_all(struct image *image, const struct image *other, struct err **err) MUST_CHECK;
/* Append a chunk behind those that are there, whatever its address; the image is a packed one from
 * then on. Fails as image_add() does, but for the overlap. */
bool image_add_chunk(struct image *image, uint8_t alt, uint32_t address, const void *data,
                     size_t size, struct err **err) MUST_CHECK;
/* The name of a setting's data: cut to IMAGE_NAME_SIZE - 1 bytes, of any value but NUL; "" or NULL
 * removes it. */
void image_set_name(struct image *image, uint8_t alt, const char *name);
/* Borrowed; NULL if there is none. */
const char *image_name(const struct image *image, uint8_t alt);
/* Sum of all segments' bytes. */
size_t image_size(const struct image *image);
/* SHA-256 over (alt, address, size, bytes) of every segment in order: the identity of what ends up
 * in flash, whatever file format carried it. Of an addressless image, that of the same bytes at 0.
 */
void image_digest(const struct image *image, char hex[65]);
bool image_equal(const struct image *a, const struct image *b);
void image_release(struct image *image);

/* Flat binary from the lowest address of alt 0 to the highest, gaps filled with 0xFF. *address is
 * the first byte's, 0 for an addressless image. Fails when the span exceeds IMAGE_MAX_BYTES, when
 * the image has other alts and when it is packed. */
bool image_to_bin(const struct image *image, struct buf *out, uint32_t *address,
                  struct err **err) MUST_CHECK;

/* What a plain DFU device is sent: the bytes of the only segment, whichever its address and
 * setting; borrowed. NULL (ERR_FAILED) for an image of several segments, as nothing would say to
 * the device where the second one goes, for an empty and for a packed one. */
const struct segment *image_payload(const struct image *image, struct err **err) MUST_CHECK;
/* Do the bytes have addresses? ERR_USAGE for an addressless image, with --address as the way out.
 */
bool image_check_address(const struct image *image, struct err **err) MUST_CHECK;
/* Are they the bytes that end up in flash? ERR_FAILED for a packed image, saying why nothing but
 * mboot can tell what is in it. */
bool image_check_plain(const struct image *image, struct err **err) MUST_CHECK;

#endif
