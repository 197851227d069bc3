/*
 * One attempt to bring a file, or the rest of it, over HTTP into a part file. Internal to fetch.c,
 * which decides whether there is another attempt; fetch_http.c is the one file that knows libcurl.
 */
#ifndef FIRN_BUILDER_FETCH_HTTP_H
#define FIRN_BUILDER_FETCH_HTTP_H

#include "builder/fetch.h"

struct http_get {
    const struct fetch *what;
    struct events *events;
    const char *url;    /* after mirrors: */
    const char *sha256; /* what is expected, or NULL */
    const char *part;   /* the file; its record is <part>.json */

    bool transient;     /* after a failure: it may pass */
    bool resumed;       /* the file was put together from an earlier part and this one */
    bool grew;          /* this attempt brought something */
    long retry_after_s; /* the server's wish, or 0 */
};

/* True: the part is the whole file. */
bool http_get(struct http_get *get, struct err **err) MUST_CHECK;

#endif
