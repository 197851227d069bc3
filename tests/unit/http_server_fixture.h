/*
 * A real server with routes of its own in the test's process: the test is a client that sends bytes
 * over real sockets, and turns the server's loop while it waits for what comes back.
 */
#ifndef FIRN_TESTS_UNIT_HTTP_SERVER_FIXTURE_H
#define FIRN_TESTS_UNIT_HTTP_SERVER_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/fs.h"
#include "base/proc.h"
#include "station/http.h"

#define VIEWER "firn_0000000000000001_" HEX64
#define OPERATOR "firn_0000000000000002_" HEX64
#define ENGINEER "firn_0000000000000003_" HEX64
#define UNKNOWN "firn_000000000000000f_" HEX64
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define AS(token) "Authorization: Bearer " token "\r\n"
#define JSON "Content-Type: application/json\r\n"

struct site {
    sd_event *loop;
    struct http_settings settings; /* to be changed before site_start() */
    struct http_server *server;
    char *dir, *socket, *file;
    int token_checks;           /* how often the server asked */
    struct principal socket_is; /* the user of the Unix socket; role none = nobody */
    unsigned uid;               /* as which it came */
};

static inline bool site_token_check(void *app, const char *token, struct principal *who)
{
    static const char *const tokens[] = {VIEWER, OPERATOR, ENGINEER};
    struct site *site = app;
    site->token_checks++;
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
        if (strcmp(token, tokens[i]) == 0) {
            *who = (struct principal){.role = (enum role)(ROLE_VIEW + i)};
            snprintf(who->name, sizeof(who->name), "token %zu", i);
            return true;
        }
    }
    return false;
}

static inline const struct principal *site_socket_user(void *app, unsigned uid, unsigned gid,
                                                       int pid)
{
    struct site *site = app;
    (void)gid;
    assert_true(pid > 0);
    site->uid = uid;
    return site->socket_is.role == ROLE_NONE ? NULL : &site->socket_is;
}

static inline void site_init(struct site *site)
{
    struct err *err = NULL;
    *site = (struct site){.socket_is = {"alice", ROLE_OPERATE, VIA_NOBODY}};
    assert_true(sd_event_new(&site->loop) >= 0);
    assert_ok(fs_temp_dir_anywhere(&site->dir, &err), &err);
    site->socket = path_join(site->dir, "sock");
    site->file = path_join(site->dir, "file");
    site->settings = (struct http_settings){
        .socket = site->socket,
        .address = "127.0.0.1:0",
        .body_max = 65536,
        .header_timeout_s = 10,
        .connections_max = 300,
        .connections_per_address = 300,
        .socket_user = site_socket_user,
        .token_check = site_token_check,
    };
}

static inline void site_start(struct site *site, const struct http_route *routes)
{
    struct err *err = NULL;
    site->server = http_server_new(site->loop, &site->settings, routes, site, &err);
    assert_ok(site->server != NULL, &err);
}

static inline void site_end(struct site *site)
{
    struct err *err = NULL;
    http_server_free(site->server);
    sd_event_unref(site->loop);
    assert_ok(fs_remove_tree(site->dir, &err), &err);
    free(site->dir);
    free(site->socket);
    free(site->file);
}

static inline int dial_port(unsigned port)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static inline int site_dial(const struct site *site)
{
    return dial_port(http_server_port(site->server));
}

static inline int site_dial_socket(const struct site *site)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", site->socket);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

/* Turn the server for a while. */
static inline void site_run(const struct site *site, int ms)
{
    long long end = clock_ms() + ms;
    do
        assert_true(sd_event_run(site->loop, 1000) >= 0);
    while (clock_ms() < end);
}

static inline void say(int fd, const void *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static inline void says(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

/* What has come until now; *end: the server has closed it. */
static inline void hear_now(int fd, struct buf *heard, bool *end)
{
    char piece[65536];
    ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
    if (n > 0)
        buf_add(heard, piece, (size_t)n);
    *end = n == 0 || (n < 0 && errno != EAGAIN);
}

/* Everything until the server closes it; false: it did not in time. */
static inline bool hear(const struct site *site, int fd, int timeout_ms, struct buf *heard)
{
    long long deadline = clock_ms() + timeout_ms;
    bool end = false;
    while (!end && clock_ms() < deadline) {
        assert_true(sd_event_run(site->loop, 2000) >= 0);
        hear_now(fd, heard, &end);
    }
    return end;
}

/* Until the text is there, or fails. */
static inline void hear_text(const struct site *site, int fd, struct buf *heard, const char *text)
{
    long long deadline = clock_ms() + 5000;
    bool end = false;
    while (!strstr(heard->data, text)) {
        if (end || clock_ms() > deadline)
            fail_msg("'%s' did not come: %s", text, heard->data);
        assert_true(sd_event_run(site->loop, 2000) >= 0);
        hear_now(fd, heard, &end);
    }
}

/* The answer to bytes; the caller frees. */
static inline char *tell(const struct site *site, int fd, const void *request, size_t len)
{
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    say(fd, request, len);
    if (!hear(site, fd, 5000, &heard))
        fail_msg("the connection was not closed; came: %s", heard.data);
    close(fd);
    return buf_detach(&heard, &len);
}

static inline char *ask_raw(const struct site *site, const char *request)
{
    return tell(site, site_dial(site), request, strlen(request));
}

static inline char *make_request(const char *method, const char *path, const char *fields,
                                 const char *body)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    size_t len;
    buf_addf(&text, "%s %s HTTP/1.1\r\nConnection: close\r\n", method, path);
    if (!strstr(fields, "Host:"))
        buf_adds(&text, "Host: localhost\r\n");
    if (body)
        buf_addf(&text, "Content-Length: %zu\r\n", strlen(body));
    buf_addf(&text, "%s\r\n%s", fields, body ? body : "");
    return buf_detach(&text, &len);
}

/* fields: "Name: value\r\n"...; body NULL = none. */
static inline char *ask(const struct site *site, const char *method, const char *path,
                        const char *fields, const char *body)
{
    _cleanup_free_ char *request = make_request(method, path, fields, body);
    return ask_raw(site, request);
}

static inline char *ask_socket(const struct site *site, const char *method, const char *path,
                               const char *fields, const char *body)
{
    _cleanup_free_ char *request = make_request(method, path, fields, body);
    return tell(site, site_dial_socket(site), request, strlen(request));
}

static inline int status_of(const char *answer)
{
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0)
        fail_msg("no answer of HTTP: '%s'", answer);
    return atoi(answer + 9);
}

/* Fails, showing the answer, unless it has that status. Frees it. */
static inline void assert_status(char *answer, int status)
{
    if (status_of(answer) != status)
        fail_msg("not %d: %s", status, answer);
    free(answer);
}

/* The same, and it contains the text. */
static inline void assert_answer(char *answer, int status, const char *text)
{
    assert_contains(answer, text);
    assert_status(answer, status);
}

static inline const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "";
}

#endif
