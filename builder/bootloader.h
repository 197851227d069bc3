/*
 * A boot loader that was built for a board: what it is, and one image of it and the program that it
 * starts.
 *
 *   $FIRN_HOME/bases/<key>/bootloader.elf   what make left
 *                          base.json        what it is
 *                          build.log        what make printed
 *
 * bootloader_build.h makes one; it is kept beside the bases and like them.
 */
#ifndef FIRN_BUILDER_BOOTLOADER_H
#define FIRN_BUILDER_BOOTLOADER_H

#include <jansson.h>

#include "image/image.h"
#include "image/mboot_keys.h"

#define BOOTLOADER_ELF "bootloader.elf"

struct bootloader {
    char *name;                       /* "mboot" */
    char *version;                    /* what it calls itself; "" if it does not */
    uint32_t program_address;         /* where it starts the program */
    uint32_t chunk_size;              /* of a packed image; 0: it does not say */
    uint16_t usb_vendor, usb_product; /* its own, by which it takes a program */
    double seconds;                   /* what making it took */
    struct image image;
};
#define BOOTLOADER_INIT                                                                            \
    {                                                                                              \
        .image = IMAGE_INIT                                                                        \
    }

/* A key that stands in base.json of a boot loader, and in no base's. */
#define BOOTLOADER_FIELD "bootloader"
/* The fields of base.json that say what it is; yours. The image is not among them. */
json_t *bootloader_to_json(const struct bootloader *loader);
/* The same backwards. False: it is no such record. */
bool bootloader_from_json(const json_t *json, struct bootloader *loader) MUST_CHECK;
void bootloader_release(struct bootloader *loader);

/* Both in one image; *image is yours, whether or not it succeeds. Fails when they overlap (the
 * error names both and their addresses) and when no segment of the program begins where the boot
 * loader would start it. */
bool bootloader_join(const struct bootloader *loader, const struct image *program,
                     struct image *image, struct err **err) MUST_CHECK;
/* The first segment of it with a byte in start..end-1, or NULL. Borrowed. */
const struct segment *bootloader_in(const struct bootloader *loader, uint32_t start, uint32_t end);
/* For the sidecar: its version, addresses, segments and digest. Yours. */
json_t *bootloader_fields(const struct bootloader *loader);
/* Add "part" to each of sidecar_segments(image): "bootloader", "program", or "bootloader, program"
 * where the two touch and are one. */
void bootloader_mark_parts(const struct bootloader *loader, const struct image *program,
                           const struct image *image, json_t *segments);

#endif
