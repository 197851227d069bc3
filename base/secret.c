#include "base/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

void secret_random_hex(char *out, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char byte;
    /* Without a source of random bytes nothing that follows would be a secret. */
    if (sodium_init() < 0) {
        fprintf(stderr, "firn: this machine gives no random bytes\n");
        abort();
    }
    for (size_t i = 0; i < bytes; i++) {
        randombytes_buf(&byte, 1);
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}
