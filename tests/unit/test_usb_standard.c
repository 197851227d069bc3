#include "simulator/usb_standard.h"

#include "tests/unit/fake_clock.h"
#include "tests/unit/unit.h"

static struct fake_clock fake;
static struct sim_board board;
static struct dfu_device dfu;
static struct usb_reply reply;
static uint8_t in[USB_CONTROL_MAX];

static int setup(void **state)
{
    (void)state;
    fake_clock_init(&fake);
    sim_board_init(&board, board_model_find("stm32f405"), BOARD_TIMING_ZERO, 0);
    dfu_device_init(&dfu, &board, &fake.clock);
    return 0;
}

/* Another model in place of the fixture's. */
static void start(const char *model)
{
    dfu_device_release(&dfu);
    sim_board_init(&board, board_model_find(model), BOARD_TIMING_ZERO, 0);
    dfu_device_init(&dfu, &board, &fake.clock);
}

static enum usb_outcome request(uint8_t type, uint8_t number, uint16_t value, uint16_t index,
                                uint16_t length)
{
    const struct usb_setup packet = {type, number, value, index, length};
    dfu_device_control(&dfu, &packet, NULL, in, &reply);
    return reply.outcome;
}

static void the_device_descriptor(void **state)
{
    (void)state;
    static const uint8_t expected[] = {18,   1,    0x00, 0x01, 0,    0, 0, 64, 0x83,
                                       0x04, 0x11, 0xDF, 0x00, 0x22, 1, 2, 3,  1};
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0100, 0, 64), USB_DONE);
    assert_int_equal(reply.length, 18);
    assert_memory_equal(in, expected, 18);
    request(0x80, USB_GET_DESCRIPTOR, 0x0100, 0, 8);
    assert_int_equal(reply.length, 8);
}

static void serial_is(const char *model, const char *expected)
{
    _cleanup_(buf_release) struct buf serial = BUF_INIT;
    start(model);
    usb_add_serial(&dfu, &serial);
    assert_string_equal(serial.data, expected);
}

/* "3CBJ" as two UTF-16 code units: what Linux 6.1 shows in sysfs. */
static void the_serial_number_as_a_host_reads_it(void **state)
{
    (void)state;
    serial_is("stm32f405", "356900003437");
    serial_is("gd32vf103", "\xE4\x8C\xB3\xE4\xA9\x82");
}

static void the_configuration_has_an_alternate_setting_per_memory(void **state)
{
    (void)state;
    static const uint8_t dfu_functional[] = {9, 0x21, 0x0B, 255, 0, 0x00, 0x08, 0x1A, 0x01};
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0200, 0, 255), USB_DONE);
    assert_int_equal(reply.length, 9 + 4 * 9 + 9);
    assert_int_equal(in[2] | in[3] << 8, reply.length);
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t expected[] = {9, 4, 0, (uint8_t)i, 0, 0xFE, 1, 2, (uint8_t)(4 + i)};
        assert_memory_equal(in + 9 + 9 * i, expected, 9);
    }
    assert_memory_equal(in + 45, dfu_functional, 9);
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0201, 0, 255), USB_STALL);
}

/* What Linux makes of a string that is shorter than its length says: what came. */
static void names_as_a_host_reads_them(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_true(usb_add_text(&dfu, 7, &text));
    assert_string_equal(text.data, "@Device Feature/0xFFFF0000/01*004 e");
    assert_false(usb_add_text(&dfu, 8, &text));
    start("stm32f427");
    buf_clear(&text);
    assert_true(usb_add_text(&dfu, 4, &text));
    assert_int_equal(text.len, (128 - 2) / 2);
}

static void check_string(uint8_t index, const char *expected)
{
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0300 | index, 0x0409, 255), USB_DONE);
    assert_int_equal(in[0], reply.length);
    assert_int_equal(reply.length, 2 + 2 * strlen(expected));
    for (size_t i = 0; expected[i]; i++) {
        assert_int_equal(in[2 + 2 * i], expected[i]);
        assert_int_equal(in[3 + 2 * i], 0);
    }
}

static void strings(void **state)
{
    (void)state;
    check_string(1, "STMicroelectronics");
    check_string(2, "STM32  BOOTLOADER");
    check_string(3, board.serial);
    check_string(4, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg");
    check_string(7, "@Device Feature/0xFFFF0000/01*004 e");
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0308, 0x0409, 255), USB_STALL);
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0300, 0, 255), USB_DONE);
    assert_memory_equal(in, "\x04\x03\x09\x04", 4);
}

static void errors_have_strings_on_mboot(void **state)
{
    (void)state;
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0311, 0x0409, 255), USB_STALL);
    start("mboot");
    check_string(1, "MicroPython");
    check_string(2, "Pyboard DFU");
    check_string(0x10, "Can't overwrite mboot");
    check_string(0x11, "Address out of range");
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0312, 0x0409, 255), USB_STALL);
    start("mboot-packed");
    check_string(0x12, "Invalid signature in file");
    check_string(0x13, "Read support disabled on encrypted bootloader");
    dfu_device_release(&dfu);
}

static void strings_can_be_wrong(void **state)
{
    (void)state;
    start("gd32vf103");
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0303, 0x0409, 255), USB_DONE);
    assert_int_equal(reply.length, 6);
    assert_memory_equal(in,
                        "\x06\x03"
                        "3CBJ",
                        6);
    start("stm32f427");
    assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0304, 0x0409, 255), USB_DONE);
    assert_int_equal(in[0], 166);
    assert_int_equal(reply.length, 128);
    check_string(1, "STMicroelectronics");
}

/* bmAttributes, wDetachTimeOut, wTransferSize and bcdDFUVersion are the model's. */
static void functional_descriptors(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        uint8_t bytes[9];
    } rows[] = {
        {"stm32h743", {9, 0x21, 0x0B, 255, 0, 0x00, 0x04, 0x1A, 0x01}},
        {"dfu-tolerant", {9, 0x21, 0x07, 0xE8, 0x03, 0x00, 0x04, 0x10, 0x01}},
        {"dfu-reset", {9, 0x21, 0x03, 0xE8, 0x03, 0x00, 0x10, 0x10, 0x01}},
        {"dfu-no-upload", {7, 0x21, 0x05, 0xE8, 0x03, 0x40, 0x00}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        start(rows[i].model);
        unsigned alts = board_model_area_count(board.model);
        assert_int_equal(request(0x80, USB_GET_DESCRIPTOR, 0x0200, 0, 255), USB_DONE);
        assert_int_equal(reply.length, 9 + alts * 9 + rows[i].bytes[0]);
        assert_int_equal(in[2] | in[3] << 8, reply.length);
        assert_memory_equal(in + 9 + 9 * alts, rows[i].bytes, rows[i].bytes[0]);
    }
    request(0x80, USB_GET_DESCRIPTOR, 0x0100, 0, 64);
    assert_int_equal(in[2] | in[3] << 8, 0x0200);
    assert_int_equal(in[8] | in[9] << 8, 0x1209);
}

static void alternate_settings(void **state)
{
    (void)state;
    assert_int_equal(request(0x01, USB_SET_INTERFACE, 3, 0, 0), USB_DONE);
    request(0x81, USB_GET_INTERFACE, 0, 0, 1);
    assert_int_equal(in[0], 3);
    assert_int_equal(request(0x01, USB_SET_INTERFACE, 4, 0, 0), USB_STALL);
    assert_int_equal(request(0x01, USB_SET_INTERFACE, 0, 1, 0), USB_STALL);
    request(0x81, USB_GET_INTERFACE, 0, 0, 1);
    assert_int_equal(in[0], 3);
}

static void configurations(void **state)
{
    (void)state;
    request(0x80, USB_GET_CONFIGURATION, 0, 0, 1);
    assert_int_equal(in[0], 0);
    assert_int_equal(request(0x00, USB_SET_CONFIGURATION, 1, 0, 0), USB_DONE);
    request(0x80, USB_GET_CONFIGURATION, 0, 0, 1);
    assert_int_equal(in[0], 1);
    assert_int_equal(request(0x00, USB_SET_CONFIGURATION, 2, 0, 0), USB_STALL);
}

static void status_and_the_rest(void **state)
{
    (void)state;
    assert_int_equal(request(0x80, USB_GET_STATUS, 0, 0, 2), USB_DONE);
    assert_int_equal(reply.length, 2);
    assert_int_equal(in[0], 1); /* self-powered */
    assert_int_equal(request(0x81, USB_GET_STATUS, 0, 0, 2), USB_DONE);
    assert_int_equal(in[0], 0);
    assert_int_equal(request(0x80, 12, 0, 0, 2), USB_STALL); /* SYNCH_FRAME */
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_device_descriptor),
        TEST(the_serial_number_as_a_host_reads_it),
        TEST(names_as_a_host_reads_them),
        TEST(the_configuration_has_an_alternate_setting_per_memory),
        TEST(strings),
        TEST(errors_have_strings_on_mboot),
        TEST(strings_can_be_wrong),
        TEST(functional_descriptors),
        TEST(alternate_settings),
        TEST(configurations),
        TEST(status_and_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
