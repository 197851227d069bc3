/* Comings and goings of a board, on a bus that only remembers what is in its ports. */
#include "simulator/plugging.h"

#include "tests/unit/fake_clock.h"
#include "tests/unit/unit.h"

static struct fake_clock fake;
static struct port port;
static struct plugging plugging;
static const struct usb_device *in_port[4]; /* of 1-0 (never), 1-1 to 1-3 */

static bool bus_plug(void *data, const struct port_path *path, const struct usb_device *device,
                     struct err **err)
{
    (void)data;
    if (path->port[0] > 3)
        return err_set(err, ERR_USAGE, "there is no such port");
    in_port[path->port[0]] = device;
    return true;
}

static bool bus_unplug(void *data, const struct port_path *path, struct err **err)
{
    (void)data, (void)err;
    in_port[path->port[0]] = NULL;
    return true;
}

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct runtime_options options = {RUNTIME_CDC, false};
    fake_clock_init(&fake);
    memset(in_port, 0, sizeof(in_port));
    plugging = (struct plugging){
        .clock = &fake.clock, .bus = {.plug = bus_plug, .unplug = bus_unplug}, .boot_us = 300000};
    port_init(&port, 0, board_model_find("stm32f405"), BOARD_TIMING_ZERO, &fake.clock);
    assert_ok(port_open(&port, NULL, &err), &err);
    port.owner = &plugging;
    port.path = (struct port_path){1, 1, {1}};
    port.device.event = plugging_on_event;
    port_configure(&port, &options);
    port.board.memory[0].bytes[0] = 0; /* a program */
    assert_ok(plugging_plug(&port, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    port_release(&port);
    return 0;
}

static const struct usb_device *bootloader(void)
{
    return &port.device;
}

static const struct usb_device *running(void)
{
    return &port.runtime_device;
}

/* Off the bus after the event, and in 1-`number` as `then` after `us`. */
static void check(enum usb_event event, uint32_t ms, unsigned number, uint64_t us,
                  const struct usb_device *then)
{
    assert_non_null(in_port[port.path.port[0]]);
    plugging_on_event(&port, event, ms);
    fake_clock_advance(&fake, 1000);
    assert_false(port.plugged);
    for (unsigned i = 1; i < 4; i++)
        assert_null(in_port[i]);
    fake_clock_advance(&fake, us - 1001);
    assert_null(in_port[number]);
    fake_clock_advance(&fake, 1001);
    assert_ptr_equal(in_port[number], then);
    assert_int_equal(port.plugged, then != NULL);
}

static void leaving_and_detaching(void **state)
{
    (void)state;
    assert_ptr_equal(in_port[1], bootloader());
    check(USB_LEAVES, 0, 1, 300000, running());
    assert_true(port.running);
    check(USB_DETACHES, 0, 1, 300000, bootloader());
    assert_false(port.running);
}

static void restarts(void **state)
{
    (void)state;
    check(USB_RESTARTS, 50, 1, 50000, bootloader());
    check(USB_LEAVES, 0, 1, 300000, running());
    check(USB_RESTARTS, 50, 1, 50000, running());
    port.board.memory[0].bytes[0] = 0xFF; /* nothing to run any more */
    check(USB_RESTARTS, 50, 1, 50000, bootloader());
    check(USB_LEAVES, 0, 1, 300000, bootloader());
}

static void cables(void **state)
{
    (void)state;
    check(USB_UNPLUGGED, 70, 1, 70000, bootloader());
    check(USB_LEAVES, 0, 1, 300000, running());
    check(USB_UNPLUGGED, 70, 1, 70000, running());
    check(USB_UNPLUGGED, 0, 1, 10000000, NULL);
}

static void after_leave(void **state)
{
    (void)state;
    struct err *err = NULL;
    port.after_leave = AFTER_LEAVE_BOOTLOADER;
    check(USB_LEAVES, 0, 1, 300000, bootloader());
    port.after_leave = AFTER_LEAVE_MOVE;
    port.move_to = (struct port_path){1, 1, {3}};
    check(USB_LEAVES, 0, 3, 300000, running());
    check(USB_DETACHES, 0, 3, 300000, bootloader());
    port.after_leave = AFTER_LEAVE_LOST;
    check(USB_LEAVES, 0, 3, 10000000, NULL);
    assert_true(port.running);
    assert_ok(plugging_reset(&port, &err), &err);
    assert_ptr_equal(in_port[3], running());
}

static void what_runs_may_not_be_on_the_bus(void **state)
{
    (void)state;
    const struct runtime_options none = {RUNTIME_NONE, false};
    port_configure(&port, &none);
    check(USB_LEAVES, 0, 1, 10000000, NULL);
    assert_true(port.running);
}

static void moving(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct port_path second = {1, 1, {2}}, absent = {1, 1, {9}};
    assert_ok(plugging_move(&port, &second, &err), &err);
    assert_null(in_port[1]);
    assert_ptr_equal(in_port[2], bootloader());
    assert_false(plugging_move(&port, &absent, &err));
    assert_error(&err, ERR_USAGE, "there is no such port");
    assert_ptr_equal(in_port[2], bootloader());
    assert_true(port.plugged);
}

static void unplugging_forgets_what_was_to_come(void **state)
{
    (void)state;
    struct err *err = NULL;
    plugging_on_event(&port, USB_LEAVES, 0);
    fake_clock_advance(&fake, 2000);
    assert_ok(plugging_unplug(&port, &err), &err);
    fake_clock_advance(&fake, 10000000);
    assert_null(in_port[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(leaving_and_detaching),
        TEST(restarts),
        TEST(cables),
        TEST(after_leave),
        TEST(what_runs_may_not_be_on_the_bus),
        TEST(moving),
        TEST(unplugging_forgets_what_was_to_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
