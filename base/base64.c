#include "base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, struct buf *out)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        unsigned bits = (unsigned)p[i] << 16 | (n > 1 ? (unsigned)p[i + 1] << 8 : 0) |
                        (n > 2 ? (unsigned)p[i + 2] : 0);

        buf_addc(out, alphabet[bits >> 18]);
        buf_addc(out, alphabet[bits >> 12 & 63]);
        buf_addc(out, n > 1 ? alphabet[bits >> 6 & 63] : '=');
        buf_addc(out, n > 2 ? alphabet[bits & 63] : '=');
    }
}

/* 0..63, or -1 for what is not in the alphabet. */
static int value_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

/* Four characters, the last `pad` of them '='. */
static bool decode_group(const char *text, unsigned pad, struct buf *out)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < 4; i++) {
        int value = i < 4 - pad ? value_of(text[i]) : 0;

        if (value < 0)
            return false;
        bits = bits << 6 | (unsigned)value;
    }
    if (bits & ((1u << (8 * pad)) - 1))
        return false;
    char bytes[] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
    buf_add(out, bytes, 3 - pad);
    return true;
}

bool base64_decode(const char *text, struct buf *out)
{
    size_t len = strlen(text), start = out->len;

    if (len % 4)
        return false;
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        unsigned pad = last && text[i + 3] == '=' ? 1 + (text[i + 2] == '=') : 0;

        if (!decode_group(text + i, pad, out)) {
            buf_truncate(out, start);
            return false;
        }
    }
    return true;
}
