/* The stream of events, over real sockets. */
#include <inttypes.h>
#include <sys/resource.h>

#include "station/http.h"

#include "tests/unit/http_server_fixture.h"

#define EVENTS 300
#define CLIENTS 200
#define SLOW_EVENTS 20000 /* 800 KB, more than the kernel takes */

static int64_t store_latest; /* the store has the events 1 to this one */
static int64_t store_oldest; /* but for those before it */
static bool store_down;

static bool replay(void *app, int64_t after, int limit, int64_t *oldest,
                   void (*add)(void *data, int64_t id, const char *type, const char *text),
                   void *data)
{
    (void)app;
    *oldest = store_oldest;
    for (int64_t id = after + 1; !store_down && id <= store_latest && limit > 0; id++) {
        if (id < store_oldest)
            continue;
        _cleanup_free_ char *text = xasprintf("{\"n\":%" PRId64 "}", id);
        add(data, id, "job", text);
        limit--;
    }
    return !store_down;
}

static void get_events(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    http_stream(request, r);
}

static const struct http_route routes[] = {
    {"GET", "/v1/events", ROLE_VIEW, get_events, 0},
    {.method = NULL},
};

static int begin(void **state)
{
    struct site *site = xmalloc(sizeof(*site));
    site_init(site);
    store_latest = 0;
    store_oldest = 1;
    store_down = false;
    site_start(site, routes);
    http_server_set_replay(site->server, replay, 0);
    *state = site;
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

static void publish(const struct site *site, int64_t id)
{
    _cleanup_free_ char *text = xasprintf("{\"n\":%" PRId64 "}", id);
    if (id > 0)
        store_latest = id;
    http_server_publish(site->server, id, id > 0 ? "job" : "progress", text);
}

/* path with a query, fields as in make_request(). */
static int subscribe(const struct site *site, const char *path, const char *fields)
{
    _cleanup_free_ char *all = xasprintf(AS(VIEWER) "%s", fields);
    _cleanup_free_ char *request = make_request("GET", path, all, NULL);
    int fd = site_dial(site);
    says(fd, request);
    return fd;
}

/* All ids that came, in order, each once, are first to last; 0: none did. */
static void assert_ids(const char *heard, int64_t first, int64_t last)
{
    int64_t expected = first, id;
    for (const char *at = heard; (at = strstr(at, "id: ")) && expected > 0; at++, expected++) {
        assert_int_equal(sscanf(at, "id: %" SCNd64 "\nevent: job\n", &id), 1);
        assert_int_equal(id, expected);
    }
    assert_int_equal(first == 0 ? 0 : expected - 1, last);
}

static void events_as_they_come(void **state)
{
    struct site *site = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    publish(site, 1);
    int fd = subscribe(site, "/v1/events", "");
    hear_text(site, fd, &heard, "retry: 2000\n\n");
    assert_contains(heard.data, "Content-Type: text/event-stream\r\n");
    assert_contains(heard.data, "X-Accel-Buffering: no\r\n");
    assert_contains(heard.data, "Cache-Control: no-store\r\n");
    assert_int_equal(counts_of(site).streams, 1);
    publish(site, 2);
    hear_text(site, fd, &heard, "id: 2\nevent: job\ndata: {\"n\":2}\n\n");
    publish(site, 0);
    hear_text(site, fd, &heard, "event: progress\ndata: {\"n\":0}\n\n");
    assert_null(strstr(heard.data, "\"n\":1}"));
    close(fd);
    /* that it has gone is seen when there is something to say */
    publish(site, 3);
    site_run(site, 20);
    publish(site, 4);
    site_run(site, 20);
    assert_int_equal(counts_of(site).streams, 0);
    assert_int_equal(counts_of(site).connections, 0);
}

static void head_of_a_stream(void **state)
{
    _cleanup_free_ char *answer = ask(*state, "HEAD", "/v1/events", AS(VIEWER), NULL);
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(body_of(answer), "");
    assert_int_equal(counts_of(*state).streams, 0);
}

static void who_was_away_gets_the_rest(void **state)
{
    struct site *site = *state;
    static const struct {
        const char *path, *fields;
    } ways[] = {{"/v1/events", "Last-Event-ID: 5\r\n"},
                {"/v1/events?last_event_id=5", ""},
                {"/v1/events?last_event_id=1", "Last-Event-ID: 5\r\n"}};
    for (int64_t id = 1; id <= EVENTS; id++)
        publish(site, id);
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        _cleanup_(buf_release) struct buf heard = BUF_INIT;
        int fd = subscribe(site, ways[i].path, ways[i].fields);
        hear_text(site, fd, &heard, "\"n\":300}");
        assert_ids(heard.data, 6, EVENTS);
        close(fd);
    }
    assert_status(ask(site, "GET", "/v1/events?last_event_id=x", AS(VIEWER), NULL), 400);
    assert_status(ask(site, "GET", "/v1/events", AS(VIEWER) "Last-Event-ID: -1\r\n", NULL), 400);
}

/* What this daemon has never published, since it was started after it. */
static void the_store_has_what_was_before(void **state)
{
    struct site *site = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    store_latest = 1000;
    http_server_set_replay(site->server, replay, 1000);
    int fd = subscribe(site, "/v1/events", "Last-Event-ID: 100\r\n");
    hear_text(site, fd, &heard, "\"n\":1000}");
    publish(site, 1001);
    hear_text(site, fd, &heard, "\"n\":1001}");
    assert_ids(heard.data, 101, 1001);
    close(fd);
}

static void reset_if_it_is_no_longer_kept(void **state)
{
    struct site *site = *state;
    static const char *const fields[] = {"Last-Event-ID: 100\r\n", "Last-Event-ID: 5000\r\n"};
    store_latest = 1000;
    store_oldest = 102;
    http_server_set_replay(site->server, replay, 1000);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        _cleanup_(buf_release) struct buf heard = BUF_INIT;
        int fd = subscribe(site, "/v1/events", fields[i]);
        hear_text(site, fd, &heard, "id: 1000\nevent: reset\ndata: {}\n\n");
        assert_null(strstr(heard.data, "event: job"));
        close(fd);
    }
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    int fd = subscribe(site, "/v1/events", "Last-Event-ID: 101\r\n");
    hear_text(site, fd, &heard, "\"n\":1000}");
    assert_ids(heard.data, 102, 1000);
    close(fd);
}

static void a_store_that_cannot_be_read_now(void **state)
{
    struct site *site = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    store_latest = 10;
    store_down = true;
    http_server_set_replay(site->server, replay, 10);
    int fd = subscribe(site, "/v1/events", "Last-Event-ID: 0\r\n");
    hear_text(site, fd, &heard, "retry: 2000");
    site_run(site, 100);
    store_down = false;
    hear_text(site, fd, &heard, "\"n\":10}");
    assert_ids(heard.data, 1, 10);
    close(fd);
}

/* It reads nothing while more is published than is kept in memory, and gets all of it. */
static void a_slow_client_gets_every_event(void **state)
{
    struct site *site = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    _cleanup_free_ char *fields = xasprintf(AS(VIEWER) "Last-Event-ID: 0\r\n");
    _cleanup_free_ char *request = make_request("GET", "/v1/events", fields, NULL);
    int fd = site_dial(site), small = 16384;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    says(fd, request);
    site_run(site, 20);
    for (int64_t id = 1; id <= SLOW_EVENTS; id++) {
        publish(site, id);
        if (id % 2 == 0)
            publish(site, 0);
        if (id % 1000 == 0)
            site_run(site, 0);
    }
    /* it was not up to date: what passes it by is worth nothing later */
    hear_text(site, fd, &heard, "\"n\":20000}");
    assert_ids(heard.data, 1, SLOW_EVENTS);
    close(fd);
}

/* A client that takes nothing is not kept for ever. */
static void a_stuck_client_is_cut_off(void **state)
{
    struct site *site = *state;
    int fd = subscribe(site, "/v1/events", "");
    long long start = clock_ms();
    site_run(site, 20);
    assert_int_equal(counts_of(site).streams, 1);
    for (int64_t id = 1; counts_of(site).streams && clock_ms() < start + 5000; id++) {
        publish(site, id);
        if (id % 500 == 0)
            site_run(site, 1);
    }
    assert_int_equal(counts_of(site).streams, 0);
    assert_int_equal(counts_of(site).timeouts, 1);
    assert_true(clock_ms() > start + 900);
    close(fd);
}

static int begin_impatient(void **state)
{
    struct site *site = xmalloc(sizeof(*site));
    site_init(site);
    site->settings.header_timeout_s = 1;
    store_latest = 0;
    site_start(site, routes);
    http_server_set_replay(site->server, replay, 0);
    *state = site;
    return 0;
}

/* It sleeps for longer than a request may take, and is still there. */
static void an_idle_client_stays(void **state)
{
    struct site *site = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    int fd = subscribe(site, "/v1/events", "");
    site_run(site, 2500);
    publish(site, 1);
    hear_text(site, fd, &heard, "id: 1\n");
    assert_int_equal(counts_of(site).timeouts, 0);
    close(fd);
}

static void ending_with_clients(void **state)
{
    struct site *site = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    bool closed = false;
    int fds[5];
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = subscribe(site, "/v1/events", "");
    site_run(site, 50);
    assert_int_equal(counts_of(site).streams, 5);
    http_server_free(site->server);
    site->server = NULL;
    while (!closed)
        hear_now(fds[0], &heard, &closed);
    assert_contains(heard.data, "retry: 2000\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
}

/* Two hundred pages, and each has every event. */
static void many_clients(void **state)
{
    struct site *site = *state;
    static struct buf heard[CLIENTS];
    int fds[CLIENTS], complete = 0;
    bool closed;
    for (int i = 0; i < CLIENTS; i++) {
        heard[i] = (struct buf)BUF_INIT;
        fds[i] = subscribe(site, "/v1/events", "Last-Event-ID: 0\r\n");
        if (i % 50 == 0)
            site_run(site, 5);
    }
    for (int64_t id = 1; id <= EVENTS; id++) {
        publish(site, id);
        site_run(site, 0);
    }
    long long deadline = clock_ms() + 10000;
    while (complete < CLIENTS && clock_ms() < deadline) {
        site_run(site, 1);
        complete = 0;
        for (int i = 0; i < CLIENTS; i++) {
            hear_now(fds[i], &heard[i], &closed);
            complete += strstr(heard[i].data, "\"n\":300}") != NULL;
        }
    }
    assert_int_equal(complete, CLIENTS);
    assert_int_equal(counts_of(site).streams, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        assert_ids(heard[i].data, 1, EVENTS);
        buf_release(&heard[i]);
        close(fds[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_as_they_come),
        TEST(head_of_a_stream),
        TEST(who_was_away_gets_the_rest),
        TEST(the_store_has_what_was_before),
        TEST(reset_if_it_is_no_longer_kept),
        TEST(a_store_that_cannot_be_read_now),
        TEST(a_slow_client_gets_every_event),
        cmocka_unit_test_setup_teardown(a_stuck_client_is_cut_off, begin_impatient, end),
        cmocka_unit_test_setup_teardown(an_idle_client_stays, begin_impatient, end),
        TEST(ending_with_clients),
        TEST(many_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
