/*
 * SHA-256 (libsodium, FIPS 180-4), incremental and for files; digests in lower-case hex.
 *
 * For keys that are made of several fields use hash_field(): it adds a length before the bytes, so
 * that ("ab","c") and ("a","bc") differ.
 */
#ifndef FIRN_BASE_HASH_H
#define FIRN_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HASH_HEX_SIZE 65 /* 64 digits and the terminating NUL */

struct hash {
    _Alignas(16) unsigned char state[128]; /* crypto_hash_sha256_state; hash.c asserts the size */
};

void hash_init(struct hash *hash);
void hash_update(struct hash *hash, const void *data, size_t len);
/* A named field of a key: name, length and bytes all count. data may be NULL when len is 0. */
void hash_field(struct hash *hash, const char *name, const void *data, size_t len);
void hash_field_str(struct hash *hash, const char *name, const char *value);
void hash_final(struct hash *hash, char hex[HASH_HEX_SIZE]);

/* Is it a digest as these functions write it: 64 digits, lower case? */
bool hash_is_hex(const char *hex);
void hash_bytes(const void *data, size_t len, char hex[HASH_HEX_SIZE]);
/* A file's content, read in blocks; any size. */
bool hash_file(const char *path, char hex[HASH_HEX_SIZE], struct err **err) MUST_CHECK;

#endif
