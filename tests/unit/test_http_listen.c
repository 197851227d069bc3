/* Sockets, and how a server is started with them. */
#include "station/http_listen.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/http_server_fixture.h"

static void get_open(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_json(r, 200, json_pack("{s:s}", "path", request->path));
}

static const struct http_route routes[] = {
    {"GET", "/open", ROLE_NONE, get_open, ROUTE_OPEN},
    {.method = NULL},
};

static int begin(void **state)
{
    struct site *site = xmalloc(sizeof(*site));
    site_init(site);
    *state = site;
    return 0;
}

static int end(void **state)
{
    site_end(*state);
    free(*state);
    return 0;
}

static void refused(struct site *site, enum err_code code, const char *part)
{
    struct err *err = NULL;
    assert_null(http_server_new(site->loop, &site->settings, routes, site, &err));
    assert_error(&err, code, part);
}

static void mode_and_group(void **state)
{
    struct site *site = *state;
    struct group *group = getgrgid(getgid());
    struct stat st;
    assert_non_null(group);
    site->settings.socket_group = group->gr_name;
    mode_t before = umask(0);
    site_start(site, routes);
    umask(before);
    assert_int_equal(stat(site->socket, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(st.st_gid, getgid());
    _cleanup_free_ char *lock = xasprintf("%s.lock", site->socket);
    assert_false(fs_exists(lock));
}

static void a_group_that_is_not_there(void **state)
{
    struct site *site = *state;
    site->settings.socket_group = "no-such-group";
    refused(site, ERR_USAGE, "groupadd --system no-such-group");
    assert_false(fs_exists(site->socket));
}

/* What a daemon that was killed left behind. */
static void a_stale_socket_is_replaced(void **state)
{
    struct site *site = *state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", site->socket);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    close(fd);
    site_start(site, routes);
    assert_status(ask_socket(site, "GET", "/open", "", NULL), 200);
}

static void a_socket_in_use_is_not(void **state)
{
    struct site *site = *state;
    site->settings.address = NULL;
    site_start(site, routes);
    refused(site, ERR_USAGE, "is another firnd running?");
    assert_status(ask_socket(site, "GET", "/open", "", NULL), 200);
}

static void another_file_is_not(void **state)
{
    struct site *site = *state;
    struct err *err = NULL;
    assert_ok(fs_write(site->socket, "x", 1, 0644, &err), &err);
    refused(site, ERR_USAGE, "is there and not a socket");
    assert_true(fs_is_file(site->socket));
    site->settings.socket = "/a-directory-that-is-not-there/sock";
    refused(site, ERR_NOT_FOUND, "/a-directory-that-is-not-there");
    _cleanup_free_ char *longest = xasprintf("%0200d", 0);
    site->settings.socket = longest;
    refused(site, ERR_USAGE, "at most 107 bytes");
}

/* "Trusted" ports on all interfaces (CVE-2026-59177). */
static void addresses_that_others_reach(void **state)
{
    static const char *const open[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:8350", "[2001:db8::1]:0",
                                       "[::ffff:192.0.2.1]:0"};
    struct site *site = *state;
    site->settings.socket = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(open); i++) {
        site->settings.address = open[i];
        refused(site, ERR_USAGE, "can be reached from other machines");
    }
    site->settings.address = "0.0.0.0:0";
    site->settings.reverse_proxy = "https://firn.example";
    site_start(site, routes);
    assert_status(ask(site, "GET", "/open", "Host: firn.example\r\n", NULL), 200);
}

static void addresses_that_are_none(void **state)
{
    static const char *const wrong[] = {
        "",       "8350",  "localhost",       "127.0.0.1:", "127.0.0.1:x", "example.org:80",
        "::1:80", "[::1]", "127.0.0.1:70000", "[]:80"};
    struct site *site = *state;
    site->settings.socket = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        site->settings.address = wrong[i];
        refused(site, ERR_USAGE, "is not an address to listen at");
    }
    site->settings.address = "localhost:0";
    site_start(site, routes);
    assert_status(ask(site, "GET", "/open", "", NULL), 200);
}

static void proxies_that_are_no_origin(void **state)
{
    static const char *const wrong[] = {"firn.example", "https://firn.example/",
                                        "ftp://firn.example", "https://", "https://a b"};
    struct site *site = *state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        site->settings.reverse_proxy = wrong[i];
        refused(site, ERR_USAGE, "is not the address of a reverse proxy");
    }
}

static void an_address_in_use(void **state)
{
    struct site *site = *state;
    site->settings.socket = NULL;
    site_start(site, routes);
    _cleanup_free_ char *address = xasprintf("127.0.0.1:%u", http_server_port(site->server));
    site->settings.address = address;
    refused(site, ERR_FAILED, "is another firnd running?");
}

/* In a child, since the sockets have to be the descriptors from 3 on. */
static void serve_handed_over(struct site *site, int socket_fd, int tcp_fd)
{
    struct err *err = NULL;
    char pid[16];
    assert_int_equal(dup2(socket_fd, 30), 30);
    assert_int_equal(dup2(tcp_fd, 31), 31);
    assert_int_equal(dup2(30, 3), 3);
    assert_int_equal(dup2(31, 4), 4);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    sd_event *loop;
    if (sd_event_new(&loop) < 0 || !http_server_new(loop, &site->settings, routes, site, &err))
        _exit(err && err->code == ERR_USAGE ? 2 : 1);
    for (;;)
        (void)sd_event_run(loop, UINT64_MAX);
}

static char *ask_blocking(int fd)
{
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    _cleanup_free_ char *request = make_request("GET", "/open", "", NULL);
    char piece[4096];
    ssize_t n;
    size_t len;
    says(fd, request);
    while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
        buf_add(&heard, piece, (size_t)n);
    close(fd);
    return buf_detach(&heard, &len);
}

static void sockets_of_systemd(void **state)
{
    struct site *site = *state;
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof(name);
    struct err *err = NULL;
    int socket_fd, tcp_fd, status;
    assert_ok(http_listen_socket(site->socket, NULL, &socket_fd, &err), &err);
    assert_ok(http_listen_address("127.0.0.1:0", "hint", &tcp_fd, &err), &err);
    pid_t child = fork();
    if (child == 0)
        serve_handed_over(site, socket_fd, tcp_fd);
    assert_status(ask_blocking(site_dial_socket(site)), 200);
    assert_int_equal(getsockname(tcp_fd, (struct sockaddr *)&name, &len), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, len), 0);
    assert_status(ask_blocking(fd), 200);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(socket_fd);
    close(tcp_fd);
}

/* firnd.socket may say ListenStream=8350, which is all addresses. */
static void open_sockets_of_systemd(void **state)
{
    struct site *site = *state;
    struct err *err = NULL;
    int socket_fd, tcp_fd, status;
    assert_ok(http_listen_socket(site->socket, NULL, &socket_fd, &err), &err);
    assert_ok(http_listen_address("0.0.0.0:0", NULL, &tcp_fd, &err), &err);
    pid_t child = fork();
    if (child == 0)
        serve_handed_over(site, socket_fd, tcp_fd);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 2);
    close(socket_fd);
    close(tcp_fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mode_and_group),
        TEST(a_group_that_is_not_there),
        TEST(a_stale_socket_is_replaced),
        TEST(a_socket_in_use_is_not),
        TEST(another_file_is_not),
        TEST(addresses_that_others_reach),
        TEST(addresses_that_are_none),
        TEST(proxies_that_are_no_origin),
        TEST(an_address_in_use),
        TEST(sockets_of_systemd),
        TEST(open_sockets_of_systemd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
