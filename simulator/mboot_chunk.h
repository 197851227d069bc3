/*
 * mboot that takes signed images only (MBOOT_ENABLE_PACKING), after ports/stm32/mboot/pack.c.
 *
 * The host writes chunks, each for one address: a header, data, a signature. A chunk is acted on
 * when its last byte has arrived; sectors are erased on the way; the first bytes of the application
 * are written when a last chunk, the signature of everything, fits what the flash holds.
 *
 * What stands in for the cryptography: a chunk's signature is the SHA-256 of its header and data as
 * 64 hexadecimal digits (libhydrogen's signatures have 64 bytes as well), the 36 bytes before its
 * firmware are not looked at, and compressed chunks are refused. So an image that a product signed
 * has a bad signature here, as it has on a board with other keys.
 */
#ifndef FIRN_SIMULATOR_MBOOT_CHUNK_H
#define FIRN_SIMULATOR_MBOOT_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

struct dfu_device;

#define PACK_VERSION 1
#define PACK_HEADER 12    /* version, format, 2 x 0, address LE32, length of the data LE32 */
#define PACK_SECRET 36    /* before the firmware in the data: what decryption needs */
#define PACK_SIGNATURE 64 /* behind the data */
#define PACK_DATA (16384 + PACK_SECRET)
#define PACK_HEAD 8 /* bytes of the application that are held back */

enum pack_format { PACK_META = 0, PACK_FULL_SIGNATURE = 1, PACK_RAW = 2, PACK_GZIP = 3 };

/* Zeroed = nothing has arrived. */
struct mboot_chunk {
    uint32_t base; /* address of the chunk that is arriving; 0: none */
    uint8_t chunk[PACK_HEADER + PACK_DATA + PACK_SIGNATURE];
    uint32_t erased_from, erased_to; /* addresses erased on the way */
    uint8_t head[PACK_HEAD];
    bool has_head;
};

/* Data arrived for an address. False: dfuERROR, with the status and string left in the device.
 * Adds to *us how long it takes. */
bool mboot_chunk_write(struct dfu_device *dfu, uint32_t address, const uint8_t *data, uint32_t len,
                       uint64_t *us);

#endif
