#include "simulator/wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* The test is the program; what it sends is served before it looks for the answer. */

#define OFFERED_AT 0x10000 /* where in the program's memory "eight by" lies, where offered */

static struct loop *loop;
static struct wire *wire;
static int program;
static void (*serve)(void);
static enum wire_kind kind;
static uint64_t arg1, arg2;
static unsigned requests, closes;
static char fetched[64];

static void on_request(void *arg, enum wire_kind given, uint64_t first, uint64_t second)
{
    assert_ptr_equal(arg, &program);
    kind = given;
    arg1 = first;
    arg2 = second;
    requests++;
    if (serve)
        serve();
    else
        wire_done(wire, 0);
    loop_stop(loop);
}

static void on_closed(void *arg)
{
    (void)arg;
    closes++;
    wire_free(wire);
    wire = NULL;
    loop_stop(loop);
}

static int setup(void **state)
{
    (void)state;
    static const struct wire_ops ops = {on_request, on_closed};
    int ends[2];
    requests = closes = 0;
    serve = NULL;
    memset(fetched, 0, sizeof(fetched));
    loop = loop_new();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    program = ends[0];
    wire = wire_new(loop, ends[1], &ops, &program);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wire_free(wire);
    loop_free(loop);
    close(program);
    return 0;
}

static void run(void)
{
    struct err *err = NULL;
    assert_ok(loop_run(loop, &err), &err);
}

static void put(const void *bytes, size_t len)
{
    assert_int_equal(send(program, bytes, len, MSG_NOSIGNAL), len);
}

static void expect_words(uint64_t first, uint64_t second, uint64_t third)
{
    uint64_t words[3];
    assert_int_equal(recv(program, words, sizeof(words), MSG_DONTWAIT), sizeof(words));
    assert_int_equal(words[0], first);
    assert_int_equal(words[1], second);
    assert_int_equal(words[2], third);
}

static void expect_silence(void)
{
    char byte;
    assert_int_equal(recv(program, &byte, 1, MSG_DONTWAIT), -1);
}

/* An ioctl with one piece of memory, of which the length may be a lie. */
static void offer(uint64_t piece_len)
{
    const char text[] = "eight by";
    const uint64_t words[] = {WIRE_IOCTL_OFFERED, 77, 88, 16 + 8, OFFERED_AT, piece_len};
    struct buf message = BUF_INIT;
    buf_add(&message, words, sizeof(words));
    buf_add(&message, text, 8);
    put(message.data, message.len);
    buf_release(&message);
}

static void keep(void *arg, const uint8_t *data)
{
    const size_t *len = arg;
    strncat(fetched, (const char *)data, *len);
    strcat(fetched, ".");
    loop_stop(loop);
}

static size_t eight = 8, three = 3;

static void fetch_and_store(void)
{
    wire_fetch(wire, 0x2000, 8, keep, &eight);
}

static void memory_is_asked_for(void **state)
{
    (void)state;
    const uint64_t request[] = {WIRE_IOCTL, 5, 6};
    serve = fetch_and_store;
    put(request, sizeof(request));
    run();
    assert_int_equal(kind, WIRE_IOCTL);
    assert_int_equal(arg1, 5);
    assert_int_equal(arg2, 6);
    expect_words(WIRE_READ_MEMORY, 0x2000, 8);
    put("in t", 4);
    put("wo.x", 4);
    run();
    assert_string_equal(fetched, "in two.x.");
    wire_store(wire, 0x3000, "abc", 3);
    expect_silence();
    wire_done(wire, -19);
    char bytes[3];
    expect_words(WIRE_WRITE_MEMORY, 0x3000, 3);
    assert_int_equal(recv(program, bytes, 3, MSG_DONTWAIT), 3);
    assert_memory_equal(bytes, "abc", 3);
    expect_words(WIRE_DONE, UINT64_MAX, 19);
    expect_silence();
}

static void fetch_offered(void)
{
    wire_fetch(wire, OFFERED_AT, 8, keep, &eight);
    wire_fetch(wire, OFFERED_AT + 5, 3, keep, &three);
    wire_done(wire, 4);
}

static void what_is_offered_is_not_asked_for(void **state)
{
    (void)state;
    serve = fetch_offered;
    for (unsigned i = 0; i < 3; i++) {
        fetched[0] = '\0';
        offer(8);
        run();
        assert_int_equal(kind, WIRE_IOCTL);
        assert_int_equal(arg1, 77);
        assert_int_equal(arg2, 88);
        assert_string_equal(fetched, "eight by. by.");
        expect_words(WIRE_DONE, 4, 0);
        expect_silence();
    }
    assert_int_equal(requests, 3);
}

/* One byte more than was offered, or one before: asked for. What was offered stays until then. */
static size_t fetch_len = 3;
static uint64_t fetch_at;
static void fetch_there(void)
{
    wire_fetch(wire, fetch_at, 3, keep, &fetch_len);
}

static void what_is_not_offered_is_asked_for(void **state)
{
    (void)state;
    static const uint64_t places[] = {OFFERED_AT + 6, OFFERED_AT - 1, OFFERED_AT + 9, 0,
                                      UINT64_MAX - 1};
    serve = fetch_there;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        fetched[0] = '\0';
        fetch_at = places[i];
        offer(8);
        run();
        expect_words(WIRE_READ_MEMORY, places[i], 3);
        put("xyz", 3);
        run();
        wire_fetch(wire, OFFERED_AT + 2, 3, keep, &three);
        assert_string_equal(fetched, "xyz.ght.");
        wire_done(wire, 0);
        expect_words(WIRE_DONE, 0, 0);
    }
}

static void a_piece_that_is_not_all_there_is_none(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {9, 1 << 20, UINT64_MAX, UINT64_MAX - 16};
    serve = fetch_there;
    fetch_at = OFFERED_AT;
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        offer(lengths[i]);
        run();
        expect_words(WIRE_READ_MEMORY, OFFERED_AT, 3);
        put("xyz", 3);
        run();
        wire_done(wire, 0);
        expect_words(WIRE_DONE, 0, 0);
    }
}

static void a_request_comes_in_pieces(void **state)
{
    (void)state;
    const uint64_t words[] = {WIRE_IOCTL_OFFERED, 1, 2, 16 + 4, OFFERED_AT, 4};
    struct err *err = NULL;
    serve = fetch_there;
    fetch_at = OFFERED_AT + 1;
    for (size_t i = 0; i < sizeof(words) + 4; i++) {
        const char *byte = i < sizeof(words) ? (const char *)words + i : "four" + i - sizeof(words);
        assert_int_equal(requests, 0);
        put(byte, 1);
        clock_after(loop_clock(loop), 0, (sim_timer_fn)loop_stop, loop);
        assert_ok(loop_run(loop, &err), &err);
    }
    assert_string_equal(fetched, "our.");
}

static void a_stranger_is_not_served(void **state)
{
    (void)state;
    const uint64_t words[] = {WIRE_IOCTL_OFFERED, 1, 2, WIRE_OFFERED_MAX + 1};
    put(words, sizeof(words));
    run();
    assert_int_equal(closes, 1);
    assert_int_equal(requests, 0);
}

static void nothing_after_a_request(void **state)
{
    (void)state;
    const uint64_t words[] = {WIRE_IOCTL, 1, 2, 3};
    put(words, sizeof(words));
    run();
    assert_int_equal(closes, 1);
    assert_int_equal(requests, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_is_asked_for),
        TEST(what_is_offered_is_not_asked_for),
        TEST(what_is_not_offered_is_asked_for),
        TEST(a_piece_that_is_not_all_there_is_none),
        TEST(a_request_comes_in_pieces),
        TEST(a_stranger_is_not_served),
        TEST(nothing_after_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
