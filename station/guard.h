/*
 * What is refused before anybody looks at who asks, or reads a body: requests that a page of
 * somebody else's makes a browser send, and requests that two readers could take differently.
 *
 *   - DNS rebinding: a name that we are not known by in Host (421), on loopback, too. A Unix socket
 *     has no name; there Host does not count.
 *   - Forms and scripts of other sites: on writes (all but GET and HEAD) an Origin that is not
 *     ours, a Sec-Fetch-Site that is another's (403), or a content type that a form can send (415).
 *     A write that a cookie authorises must have an Origin.
 *   - Smuggling: what counts given twice, control characters, a Transfer-Encoding (411; a length
 *     says the same), bodies where none belongs (400).
 *   - Sizes: of the head (431) and, by its Content-Length, of the body (413).
 *
 * Pure functions of what was sent. RFC 9110, RFC 9112, Fetch Metadata.
 */
#ifndef FIRN_STATION_GUARD_H
#define FIRN_STATION_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_FIELDS_MAX 64
#define GUARD_HEAD_MAX 16384 /* bytes of names and values */
#define GUARD_OPEN_BODY_MAX 4096

struct guard_field {
    const char *name, *value;
};
struct guard_request {
    const char *method;
    const struct guard_field *fields;
    size_t field_count;
};

/* How the request came, and what we are known by. */
struct guard_site {
    bool by_socket;            /* a Unix socket */
    bool tls;                  /* ours, not the proxy's */
    const char *address;       /* our end of the connection as in a Host, without port; or NULL */
    const char *const *hosts;  /* NULL-ended or NULL */
    const char *reverse_proxy; /* an origin, or NULL */
    uint64_t body_max;
};

enum guard_reason {
    GUARD_MALFORMED,
    GUARD_HOST,
    GUARD_ORIGIN,
    GUARD_SIZE,
    GUARD_TYPE,
};
struct guard_refusal {
    int status;
    enum guard_reason reason;
    const char *name, *detail, *action; /* of the problem; static */
};

bool guard_check(const struct guard_site *site, const struct guard_request *request,
                 struct guard_refusal *refusal);
/* Whoever it is may send no more than GUARD_OPEN_BODY_MAX to what is open to all. */
bool guard_check_open(const struct guard_request *request, struct guard_refusal *refusal);
/* The same for what a cookie is to authorise. */
bool guard_check_cookie(const struct guard_request *request, struct guard_refusal *refusal);

/* Not GET or HEAD. */
bool guard_is_write(const char *method);
/* Did a proxy pass it on? Then the peer of a Unix socket is not who asks. */
bool guard_is_forwarded(const struct guard_request *request);
/* A field's value, or NULL. Borrowed. */
const char *guard_field(const struct guard_request *request, const char *name);

#endif
