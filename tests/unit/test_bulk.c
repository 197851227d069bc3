#include "simulator/bulk.h"

#include <errno.h>

#include "base/mem.h"
#include "tests/unit/unit.h"

#define OUT 0x01
#define IN 0x82
#define NOTIFY 0x83
#define TRANSFERS 4
#define ROOM 8

static const uint8_t descriptors[] = {
    18, 1, 0,   2, 0,  0,    0, 64,   0,  0,  0, 0,  0, 0, 0, 0, 0,      1, /* the device's */
    9,  2, 39,  0, 1,  1,    0, 0x80, 50, /* the configuration's */
    9,  4, 0,   0, 3,  0xFF, 0, 0,    0,  /* the interface's */
    7,  5, OUT, 2, 64, 0,    0, 7,    5,  IN, 2, 64, 0, 0, 7, 5, NOTIFY, 3, 8, 0, 32,
};

static struct bulk bulk;
static struct usb_device device;
static struct buf said, heard; /* by the device: not sent yet, received */
static void (*listener)(void *arg);
static void *listener_arg;
static struct bulk_transfer transfers[TRANSFERS];
static uint8_t room[TRANSFERS][ROOM];
static struct buf
    ends; /* "0:0 " for each transfer in the order in which they end: number, status */
static bool disconnect_when_done;

static void bulk_out(void *data, uint8_t endpoint, const uint8_t *bytes, size_t len)
{
    assert_null(data);
    assert_int_equal(endpoint, OUT);
    buf_add(&heard, bytes, len);
}

static size_t bulk_in(void *data, uint8_t endpoint, uint8_t *bytes, size_t size)
{
    assert_null(data);
    size_t len = endpoint == IN && size < said.len ? size : said.len;
    if (endpoint != IN || len == 0)
        return 0;
    memcpy(bytes, said.data, len);
    memmove(said.data, said.data + len, said.len - len);
    buf_truncate(&said, said.len - len);
    return len;
}

static void on_listen(void *data, void (*fn)(void *arg), void *arg)
{
    assert_null(data);
    listener = fn;
    listener_arg = arg;
}

static void on_done(struct bulk_transfer *transfer)
{
    buf_addf(&ends, "%d:%d ", (int)(transfer - transfers), transfer->status);
    if (disconnect_when_done)
        bulk_disconnect(&bulk);
}

static int setup(void **state)
{
    (void)state;
    said = heard = ends = (struct buf)BUF_INIT;
    disconnect_when_done = false;
    device = (struct usb_device){.bulk_out = bulk_out,
                                 .bulk_in = bulk_in,
                                 .listen = on_listen,
                                 .descriptors = descriptors,
                                 .descriptors_len = sizeof(descriptors)};
    bulk_init(&bulk, &device);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bulk_disconnect(&bulk);
    buf_release(&said);
    buf_release(&heard);
    buf_release(&ends);
    return 0;
}

static struct bulk_transfer *submit(unsigned number, uint8_t address, size_t length)
{
    struct bulk_transfer *transfer = &transfers[number];
    *transfer = (struct bulk_transfer){
        .address = address, .data = room[number], .length = length, .done = on_done};
    bulk_submit(&bulk, transfer);
    return transfer;
}

static void say(const char *text)
{
    buf_adds(&said, text);
    listener(listener_arg);
}

static void out_is_taken_at_once(void **state)
{
    (void)state;
    memcpy(room[0], "abcdefgh", ROOM);
    assert_int_equal(submit(0, OUT, ROOM)->actual, ROOM);
    submit(1, OUT, 0);
    assert_string_equal(ends.data, "0:0 1:0 ");
    assert_string_equal(heard.data, "abcdefgh");
}

static void in_waits_for_bytes(void **state)
{
    (void)state;
    submit(0, IN, ROOM);
    submit(1, IN, ROOM);
    submit(2, IN, ROOM);
    assert_int_equal(ends.len, 0);
    say("0123456789");
    assert_string_equal(ends.data, "0:0 1:0 ");
    assert_int_equal(transfers[0].actual, 8);
    assert_memory_equal(room[0], "01234567", 8);
    assert_int_equal(transfers[1].actual, 2);
    assert_memory_equal(room[1], "89", 2);
    say("x");
    assert_string_equal(ends.data, "0:0 1:0 2:0 ");
    assert_memory_equal(room[2], "x", 1);
}

static void what_was_said_before_is_there_at_once(void **state)
{
    (void)state;
    say("early");
    assert_int_equal(submit(0, IN, 3)->actual, 3);
    assert_int_equal(submit(1, IN, ROOM)->actual, 2);
    assert_string_equal(ends.data, "0:0 1:0 ");
}

/* The one that never ends does not keep the others from ending. */
static void a_silent_endpoint(void **state)
{
    (void)state;
    submit(0, NOTIFY, ROOM);
    submit(1, IN, ROOM);
    say("x");
    assert_string_equal(ends.data, "1:0 ");
    bulk_cancel(&bulk, &transfers[0], -ECONNRESET);
    assert_int_equal(transfers[0].actual, 0);
    assert_int_equal(transfers[0].status, -ECONNRESET);
}

static void a_cancelled_one_takes_no_bytes(void **state)
{
    (void)state;
    submit(0, IN, ROOM);
    submit(1, IN, ROOM);
    submit(2, IN, ROOM);
    bulk_cancel(&bulk, &transfers[1], -ENOENT);
    say("0123456789");
    assert_int_equal(transfers[1].status, -ENOENT);
    assert_int_equal(transfers[0].actual, 8);
    assert_int_equal(transfers[2].actual, 2);
}

static void endpoints_that_are_not_there(void **state)
{
    (void)state;
    submit(0, OUT + 1, ROOM);
    submit(1, IN | 8, ROOM);
    submit(2, OUT | USB_DIR_IN, ROOM);
    assert_int_equal(transfers[0].status, -EPIPE);
    assert_int_equal(transfers[1].status, -EPIPE);
    assert_int_equal(transfers[2].status, -EPIPE);
    assert_int_equal(heard.len, 0);
}

static void a_device_without_any(void **state)
{
    (void)state;
    static const struct usb_device other;
    bulk_disconnect(&bulk);
    bulk_init(&bulk, &other);
    assert_int_equal(submit(0, OUT, ROOM)->status, -EPIPE);
    assert_int_equal(submit(1, IN, ROOM)->status, -EPIPE);
}

static void a_device_that_goes(void **state)
{
    (void)state;
    submit(0, IN, ROOM);
    submit(1, NOTIFY, ROOM);
    bulk_disconnect(&bulk);
    assert_null(listener);
    submit(2, OUT, ROOM);
    submit(3, IN, ROOM);
    for (size_t i = 0; i < TRANSFERS; i++)
        assert_int_equal(transfers[i].status, -ESHUTDOWN);
    assert_int_equal(heard.len, 0);
}

static void a_device_that_goes_while_it_is_heard(void **state)
{
    (void)state;
    disconnect_when_done = true;
    submit(0, IN, 1);
    submit(1, IN, 1);
    submit(2, IN, 1);
    say("xyz");
    assert_int_equal(transfers[0].status, 0);
    assert_int_equal(transfers[1].status, -ESHUTDOWN);
    assert_int_equal(transfers[2].status, -ESHUTDOWN);
    assert_string_equal(said.data, "yz");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(out_is_taken_at_once),
        TEST(in_waits_for_bytes),
        TEST(what_was_said_before_is_there_at_once),
        TEST(a_silent_endpoint),
        TEST(a_cancelled_one_takes_no_bytes),
        TEST(endpoints_that_are_not_there),
        TEST(a_device_without_any),
        TEST(a_device_that_goes),
        TEST(a_device_that_goes_while_it_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
