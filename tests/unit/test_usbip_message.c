#include "simulator/usbip_message.h"

#include <errno.h>

#include "tests/unit/unit.h"
#include "tests/unit/usbip_host.h"

#define GET_STATUS "\xA1\x03\x34\x12\x78\x56\x06\x00"
#define DNLOAD "\x21\x01\x02\x00\x00\x00\x00\x08"

static uint8_t header[HOST_HEADER];

static struct usbip_request parse(void)
{
    struct usbip_request request;
    struct err *err = NULL;
    assert_ok(usbip_parse(header, &request, &err), &err);
    return request;
}

static void refused(const char *why)
{
    struct usbip_request request;
    struct err *err = NULL;
    assert_false(usbip_parse(header, &request, &err));
    assert_error(&err, ERR_DEVICE, why);
}

static void a_transfer_to_the_host(void **state)
{
    (void)state;
    host_submit(header, 0xDEADBEEF, HOST_IN, 6, GET_STATUS);
    struct usbip_request request = parse();
    assert_int_equal(request.command, USBIP_CMD_SUBMIT);
    assert_int_equal(request.seqnum, 0xDEADBEEF);
    assert_int_equal(request.endpoint, 0);
    assert_true(request.in);
    assert_int_equal(request.length, 6);
    assert_int_equal(request.setup.request_type, 0xA1);
    assert_int_equal(request.setup.request, 3);
    assert_int_equal(request.setup.value, 0x1234);
    assert_int_equal(request.setup.index, 0x5678);
    assert_int_equal(request.setup.length, 6);
    assert_int_equal(usbip_payload(&request), 0);
}

static void a_transfer_to_the_device(void **state)
{
    (void)state;
    host_submit(header, 1, HOST_OUT, 2048, DNLOAD);
    struct usbip_request request = parse();
    assert_false(request.in);
    assert_int_equal(usbip_payload(&request), 2048);
    host_be32(header + 32, 0xFFFFFFFF); /* not isochronous, said in the other way */
    parse();
}

static void a_transfer_without_data_has_any_direction(void **state)
{
    (void)state;
    host_submit(header, 1, HOST_OUT, 0, "\xA1\x03\0\0\0\0\0\0");
    parse();
    host_submit(header, 1, HOST_IN, 0, "\x21\x04\0\0\0\0\0\0");
    assert_int_equal(usbip_payload(&(struct usbip_request){.command = USBIP_CMD_SUBMIT}), 0);
    parse();
}

static void another_endpoint_has_no_setup_packet(void **state)
{
    (void)state;
    host_submit(header, 1, HOST_IN, 512, "garbage");
    host_be32(header + 16, 15);
    assert_int_equal(parse().endpoint, 15);
    host_be32(header + 16, 16);
    refused("no endpoint 16");
}

static void an_unlink(void **state)
{
    (void)state;
    host_unlink(header, 8, 0x01020304);
    host_be32(header + 24, 0xFFFFFFFF); /* no length: padding */
    struct usbip_request request = parse();
    assert_int_equal(request.command, USBIP_CMD_UNLINK);
    assert_int_equal(request.seqnum, 8);
    assert_int_equal(request.unlink_seqnum, 0x01020304);
    assert_int_equal(usbip_payload(&request), 0);
}

static void commands_that_no_host_sends(void **state)
{
    (void)state;
    static const uint32_t commands[] = {0, 3, 4, 5, 0x01000000, 0x01118003, 0xFFFFFFFF};
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        host_submit(header, 1, HOST_IN, 6, GET_STATUS);
        host_be32(header, commands[i]);
        refused("unknown command");
    }
}

static void lengths_that_no_setup_packet_has(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        host_submit(header, 1, HOST_OUT, lengths[i], DNLOAD);
        refused("more than 65535");
    }
    host_submit(header, 1, HOST_OUT, 65535, "\x21\x01\x02\x00\x00\x00\xFF\xFF");
    assert_int_equal(usbip_payload(&(struct usbip_request){.command = USBIP_CMD_SUBMIT,
                                                           .length = parse().length}),
                     65535);
}

static void headers_that_contradict_their_setup_packet(void **state)
{
    (void)state;
    host_submit(header, 1, HOST_OUT, 2047, DNLOAD);
    refused("a setup packet for 2048 bytes out in a message for 2047 bytes out");
    host_submit(header, 1, HOST_IN, 2048, DNLOAD);
    refused("a setup packet for 2048 bytes out in a message for 2048 bytes in");
    host_submit(header, 1, HOST_OUT, 6, GET_STATUS);
    refused("6 bytes in in a message for 6 bytes out");
    host_submit(header, 1, 2, 6, GET_STATUS);
    refused("direction 2");
}

static void isochronous_transfers(void **state)
{
    (void)state;
    host_submit(header, 1, HOST_IN, 6, GET_STATUS);
    host_be32(header + 32, 1);
    refused("isochronous");
}

/* The answer's words, and how much follows them. */
static void answer_is(const struct buf *answer, const uint32_t words[12], const char *data)
{
    const uint8_t *bytes = (const uint8_t *)answer->data;
    assert_int_equal(answer->len, HOST_HEADER + strlen(data));
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(host_read_be32(bytes + 4 * i), words[i]);
    assert_memory_equal(bytes + HOST_HEADER, data, strlen(data));
}

static void answers(void **state)
{
    (void)state;
    struct usbip_request request = {.command = USBIP_CMD_SUBMIT, .seqnum = 0x102, .in = true};
    struct buf answer = BUF_INIT;
    usbip_add_ret_submit(&request, 0, (const uint8_t *)"data", 4, &answer);
    answer_is(&answer, (const uint32_t[12]){3, 0x102, 0, 0, 0, 0, 4}, "data");

    buf_clear(&answer);
    request.in = false;
    usbip_add_ret_submit(&request, 0, (const uint8_t *)"data", 4, &answer);
    answer_is(&answer, (const uint32_t[12]){3, 0x102, 0, 0, 0, 0, 4}, "");

    buf_clear(&answer);
    usbip_add_ret_submit(&request, -EPIPE, NULL, 0, &answer);
    answer_is(&answer, (const uint32_t[12]){3, 0x102, 0, 0, 0, (uint32_t)-EPIPE, 0}, "");

    buf_clear(&answer);
    usbip_add_ret_unlink(&request, -ECONNRESET, &answer);
    answer_is(&answer, (const uint32_t[12]){4, 0x102, 0, 0, 0, (uint32_t)-ECONNRESET, 0}, "");
    buf_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transfer_to_the_host),
        cmocka_unit_test(a_transfer_to_the_device),
        cmocka_unit_test(a_transfer_without_data_has_any_direction),
        cmocka_unit_test(another_endpoint_has_no_setup_packet),
        cmocka_unit_test(an_unlink),
        cmocka_unit_test(commands_that_no_host_sends),
        cmocka_unit_test(lengths_that_no_setup_packet_has),
        cmocka_unit_test(headers_that_contradict_their_setup_packet),
        cmocka_unit_test(isochronous_transfers),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
