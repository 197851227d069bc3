/*
 * Downloads: a URL and what it has to hash to, to a file.
 *
 *   $FIRN_HOME/downloads/<sha256>         a whole file, verified before it got this name
 *   $FIRN_HOME/downloads/<name>.part      one that is on its way, kept for the next attempt, with
 *                                         <name>.part.json beside it: whose part it is
 *   $FIRN_HOME/downloads/url-<hash>.json  what a URL without a known hash had when it was first
 *                                         fetched: from then on it has to be the same
 *
 * <name> is the SHA-256, or "url-" and a hash of the URL. A part is gone on with only where the
 * server says that it still has the same file (RFC 9110: Range, If-Range, 206); else the file is
 * fetched from its beginning. Failures that pass (5xx, a broken connection, a stall) are tried
 * again with growing pauses. Redirects are followed to allowed hosts (allow.h) only.
 *
 * The URL is mapped by config.yaml's mirrors first; what they lead to is the user's own word and
 * needs no other. Several processes that want the same file take turns: the second finds it there.
 *
 *     struct fetch what = {.config = config, .name = "toolchain 'arm-gnu'", .phase = "toolchain",
 *                          .url = url, .sha256 = sha256};
 *     _cleanup_(fetched_release) struct fetched got = FETCHED_INIT;
 *     if (!fetch_get(&what, events, &got, err))
 *         return false;
 */
#ifndef FIRN_BUILDER_FETCH_H
#define FIRN_BUILDER_FETCH_H

#include "base/event.h"
#include "base/hash.h"
#include "builder/config.h"

#define FETCH_MAX_BYTES (UINT64_C(4) << 30)

/* For tests; 0 = the default. */
struct fetch_patience {
    long connect_s; /* 20 */
    long stall_s;   /* 30: less than a kilobyte a second for so long is a stall */
    int pause_ms;   /* 1000: before the first new attempt; doubled before each further one */
    int attempts;   /* 4: in a row that bring nothing */
};

struct fetch {
    const struct config *config;
    const char *name;   /* in messages: "toolchain 'arm-gnu'" */
    const char *phase;  /* of the progress events; the caller begins and ends it */
    const char *url;    /* https, or what allow: and mirrors: of config.yaml make good */
    const char *sha256; /* 64 lower-case digits; NULL = not known: the first fetch records it */
    uint64_t max_bytes; /* 0 = FETCH_MAX_BYTES */
    bool offline;       /* only what is here already */
    struct fetch_patience patience;
};

struct fetched {
    char *path;                 /* below downloads/; read-only by convention */
    char sha256[HASH_HEX_SIZE]; /* of its content, just verified */
};
#define FETCHED_INIT                                                                               \
    {                                                                                              \
        NULL, ""                                                                                   \
    }

/* ERR_FETCH with the reason and the next step: not allowed, not there, not what it has to be;
 * ERR_INTERRUPTED keeps the part. */
bool fetch_get(const struct fetch *what, struct events *events, struct fetched *got,
               struct err **err) MUST_CHECK;
/* The SHA-256 of what a URL had when it was first fetched without one, or NULL. The caller frees.
 */
char *fetch_recorded(const struct config *config, const char *url);
void fetched_release(struct fetched *got);

#endif
