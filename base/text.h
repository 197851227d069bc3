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
/* "0.36 s", "12 ms", "1 min 04 s". */
void text_add_duration(struct buf *out, int64_t milliseconds);
/* Copy UTF-8 text with control characters (and invalid UTF-8) as \xNN, for terminals. */
void text_add_printable(struct buf *out, const char *s, size_t len);

bool text_starts_with(const char *s, const char *prefix);
bool text_ends_with(const char *s, const char *suffix);
/* "384K", "1M", "0x1000", "4096" to bytes; false if it is not such a number or exceeds 2^32. */
bool text_parse_size(const char *s, uint64_t *bytes);
/* A whole unsigned number, decimal or 0x hexadecimal, nothing before or after it. */
bool text_parse_u32(const char *s, uint32_t *value);

#endif
