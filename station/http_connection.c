/*
 * Connections and requests, as libmicrohttpd tells of them.
 *
 * Each connection has a time by which it must have got on: a whole request from its beginning (not
 * only a byte now and then), or an answer taken at a least rate. Beside that libmicrohttpd ends a
 * connection on which nothing at all moves.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>

#include "base/proc.h"
#include "station/http_connection.h"

#define MEMORY_MAX ((size_t)65536) /* of a connection: its head, and a piece of its answer */
#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

void http_connection_extend(struct http_connection *connection, uint64_t bytes)
{
    int64_t seconds = connection->server->settings.header_timeout_s;
    connection->deadline_ms =
        clock_ms() + seconds * 1000 + (int64_t)(bytes / HTTP_BYTES_PER_SECOND) * 1000;
}

/* An IP address, of IPv4 mapped into IPv6 the former; brackets: as in a Host. */
static void show_address(const struct sockaddr_storage *from, bool brackets,
                         char out[HTTP_ADDRESS_SIZE])
{
    char text[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *v4 = (const void *)from;
    const struct sockaddr_in6 *v6 = (const void *)from;
    bool mapped = from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
    if (from->ss_family == AF_INET)
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    else if (mapped)
        inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, text, sizeof(text));
    else if (from->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
    brackets = brackets && from->ss_family == AF_INET6 && !mapped;
    snprintf(out, HTTP_ADDRESS_SIZE, brackets ? "[%s]" : "%s", text);
}

/* Who is at the other end, and how they call us. */
static void look_at_peer(struct http_connection *connection)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(address), peer_len = sizeof(connection->peer);
    connection->peer = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
    if (connection->listener->by_socket) {
        /* One whose user the kernel does not tell is nobody. */
        if (getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &connection->peer, &peer_len) < 0)
            connection->peer = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
        return;
    }
    if (getpeername(connection->fd, (struct sockaddr *)&address, &len) == 0)
        show_address(&address, false, connection->address);
    len = sizeof(address);
    if (getsockname(connection->fd, (struct sockaddr *)&address, &len) == 0)
        show_address(&address, true, connection->local);
}

static struct http_connection *connection_begin(struct http_listener *listener,
                                                struct MHD_Connection *mhd)
{
    struct http_server *server = listener->server;
    struct http_connection *connection = xcalloc(1, sizeof(*connection));
    connection->server = server;
    connection->listener = listener;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    look_at_peer(connection);
    http_connection_extend(connection, 0);
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    server->connections = connection;
    server->counts.connections++;
    listener->connections++;
    sd_event_source_set_enabled(server->tick, SD_EVENT_ON);
    return connection;
}

static void connection_end(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    *(connection->previous ? &connection->previous->next : &server->connections) = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    server->counts.connections--;
    /* One that was full looks whether anybody waits only when it is run again. */
    if (connection->listener->connections-- == server->settings.connections_max)
        connection->listener->run_again = true;
    free(connection);
}

static void on_connection(void *listener, struct MHD_Connection *mhd, void **place,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *place = connection_begin(listener, mhd);
    else if (*place)
        connection_end(*place);
}

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The first line is there. The first request's time began with the connection. */
static void *on_line(void *listener, const char *uri, struct MHD_Connection *mhd)
{
    struct http_connection *connection = connection_of(mhd);
    (void)listener;
    connection->busy = true;
    if (connection->used)
        http_connection_extend(connection, 0);
    return http_exchange_new(connection, uri);
}

static void on_completed(void *listener, struct MHD_Connection *mhd, void **place,
                         enum MHD_RequestTerminationCode how)
{
    struct http_connection *connection = connection_of(mhd);
    (void)listener;
    /* Our own deadline was counted when it passed. */
    if (how == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED && !connection->cut)
        connection->server->counts.timeouts++;
    http_exchange_free(*place);
    *place = NULL;
    connection->used = true;
    connection->busy = false;
    http_connection_extend(connection, 0);
}

static enum MHD_Result take_field(void *data, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct http_exchange *x = data;
    (void)kind;
    x->fields[x->head.field_count++] = (struct guard_field){name, value ? value : ""};
    return x->head.field_count < ARRAY_SIZE(x->fields) ? MHD_YES : MHD_NO;
}

/* A NUL in the first line ends the text of the path, but not the line. */
static bool has_hidden_end(const struct http_exchange *x, const char *version)
{
    return x->raw_at && *version &&
           (size_t)((uintptr_t)version - (uintptr_t)x->raw_at) != strlen(x->raw_target) + 1;
}

static bool check_head(struct http_exchange *x, const char *method, const char *version,
                       struct http_response *r)
{
    bool may = http_exchange_check(x, method, r);
    if (!may || !has_hidden_end(x, version))
        return may;
    http_problem(r, 400, "malformed-request", "send a path whose parts are percent-encoded UTF-8",
                 "the address has control characters");
    return false;
}

static enum MHD_Result begin(struct http_exchange *x, struct MHD_Connection *mhd,
                             const char *method, const char *version)
{
    struct http_response r;
    bool answered = true;
    x->begun = true;
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, take_field, x);
    http_response_init(&r);
    if (!check_head(x, method, version, &r))
        answered = http_reply(x, mhd, &r);
    http_response_release(&r);
    return answered ? MHD_YES : MHD_NO;
}

static enum MHD_Result take_body(struct http_exchange *x, const char *data, size_t *size)
{
    /* Content-Length was looked at before: this cannot be. */
    if (*size > x->connection->server->settings.body_max - x->body.len)
        return MHD_NO;
    buf_add(&x->body, data, *size);
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result finish(struct http_exchange *x, struct MHD_Connection *mhd)
{
    struct http_response r;
    http_response_init(&r);
    http_exchange_handle(x, &r);
    bool answered = http_reply(x, mhd, &r);
    http_response_release(&r);
    return answered ? MHD_YES : MHD_NO;
}

/* libmicrohttpd comes once with the head, then with each piece of the body, then with its end. */
static enum MHD_Result on_request(void *listener, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **place)
{
    struct http_exchange *x = *place;
    (void)listener;
    (void)url;
    if (!x)
        return MHD_NO;
    if (!x->begun)
        return begin(x, mhd, method, version);
    return *size > 0 ? take_body(x, data, size) : finish(x, mhd);
}

/* libmicrohttpd has no word for it: it sees that the socket is closed, and ends the connection. */
static void cut_off(struct http_connection *connection)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    connection->cut = true;
    /* One that rests between two requests has done nothing wrong. */
    connection->server->counts.timeouts += connection->busy || !connection->used;
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    (void)shutdown(connection->fd, SHUT_RDWR);
    http_stream_wake_of(connection);
}

void http_connections_tick(struct http_server *server)
{
    int64_t now_ms = clock_ms();
    for (struct http_connection *c = server->connections; c; c = c->next) {
        if (now_ms >= c->deadline_ms && !c->cut)
            cut_off(c);
    }
    http_streams_tick(server, now_ms);
}

/* One address is not limited behind a proxy, from which all requests come. */
static unsigned per_address(const struct http_server *server)
{
    const struct http_settings *settings = &server->settings;
    return settings->reverse_proxy ? 0 : (unsigned)settings->connections_per_address;
}

bool http_connection_serve(struct http_listener *listener, const char *certificate, const char *key,
                           struct err **err)
{
    const struct http_settings *settings = &listener->server->settings;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (certificate ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)certificate},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)PRIORITIES},
                                   {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, listener, MHD_OPTION_LISTEN_SOCKET, listener->fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_line, listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        listener, MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_MAX, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)settings->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        per_address(listener->server), MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)settings->header_timeout_s + 1, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, certificate ? tls : none,
        MHD_OPTION_END);
    if (listener->daemon)
        return true;
    if (!certificate)
        return err_set(err, ERR_FAILED, "HTTP could not be started");
    err_set(err, ERR_USAGE, "TLS could not be started with %s and %s", settings->tls_certificate,
            settings->tls_key);
    return err_hint(err, "they must be a certificate and its key, in PEM");
}
