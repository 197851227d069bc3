#include "base/hydrogen.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"

#define RATE 16
#define SIV_SIZE HYDROGEN_IV_SIZE
#define MAC_SIZE 16
#define SCALAR_SIZE 32
#define PREHASH_SIZE 64

/* What a block is, mixed in before it is permuted. */
enum tag {
    TAG_NONE = 0,
    TAG_HEADER = 0x01,
    TAG_PAYLOAD = 0x02,
    TAG_FINAL = 0x08,
    TAG_FINAL0 = 0xf8,
    TAG_KEY0 = 0xfe,
    TAG_KEY = 0xff,
};
enum domain { DOMAIN_AEAD = 0x0, DOMAIN_XOF = 0xf };

static const char NO_CONTEXT[HYDROGEN_CONTEXT_SIZE];

/* ---- Gimli: Bernstein et al., "Gimli: a cross-platform permutation", 2017 ---- */

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

static void round_columns(uint32_t s[12])
{
    for (int column = 0; column < 4; column++) {
        uint32_t x = rotate(s[column], 24), y = rotate(s[4 + column], 9), z = s[8 + column];
        s[8 + column] = x ^ z << 1 ^ (y & z) << 2;
        s[4 + column] = y ^ x ^ (x | z) << 1;
        s[column] = z ^ y ^ (x & y) << 3;
    }
}

static void permute_words(uint32_t s[12])
{
    for (uint32_t round = 24; round > 0; round--) {
        round_columns(s);
        if (round % 4 == 0) {
            swap(&s[0], &s[1]);
            swap(&s[2], &s[3]);
            s[0] ^= UINT32_C(0x9e377900) | round;
        } else if (round % 4 == 2) {
            swap(&s[0], &s[2]);
            swap(&s[1], &s[3]);
        }
    }
}

static void permute(uint8_t state[HYDROGEN_STATE_SIZE], enum tag tag)
{
    uint32_t words[12];
    state[HYDROGEN_STATE_SIZE - 1] ^= (uint8_t)tag;
    for (int i = 0; i < 12; i++)
        words[i] = load_le32(state + (size_t)i * 4);
    permute_words(words);
    for (int i = 0; i < HYDROGEN_STATE_SIZE; i++)
        state[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
}

static void mix(uint8_t *state, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        state[i] ^= data[i];
}

static void pad(uint8_t *state, size_t used, enum domain domain)
{
    state[used] ^= (uint8_t)(domain << 1 | 1);
    state[RATE - 1] ^= 0x80;
}

/* ---- hashing: impl/hash.h ---- */

static void hash_add(struct hydrogen_hash *hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    while (size) {
        size_t n = RATE - hash->used < size ? RATE - hash->used : size;
        mix(hash->state + hash->used, bytes, n);
        bytes += n;
        size -= n;
        hash->used += n;
        if (hash->used == RATE) {
            permute(hash->state, TAG_NONE);
            hash->used = 0;
        }
    }
}

/* key: SCALAR_SIZE bytes, or NULL. */
static void hash_begin(struct hydrogen_hash *hash, const char *context, const uint8_t *key)
{
    uint8_t block[4 * RATE] = {4, 'k', 'm', 'a', 'c', HYDROGEN_CONTEXT_SIZE};
    *hash = (struct hydrogen_hash){.used = 0};
    memcpy(block + 6, context, HYDROGEN_CONTEXT_SIZE);
    if (key) {
        block[RATE] = SCALAR_SIZE;
        memcpy(block + RATE + 1, key, SCALAR_SIZE);
    }
    hash_add(hash, block, key ? sizeof(block) : (size_t)2 * RATE);
}

/* size: 1 to 255, a multiple of RATE. */
static void hash_end(struct hydrogen_hash *hash, uint8_t *out, size_t size)
{
    const uint8_t length[] = {1, (uint8_t)size, 0};
    hash_add(hash, length, sizeof(length));
    pad(hash->state, hash->used, DOMAIN_XOF);
    for (size_t i = 0; i < size; i += RATE) {
        permute(hash->state, TAG_NONE);
        memcpy(out + i, hash->state, RATE);
    }
}

/* ---- signatures: impl/sign.h ---- */

/* Of the 256 bits that a hash or a key has. */
static void reduce(uint8_t out[SCALAR_SIZE], const uint8_t in[SCALAR_SIZE])
{
    uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = {0};
    memcpy(wide, in, SCALAR_SIZE);
    crypto_core_ed25519_scalar_reduce(out, wide);
    sodium_memzero(wide, sizeof(wide));
}

/* libhydrogen multiplies the base point on the Montgomery curve, libsodium on the Edwards one,
 * which is the same one in other coordinates. */
static bool multiply_base(uint8_t point[HYDROGEN_PUBLIC_SIZE], const uint8_t scalar[SCALAR_SIZE])
{
    uint8_t reduced[SCALAR_SIZE], edwards[crypto_core_ed25519_BYTES];
    reduce(reduced, scalar);
    bool ok = crypto_scalarmult_ed25519_base_noclamp(edwards, reduced) == 0 &&
              crypto_sign_ed25519_pk_to_curve25519(point, edwards) == 0;
    sodium_memzero(reduced, sizeof(reduced));
    return ok;
}

bool hydrogen_public_key(const uint8_t secret[HYDROGEN_SECRET_SIZE],
                         uint8_t public_key[HYDROGEN_PUBLIC_SIZE])
{
    return multiply_base(public_key, secret);
}

void hydrogen_sign_init(struct hydrogen_sign *sign, const char *context)
{
    hash_begin(&sign->hash, context, NULL);
}

void hydrogen_sign_update(struct hydrogen_sign *sign, const void *data, size_t size)
{
    hash_add(&sign->hash, data, size);
}

/* In libhydrogen the zeros are random: they only have to make up for a bad random source. */
static void make_one_time(uint8_t scalar[SCALAR_SIZE], const uint8_t *secret,
                          const uint8_t prehash[PREHASH_SIZE])
{
    static const uint8_t zeros[SCALAR_SIZE];
    struct hydrogen_hash hash;
    hash_begin(&hash, NO_CONTEXT, secret);
    hash_add(&hash, zeros, sizeof(zeros));
    hash_add(&hash, prehash, PREHASH_SIZE);
    hash_end(&hash, scalar, SCALAR_SIZE);
    sodium_memzero(&hash, sizeof(hash));
}

static void make_challenge(uint8_t challenge[SCALAR_SIZE], const uint8_t *point,
                           const uint8_t *public_key, const uint8_t prehash[PREHASH_SIZE])
{
    struct hydrogen_hash hash;
    hash_begin(&hash, NO_CONTEXT, NULL);
    hash_add(&hash, point, HYDROGEN_PUBLIC_SIZE);
    hash_add(&hash, public_key, HYDROGEN_PUBLIC_SIZE);
    hash_add(&hash, prehash, PREHASH_SIZE);
    hash_end(&hash, challenge, SCALAR_SIZE);
}

/* The point of the one-time scalar, then that scalar plus challenge times key. */
bool hydrogen_sign_final(struct hydrogen_sign *sign, const uint8_t secret[HYDROGEN_SECRET_SIZE],
                         uint8_t signature[HYDROGEN_SIGNATURE_SIZE])
{
    uint8_t prehash[PREHASH_SIZE], once[SCALAR_SIZE], challenge[SCALAR_SIZE], key[SCALAR_SIZE];
    hash_end(&sign->hash, prehash, sizeof(prehash));
    make_one_time(once, secret, prehash);
    bool ok = multiply_base(signature, once);
    make_challenge(challenge, signature, secret + SCALAR_SIZE, prehash);
    reduce(once, once);
    reduce(key, secret);
    reduce(challenge, challenge);
    crypto_core_ed25519_scalar_mul(challenge, challenge, key);
    crypto_core_ed25519_scalar_add(signature + HYDROGEN_PUBLIC_SIZE, once, challenge);
    sodium_memzero(once, sizeof(once));
    sodium_memzero(key, sizeof(key));
    return ok;
}

/* ---- encryption: impl/secretbox.h ---- */

static void box_begin(uint8_t *state, const char *context, const uint8_t *key, const uint8_t *iv,
                      enum tag tag)
{
    static const uint8_t prefix[] = {6, 's', 'b', 'x', '2', '5', '6', HYDROGEN_CONTEXT_SIZE};
    memset(state, 0, HYDROGEN_STATE_SIZE);
    memcpy(state, prefix, sizeof(prefix));
    memcpy(state + sizeof(prefix), context, HYDROGEN_CONTEXT_SIZE);
    permute(state, TAG_HEADER);
    mix(state, key, RATE);
    permute(state, tag);
    mix(state, key + RATE, HYDROGEN_KEY_SIZE - RATE);
    permute(state, tag);
    state[0] ^= HYDROGEN_IV_SIZE;
    mix(state + 1, iv, RATE - 1);
    permute(state, TAG_HEADER);
    mix(state, iv + RATE - 1, HYDROGEN_IV_SIZE - (RATE - 1)); /* then the message's id: 0 */
    permute(state, TAG_HEADER);
}

static void box_end(uint8_t *state, const uint8_t *key, enum tag tag)
{
    mix(state + RATE, key, HYDROGEN_KEY_SIZE);
    permute(state, tag);
    mix(state + RATE, key, HYDROGEN_KEY_SIZE);
    permute(state, tag);
}

static void box_absorb(uint8_t *state, const uint8_t *data, size_t size)
{
    for (; size >= RATE; data += RATE, size -= RATE) {
        mix(state, data, RATE);
        permute(state, TAG_PAYLOAD);
    }
    mix(state, data, size);
    pad(state, size, DOMAIN_XOF);
    permute(state, TAG_PAYLOAD);
}

/* The state becomes the encrypted bytes, whichever way it goes. */
static void box_crypt_some(uint8_t *state, uint8_t *out, const uint8_t *in, size_t size,
                           bool decrypt)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t other = in[i] ^ state[i];
        state[i] = decrypt ? in[i] : other;
        out[i] = other;
    }
}

static void box_crypt(uint8_t *state, uint8_t *out, const uint8_t *in, size_t size, bool decrypt)
{
    for (; size >= RATE; out += RATE, in += RATE, size -= RATE) {
        box_crypt_some(state, out, in, RATE, decrypt);
        permute(state, TAG_PAYLOAD);
    }
    box_crypt_some(state, out, in, size, decrypt);
    pad(state, size, DOMAIN_AEAD);
    permute(state, TAG_PAYLOAD);
}

void hydrogen_encrypt(uint8_t *out, const uint8_t *data, size_t size, const char *context,
                      const uint8_t key[HYDROGEN_KEY_SIZE], const uint8_t iv[HYDROGEN_IV_SIZE])
{
    uint8_t state[HYDROGEN_STATE_SIZE];
    box_begin(state, context, key, iv, TAG_KEY0);
    box_absorb(state, data, size);
    box_end(state, key, TAG_FINAL0);
    memcpy(out, state + RATE, SIV_SIZE);
    box_begin(state, context, key, out, TAG_KEY);
    box_crypt(state, out + HYDROGEN_BOX_EXTRA, data, size, false);
    box_end(state, key, TAG_FINAL);
    memcpy(out + SIV_SIZE, state + RATE, MAC_SIZE);
    sodium_memzero(state, sizeof(state));
}

bool hydrogen_decrypt(uint8_t *out, const uint8_t *data, size_t size, const char *context,
                      const uint8_t key[HYDROGEN_KEY_SIZE])
{
    uint8_t state[HYDROGEN_STATE_SIZE];
    if (size < HYDROGEN_BOX_EXTRA)
        return false;
    size -= HYDROGEN_BOX_EXTRA;
    box_begin(state, context, key, data, TAG_KEY);
    box_crypt(state, out, data + HYDROGEN_BOX_EXTRA, size, true);
    box_end(state, key, TAG_FINAL);
    bool ok = sodium_memcmp(data + SIV_SIZE, state + RATE, MAC_SIZE) == 0;
    if (!ok)
        memset(out, 0, size);
    sodium_memzero(state, sizeof(state));
    return ok;
}
