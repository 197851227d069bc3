/*
 * Base64 (RFC 4648, section 4), with padding and without line breaks.
 *
 * Decoding is strict: one text for one sequence of bytes, so that a digest of the text names the
 * bytes. White space, missing padding and bits that stand for nothing are refused.
 */
#ifndef FIRN_BASE_BASE64_H
#define FIRN_BASE_BASE64_H

#include "base/buf.h"

/* Append the text of len bytes; data may be NULL when len is 0. */
void base64_encode(const void *data, size_t len, struct buf *out);
/* Append the bytes of a text; false: it is not one that base64_encode() writes, and out is as it
 * was. */
bool base64_decode(const char *text, struct buf *out) MUST_CHECK;

#endif
