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
        TEST(the_configuration_has_an_alternate_setting_per_memory),
        TEST(strings),
        TEST(alternate_settings),
        TEST(configurations),
        TEST(status_and_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
