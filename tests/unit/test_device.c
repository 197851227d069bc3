#include "unit.h"

#include "flasher/device.h"

static void can_be_flashed(void **state)
{
    struct device_target targets[] = {{.alt = 0}, {.alt = 1, .has_layout = true}};
    struct device device = {.targets = targets, .target_count = 2};
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
    targets[1].has_layout = false;   /* plain DFU: device_open() makes the blocks smaller, and it */
    device.dfu.transfer_size = 4096; /* need not be readable */
    device.interface.functional.attributes = DFU_CAN_DOWNLOAD;
    assert_ok(device_check(&device, &err), &err);
}

/* Its layout is a string that could not be read: not a plain DFU device for all that. */
static void dfuse_without_names(void **state)
{
    struct device_target targets[] = {{.alt = 0}};
    struct device device = {.targets = targets, .target_count = 1};
    struct err *err = NULL;
    (void)state;
    device.interface.has_functional = true;
    device.interface.functional.version = DFU_VERSION_DFUSE;
    device.interface.functional.attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD;
    device.interface.alts[0].string = 4;
    assert_false(device_check(&device, &err));
    assert_error(&err, ERR_DEVICE, "does not say what memory it has");
    device.quirks.flags = QUIRK_IS_PLAIN_DFU;
    assert_ok(device_check(&device, &err), &err);
    device.quirks.flags = 0;
    device.interface.alts[0].string = 0; /* it never had one */
    assert_ok(device_check(&device, &err), &err);
    device.interface.alts[0].string = 4;
    device.interface.functional.version = 0x0110;
    assert_ok(device_check(&device, &err), &err);
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

static void says_its_dialect(void **state)
{
    struct device device = {.quirks.name = "mboot"};
    (void)state;
    assert_string_equal(device_dialect(&device), "mboot");
    device.quirks.name = NULL;
    assert_string_equal(device_dialect(&device), "DFU");
    device.interface.has_functional = true;
    device.interface.functional.version = 0x0110;
    assert_string_equal(device_dialect(&device), "DFU 1.1");
    device.interface.functional.version = DFU_VERSION_DFUSE;
    assert_string_equal(device_dialect(&device), "DfuSe");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(can_be_flashed),
        cmocka_unit_test(dfuse_without_names),
        cmocka_unit_test(says_its_dialect),
        cmocka_unit_test(udev_advice),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
