#include "unit.h"

#include "flasher/device.h"

/* Boards as device_list_read() would have found them: two in DFU mode, one that runs its program
 * and one of another maker, which says nothing of itself. */
static char name[] = "STM32  BOOTLOADER", program[] = "Pyboard", serial_a[] = "3569",
            serial_b[] = "3570";
static struct usb_entry entries[] = {
    {.path = "1-1", .vendor = 0x0483, .product = 0xdf11, .name = name, .serial = serial_a},
    {.path = "1-1.4", .vendor = 0x0483, .product = 0xdf11, .name = name, .serial = serial_b},
    {.path = "1-2", .vendor = 0xf055, .product = 0x9800, .name = program},
    {.path = "2-1", .vendor = 0x1209, .product = 0xbeef},
};
static struct device devices[] = {
    {.usb = &entries[0]},
    {.usb = &entries[1]},
    {.usb = &entries[2]},
    {.usb = &entries[3]},
};

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        devices[i].interface.protocol = DFU_PROTOCOL_DFU;
    devices[2].interface.protocol = DFU_PROTOCOL_RUNTIME;
    return 0;
}

static struct device_list list_of(size_t count)
{
    return (struct device_list){.devices = devices, .count = count};
}

static void assert_chosen(const struct device_match *match, size_t index)
{
    struct device_list list = list_of(ARRAY_SIZE(devices));
    struct err *err = NULL;
    struct device *chosen = device_choose(&list, match, &err);
    assert_ok(chosen != NULL, &err);
    assert_ptr_equal(chosen, &devices[index]);
}

static void refuse(size_t count, const struct device_match *match, const char *expected)
{
    struct device_list list = list_of(count);
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_null(device_choose(&list, match, &err));
    err_format(err, &text);
    assert_string_equal(text.data, expected);
    assert_int_equal(err_exit_status(err), 4);
    err_free(err);
}

#define ENTER                                                                                      \
    "put the board into its bootloader: `machine.bootloader()` at MicroPython's prompt, or hold "  \
    "BOOT0 (or the DFU button) while you reset it; then run the command again\n"

static void chooses(void **state)
{
    struct device_match match = DEVICE_MATCH_ANY;
    (void)state;
    match.path = "1-1";
    assert_chosen(&match, 0);
    match.path = "1-1.4";
    assert_chosen(&match, 1);
    match = (struct device_match){0x1209, 0xbeef, NULL, NULL};
    assert_chosen(&match, 3);
    match = (struct device_match){0x0483, 0xdf11, NULL, "3570"};
    assert_chosen(&match, 1);
    match = (struct device_match){0x1209, DEVICE_ID_ANY, "2-1", NULL};
    assert_chosen(&match, 3);
}

static void nothing_there(void **state)
{
    (void)state;
    refuse(
        0, &(struct device_match){0x0483, 0xdf11, NULL, NULL},
        "no board to flash: looked for a board 0483:df11 in DFU mode, but there is no DFU device "
        "at all\n  " ENTER);
    refuse(0, &(struct device_match)DEVICE_MATCH_ANY,
           "no board to flash: looked for a board in DFU mode, but there is no DFU device at all\n"
           "  " ENTER);
}

static void none_matches(void **state)
{
    (void)state;
    refuse(
        3, &(struct device_match){0x0483, 0xdf12, "1-9", "77"},
        "no board to flash: looked for a board 0483:df12 in DFU mode on port 1-9 with serial 77, "
        "which is none of these:\n"
        "    1-1  0483:df11  STM32  BOOTLOADER  serial 3569\n"
        "    1-1.4  0483:df11  STM32  BOOTLOADER  serial 3570\n"
        "    1-2  f055:9800  Pyboard  (runs its program, not in DFU mode)\n"
        "  to flash one of them all the same, choose it with --usb VID:PID; or\n  " ENTER);
}

/* A board that runs its program is not flashed, even when it is meant. */
static void runtime_is_no_choice(void **state)
{
    struct device_list list = list_of(ARRAY_SIZE(devices));
    struct err *err = NULL;
    (void)state;
    assert_null(device_choose(&list, &(struct device_match){0xf055, 0x9800, NULL, NULL}, &err));
    assert_error(&err, ERR_DEVICE, "no board to flash: looked for a board f055:9800 in DFU mode");
}

static void two_match(void **state)
{
    (void)state;
    refuse(ARRAY_SIZE(devices), &(struct device_match){0x0483, 0xdf11, NULL, NULL},
           "2 boards match: looked for a board 0483:df11 in DFU mode\n  choose one of them:\n"
           "    --path 1-1  0483:df11  STM32  BOOTLOADER  serial 3569\n"
           "    --path 1-1.4  0483:df11  STM32  BOOTLOADER  serial 3570\n");
}

static void can_be_flashed(void **state)
{
    struct device_target targets[] = {{.alt = 0}, {.alt = 1, .has_layout = true}};
    struct device device = {.usb = &entries[0], .targets = targets, .target_count = 2};
    struct err *err = NULL;
    (void)state;
    assert_ok(device_check(&device, &err), &err); /* no functional descriptor: to be tried */
    device.interface.has_functional = true;
    device.interface.functional.attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD;
    assert_ok(device_check(&device, &err), &err);
    device.interface.functional.attributes = DFU_CAN_DOWNLOAD;
    assert_false(device_check(&device, &err));
    assert_error(&err, ERR_DEVICE, "does not let the memory be read");
    device.interface.functional.attributes = DFU_CAN_UPLOAD;
    assert_false(device_check(&device, &err));
    assert_error(&err, ERR_DEVICE, "does not let the memory be written");
    device.interface.functional.attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD;
    device.dfu.transfer_size = 4097;
    assert_false(device_check(&device, &err));
    assert_error(&err, ERR_DEVICE, "its blocks are 4097 bytes");
    targets[1].has_layout = false;
    assert_false(device_check(&device, &err));
    assert_error(&err, ERR_DEVICE, "it is no DfuSe board\n  firn flashes DfuSe boards");
}

static void udev_advice(void **state)
{
    _cleanup_free_ char *advice = usb_udev_advice(0x0483);
    (void)state;
    assert_string_equal(advice,
                        "to allow it, put this line into /etc/udev/rules.d/70-firn.rules:\n"
                        "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0483\", MODE=\"0660\", "
                        "GROUP=\"plugdev\", TAG+=\"uaccess\"\n"
                        "then run `sudo udevadm control --reload` and plug the board in again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses),      cmocka_unit_test(nothing_there),
        cmocka_unit_test(none_matches), cmocka_unit_test(runtime_is_no_choice),
        cmocka_unit_test(two_match),    cmocka_unit_test(can_be_flashed),
        cmocka_unit_test(udev_advice),
    };
    return cmocka_run_group_tests_name("device", tests, setup, NULL);
}
