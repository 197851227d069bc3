#include "simulator/runtime.h"

#include "simulator/dfu_device.h"
#include "simulator/runtime_descriptors.h"
#include "simulator/usb_interface.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/unit.h"

static struct fake_clock fake;
static struct runtime runtime;
static enum usb_event event;
static bool readable;
static uint8_t in[USB_CONTROL_MAX];
static struct usb_reply reply;

static void on_event(void *data, enum usb_event what)
{
    (void)data;
    event = what;
}

static void on_readable(void *arg)
{
    (void)arg;
    readable = true;
}

static void configure(enum runtime_kind kind, bool will_detach)
{
    const struct runtime_options options = {kind, will_detach};
    runtime_configure(&runtime, board_model_find("stm32f405"), &options);
    runtime_boot(&runtime);
}

static int setup(void **state)
{
    (void)state;
    fake_clock_init(&fake);
    event = USB_STAYS;
    readable = false;
    runtime_init(&runtime, board_model_find("stm32f405"), "123456", &fake.clock, on_event, NULL);
    configure(RUNTIME_BOTH, false);
    runtime_listen(&runtime, on_readable, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    runtime_release(&runtime);
    return 0;
}

static enum usb_outcome control(uint8_t type, uint8_t request, uint16_t value, uint16_t index,
                                const void *out, uint16_t length)
{
    const struct usb_setup packet = {type, request, value, index, length};
    runtime_control(&runtime, &packet, out, in, &reply);
    return reply.outcome;
}

static void set_dtr(bool on)
{
    assert_int_equal(control(0x21, 0x22, on, 0, NULL, 0), USB_DONE);
}

static void set_baud(uint32_t baud)
{
    const uint8_t coding[7] = {(uint8_t)baud, (uint8_t)(baud >> 8), (uint8_t)(baud >> 16)};
    assert_int_equal(control(0x21, 0x20, 0, 0, coding, sizeof(coding)), USB_DONE);
}

static void descriptors(void **state)
{
    (void)state;
    static const unsigned counts[] = {[RUNTIME_CDC] = 2, [RUNTIME_DFU] = 1, [RUNTIME_BOTH] = 3};
    for (enum runtime_kind kind = RUNTIME_CDC; kind <= RUNTIME_BOTH; kind++) {
        configure(kind, kind == RUNTIME_DFU);
        const uint8_t *d = (const uint8_t *)runtime.descriptors.data;
        const struct usb_device device = {.descriptors = d,
                                          .descriptors_len = runtime.descriptors.len};
        assert_int_equal(d[18 + 2] | d[18 + 3] << 8, runtime.descriptors.len - 18);
        assert_int_equal(usb_interface_count(&device), counts[kind]);
        size_t at = 18;
        while (at < runtime.descriptors.len)
            at += d[at];
        assert_int_equal(at, runtime.descriptors.len); /* the lengths add up */
        bool cdc = kind != RUNTIME_DFU;
        assert_int_equal(usb_interface_endpoint(&device, 1, 2, USB_DIR_IN), cdc ? 0x83 : 0);
        assert_int_equal(usb_interface_endpoint(&device, 1, 2, 0), cdc ? 0x03 : 0);
        const uint8_t *dfu = usb_interface_find(&device, counts[kind] - 1, 0);
        if (kind == RUNTIME_CDC)
            continue;
        assert_memory_equal(dfu + 5, "\xFE\x01\x01", 3);
        assert_int_equal(dfu[9 + 2], kind == RUNTIME_DFU ? 0x0B : 0x03); /* bmAttributes */
    }
}

static void strings(void **state)
{
    (void)state;
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0303, 0x0409, NULL, 255), USB_DONE);
    assert_int_equal(reply.length, 14);
    assert_memory_equal(in,
                        "\x0E\x03"
                        "1\0"
                        "2\0"
                        "3\0"
                        "4\0"
                        "5\0"
                        "6",
                        14);
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0304, 0x0409, NULL, 255), USB_STALL);
    assert_int_equal(control(0x80, USB_GET_DESCRIPTOR, 0x0300, 0, NULL, 2), USB_DONE);
    assert_int_equal(reply.length, 2);
}

static void it_talks_some_time_after_dtr(void **state)
{
    (void)state;
    uint8_t bytes[100];
    assert_int_equal(runtime_bulk_in(&runtime, 0x83, bytes, sizeof(bytes)), 0);
    set_dtr(true);
    fake_clock_advance(&fake, 7999);
    assert_false(readable);
    assert_int_equal(runtime_bulk_in(&runtime, 0x83, bytes, sizeof(bytes)), 0);
    fake_clock_advance(&fake, 1);
    assert_true(readable);
    assert_int_equal(runtime_bulk_in(&runtime, 0x83, bytes, 11), 11);
    assert_memory_equal(bytes, "MicroPython", 11);
    assert_int_equal(runtime_bulk_in(&runtime, 0x82, bytes, 11), 0);
    set_dtr(false);
    assert_int_equal(runtime_bulk_in(&runtime, 0x83, bytes, 11), 0);
}

static void programs_print_by_the_clock(void **state)
{
    (void)state;
    uint8_t bytes[100];
    set_dtr(true);
    runtime_set_program(&runtime, BOARD_PROGRAM_BUSY, true);
    for (int i = 0; i < 5; i++)
        fake_clock_advance(&fake, 50000);
    assert_int_equal(runtime_bulk_in(&runtime, 0x83, bytes, sizeof(bytes)),
                     24); /* at 0, 100, 200 */
    runtime_stop(&runtime);
    fake_clock_advance(&fake, 250000);
    assert_int_equal(runtime.repl.out.len, 0);
}

static void the_repl_leads_to_the_bootloader(void **state)
{
    (void)state;
    static const char text[] = "machine.bootloader()\r";
    runtime_bulk_out(&runtime, 0x01, (const uint8_t *)text, strlen(text));
    assert_int_equal(event, USB_STAYS);
    runtime_bulk_out(&runtime, 0x03, (const uint8_t *)text, strlen(text));
    assert_int_equal(event, USB_DETACHES);
}

static void a_touch_at_1200_baud(void **state)
{
    (void)state;
    set_dtr(true);
    set_baud(115200);
    set_dtr(false);
    assert_int_equal(reply.event, USB_STAYS);
    set_baud(1200);
    assert_int_equal(reply.event, USB_STAYS); /* DTR has to fall */
    set_dtr(true);
    assert_int_equal(reply.event, USB_STAYS);
    set_dtr(false);
    assert_int_equal(reply.event, USB_DETACHES);
    assert_int_equal(control(0xA1, 0x21, 0, 0, NULL, 7), USB_DONE);
    assert_memory_equal(in, "\xB0\x04\0\0", 4);
}

static uint8_t dfu_state(void)
{
    assert_int_equal(control(0xA1, DFU_GETSTATUS, 0, 2, NULL, 6), USB_DONE);
    uint8_t state = in[4];
    assert_int_equal(control(0xA1, DFU_GETSTATE, 0, 2, NULL, 1), USB_DONE);
    assert_int_equal(in[0], state);
    return state;
}

static void detach_waits_for_a_reset(void **state)
{
    (void)state;
    runtime_bus_reset(&runtime);
    assert_int_equal(event, USB_STAYS);
    assert_int_equal(dfu_state(), DFU_STATE_APP_IDLE);
    assert_int_equal(control(0x21, DFU_DETACH, 50, 2, NULL, 0), USB_DONE);
    assert_int_equal(reply.event, USB_STAYS);
    assert_int_equal(dfu_state(), DFU_STATE_APP_DETACH);
    assert_string_equal(runtime_state(&runtime), "appDETACH");
    fake_clock_advance(&fake, 50000);
    assert_int_equal(dfu_state(), DFU_STATE_APP_IDLE);
    runtime_bus_reset(&runtime); /* too late */
    assert_int_equal(event, USB_STAYS);
    control(0x21, DFU_DETACH, 50, 2, NULL, 0);
    fake_clock_advance(&fake, 49000);
    runtime_bus_reset(&runtime);
    assert_int_equal(event, USB_DETACHES);
}

static void or_it_detaches_itself(void **state)
{
    (void)state;
    configure(RUNTIME_DFU, true);
    assert_int_equal(control(0x21, DFU_DETACH, 50, 0, NULL, 0), USB_DONE);
    assert_int_equal(reply.event, USB_DETACHES);
}

static void what_it_does_not_know_stalls(void **state)
{
    (void)state;
    assert_int_equal(control(0x21, DFU_DNLOAD, 0, 2, "x", 1), USB_STALL);
    assert_int_equal(control(0x21, DFU_DETACH, 0, 1, NULL, 0), USB_STALL);
    assert_int_equal(control(0x21, 0x23, 0, 0, NULL, 0), USB_STALL);
    assert_int_equal(control(0x21, 0x20, 0, 0, "x", 1), USB_STALL);
    assert_int_equal(control(0xC0, 1, 0, 0, NULL, 4), USB_STALL);
    configure(RUNTIME_CDC, false);
    assert_int_equal(control(0x21, DFU_DETACH, 0, 2, NULL, 0), USB_STALL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(descriptors),
        TEST(strings),
        TEST(it_talks_some_time_after_dtr),
        TEST(programs_print_by_the_clock),
        TEST(the_repl_leads_to_the_bootloader),
        TEST(a_touch_at_1200_baud),
        TEST(detach_waits_for_a_reset),
        TEST(or_it_detaches_itself),
        TEST(what_it_does_not_know_stalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
