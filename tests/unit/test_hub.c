#include "simulator/hub.h"

#include "simulator/usb_interface.h"
#include "tests/unit/unit.h"

static struct hub hub;
static uint8_t in[USB_CONTROL_MAX];
static struct usb_reply reply;

static enum usb_outcome control(uint8_t type, uint8_t request, uint16_t value, uint16_t length)
{
    const struct usb_setup packet = {type, request, value, 0, length};
    hub.device.control(hub.device.data, &packet, NULL, in, &reply);
    return reply.outcome;
}

static void check_string(uint16_t index, const char *expected)
{
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, (uint16_t)(0x0300 | index), 255), USB_DONE);
    assert_int_equal(in[0], 2 + 2 * strlen(expected));
    for (size_t i = 0; expected[i]; i++)
        assert_int_equal(in[2 + 2 * i] | in[3 + 2 * i] << 8, expected[i]);
}

static void a_hub(void **state)
{
    (void)state;
    hub_init(&hub, 7, false);
    assert_int_equal(hub.device.hub_ports, 7);
    assert_null(hub.device.serial);
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0100, 255), USB_DONE);
    assert_int_equal(reply.length, 18);
    assert_memory_equal(in, hub.device.descriptors, 18);
    assert_int_equal(in[4], 9);
    check_string(2, "simulated hub");
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0303, 255), USB_STALL);
    assert_int_equal(control(0xA0, USB_GET_DESCRIPTOR, 0x2900, 255), USB_DONE);
    assert_int_equal(in[2], 7);
    assert_int_equal(control(0xA3, USB_GET_STATUS, 0, 4), USB_DONE);
    assert_int_equal(reply.length, 4);
    assert_int_equal(control(0x23, USB_SET_FEATURE, 4, 0), USB_STALL);
}

static void a_root_hub(void **state)
{
    (void)state;
    hub_init(&hub, 31, true);
    check_string(3, "firn-sim");
    const uint8_t *interface = usb_interface_find(&hub.device, 0, 0);
    assert_string_equal(usb_interface_driver(interface), "hub");
    assert_int_equal(usb_interface_endpoint(&hub.device, 0, 3, USB_DIR_IN), 0x81);
    assert_null(usb_interface_find(&hub.device, 1, 0));
}

static void standard_requests(void **state)
{
    (void)state;
    hub_init(&hub, 4, false);
    assert_int_equal(control(0x80, USB_GET_CONFIGURATION, 0, 1), USB_DONE);
    assert_int_equal(in[0], 0);
    assert_int_equal(control(0x00, USB_SET_CONFIGURATION, 1, 0), USB_DONE);
    assert_int_equal(control(0x00, USB_SET_CONFIGURATION, 2, 0), USB_STALL);
    assert_int_equal(control(0x80, USB_GET_CONFIGURATION, 0, 1), USB_DONE);
    assert_int_equal(in[0], 1);
    assert_int_equal(control(0x80, USB_GET_STATUS, 0, 2), USB_DONE);
    assert_int_equal(in[0], 1); /* self-powered */
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0200, 9), USB_DONE);
    assert_int_equal(reply.length, 9);
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0600, 10), USB_STALL);
    assert_int_equal(control(0x01, USB_SET_INTERFACE, 1, 0), USB_STALL);
    assert_int_equal(control(0x80, 99, 0, 0), USB_STALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hub),
        cmocka_unit_test(a_root_hub),
        cmocka_unit_test(standard_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
