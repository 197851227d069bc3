/*
 * What every fuzz target includes: the entry point that libFuzzer calls (and replay.c, in `make
 * check`), a check that is never compiled out, and a reader for inputs that are more than one text.
 *
 * A target is a file fuzz_<noun>.c. It feeds the bytes to a parser and checks with CHECK() what has
 * to hold for whatever came out, an error included; ASan and UBSan see the rest.
 */
#ifndef FIRN_TESTS_FUZZ_FUZZ_H
#define FIRN_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/* Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

static inline _Noreturn void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

/* Is it valid UTF-8 without control characters, except for those that are allowed? */
static inline bool fuzz_is_printable(const char *text, size_t len, const char *allowed)
{
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t n = text_utf8_decode(text + at, len - at, &code);
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        if (n == 0 || (control && (code == 0 || code > 0xff || !strchr(allowed, (char)code))))
            return false;
        at += n;
    }
    return true;
}

static inline bool fuzz_is_utf8(const char *text)
{
    size_t n = 1;
    for (uint32_t code; *text && n; text += n)
        n = text_utf8_decode(text, strlen(text), &code);
    return n > 0;
}

/* Has it no byte below a space, nor DEL? */
static inline bool fuzz_has_no_controls(const char *text)
{
    while ((unsigned char)*text >= 0x20 && *text != 0x7f)
        text++;
    return !*text;
}

/* Either it succeeded and there is no error, or there is one whose text is fit for a terminal.
 * Frees it. Returns whether it succeeded. */
static inline bool fuzz_check_result(bool ok, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    CHECK(ok == !*err);
    if (ok)
        return true;
    err_format(*err, &text);
    CHECK(text.len > 1 && text.data[text.len - 1] == '\n');
    CHECK(fuzz_is_printable(text.data, text.len, "\n"));
    err_free_ptr(err);
    return false;
}

/* What is left of an input. Behind its end there are zeros. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
    if (!input->left)
        return 0;
    input->left--;
    return *input->at++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
    uint16_t low = fuzz_u8(input);
    return (uint16_t)(low | fuzz_u8(input) << 8);
}

static inline uint32_t fuzz_u32(struct fuzz_input *input)
{
    uint32_t low = fuzz_u16(input);
    return low | (uint32_t)fuzz_u16(input) << 16;
}

#endif
