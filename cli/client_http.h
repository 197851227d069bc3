/*
 * One daemon as its client: requests over its Unix socket, or over HTTPS with a token.
 *
 * The connection is kept between requests. Answers are held in memory up to CLIENT_ANSWER_MAX, or
 * handed on as they come. A status that is not one of success is an error, made of the problem that
 * the daemon tells (RFC 9457): `detail` is its message, `action` its hint. 401, 403, 400, 409, 412,
 * 415 and 422 are ERR_USAGE, 404 is ERR_NOT_FOUND, all others ERR_FAILED.
 *
 * A token is sent to nobody who could be somebody else: certificates are verified, redirects are
 * not followed, and plain http goes to this machine only. Ctrl-C ends a request (ERR_INTERRUPTED)
 * within a second. Single-threaded.
 *
 *     struct client *client = client_new(&address, err);
 *     json_t *job = NULL;
 *     if (!client || !client_get(client, "/v1/jobs/42", &job, err)) ...
 *     client_free(client);
 */
#ifndef FIRN_CLI_CLIENT_HTTP_H
#define FIRN_CLI_CLIENT_HTTP_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

#define CLIENT_ANSWER_MAX (64u * 1024 * 1024)
#define CLIENT_CONNECT_S 10
#define CLIENT_ANSWER_S 120 /* without a byte, until it counts as lost */

/* Where it is: a socket, or a URL. Borrowed for client_new(). */
struct client_address {
    const char *socket;      /* path, or NULL */
    const char *url;         /* "https://host[:port]"; NULL with a socket */
    const char *token;       /* or NULL */
    const char *certificate; /* PEM file of authorities to trust, NULL = the system's */
};

struct client;
/* Checks the address; connects to nobody yet. NULL: ERR_USAGE. */
struct client *client_new(const struct client_address *address, struct err **err) MUST_CHECK;
void client_free(struct client *client);
static inline void client_free_ptr(struct client **client)
{
    client_free(*client);
}
/* "/run/firn/firnd.sock", "https://firn.example.org": for messages. */
const char *client_name(const struct client *client);
/* Did the last request fail because nobody answered, or the daemon could not for now? */
bool client_is_away(const struct client *client);

struct client_request {
    const char *method; /* "GET" */
    const char *path;   /* "/v1/jobs?limit=50", escaped where it has to be */
    const json_t *json; /* body, or NULL */
    const char *key;    /* Idempotency-Key, or NULL */
    bool ranged;        /* only the bytes from `from` on */
    uint64_t from;
    /* What a good answer consists of, as it comes; NULL: it is collected. False ends the request
     * with *err. */
    bool (*take)(void *data, const char *bytes, size_t len, struct err **err);
    void *data;
};
struct client_answer {
    long status;     /* 2xx; 416 where it was ranged and there are no bytes from there on */
    struct buf body; /* what was not handed on */
};
#define CLIENT_ANSWER_INIT                                                                         \
    {                                                                                              \
        0, BUF_INIT                                                                                \
    }
bool client_send(struct client *client, const struct client_request *request,
                 struct client_answer *answer, struct err **err) MUST_CHECK;
void client_answer_release(struct client_answer *answer);

/* A JSON object; *answer is yours. */
bool client_get(struct client *client, const char *path, json_t **answer,
                struct err **err) MUST_CHECK;
/* A write that is done once, although it may be sent twice: if the answer is lost it is asked for
 * again, with the same Idempotency-Key. *answer (yours) may be NULL. */
bool client_put_once(struct client *client, const char *method, const char *path,
                     const json_t *body, json_t **answer, struct err **err) MUST_CHECK;
/* With a body (borrowed, may be NULL) and any method; *answer is NULL for 204. answer may be NULL.
 */
bool client_put(struct client *client, const char *method, const char *path, const json_t *body,
                json_t **answer, struct err **err) MUST_CHECK;

/* Text as a part of a path or query: all but letters, digits and -._~ as %XX. */
void client_add_escaped(struct buf *out, const char *text);

#endif
