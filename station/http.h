/*
 * HTTP: a request as the routes see it, and what they answer.
 *
 * http_server.c is libmicrohttpd behind this: it checks the request (guard.h: Host, Origin, content
 * type, limits) and who asks (access.h), finds the route, collects the body and calls the handler;
 * handlers answer at once and never wait. What takes longer is a job or a stream.
 *
 *     static void get_job(void *app, const struct http_request *request, struct http_response *r)
 *     {
 *         ...
 *         if (!store_job_get(app->store, id, &job, &err))
 *             return http_error(r, &err);
 *         http_json(r, 200, job_to_json(&job, NULL, true));
 *     }
 *
 *     static const struct http_route routes[] = {
 *         {"GET", "/v1/jobs/{id}", ROLE_VIEW, get_job, 0},
 *         {NULL},
 *     };
 */
#ifndef FIRN_STATION_HTTP_H
#define FIRN_STATION_HTTP_H

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/err.h"
#include "station/access.h"

#define HTTP_PARAMS_MAX 3

struct http_request {
    const char *method;                  /* GET stands for HEAD, too */
    const char *path;                    /* decoded; valid UTF-8 without control characters */
    const char *params[HTTP_PARAMS_MAX]; /* of {name} in the pattern, in order */
    struct principal who;
    const char *body; /* NUL-terminated; "" without one */
    size_t body_len;
    const json_t *json; /* the body, where the route takes JSON: an object; otherwise NULL */
    void *peer;         /* http_server.c's */
};

/* A query parameter (the first of that name, decoded) or a header; NULL = not given. Borrowed for
 * the call. */
const char *http_query(const struct http_request *request, const char *name);
const char *http_header(const struct http_request *request, const char *name);
/* A query parameter that is a whole number from min to max; *value stays if it is not given. False:
 * a problem 400 was answered. */
struct http_response;
bool http_query_int(const struct http_request *request, struct http_response *response,
                    const char *name, int64_t min, int64_t max, int64_t *value) MUST_CHECK;

/* Made by the server before the handler is called; filled with one of the functions below. */
struct http_response {
    int status;
    const char *content_type; /* static */
    struct buf body;
    int fd;                      /* a file to send instead of the body, -1 = none; owned */
    uint64_t fd_offset, fd_size; /* of the file */
    struct strv headers;         /* "Name: value" */
    bool stream;                 /* GET /v1/events: what follows comes from stream.h */
    int64_t stream_after; /* the last event that the client has seen; -1 = only what comes now */
    void (*chunk)(void *data, struct buf *out, bool *end);
    void (*chunk_free)(void *data);
    void *chunk_data;
};

/* Takes json. */
void http_json(struct http_response *r, int status, json_t *json);
void http_text(struct http_response *r, int status, const char *content_type, const char *text,
               size_t len);
void http_add_header(struct http_response *r, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* An ETag of the JSON's content, and 304 without it if the client has that. Takes json. */
void http_json_etag(const struct http_request *request, struct http_response *r, json_t *json);
/* The same for text that is content-addressed: its ETag is made of the digest. */
void http_text_etag(const struct http_request *request, struct http_response *r,
                    const char *content_type, const char *text, size_t len, const char *digest);
/* The strong ETag (with quotes) of a JSON value; yours. */
char *http_etag(const json_t *json);
/* A file, with Range: bytes=N- and N-M honoured. Takes fd (a regular file). name: of a download, or
 * NULL. */
void http_file(const struct http_request *request, struct http_response *r, int fd,
               const char *content_type, const char *name);
/* A body of unknown length: `chunk` is called for more whenever the client has room, until *end.
 * chunk_free is called at the end in any case. */
void http_chunks(struct http_response *r, const char *content_type,
                 void (*chunk)(void *data, struct buf *out, bool *end),
                 void (*chunk_free)(void *data), void *data);
/* application/problem+json: type "urn:firn:problem:NAME"; title is the status's name. */
void http_problem(struct http_response *r, int status, const char *name, const char *action,
                  const char *fmt, ...) PRINTF_LIKE(5, 6);
/* The problem of an error: ERR_NOT_FOUND 404, ERR_USAGE and ERR_MANIFEST 400, a machine's 503 (with
 * Retry-After), otherwise 500. Frees *err. */
void http_error(struct http_response *r, struct err **err);

/* GET /v1/events: after the event of Last-Event-ID, or of ?last_event_id=; without either, what
 * comes now. What is not such a number is answered with 400. */
void http_stream(const struct http_request *request, struct http_response *r);

/* The cookie of the page holds the token; it goes to us only, and no script can read it. */
void http_set_session(const struct http_request *request, struct http_response *r,
                      const char *token);
void http_clear_session(const struct http_request *request, struct http_response *r);
/* Is that a token, and whose? For POST /v1/session: a wrong one costs the address that it came
 * from. False: 401 or 429 was answered. */
bool http_check_token(const struct http_request *request, struct http_response *r,
                      const char *token, struct principal *who) MUST_CHECK;

#define ROUTE_BODY_JSON 1u /* takes a JSON object */
#define ROUTE_OPEN 2u      /* no token needed, nor looked at; a body of 4 KiB at most */

typedef void (*http_handler)(void *app, const struct http_request *request,
                             struct http_response *response);
struct http_route {
    const char *method; /* "GET" ...; NULL ends a table */
    const char
        *pattern; /* "/v1/products/{name}/files/{path*}": {x*} takes the rest, with slashes */
    enum role role;
    http_handler handler;
    unsigned flags;
};

/* How a server is reached and what it lets in. */
struct http_settings {
    const char *socket;       /* path of the Unix socket, or NULL */
    const char *socket_group; /* that may use it, or NULL = ours */
    const char *address;      /* "127.0.0.1:8350", "[::]:8350"; or NULL */
    const char *const *hosts; /* names for which requests are answered beside localhost and the
                                 address itself; NULL-ended or NULL */
    const char
        *reverse_proxy; /* "https://firn.example.org": the origin that it is seen as; or NULL */
    const char *tls_certificate, *tls_key; /* PEM files, or NULL */
    bool without_tokens;  /* there is none: another address than loopback is refused */
    size_t body_max;      /* bytes */
    int header_timeout_s; /* until a request is complete, and between two sends to a slow client */
    int connections_max;  /* and connections_per_address of them from one address */
    int connections_per_address;
    const struct principal *(*socket_user)(void *app, unsigned uid, unsigned gid, int pid);
    /* What a token may do; false: it is none. `app` as in http_server_new(). */
    bool (*token_check)(void *app, const char *token, struct principal *who);
};

struct http_server;
/* Listens (on what systemd handed over by LISTEN_FDS, where it did) and serves from the loop.
 * Refuses (ERR_USAGE) an address that is not loopback without TLS or reverse_proxy, or without any
 * token. `routes` and
 * settings' strings must outlive the server. */
struct http_server *http_server_new(sd_event *loop, const struct http_settings *settings,
                                    const struct http_route *routes, void *app,
                                    struct err **err) MUST_CHECK;
/* No new connections; requests get 503 but GETs. */
void http_server_stop(struct http_server *server);
void http_server_free(struct http_server *server);
/* The TCP port that it listens on (for an address with the port 0); 0 = none. */
unsigned http_server_port(const struct http_server *server);
/* Counters for /metrics: requests by status class, connections now, refused by reason. */
struct http_counts {
    uint64_t requests[6]; /* [2] = 2xx ... */
    uint64_t refused_host, refused_origin, refused_token, refused_size, timeouts;
    int connections, streams;
};
void http_server_counts(const struct http_server *server, struct http_counts *counts);

/* ---- the stream of events ---- */

/* An event for all clients of GET /v1/events. id 0: not replayed (progress). data: compact JSON. */
void http_server_publish(struct http_server *server, int64_t id, const char *type,
                         const char *data);
/* How a client that was away, or is too slow for what is kept in memory, gets the rest: called for
 * events after `after`, up to limit; adds each by `add`. False: cannot be had now. *oldest = the
 * oldest that is kept: a client that has not seen the one before it gets `reset`. */
typedef bool (*http_replay_fn)(void *app, int64_t after, int limit, int64_t *oldest,
                               void (*add)(void *data, int64_t id, const char *type,
                                           const char *text),
                               void *data);
void http_server_set_replay(struct http_server *server, http_replay_fn replay, int64_t latest);

#endif
