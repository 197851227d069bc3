#include "tests/unit/usbip_board.h"

static int setup(void **state)
{
    (void)state;
    setup_board();
    connect_host(&port.device);
    return 0;
}

#define GET_DEVICE "\x80\x06\x00\x01\x00\x00\x12\x00"
#define GET_DEVICE_64 "\x80\x06\x00\x01\x00\x00\x40\x00"
#define GET_CONFIGURATION "\x80\x06\x00\x02\x00\x00\xFF\x00"
#define GET_QUALIFIER "\x80\x06\x00\x06\x00\x00\x0A\x00"
#define SET_CONFIGURATION "\x00\x09\x01\x00\x00\x00\x00\x00"
#define UNCONFIGURE "\x00\x09\x00\x00\x00\x00\x00\x00"
#define GET_STATUS "\xA1\x03\x00\x00\x00\x00\x06\x00"
#define DNLOAD_5 "\x21\x01\x00\x00\x00\x00\x05\x00"
#define NONSENSE "\x21\x77\x00\x00\x00\x00\x00\x00"

/* What Linux asks for until a full-speed device is configured. */
static void enumeration(void **state)
{
    (void)state;
    uint8_t data[255];
    submit(1, HOST_IN, 64, GET_DEVICE_64);
    serve(2);
    assert_int_equal(expect(3, 1, 0, data), 18);
    assert_memory_equal(data, port.descriptors.data, 18);
    submit(2, HOST_IN, 10, GET_QUALIFIER);
    serve(2);
    assert_int_equal(expect(3, 2, -EPIPE, NULL), 0);
    submit(3, HOST_IN, 255, GET_CONFIGURATION);
    serve(2);
    assert_int_equal(expect(3, 3, 0, data), port.descriptors.len - 18);
    assert_memory_equal(data, port.descriptors.data + 18, port.descriptors.len - 18);
    submit(4, HOST_OUT, 0, UNCONFIGURE);
    serve(2);
    expect(3, 4, 0, NULL);
    assert_int_equal(configured, 0);
    for (uint32_t seqnum = 5; seqnum < 7; seqnum++) {
        submit(seqnum, HOST_OUT, 0, SET_CONFIGURATION);
        serve(2);
        expect(3, seqnum, 0, NULL);
        assert_int_equal(configured, 1);
    }
}

static void a_long_device_descriptor_is_a_reset(void **state)
{
    (void)state;
    submit(1, HOST_IN, 18, GET_DEVICE);
    serve(2);
    assert_int_equal(resets, 0);
    submit(2, HOST_IN, 64, GET_DEVICE_64);
    submit(3, HOST_OUT, 0, SET_CONFIGURATION);
    serve(2);
    assert_int_equal(resets, 0); /* it was powered on for that */
    submit(4, HOST_IN, 64, GET_DEVICE_64);
    serve(2);
    assert_int_equal(resets, 1);
}

static void data_in_pieces(void **state)
{
    (void)state;
    uint8_t message[HOST_HEADER + 5], answer[6];
    host_submit(message, 1, HOST_OUT, 5, DNLOAD_5);
    memcpy(message + HOST_HEADER, "\x21\x00\x40\x00\x08", 5);
    for (size_t i = 0; i < sizeof(message); i++) {
        say(message + i, 1);
        serve(0);
    }
    serve(2);
    assert_int_equal(expect(3, 1, 0, NULL), 5);
    for (uint32_t seqnum = 2; seqnum < 4; seqnum++) {
        submit(seqnum, HOST_IN, 6, GET_STATUS);
        serve(2);
        assert_int_equal(expect(3, seqnum, 0, answer), 6);
    }
    assert_int_equal(port.dfu.pointer, 0x08004000);
    assert_int_equal(answer[4], DFU_STATE_DNLOAD_IDLE);
}

static void several_messages_at_once(void **state)
{
    (void)state;
    for (uint32_t seqnum = 1; seqnum <= 20; seqnum++)
        submit(seqnum, HOST_IN, 6, GET_STATUS);
    serve(5);
    for (uint32_t seqnum = 1; seqnum <= 20; seqnum++) {
        uint8_t answer[6];
        assert_int_equal(expect(3, seqnum, 0, answer), 6);
    }
    expect_silence();
}

static void refusals_are_stalls(void **state)
{
    (void)state;
    uint8_t header[HOST_HEADER], payload[65535] = {0};
    submit(1, HOST_OUT, 0, NONSENSE);
    host_submit(header, 2, HOST_IN, 64, GET_STATUS);
    host_be32(header + 16, 1); /* an endpoint that it does not have */
    say(header, sizeof(header));
    submit(3, HOST_OUT, 65535, "\x21\x01\x02\x00\x00\x00\xFF\xFF");
    serve(2);
    say(payload, sizeof(payload));
    serve(2);
    submit(4, HOST_IN, 65535, "\xA1\x02\x02\x00\x00\x00\xFF\xFF");
    serve(2);
    for (uint32_t seqnum = 1; seqnum <= 4; seqnum++)
        assert_int_equal(expect(3, seqnum, -EPIPE, NULL), 0);
    assert_int_equal(closed, 0);
}

static void unlinking(void **state)
{
    (void)state;
    uint8_t answer[6];
    fault("on=getstatus,do=hang");
    submit(1, HOST_IN, 6, GET_STATUS);
    submit(2, HOST_IN, 6, GET_STATUS);
    serve(2);
    expect_silence();
    unlink_transfer(3, 1);
    serve(2);
    /* The unlinked one has no other answer; then it is the next one's turn. */
    assert_int_equal(expect(4, 3, -ECONNRESET, NULL), 0);
    assert_int_equal(expect(3, 2, 0, answer), 6);
    unlink_transfer(4, 2);
    unlink_transfer(5, 77);
    serve(2);
    expect(4, 4, 0, NULL); /* too late */
    expect(4, 5, 0, NULL); /* never heard of */
    expect_silence();
}

static void a_late_answer(void **state)
{
    (void)state;
    fault("on=getstatus,do=delay,ms=20");
    submit(1, HOST_IN, 6, GET_STATUS);
    serve(5);
    expect_silence();
    serve(30);
    assert_int_equal(expect(3, 1, 0, NULL), 6);
}

static void a_pulled_cable_closes_the_connection(void **state)
{
    (void)state;
    fault("on=getstatus,do=unplug");
    submit(1, HOST_IN, 6, GET_STATUS);
    submit(2, HOST_IN, 6, GET_STATUS);
    serve(2);
    expect_end();
    assert_int_equal(closed, 0); /* it was us */
}

static void a_host_that_goes_away(void **state)
{
    (void)state;
    fault("on=getstatus,do=hang");
    submit(1, HOST_IN, 6, GET_STATUS);
    close(host);
    host = -1;
    serve(5);
    assert_int_equal(closed, 1);
    assert_null(closed_reason);
}

static void a_host_that_talks_nonsense(void **state)
{
    (void)state;
    uint8_t header[HOST_HEADER];
    memset(header, 0xFF, sizeof(header));
    say(header, sizeof(header));
    serve(2);
    assert_int_equal(closed, 1);
    assert_contains(closed_reason, "unknown command 0xffffffff");
    expect_end();
}

static void a_host_that_wants_too_much(void **state)
{
    (void)state;
    fault("on=getstatus,do=hang");
    for (uint32_t seqnum = 0; seqnum <= 256; seqnum++) {
        submit(seqnum, HOST_IN, 6, GET_STATUS);
        serve(0);
    }
    serve(5);
    assert_int_equal(closed, 1);
    assert_contains(closed_reason, "more than 256 transfers at once");
}

static void a_host_that_does_not_listen(void **state)
{
    (void)state;
    for (uint32_t seqnum = 0; seqnum < 100000 && closed == 0; seqnum++) {
        submit(seqnum, HOST_IN, 255, GET_CONFIGURATION);
        serve(0);
    }
    assert_int_equal(closed, 1);
    assert_contains(closed_reason, "does not read its answers");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(enumeration),
        TEST(a_long_device_descriptor_is_a_reset),
        TEST(data_in_pieces),
        TEST(several_messages_at_once),
        TEST(refusals_are_stalls),
        TEST(unlinking),
        TEST(a_late_answer),
        TEST(a_pulled_cable_closes_the_connection),
        TEST(a_host_that_goes_away),
        TEST(a_host_that_talks_nonsense),
        TEST(a_host_that_wants_too_much),
        TEST(a_host_that_does_not_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
