/* Clients that are slow, on purpose or not, and clients that are many. */
#include <sys/resource.h>

#include "station/http.h"

#include "tests/unit/http_server_fixture.h"

#define BIG ((size_t)16 << 20) /* more than the kernel takes for a reader that does not read */

static void get_open(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    (void)request;
    http_json(r, 200, json_pack("{s:b}", "ok", true));
}

static void post_echo(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_json(r, 200, json_deep_copy(request->json));
}

static void get_file(void *app, const struct http_request *request, struct http_response *r)
{
    const struct site *site = app;
    http_file(request, r, open(site->file, O_RDONLY | O_CLOEXEC), "text/plain", NULL);
}

static void get_big(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    (void)request;
    http_text(r, 200, "text/plain", "", 0);
    buf_fill(&r->body, 'x', BIG);
}

static void add_chunk(void *data, struct buf *out, bool *end)
{
    (void)data;
    *end = false;
    buf_fill(out, 'x', 100000);
}

static void get_endless(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    (void)request;
    http_chunks(r, "text/plain", add_chunk, NULL, NULL);
}

static const struct http_route routes[] = {
    {"GET", "/open", ROLE_NONE, get_open, ROUTE_OPEN},
    {"POST", "/echo", ROLE_VIEW, post_echo, ROUTE_BODY_JSON},
    {"GET", "/file", ROLE_NONE, get_file, ROUTE_OPEN},
    {"GET", "/big", ROLE_NONE, get_big, ROUTE_OPEN},
    {"GET", "/endless", ROLE_NONE, get_endless, ROUTE_OPEN},
    {.method = NULL},
};

static int prepare(void **state)
{
    struct site *site = xmalloc(sizeof(*site));
    site_init(site);
    site->settings.header_timeout_s = 1;
    *state = site;
    return 0;
}

static int begin(void **state)
{
    prepare(state);
    site_start(*state, routes);
    return 0;
}

static int end(void **state)
{
    site_end(*state);
    free(*state);
    return 0;
}

static struct http_counts counts_of(const struct site *site)
{
    struct http_counts counts;
    http_server_counts(site->server, &counts);
    return counts;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* One that is slow: how it begins, and what it sends ten times a second then. */
struct slow {
    const char *start, *drip;
    int fd;
    long long closed_ms; /* after so long; 0 = not yet */
};

static void drip(struct slow *slow, long long ms)
{
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    bool closed;
    if (slow->closed_ms)
        return;
    if (slow->drip)
        (void)send(slow->fd, slow->drip, strlen(slow->drip), MSG_NOSIGNAL | MSG_DONTWAIT);
    hear_now(slow->fd, &heard, &closed);
    slow->closed_ms = closed ? ms : 0;
}

#define HEAD                                                                                       \
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n" AS(VIEWER) JSON "\r\n"

/* Slowloris: always one more byte, never the end. All of them are cut off in time, and waiting for
 * them costs nothing. */
static void slow_requests(void **state)
{
    struct site *site = *state;
    struct slow all[] = {
        {.start = "", .drip = NULL},
        {.start = "G", .drip = NULL},
        {.start = "", .drip = "\r\n"},
        {.start = "GET /", .drip = "x"},
        {.start = "GET /open HTTP/1.1\r\nHost: localhost\r\n", .drip = "X: y\r\n"},
        {.start = HEAD "{", .drip = NULL},
        {.start = HEAD "{", .drip = " "},
    };
    long long start = clock_ms();
    double cpu = cpu_seconds();
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        all[i].fd = site_dial(site);
        says(all[i].fd, all[i].start);
    }
    while (clock_ms() < start + 2000) {
        site_run(site, 100);
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
            drip(&all[i], clock_ms() - start);
    }
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (all[i].closed_ms < 900)
            fail_msg("'%.20s...' was closed after %lld ms", all[i].start, all[i].closed_ms);
        close(all[i].fd);
    }
    assert_true(cpu_seconds() - cpu < 0.5);
    assert_int_equal(counts_of(site).timeouts, ARRAY_SIZE(all));
    assert_int_equal(counts_of(site).connections, 0);
}

/* One that rests after a request is closed, too, but has done nothing wrong. */
static void connections_that_rest(void **state)
{
    struct site *site = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    int fd = site_dial(site);
    long long start = clock_ms();
    says(fd, "GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n");
    hear_text(site, fd, &heard, "}");
    assert_true(hear(site, fd, 3000, &heard));
    assert_in_range(clock_ms() - start, 900, 2500);
    assert_int_equal(counts_of(site).timeouts, 0);
    close(fd);
}

/* A body that comes slowly but in time, on a connection that is old. */
static void time_counts_from_each_request(void **state)
{
    struct site *site = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    int fd = site_dial(site);
    for (int i = 0; i < 3; i++) {
        buf_clear(&heard);
        says(fd, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n" AS(VIEWER) JSON
             "\r\n{");
        site_run(site, 600);
        says(fd, "}");
        hear_text(site, fd, &heard, "{}");
    }
    close(fd);
    assert_int_equal(counts_of(site).timeouts, 0);
}

/* They ask for much and take nothing, or ten bytes a second: the memory is free again in time. */
static void stuck_readers(void **state)
{
    struct site *site = *state;
    static const char *const paths[] = {"/big", "/file", "/endless", "/endless"};
    _cleanup_free_ char *data = xcalloc(1, BIG);
    int fds[ARRAY_SIZE(paths)], small = 4096;
    struct err *err = NULL;
    char byte;
    assert_ok(fs_write_scratch(site->file, data, BIG, &err), &err);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        _cleanup_free_ char *request = make_request("GET", paths[i], "", NULL);
        fds[i] = site_dial(site);
        setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        says(fds[i], request);
    }
    site_run(site, 10);
    long long start = clock_ms();
    while (clock_ms() < start + 500) {
        site_run(site, 100);
        (void)recv(fds[3], &byte, 1, MSG_DONTWAIT);
    }
    assert_int_equal(counts_of(site).connections, ARRAY_SIZE(paths));
    while (counts_of(site).connections > 0 && clock_ms() < start + 4000) {
        site_run(site, 100);
        (void)recv(fds[3], &byte, 1, MSG_DONTWAIT);
    }
    assert_int_equal(counts_of(site).connections, 0);
    assert_int_equal(counts_of(site).timeouts, ARRAY_SIZE(paths));
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        close(fds[i]);
}

/* A reader that is slower than we send, but reads. */
static void patient_readers_get_everything(void **state)
{
    struct site *site = *state;
    _cleanup_free_ char *request = make_request("GET", "/big", "", NULL);
    _cleanup_free_ char *piece = xmalloc(1 << 20);
    int fd = site_dial(site);
    size_t got = 0;
    ssize_t n = 1;
    says(fd, request);
    for (int turns = 0; n != 0 && turns < 20000; turns++) {
        assert_true(sd_event_run(site->loop, 1000) >= 0);
        n = recv(fd, piece, 1 << 20, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        if (turns % 20 == 0)
            site_run(site, 30);
    }
    assert_true(got > BIG);
    assert_int_equal(counts_of(site).timeouts, 0);
    close(fd);
}

static void many_connections(void **state)
{
    struct site *site = *state;
    int fds[20];
    bool closed;
    site->settings.connections_max = 12;
    site->settings.connections_per_address = 100;
    site_start(site, routes);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = site_dial(site);
    site_run(site, 50);
    assert_int_equal(counts_of(site).connections, 12);
    /* who administers it gets in all the same */
    assert_status(ask_socket(site, "GET", "/open", "", NULL), 200);
    /* and when they are gone the others, who waited */
    for (size_t i = 0; i < 12; i++)
        close(fds[i]);
    site_run(site, 50);
    assert_int_equal(counts_of(site).connections, 8);
    for (size_t i = 12; i < ARRAY_SIZE(fds); i++) {
        _cleanup_(buf_release) struct buf heard = BUF_INIT;
        hear_now(fds[i], &heard, &closed);
        assert_false(closed);
        close(fds[i]);
    }
}

static void many_connections_from_one_address(void **state)
{
    struct site *site = *state;
    int fds[10], open = 0;
    site->settings.connections_per_address = 4;
    site_start(site, routes);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = site_dial(site);
    site_run(site, 50);
    assert_int_equal(counts_of(site).connections, 4);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        _cleanup_(buf_release) struct buf heard = BUF_INIT;
        bool closed;
        hear_now(fds[i], &heard, &closed);
        open += !closed;
        close(fds[i]);
    }
    assert_int_equal(open, 4);
}

static void clients_that_vanish(void **state)
{
    struct site *site = *state;
    static const struct linger at_once = {1, 0};
    static const char *const starts[] = {
        "", "GET /open", "GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n" AS(VIEWER) JSON "\r\n{",
        "GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    for (size_t i = 0; i < 10; i++) {
        int fd = site_dial(site);
        says(fd, starts[i / 2]);
        site_run(site, 10);
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(fd);
        site_run(site, 20);
        assert_int_equal(counts_of(site).connections, 0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
#define TEST_CONFIGURED(f) cmocka_unit_test_setup_teardown(f, prepare, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(slow_requests),
        TEST(connections_that_rest),
        TEST(time_counts_from_each_request),
        TEST(stuck_readers),
        TEST(patient_readers_get_everything),
        TEST_CONFIGURED(many_connections),
        TEST_CONFIGURED(many_connections_from_one_address),
        TEST(clients_that_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
