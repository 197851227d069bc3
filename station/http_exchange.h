/*
 * A request and who it comes from, as http_*.c share it; libmicrohttpd itself is in
 * http_server.c, http_connection.c, http_reply.c and http_stream.c only.
 *
 * A server has listeners (a socket, and libmicrohttpd's daemon for it), a listener has connections,
 * a connection has one exchange at a time. Everything runs in the loop's thread.
 */
#ifndef FIRN_STATION_HTTP_EXCHANGE_H
#define FIRN_STATION_HTTP_EXCHANGE_H

#include <sys/socket.h>

#include "station/guard.h"
#include "station/http.h"
#include "station/http_target.h"
#include "station/stream.h"
#include "station/throttle.h"

#define HTTP_LISTENERS_MAX 4
#define HTTP_COOKIE "firn_session"
/* A client that takes less than this for long is cut off. */
#define HTTP_BYTES_PER_SECOND 16384
#define HTTP_ADDRESS_SIZE 48

struct MHD_Daemon;
struct MHD_Connection;
struct http_stream;

struct http_listener {
    struct http_server *server;
    struct MHD_Daemon *daemon;
    int fd;
    bool by_socket; /* a Unix socket */
    char *path;     /* of the Unix socket that we made, or NULL */
    int connections;
    bool run_again;              /* there is something to do that no socket tells of */
    sd_event_source *io, *again; /* readiness; what is to be done by itself */
};

struct http_server {
    sd_event *loop;
    struct http_settings settings;
    const struct http_route *routes;
    void *app;
    struct http_listener listeners[HTTP_LISTENERS_MAX];
    size_t listener_count;
    struct http_connection *connections; /* the first of them */
    struct http_stream *streams;         /* likewise */
    sd_event_source *tick;               /* runs while there are connections */
    struct stream *stream;
    struct throttle throttle;
    struct http_counts counts;
    bool stopping; /* no more writes */
    bool closing;  /* streams end */
};

struct http_connection {
    struct http_connection *next, *previous;
    struct http_server *server;
    struct http_listener *listener;
    int fd;                          /* libmicrohttpd's */
    char address[HTTP_ADDRESS_SIZE]; /* the peer's; "" of a Unix socket */
    char local[HTTP_ADDRESS_SIZE];   /* ours, as in a Host */
    struct ucred peer;               /* of a Unix socket */
    int64_t deadline_ms;             /* then it is cut off; INT64_MAX = never */
    bool used;                       /* a request has been answered on it */
    bool busy;                       /* a request has begun on it */
    bool cut;
};

struct http_exchange {
    struct http_connection *connection;
    char *raw_target;
    const char *raw_at; /* where it lies in libmicrohttpd's memory */
    bool begun;         /* the head was looked at */
    struct guard_field fields[GUARD_FIELDS_MAX + 1];
    struct guard_request head;
    struct http_target target;
    const struct http_route *route;
    struct http_request request;
    struct buf body;
    json_t *json;
};

static inline struct http_exchange *http_exchange_of(const struct http_request *request)
{
    return request->peer;
}

struct http_exchange *http_exchange_new(struct http_connection *connection, const char *raw_target);
void http_exchange_free(struct http_exchange *x);
/* The head is complete: may it go on? Otherwise it was answered. `method` and the fields must stay
 * until the exchange is freed. */
bool http_exchange_check(struct http_exchange *x, const char *method, struct http_response *r);
/* The body is complete: call the handler. */
void http_exchange_handle(struct http_exchange *x, struct http_response *r);

/* Who asks, and may they? Otherwise it was answered. */
bool http_auth(struct http_exchange *x, struct http_response *r);

void http_response_init(struct http_response *r);
void http_response_release(struct http_response *r);
bool http_response_has_header(const struct http_response *r, const char *name);

#endif
