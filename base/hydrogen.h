/*
 * Signatures and encryption as libhydrogen has them (version 1: Gimli, Curve25519): what mboot
 * checks and decrypts. libhydrogen itself is a submodule of MicroPython and in no distribution, so
 * that the two functions which packing needs are written here; the tests hold them against its
 * output.
 *
 * Unlike libhydrogen's they take no random numbers: the same input and key give the same bytes. A
 * signature's one-time scalar is a keyed hash of the message, as in EdDSA; encryption is
 * synthetic-IV in libhydrogen as well, so that its IV need not be random. What that gives away is
 * that two messages of the same key and IV are equal.
 *
 *     struct hydrogen_sign sign;
 *     hydrogen_sign_init(&sign, "mbootenc");
 *     hydrogen_sign_update(&sign, data, size);
 *     if (!hydrogen_sign_final(&sign, secret, signature)) ...
 */
#ifndef FIRN_BASE_HYDROGEN_H
#define FIRN_BASE_HYDROGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define HYDROGEN_CONTEXT_SIZE 8 /* what a key is used for, without a NUL */
#define HYDROGEN_PUBLIC_SIZE 32
#define HYDROGEN_SECRET_SIZE 64 /* the scalar, then the public key */
#define HYDROGEN_SIGNATURE_SIZE 64
#define HYDROGEN_KEY_SIZE 32 /* of encryption */
#define HYDROGEN_IV_SIZE 20
#define HYDROGEN_BOX_EXTRA 36 /* what encryption adds to a message */

#define HYDROGEN_STATE_SIZE 48
struct hydrogen_hash {
    uint8_t state[HYDROGEN_STATE_SIZE];
    size_t used; /* bytes of the state's rate that were filled since the last permutation */
};

struct hydrogen_sign {
    struct hydrogen_hash hash;
};

/* hydro_sign_init(), _update() and _final_create(). False: the key or the message's scalar is 0,
 * which no key that was made by libhydrogen is. */
void hydrogen_sign_init(struct hydrogen_sign *sign, const char *context);
void hydrogen_sign_update(struct hydrogen_sign *sign, const void *data, size_t size);
bool hydrogen_sign_final(struct hydrogen_sign *sign, const uint8_t secret[HYDROGEN_SECRET_SIZE],
                         uint8_t signature[HYDROGEN_SIGNATURE_SIZE]) MUST_CHECK;
/* The public key of a secret one, from its scalar. False as above. */
bool hydrogen_public_key(const uint8_t secret[HYDROGEN_SECRET_SIZE],
                         uint8_t public_key[HYDROGEN_PUBLIC_SIZE]) MUST_CHECK;
/* hydro_secretbox_encrypt() with message id 0: size + HYDROGEN_BOX_EXTRA bytes into out, which does
 * not overlap data. */
void hydrogen_encrypt(uint8_t *out, const uint8_t *data, size_t size, const char *context,
                      const uint8_t key[HYDROGEN_KEY_SIZE], const uint8_t iv[HYDROGEN_IV_SIZE]);
/* The same backwards: size - HYDROGEN_BOX_EXTRA bytes into out. False: it is another key's, or
 * damaged; out is then zeroed. */
bool hydrogen_decrypt(uint8_t *out, const uint8_t *data, size_t size, const char *context,
                      const uint8_t key[HYDROGEN_KEY_SIZE]) MUST_CHECK;

#endif
