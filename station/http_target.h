/*
 * What a request is for: the path and the query of its first line (RFC 9112 section 3.2.1,
 * origin-form), taken apart and decoded once, so that nothing is decoded twice or in another way
 * elsewhere.
 *
 *     struct http_target target;
 *     if (!http_target_parse(&target, "/v1/jobs/42?limit=5", &why)) ...
 *     http_target_release(&target);
 */
#ifndef FIRN_STATION_HTTP_TARGET_H
#define FIRN_STATION_HTTP_TARGET_H

#include <stdbool.h>

#include "base/mem.h"

#define HTTP_TARGET_MAX 8192 /* bytes, as sent */
#define HTTP_SEGMENTS_MAX 64
#define HTTP_QUERY_MAX 32

struct http_segment {
    const char *text; /* alone */
    const char *rest; /* the same with all that follows it; in `path` */
};
struct http_pair {
    const char *name, *value;
};
struct http_target {
    struct arena arena;
    const char *path;                                /* decoded */
    struct http_segment segments[HTTP_SEGMENTS_MAX]; /* of "/": none */
    size_t segment_count;
    struct http_pair query[HTTP_QUERY_MAX];
    size_t query_count;
};

/* *target is uninitialised before and to be released in any case. All parts are valid UTF-8
 * without control characters; no segment is empty, "." or "..", or has a slash inside. False: *why
 * says what is wrong (static). */
bool http_target_parse(struct http_target *target, const char *raw, const char **why) MUST_CHECK;
void http_target_release(struct http_target *target);
/* The value of the first parameter of that name, or NULL. Borrowed. */
const char *http_target_query(const struct http_target *target, const char *name);

#endif
