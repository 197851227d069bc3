/*
 * Values of header fields, taken apart: text in, answers out, no state.
 */
#ifndef FIRN_STATION_HTTP_FIELD_H
#define FIRN_STATION_HTTP_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* What "Bearer TOKEN" has behind the scheme (RFC 6750 section 2.1), or NULL. Borrowed. */
const char *http_field_bearer(const char *authorization);
/* Copies a cookie of a Cookie field (RFC 6265 section 4.2) to out; false if it is not there, or
 * longer than size - 1. Of several of one name the first counts. */
bool http_field_cookie(const char *cookies, const char *name, char *out, size_t size);
/* Is it application/json, with whatever parameters? */
bool http_field_is_json(const char *content_type);
/* A Content-Length: digits only, no more than 18. */
bool http_field_length(const char *text, uint64_t *length);

enum http_range { RANGE_WHOLE, RANGE_PART, RANGE_NONE };
/* "bytes=N-", "bytes=N-M" and "bytes=-N" of something of `size` bytes (RFC 9110 section 14.1.2).
 * RANGE_WHOLE: not such a range, or several, and to be ignored; RANGE_NONE: lies outside. */
enum http_range http_field_range(const char *range, uint64_t size, uint64_t *first,
                                 uint64_t *count);
/* Does If-None-Match or If-Match name the strong ETag (with quotes)? "*" names all. weak: W/"x" and
 * "x" are the same (RFC 9110 section 8.8.3.2). */
bool http_field_has_etag(const char *list, const char *etag, bool weak);

/* The host of "host", "host:port" or "[address]:port": its length; 0 if it is none. */
size_t http_field_host_len(const char *host);
/* Is `origin` scheme://host, where host may have a port? Letters of either case are the same, and
 * the scheme's own port is as none. */
bool http_field_is_origin(const char *origin, const char *scheme, const char *host);
/* attachment with a name for whatever name (RFC 6266, RFC 8187). */
void http_field_add_attachment(struct buf *out, const char *name);

#endif
