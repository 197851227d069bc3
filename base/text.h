/*
 * Text helpers: the nearest name for "did you mean", sizes and times for people, escaping.
 */
#ifndef FIRN_BASE_TEXT_H
#define FIRN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The candidate with the smallest edit distance (case-insensitive, transpositions count one), or
 * NULL when none is near enough to be worth suggesting (at most a third of its length, at least 1).
 * Borrowed from candidates, which ends with NULL. */
const char *text_nearest(const char *word, const char *const *candidates);

/* "186.4 KiB"; exact bytes below 1024. */
void text_add_size(struct buf *out, uint64_t bytes);
/* "12 ms", "0.36 s", "42.1 s", "1 min 04 s", "2 h 05 min"; negative counts as 0. */
void text_add_duration(struct buf *out, int64_t milliseconds);
/* Copy UTF-8 text with control characters (and invalid UTF-8) as \xNN, for terminals. */
void text_add_printable(struct buf *out, const char *s, size_t len);
/* The first code point of UTF-8 text (RFC 3629): its length in bytes, or 0 when the bytes are not
 * valid (overlong, surrogate, cut short) or len is 0. */
size_t text_utf8_decode(const char *s, size_t len, uint32_t *code);

bool text_starts_with(const char *s, const char *prefix);
bool text_ends_with(const char *s, const char *suffix);
/* "384K", "1M", "0x1000", "4096" to bytes; false if it is not such a number or exceeds 2^32. */
bool text_parse_size(const char *s, uint64_t *bytes);
/* A whole unsigned number, decimal or 0x hexadecimal, nothing before or after it. */
bool text_parse_u32(const char *s, uint32_t *value);

#endif
