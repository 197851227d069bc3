/*
 * The keys of a product's boot loader: the header "mboot_keys.h" that MicroPython's
 * mboot_pack_dfu.py generates. Three arrays: the secret key that signs firmware, in a comment, as
 * only whoever packs has it; the public key that mboot checks with; the key that encrypts.
 *
 *     struct mboot_keys keys;
 *     if (!mboot_keys_parse(text, &keys, &err)) ...
 *     mboot_keys_release(&keys);      // the memory is zeroed
 *
 * No error shows a byte of a key.
 */
#ifndef FIRN_IMAGE_MBOOT_KEYS_H
#define FIRN_IMAGE_MBOOT_KEYS_H

#include "base/err.h"
#include "base/hash.h"
#include "base/hydrogen.h"

#define MBOOT_KEYS_MAX_BYTES (64u * 1024) /* of the header */

struct mboot_keys {
    uint8_t secret[HYDROGEN_SECRET_SIZE];
    uint8_t public_key[HYDROGEN_PUBLIC_SIZE];
    uint8_t box[HYDROGEN_KEY_SIZE];
};

/* ERR_MANIFEST when an array is missing or has another length than it should, and when the public
 * key is not that of the secret one. */
bool mboot_keys_parse(const char *text, struct mboot_keys *keys, struct err **err) MUST_CHECK;
/* Read the header at a path; digest: its SHA-256. */
bool mboot_keys_load(const char *path, struct mboot_keys *keys, char digest[HASH_HEX_SIZE],
                     struct err **err) MUST_CHECK;
/* Append the header for mboot's compiler: all but the key that signs. */
void mboot_keys_header(const struct mboot_keys *keys, struct buf *out);
void mboot_keys_release(struct mboot_keys *keys);

#endif
