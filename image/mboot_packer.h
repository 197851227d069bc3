/*
 * Packing an application for mboot: what MicroPython's mboot_pack_dfu.py does (mboot_pack.h has the
 * format), with two differences. Chunks are not compressed, as what a compressor makes depends on
 * its version. And nothing is random (hydrogen.h): the same application and keys give the same
 * file, so that a chunk that two versions have in common, at the same address, is the same in both
 * files.
 */
#ifndef FIRN_IMAGE_MBOOT_PACKER_H
#define FIRN_IMAGE_MBOOT_PACKER_H

#include "image/image.h"
#include "image/mboot_keys.h"

#define MBOOT_CHUNK_MAX_BYTES (1024u * 1024)

/* Make the packed image of an application, with its USB ids; *packed is yours. chunk_size: mboot's
 * MBOOT_PACK_CHUNKSIZE, bytes of firmware. mboot programs whole words, of up to 8 bytes: segments
 * are extended to such by 0xff. Fails for a chunk size that is no multiple of 8 or beyond
 * MBOOT_CHUNK_MAX_BYTES, and for more segments than one chunk can list. */
bool mboot_packer_pack(const struct image *application, const struct mboot_keys *keys,
                       uint32_t chunk_size, struct image *packed, struct err **err) MUST_CHECK;

#endif
