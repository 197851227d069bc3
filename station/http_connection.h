/*
 * The files that speak with libmicrohttpd, to each other: http_server.c starts it and turns it in
 * the loop, http_connection.c is called by it for connections and requests, http_reply.c gives it
 * answers, http_stream.c lets connections sleep until there is an event.
 */
#ifndef FIRN_STATION_HTTP_CONNECTION_H
#define FIRN_STATION_HTTP_CONNECTION_H

#include "station/http_exchange.h"

struct MHD_Response;

/* Starts libmicrohttpd on the listener's socket. certificate and key: PEM, or NULL. */
bool http_connection_serve(struct http_listener *listener, const char *certificate, const char *key,
                           struct err **err) MUST_CHECK;
/* Run it soon, although no socket is ready. */
void http_listener_run(struct http_listener *listener);
/* Cut off connections whose time is over; wakes and pings streams. */
void http_connections_tick(struct http_server *server);

/* Answers with what is in r, which is used up. False: it could not, and the connection ends. */
bool http_reply(struct http_exchange *x, struct MHD_Connection *mhd, struct http_response *r);

/* The body of a stream's answer. */
struct MHD_Response *http_stream_response(struct http_connection *connection,
                                          struct MHD_Connection *mhd, int64_t after);
/* Those that sleep look for events. */
void http_streams_wake(struct http_server *server);
void http_streams_tick(struct http_server *server, int64_t now_ms);
/* The connection's, if it sleeps. */
void http_stream_wake_of(const struct http_connection *connection);

/* The time that is left to take `bytes`. */
void http_connection_extend(struct http_connection *connection, uint64_t bytes);

#endif
