/*
 * Images packed for mboot, MicroPython's bootloader: "firmware.pack.dfu", a DfuSe file whose
 * elements are chunks, each a header, a piece of the firmware (encrypted, possibly compressed) and
 * a signature. The board checks, decrypts and writes them; only it has the keys. Format:
 * MicroPython's ports/stm32/mboot/pack.h and mboot_pack_dfu.py, header version 1.
 *
 * The last chunk names the ranges of the whole firmware and signs it: without it mboot does not
 * start what it has written.
 */
#ifndef FIRN_IMAGE_MBOOT_PACK_H
#define FIRN_IMAGE_MBOOT_PACK_H

#include "image/image.h"

#define MBOOT_PACK_VERSION 1 /* of a chunk's header */

/* A chunk's header: version, format, two zeros, address, size of the payload (LE32). */
enum mboot_chunk_format {
    MBOOT_CHUNK_META = 0,
    MBOOT_CHUNK_FULL_SIGNATURE = 1,
    MBOOT_CHUNK_FIRMWARE = 2,
    MBOOT_CHUNK_FIRMWARE_GZIP = 3,
};

struct mboot_region {
    uint32_t address;
    uint32_t size;
};

struct mboot_pack {
    size_t firmware_chunks;       /* those that carry firmware */
    bool compressed;              /* some of them are */
    struct mboot_region *regions; /* of the flash, as the signed chunk lists them */
    size_t region_count;
};
#define MBOOT_PACK_INIT                                                                            \
    {                                                                                              \
        0, false, NULL, 0                                                                          \
    }

/* Is this element of a DfuSe file a chunk? Its header has to fit its address and its size. */
bool mboot_pack_is_chunk(const void *data, size_t size, uint32_t address);
/* What the headers of a packed image say; *pack is yours (mboot_pack_release). Fails when a segment
 * is no chunk or is too short for what it is said to hold, and when no chunk has the signature of
 * the whole. The signatures themselves are the board's to check. */
bool mboot_pack_read(const struct image *image, struct mboot_pack *pack,
                     struct err **err) MUST_CHECK;
void mboot_pack_release(struct mboot_pack *pack);

#endif
