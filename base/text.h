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
/* "12 s", "5 min", "7 h", "3 days", "5 weeks", whole ones; negative counts as 0. */
void text_add_age(struct buf *out, int64_t seconds);
/* Copy UTF-8 text with control characters (and invalid UTF-8) as \xNN, for terminals. */
void text_add_printable(struct buf *out, const char *s, size_t len);
/* The first code point of UTF-8 text (RFC 3629): its length in bytes, or 0 when the bytes are not
 * valid (overlong, surrogate, cut short) or len is 0. */
size_t text_utf8_decode(const char *s, size_t len, uint32_t *code);

bool text_starts_with(const char *s, const char *prefix);
bool text_ends_with(const char *s, const char *suffix);
/* "384K", "1M", "0x1000", "4096" to bytes; false if it is not such a number or exceeds 2^32. */
bool text_parse_size(const char *s, uint64_t *bytes);
/* "10G", "2.5T", "512M", "4096": an amount of disk in bytes, units of 1024; false if it is not such
 * an amount or exceeds 2^50. */
bool text_parse_amount(const char *s, uint64_t *bytes);
/* "30d", "12h", "2w", "15m", "90s", "0": seconds; false if it is not such a time, without a unit
 * (but for 0), or exceeds 100 years. */
bool text_parse_age(const char *s, int64_t *seconds);
/* A whole unsigned number, decimal or 0x hexadecimal, nothing before or after it. */
bool text_parse_u32(const char *s, uint32_t *value);

#endif
