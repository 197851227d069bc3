#include "station/stream.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/unit/unit.h"

/* What the store has: the events oldest to latest. */
static int64_t oldest, latest;
static bool down;
static int replays;
static size_t text_size; /* of each event's data */

static bool replay(void *app, int64_t after, int limit, int64_t *oldest_id,
                   void (*add)(void *data, int64_t id, const char *type, const char *text),
                   void *data)
{
    (void)app;
    replays++;
    *oldest_id = oldest;
    for (int64_t id = after + 1; !down && id <= latest && limit > 0; id++) {
        _cleanup_free_ char *text = xasprintf("%0*" PRId64, (int)text_size, id);
        if (id < oldest)
            continue;
        add(data, id, "job", text);
        limit--;
    }
    return !down;
}

static int begin(void **state)
{
    oldest = latest = 0;
    down = false;
    replays = 0;
    text_size = 1;
    *state = stream_new(NULL);
    return 0;
}

static int end(void **state)
{
    stream_free(*state);
    return 0;
}

static void publish(struct stream *stream, int64_t id)
{
    _cleanup_free_ char *text = xasprintf("%0*" PRId64, (int)text_size, id);
    if (id > 0)
        latest = id;
    oldest = oldest ? oldest : 1;
    stream_publish(stream, id, id > 0 ? "job" : "progress", text);
}

/* All that a client gets now, read in pieces of that size. */
static char *read_all(struct stream_client *client, size_t piece)
{
    _cleanup_(buf_release) struct buf all = BUF_INIT;
    _cleanup_free_ char *out = xmalloc(piece);
    size_t n;
    while ((n = stream_client_read(client, out, piece)) > 0) {
        assert_true(n <= piece);
        buf_add(&all, out, n);
    }
    return buf_detach(&all, &n);
}

static void assert_reads(struct stream_client *client, const char *expected)
{
    _cleanup_free_ char *text = read_all(client, 7);
    assert_string_equal(text, expected);
}

/* The ids that came are first to last, in order; returns how many events had none. */
static int assert_ids(const char *text, int64_t first, int64_t last)
{
    int64_t expected = first;
    int without = 0;
    for (const char *at = text; *at; at = strstr(at, "\n\n") + 2) {
        int64_t id;
        if (sscanf(at, "id: %" SCNd64, &id) != 1) {
            without += strncmp(at, "event: progress\n", 16) == 0;
            continue;
        }
        assert_int_equal(id, expected++);
    }
    assert_int_equal(expected, last + 1);
    return without;
}

static void format(void **state)
{
    struct stream_client *client = stream_client_new(*state, -1);
    assert_reads(client, "retry: 2000\n\n");
    assert_reads(client, "");
    stream_publish(*state, 7, "job", "{}");
    stream_publish(*state, 0, "progress", "[]");
    assert_reads(client, "id: 7\nevent: job\ndata: {}\n\nevent: progress\ndata: []\n\n");
    /* what looks like fields within the data is none */
    stream_publish(*state, 8, "job\nid: 9", "a\nid: 9\r\n\nevent: x\r");
    assert_reads(client,
                 "id: 8\nevent: job\ndata: a\ndata: id: 9\ndata: \ndata: event: x\ndata: \n\n");
    stream_client_ping(client);
    stream_client_ping(client);
    assert_reads(client, ": \n\n");
    stream_client_free(client);
}

static void old_ids_are_ignored(void **state)
{
    struct stream_client *client = stream_client_new(*state, -1);
    _cleanup_free_ char *preface = read_all(client, 100);
    publish(*state, 1);
    publish(*state, 2);
    publish(*state, 2);
    publish(*state, 1);
    _cleanup_free_ char *text = read_all(client, 100);
    assert_ids(text, 1, 2);
    stream_client_free(client);
}

/* A comment does not come into an event that is half sent. */
static void a_ping_amid_an_event(void **state)
{
    struct stream_client *client = stream_client_new(*state, -1);
    _cleanup_free_ char *preface = read_all(client, 100);
    char begun[10];
    publish(*state, 1);
    assert_int_equal(stream_client_read(client, begun, sizeof(begun)), 10);
    stream_client_ping(client);
    assert_reads(client, "t: job\ndata: 1\n\n: \n\n");
    stream_client_free(client);
}

/* Every way to lag: within the ring, out of it, out of it while being replayed. */
static void whatever_the_pace(void **state)
{
    struct stream *stream = *state;
    stream_set_replay(stream, replay, 0);
    for (int pace = 1; pace <= 3 * STREAM_EVENTS_MAX; pace *= 4) {
        int64_t start = latest;
        struct stream_client *client = stream_client_new(stream, start);
        _cleanup_(buf_release) struct buf all = BUF_INIT;
        char piece[777];
        for (int i = 1; i <= 3 * STREAM_EVENTS_MAX; i++) {
            publish(stream, latest + 1);
            publish(stream, 0);
            if (i % pace == 0)
                buf_add(&all, piece, stream_client_read(client, piece, sizeof(piece)));
        }
        _cleanup_free_ char *rest = read_all(client, sizeof(piece));
        buf_adds(&all, rest);
        assert_ids(all.data + strlen("retry: 2000\n\n"), start + 1, latest);
        stream_client_free(client);
    }
}

static void progress_is_for_who_is_up_to_date(void **state)
{
    struct stream *stream = *state;
    stream_set_replay(stream, replay, 0);
    struct stream_client *client = stream_client_new(stream, -1);
    _cleanup_free_ char *preface = read_all(client, 100);
    publish(stream, 0);
    _cleanup_free_ char *one = read_all(client, 100);
    assert_int_equal(assert_ids(one, 1, 0), 1);
    for (int i = 0; i < 1000; i++) {
        publish(stream, latest + 1);
        publish(stream, 0);
    }
    _cleanup_free_ char *many = read_all(client, 100);
    assert_int_equal(assert_ids(many, 1, 1000), STREAM_FRESH / 2);
    assert_int_equal(replays, 0);
    stream_client_free(client);
}

/* Of the ring, and of what a client has. */
static void memory(void **state)
{
    struct stream *stream = *state;
    text_size = 100000;
    stream_set_replay(stream, replay, 0);
    struct stream_client *client = stream_client_new(stream, 0);
    for (int i = 0; i < 100; i++)
        publish(stream, latest + 1);
    _cleanup_free_ char *text = read_all(client, 65536);
    assert_ids(text + strlen("retry: 2000\n\n"), 1, 100);
    /* 41 fit into 4 MiB; the other 59 come from the store, 2 at a time */
    assert_in_range(replays, 20, 40);
    /* one that is larger than all of the ring */
    text_size = STREAM_BYTES_MAX + 1;
    publish(stream, latest + 1);
    _cleanup_free_ char *large = read_all(client, 65536);
    assert_ids(large, 101, 101);
    stream_client_free(client);
}

static void resets(void **state)
{
    struct stream *stream = *state;
    oldest = 51;
    latest = 100;
    stream_set_replay(stream, replay, 100);
    static const int64_t gone[] = {0, 49, 101, INT64_MAX - 1};
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
        struct stream_client *client = stream_client_new(stream, gone[i]);
        assert_reads(client, "retry: 2000\n\nid: 100\nevent: reset\ndata: {}\n\n");
        stream_client_free(client);
    }
    struct stream_client *client = stream_client_new(stream, 50);
    _cleanup_free_ char *text = read_all(client, 100);
    assert_ids(text + strlen("retry: 2000\n\n"), 51, 100);
    publish(stream, 101);
    assert_reads(client, "id: 101\nevent: job\ndata: 101\n\n");
    stream_client_free(client);
}

/* Another daemon has added 101 to the store, which we have not heard of yet; we hear of it later.
 */
static void events_of_another_daemon(void **state)
{
    struct stream *stream = *state;
    oldest = 1;
    latest = 100;
    stream_set_replay(stream, replay, 100);
    latest = 101;
    struct stream_client *client = stream_client_new(stream, 101);
    assert_reads(client, "retry: 2000\n\n");
    publish(stream, 101);
    assert_reads(client, "");
    publish(stream, 102);
    assert_reads(client, "id: 102\nevent: job\ndata: 102\n\n");
    stream_client_free(client);
}

static void a_store_that_fails(void **state)
{
    struct stream *stream = *state;
    oldest = 1;
    latest = 100;
    stream_set_replay(stream, replay, 100);
    down = true;
    struct stream_client *client = stream_client_new(stream, 90);
    assert_reads(client, "retry: 2000\n\n");
    assert_true(stream_client_waits(client));
    stream_client_ping(client);
    assert_reads(client, ": \n\n");
    publish(stream, 101);
    assert_reads(client, "");
    down = false;
    _cleanup_free_ char *text = read_all(client, 100);
    assert_ids(text, 91, 101);
    assert_false(stream_client_waits(client));
    stream_client_free(client);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(format),
        TEST(old_ids_are_ignored),
        TEST(a_ping_amid_an_event),
        TEST(whatever_the_pace),
        TEST(progress_is_for_who_is_up_to_date),
        TEST(memory),
        TEST(resets),
        TEST(events_of_another_daemon),
        TEST(a_store_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
