/* Bytes that are sent to a real server, in up to four pieces; whatever they are, each answer is
 * HTTP, and nothing of the connection stays. The first byte: by which socket, and how it ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_dir.h"

#include "station/http.h"

#define TURNS 64

static struct http_server *server;
static sd_event *loop;
static char *socket_path, *file_path;

static void answer_json(void *app, const struct http_request *request, struct http_response *r)
{
    int64_t limit = 5;
    (void)app;
    CHECK(fuzz_is_printable(request->path, strlen(request->path), ""));
    if (http_query_int(request, r, "limit", 1, 500, &limit))
        http_json_etag(request, r,
                       json_pack("{s:s, s:s?}", "path", request->path, "name", request->params[0]));
}

static void answer_body(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    CHECK(json_is_object(request->json) && strlen(request->body) <= request->body_len);
    http_json(r, 201, json_deep_copy(request->json));
}

static void answer_file(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_file(request, r, open(file_path, O_RDONLY | O_CLOEXEC), "text/plain", request->params[0]);
}

static void add_chunk(void *data, struct buf *out, bool *end)
{
    (void)data;
    buf_adds(out, "chunk");
    *end = true;
}

static void answer_chunks(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    (void)request;
    http_chunks(r, "text/plain", add_chunk, NULL, NULL);
}

static void answer_stream(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_stream(request, r);
}

static const struct http_route routes[] = {
    {"GET", "/", ROLE_NONE, answer_json, ROUTE_OPEN},
    {"GET", "/v1/jobs/{id}", ROLE_VIEW, answer_json, 0},
    {"POST", "/v1/jobs", ROLE_OPERATE, answer_body, ROUTE_BODY_JSON},
    {"DELETE", "/v1/jobs/{id}", ROLE_ENGINEER, answer_json, 0},
    {"GET", "/v1/files/{path*}", ROLE_VIEW, answer_file, 0},
    {"GET", "/v1/chunks", ROLE_NONE, answer_chunks, ROUTE_OPEN},
    {"GET", "/v1/events", ROLE_NONE, answer_stream, ROUTE_OPEN},
    {.method = NULL},
};

static const struct principal *who_is(void *app, unsigned uid, unsigned gid, int pid)
{
    static const struct principal alice = {"alice", ROLE_ENGINEER, VIA_NOBODY};
    (void)app;
    (void)gid;
    CHECK(uid == getuid() && pid > 0);
    return &alice;
}

static bool check_token(void *app, const char *token, struct principal *who)
{
    (void)app;
    *who = (struct principal){"token", ROLE_VIEW, VIA_NOBODY};
    return strcmp(token, "right") == 0;
}

static void start(void)
{
    static struct http_settings settings = {
        .address = "127.0.0.1:0",
        .body_max = 4096,
        .header_timeout_s = 5,
        .connections_max = 64,
        .connections_per_address = 64,
        .socket_user = who_is,
        .token_check = check_token,
    };
    struct err *err = NULL;
    settings.socket = socket_path = path_join(fuzz_dir(), "s");
    file_path = path_join(fuzz_dir(), "f");
    CHECK(fs_write_scratch(file_path, "0123456789", 10, &err));
    CHECK(sd_event_new(&loop) >= 0);
    server = http_server_new(loop, &settings, routes, NULL, &err);
    CHECK(server);
}

static int dial(bool by_socket)
{
    static const struct linger at_once = {1, 0};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in tcp = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)http_server_port(server)),
                              .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(by_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(local.sun_path, sizeof(local.sun_path), "%s", socket_path);
    CHECK(connect(fd, by_socket ? (struct sockaddr *)&local : (struct sockaddr *)&tcp,
                  by_socket ? sizeof(local) : sizeof(tcp)) == 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    return fd;
}

static int connections(void)
{
    struct http_counts counts;
    http_server_counts(server, &counts);
    CHECK(counts.streams <= counts.connections);
    return counts.connections;
}

/* Turn until nothing more happens; what is heard is added. Returns whether it was closed. */
static bool turn(int fd, struct buf *heard)
{
    char piece[4096];
    for (int i = 0; i < TURNS; i++) {
        bool idle = sd_event_run(loop, 0) == 0;
        ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (n > 0)
            buf_add(heard, piece, (size_t)n);
        else if (n == 0 || errno != EAGAIN)
            return true;
        else if (idle)
            return false;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    struct fuzz_input input = {data, size};
    bool closed = false;
    if (!server)
        start();
    uint8_t how = fuzz_u8(&input);
    int fd = dial(how & 1);
    size_t piece = input.left / (1 + (how >> 1 & 3)) + 1;
    while (input.left > 0 && !closed) {
        size_t len = input.left < piece ? input.left : piece;
        if (send(fd, input.at, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
            break;
        input.at += len;
        input.left -= len;
        closed = turn(fd, &heard);
    }
    http_server_publish(server, 0, "progress", "{}");
    if (how & 8)
        shutdown(fd, SHUT_WR);
    turn(fd, &heard);
    if (heard.len > 0)
        CHECK(strncmp(heard.data, "HTTP/1.", heard.len < 7 ? heard.len : 7) == 0);
    close(fd);
    /* A stream notices when it has something to say. */
    for (int i = 0; i < TURNS && connections() > 0; i++) {
        http_server_publish(server, 0, "progress", "{}");
        CHECK(sd_event_run(loop, 0) >= 0);
    }
    CHECK(connections() == 0);
    return 0;
}
