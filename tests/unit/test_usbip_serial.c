/* A running board's serial port over USB/IP, with the transfers that Linux's driver of it sends. */
#include "tests/unit/usbip_board.h"

#include "simulator/runtime_descriptors.h"

#define READ_LENGTH 128 /* of cdc-acm's transfers in */
#define READS 16        /* which are pending all the time */
#define FIRST_READ 100  /* their sequence numbers */
#define NOTIFY 99
#define PROMPT "Type \"help()\" for more information.\r\n>>> "

#define SET_CONFIGURATION "\x00\x09\x01\x00\x00\x00\x00\x00"
#define RAISE_DTR "\x21\x22\x03\x00\x00\x00\x00\x00"
#define DROP_DTR "\x21\x22\x00\x00\x00\x00\x00\x00"
#define SET_LINE_CODING "\x21\x20\x00\x00\x00\x00\x07\x00"

static uint32_t next_read; /* the number of the pending transfer in that was submitted first */

static void submit_read(uint32_t seqnum, uint8_t address, uint32_t length)
{
    uint8_t header[HOST_HEADER];
    host_submit_to(header, seqnum, HOST_IN, address & 0x0F, length);
    say(header, sizeof(header));
}

static void submit_write(uint32_t seqnum, const char *text)
{
    uint8_t header[HOST_HEADER];
    host_submit_to(header, seqnum, HOST_OUT, RUNTIME_ENDPOINT_OUT, (uint32_t)strlen(text));
    say(header, sizeof(header));
    say(text, strlen(text));
    serve(2);
}

static void control(uint32_t seqnum, const char setup_packet[8], const void *payload, uint32_t len)
{
    submit(seqnum, HOST_OUT, len, setup_packet);
    if (len)
        say(payload, len);
    serve(2);
    expect(3, seqnum, 0, NULL);
}

/* A program opens the terminal. */
static void open_terminal(void)
{
    submit_read(NOTIFY, RUNTIME_ENDPOINT_NOTIFY, 10);
    for (uint32_t i = 0; i < READS; i++)
        submit_read(FIRST_READ + i, RUNTIME_ENDPOINT_IN, READ_LENGTH);
    next_read = FIRST_READ;
    control(2, RAISE_DTR, NULL, 0);
}

static int setup(void **state)
{
    (void)state;
    setup_board();
    const struct runtime_options options = {RUNTIME_CDC, false};
    port_configure(&port, &options);
    port_run(&port);
    connect_host(&port.runtime_device);
    control(1, SET_CONFIGURATION, NULL, 0);
    return 0;
}

/* The next pending transfer has come back; adds what is in it. */
static size_t read_more(struct buf *text)
{
    char data[READ_LENGTH];
    size_t len = expect(3, next_read++, 0, data);
    assert_in_range(len, 1, READ_LENGTH);
    buf_add(text, data, len);
    return len;
}

/* Everything that has come back, the last of it a transfer that is not full. */
static void read_all(struct buf *text)
{
    while (read_more(text) == READ_LENGTH)
        continue;
    expect_silence();
}

static void a_conversation(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    open_terminal();
    expect_silence(); /* as MicroPython, which waits for 8 ms */
    serve(15);
    read_all(&text);
    assert_contains(text.data, PROMPT);
    buf_clear(&text);
    submit_write(3, "print(6)\r");
    read_more(&text); /* before it is known that all was sent */
    assert_int_equal(expect(3, 3, 0, NULL), strlen("print(6)\r"));
    expect_silence();
    assert_string_equal(text.data, "print(6)\r\n6\r\n>>> ");
}

static void more_than_one_transfer(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    char line[600] = "";
    memset(line, 'x', sizeof(line) - 2);
    line[sizeof(line) - 2] = '\r';
    open_terminal();
    serve(15);
    read_all(&text);
    buf_clear(&text);
    submit_write(3, line);
    while (read_more(&text) == READ_LENGTH)
        continue;
    assert_int_equal(expect(3, 3, 0, NULL), sizeof(line) - 1);
    expect_silence();
    assert_memory_equal(text.data, line, sizeof(line) - 1);
    assert_contains(text.data, "NameError");
}

static void nobody_reads(void **state)
{
    (void)state;
    control(2, RAISE_DTR, NULL, 0);
    serve(15);
    expect_silence();
    submit_read(3, RUNTIME_ENDPOINT_IN, 11);
    serve(2);
    char data[11];
    assert_int_equal(expect(3, 3, 0, data), sizeof(data));
    assert_memory_equal(data, "MicroPython", sizeof(data));
}

/* What cdc-acm does when the terminal is closed. */
static void unlinking(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    open_terminal();
    serve(15);
    read_all(&text);
    uint32_t pending = next_read;
    for (uint32_t i = pending; i < FIRST_READ + READS; i++)
        unlink_transfer(1000 + i, i);
    unlink_transfer(1000 + NOTIFY, NOTIFY);
    unlink_transfer(1000 + FIRST_READ, FIRST_READ); /* too late */
    serve(2);
    for (uint32_t i = pending; i < FIRST_READ + READS; i++)
        assert_int_equal(expect(4, 1000 + i, -ECONNRESET, NULL), 0);
    expect(4, 1000 + NOTIFY, -ECONNRESET, NULL);
    expect(4, 1000 + FIRST_READ, 0, NULL);
    submit_write(3, "1\r");
    expect(3, 3, 0, NULL);
    expect_silence();
}

/* An unlinked transfer takes nothing away: the next one gets the first byte. */
static void unlinking_one_of_two(void **state)
{
    (void)state;
    char data[READ_LENGTH];
    submit_read(10, RUNTIME_ENDPOINT_IN, READ_LENGTH);
    submit_read(11, RUNTIME_ENDPOINT_IN, READ_LENGTH);
    unlink_transfer(12, 10);
    serve(2);
    expect(4, 12, -ECONNRESET, NULL);
    control(13, RAISE_DTR, NULL, 0);
    serve(15);
    assert_in_range(expect(3, 11, 0, data), 11, READ_LENGTH);
    assert_memory_equal(data, "MicroPython", 11);
    expect_silence();
}

static void endpoints_that_it_has_not(void **state)
{
    (void)state;
    uint8_t header[HOST_HEADER];
    submit_read(2, 0x84, 64);
    host_submit_to(header, 3, HOST_OUT, RUNTIME_ENDPOINT_NOTIFY & 0x0F, 1); /* not this way */
    say(header, sizeof(header));
    say("x", 1);
    serve(2);
    expect(3, 2, -EPIPE, NULL);
    assert_int_equal(expect(3, 3, -EPIPE, NULL), 0);
    expect_silence();
}

static void told_by_the_repl(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    open_terminal();
    serve(15);
    read_all(&text);
    submit_write(3, "import machine\r");
    read_more(&text);
    expect(3, 3, 0, NULL);
    submit_write(4, "machine.bootloader()\r"); /* which unplugs it, here at once */
    read_more(&text);
    expect_end();
    assert_int_equal(closed, 0); /* it was us */
}

static void told_by_the_touch(void **state)
{
    (void)state;
    open_terminal();
    submit(3, HOST_OUT, 7, SET_LINE_CODING);
    say("\xB0\x04\x00\x00\x00\x00\x08", 7); /* 1200 baud */
    serve(2);
    expect(3, 3, 0, NULL);
    submit(4, HOST_OUT, 0, DROP_DTR);
    serve(2);
    expect(3, 4, 0, NULL);
    expect_end();
}

static void a_pulled_cable(void **state)
{
    (void)state;
    open_terminal();
    usbip_disconnect(usbip);
    serve(15);
    expect_end(); /* none of the pending ones is answered */
    assert_null(port.runtime.readable);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_conversation),   TEST(more_than_one_transfer), TEST(nobody_reads),
        TEST(unlinking),        TEST(unlinking_one_of_two),   TEST(endpoints_that_it_has_not),
        TEST(told_by_the_repl), TEST(told_by_the_touch),      TEST(a_pulled_cable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
