/* check PACKED OUT: what an mboot with the keys of mboot_keys.h does with a packed file, by
 * libhydrogen; the firmware goes to OUT. Status 1 when a signature or a key is wrong. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "hydrogen.h"
#include "mboot_keys.h"

#define CONTEXT "mbootenc"
#define PREFIX 11
#define TARGET 274
#define HEADER 12
#define FILE_MAX (4u << 20)

static uint8_t file[FILE_MAX], plain[FILE_MAX];

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* 0: all is right. The whole is signed last. */
static int take_chunk(const uint8_t *chunk, hydro_sign_state *whole, int *is_whole, FILE *out)
{
    uint32_t size = le32(chunk + 8);
    const uint8_t *payload = chunk + HEADER, *signature = payload + size;
    if (hydro_sign_verify(signature, chunk, HEADER + size, CONTEXT, mboot_pack_sign_public_key))
        return 1;
    *is_whole = chunk[1] == 1;
    if (*is_whole)
        return hydro_sign_final_verify(whole, signature - hydro_sign_BYTES,
                                       mboot_pack_sign_public_key);
    if (hydro_secretbox_decrypt(plain, payload, size, 0, CONTEXT, mboot_pack_secretbox_key))
        return 1;
    size -= hydro_secretbox_HEADERBYTES;
    hydro_sign_update(whole, plain, size);
    return fwrite(plain, 1, size, out) != size;
}

int main(int argc, char **argv)
{
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL, *out = in ? fopen(argv[2], "wb") : NULL;
    if (!out || hydro_init() != 0)
        return 2;
    size_t len = fread(file, 1, sizeof(file), in), at = PREFIX + TARGET;
    hydro_sign_state whole;
    int is_whole = 0;
    hydro_sign_init(&whole, CONTEXT);
    for (uint32_t i = le32(file + at - 4); i > 0 && at + 8 < len; i--) {
        if (take_chunk(file + at + 8, &whole, &is_whole, out) != 0) {
            fprintf(stderr, "the chunk for 0x%08x is wrong\n", (unsigned)le32(file + at));
            return 1;
        }
        at += 8 + le32(file + at + 4);
    }
    return fclose(out) != 0 || !is_whole;
}
