/* Listening, and turning libmicrohttpd in the loop. */
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fs.h"
#include "station/http_connection.h"
#include "station/http_field.h"
#include "station/http_listen.h"

#define TICK_US 250000
#define TLS_FILE_MAX ((size_t)1 << 20)

/* ---- the loop ---- */

static int64_t now_us(const struct http_server *server)
{
    uint64_t now = 0;
    sd_event_now(server->loop, CLOCK_MONOTONIC, &now);
    return (int64_t)now;
}

static void turn(struct http_listener *listener)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    int64_t now = now_us(listener->server);
    do {
        listener->run_again = false;
        MHD_run(listener->daemon);
    } while (listener->run_again);
    if (MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES) {
        sd_event_source_set_time(listener->again, (uint64_t)now + wait_ms * 1000);
        sd_event_source_set_enabled(listener->again, SD_EVENT_ONESHOT);
    } else {
        sd_event_source_set_enabled(listener->again, SD_EVENT_OFF);
    }
}

void http_listener_run(struct http_listener *listener)
{
    listener->run_again = true;
    sd_event_source_set_time(listener->again, 0);
    sd_event_source_set_enabled(listener->again, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *listener)
{
    (void)source;
    (void)fd;
    (void)events;
    turn(listener);
    return 0;
}

static int on_again(sd_event_source *source, uint64_t at, void *listener)
{
    (void)source;
    (void)at;
    turn(listener);
    return 0;
}

static int on_tick(sd_event_source *source, uint64_t at, void *data)
{
    struct http_server *server = data;
    (void)at;
    http_connections_tick(server);
    sd_event_source_set_time(source, (uint64_t)now_us(server) + TICK_US);
    sd_event_source_set_enabled(source, server->connections ? SD_EVENT_ON : SD_EVENT_OFF);
    return 0;
}

static bool check(int status, struct err **err)
{
    return status >= 0 ||
           err_set_errno(err, ERR_FAILED, -status, "cannot add HTTP to the event loop");
}

static bool join_loop(struct http_listener *listener, struct err **err)
{
    sd_event *loop = listener->server->loop;
    int epoll = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return check(sd_event_add_io(loop, &listener->io, epoll, EPOLLIN, on_io, listener), err) &&
           check(sd_event_add_time(loop, &listener->again, CLOCK_MONOTONIC, 0, 1000, on_again,
                                   listener),
                 err);
}

/* ---- starting ---- */

/* Closes fd on failure. path: of a socket that we made. */
static bool add_listener(struct http_server *server, int fd, const char *path, struct buf tls[2],
                         struct err **err)
{
    struct http_listener *listener = &server->listeners[server->listener_count++];
    *listener =
        (struct http_listener){.server = server, .fd = fd, .path = path ? xstrdup(path) : NULL};
    listener->by_socket = http_listen_is_unix(fd);
    bool plain = listener->by_socket || tls[0].len == 0;
    return http_connection_serve(listener, plain ? NULL : tls[0].data, plain ? NULL : tls[1].data,
                                 err) &&
           join_loop(listener, err);
}

static bool read_tls(const struct http_settings *settings, struct buf tls[2], struct err **err)
{
    if (!settings->tls_certificate && !settings->tls_key)
        return true;
    if (!settings->tls_certificate || !settings->tls_key) {
        err_set(err, ERR_USAGE, "TLS needs a certificate and a key");
        return err_hint(err, "give both in listen.tls in firnd.yaml");
    }
    return fs_read(settings->tls_certificate, TLS_FILE_MAX, &tls[0], err) &&
           fs_read(settings->tls_key, TLS_FILE_MAX, &tls[1], err);
}

static bool add_activated(struct http_server *server, struct buf tls[2], const char *closed,
                          struct err **err)
{
    int fds[HTTP_LISTENERS_MAX];
    size_t count;
    if (!http_listen_activated(fds, HTTP_LISTENERS_MAX - 2, closed, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!add_listener(server, fds[i], NULL, tls, err))
            return false;
    }
    return true;
}

static bool has_listener(const struct http_server *server, bool by_socket)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].by_socket == by_socket)
            return true;
    }
    return false;
}

/* What systemd handed over stands for what would be made. */
static bool listen_all(struct http_server *server, struct buf tls[2], struct err **err)
{
    const struct http_settings *settings = &server->settings;
    const char *closed = http_closed_hint(settings);
    int fd;
    if (!add_activated(server, tls, closed, err))
        return false;
    if (settings->socket && !has_listener(server, true) &&
        (!http_listen_socket(settings->socket, settings->socket_group, &fd, err) ||
         !add_listener(server, fd, settings->socket, tls, err)))
        return false;
    return !settings->address || has_listener(server, false) ||
           (http_listen_address(settings->address, closed, &fd, err) &&
            add_listener(server, fd, NULL, tls, err));
}

static void nothing(int number)
{
    (void)number;
}

/* A client that went away is an error of its connection, not a signal. A handler and not SIG_IGN,
 * which children would inherit. Each connection is a descriptor. */
static void prepare_process(void)
{
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    struct rlimit files;
    sigaction(SIGPIPE, &action, NULL);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool check_proxy(const struct http_settings *settings, struct err **err)
{
    const char *proxy = settings->reverse_proxy;
    const char *host = proxy ? strstr(proxy, "://") : NULL;
    if (!proxy || (host && http_field_host_len(host + 3) > 0 &&
                   (strncmp(proxy, "https://", 8) == 0 || strncmp(proxy, "http://", 7) == 0)))
        return true;
    err_set(err, ERR_USAGE, "'%s' is not the address of a reverse proxy", proxy);
    return err_hint(err, "write listen.reverse_proxy as https://firn.example.org, without a path");
}

struct http_server *http_server_new(sd_event *loop, const struct http_settings *settings,
                                    const struct http_route *routes, void *app, struct err **err)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    struct buf tls[2] = {BUF_INIT, BUF_INIT};
    server->loop = sd_event_ref(loop);
    server->settings = *settings;
    server->routes = routes;
    server->app = app;
    server->stream = stream_new(app);
    prepare_process();
    bool ok =
        check(sd_event_add_time(loop, &server->tick, CLOCK_MONOTONIC, 0, 50000, on_tick, server),
              err) &&
        check_proxy(settings, err) && read_tls(settings, tls, err) && listen_all(server, tls, err);
    explicit_bzero(tls[1].data, tls[1].len);
    buf_release(&tls[0]);
    buf_release(&tls[1]);
    if (ok)
        return server;
    http_server_free(server);
    return NULL;
}

/* ---- ending ---- */

/* libmicrohttpd leaves the socket to us. */
static void stop_listening(struct http_listener *listener)
{
    if (listener->fd < 0)
        return;
    if (listener->daemon)
        MHD_quiesce_daemon(listener->daemon);
    /* As long as we listen nobody else takes the name. */
    if (listener->path)
        unlink(listener->path);
    close(listener->fd);
    listener->fd = -1;
}

void http_server_stop(struct http_server *server)
{
    server->stopping = true;
    for (size_t i = 0; i < server->listener_count; i++)
        stop_listening(&server->listeners[i]);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    server->closing = true;
    http_server_stop(server);
    /* libmicrohttpd must not have connections that sleep when it is ended. */
    http_streams_wake(server);
    for (size_t i = 0; i < server->listener_count; i++) {
        struct http_listener *listener = &server->listeners[i];
        sd_event_source_disable_unref(listener->io);
        sd_event_source_disable_unref(listener->again);
        if (listener->daemon)
            MHD_run(listener->daemon);
        if (listener->daemon)
            MHD_stop_daemon(listener->daemon);
        free(listener->path);
    }
    sd_event_source_disable_unref(server->tick);
    stream_free(server->stream);
    sd_event_unref(server->loop);
    free(server);
}

unsigned http_server_port(const struct http_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        /* The port lies at the same place for both families. */
        union {
            struct sockaddr any;
            struct sockaddr_in v4;
            struct sockaddr_in6 v6;
        } name = {.v6 = {.sin6_family = AF_UNSPEC}};
        socklen_t len = sizeof(name);
        if (!server->listeners[i].by_socket &&
            getsockname(server->listeners[i].fd, &name.any, &len) == 0)
            return ntohs(name.v4.sin_port);
    }
    return 0;
}

void http_server_counts(const struct http_server *server, struct http_counts *counts)
{
    *counts = server->counts;
}
