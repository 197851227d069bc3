#include "simulator/sysfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/hub.h"
#include "simulator/port.h"
#include "simulator/sysfs_interface.h"
#include "simulator/sysfs_tty.h"
#include "tests/unit/fake_clock.h"
#include "tests/unit/unit.h"

static char root[32];
static struct fake_clock fake;
static struct port port;
static struct hub root_hub, hub;
static const struct sysfs_device bus = {{.bus = 1}, 1, &root_hub.device};
static const struct sysfs_device board = {{1, 1, {3}}, 7, &port.device};

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    strcpy(root, "/tmp/firn-sysfs-XXXXXX");
    assert_non_null(mkdtemp(root));
    fake_clock_init(&fake);
    port_init(&port, 2, board_model_find("stm32f405"), BOARD_TIMING_ZERO, &fake.clock);
    hub_init(&root_hub, 31, true);
    hub_init(&hub, 4, false);
    assert_ok(sysfs_init(root, &err), &err);
    assert_ok(sysfs_add_bus(root, 1, &err), &err);
    assert_ok(sysfs_add(root, &bus, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err *err = NULL;
    port_release(&port);
    assert_ok(fs_remove_tree(root, &err), &err);
    return 0;
}

static void check_file(const char *name, const char *expected)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    _cleanup_free_ char *path = xasprintf("%s/sys/bus/usb/devices/%s", root, name);
    assert_ok(fs_read(path, 4096, &b, &err), &err);
    assert_string_equal(b.data, expected);
}

static bool exists(const char *name)
{
    _cleanup_free_ char *path = xasprintf("%s/sys/bus/usb/devices/%s", root, name);
    return fs_exists(path);
}

static void the_root_hub(void **state)
{
    (void)state;
    check_file("usb1/busnum", "1\n");
    check_file("usb1/devnum", "1\n");
    check_file("usb1/bDeviceClass", "09\n");
    check_file("usb1/maxchild", "31\n");
    check_file("usb1/uevent", "MAJOR=189\nMINOR=0\nDEVNAME=bus/usb/001/001\nDEVTYPE=usb_device\n"
                              "DRIVER=usb\nPRODUCT=1d6b/2/601\nTYPE=9/0/0\nBUSNUM=001\n"
                              "DEVNUM=001\n");
}

static void a_device(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_ok(sysfs_add(root, &board, &err), &err);
    check_file("1-3/idVendor", "0483\n");
    check_file("1-3/idProduct", "df11\n");
    check_file("1-3/devnum", "7\n");
    check_file("1-3/speed", "12\n");
    check_file("1-3/serial", "356900023437\n");
    check_file("1-3/product", "STM32  BOOTLOADER\n");
    check_file("1-3/bConfigurationValue", "1\n");
    check_file("1-3/1-3:1.0/bInterfaceClass", "fe\n");
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    _cleanup_free_ char *path = xasprintf("%s/sys/bus/usb/devices/1-3/descriptors", root);
    assert_ok(fs_read(path, 4096, &b, &err), &err);
    assert_int_equal(b.len, port.device.descriptors_len);
    assert_memory_equal(b.data, port.device.descriptors, b.len);
    assert_true(exists("1-3/subsystem/devices/usb1"));
    assert_ok(sysfs_remove(root, &board, &err), &err);
    assert_false(exists("1-3"));
}

/* Those of a real STM32F405; Linux keeps only the name of the one that is chosen. */
static void an_interface_has_the_name_of_its_alternate_setting(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_ok(sysfs_add(root, &board, &err), &err);
    check_file("1-3:1.0/bAlternateSetting", " 0\n");
    check_file("1-3:1.0/interface", "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg\n");
    assert_ok(sysfs_choose(root, &board, 0, 3, &err), &err);
    check_file("1-3:1.0/bAlternateSetting", " 3\n");
    check_file("1-3:1.0/interface", "@Device Feature/0xFFFF0000/01*004 e\n");
    assert_ok(sysfs_choose(root, &board, 0, 0, &err), &err);
    check_file("1-3:1.0/bAlternateSetting", " 0\n");
    check_file("1-3:1.0/interface", "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg\n");
    assert_int_equal(port.transfers, 0);
    assert_false(exists("../../../../aside-interface"));
}

static bool knows_one_string(void *data, uint8_t index, struct buf *out)
{
    (void)data;
    buf_adds(out, "one");
    return index == 5 || index == 0; /* 0: the languages that it has */
}

/* Alternate setting 0 has no iInterface, 1 one with an answer, 2 one without. */
static void an_interface_without_a_name(void **state)
{
    (void)state;
    struct err *err = NULL;
    static const uint8_t descriptors[] = {
        18, 1, 0,  2, 0, 0,    0, 64,   1,  2, 3, 4, 0, 0, 0,    0, 0, 1,
        9,  2, 36, 0, 1, 1,    0, 0x80, 50, 9, 4, 0, 0, 0, 0xFE, 1, 2, 0,
        9,  4, 0,  1, 0, 0xFE, 1, 2,    5,  9, 4, 0, 2, 1, 3,    1, 2, 6,
    };
    const struct usb_device device = {.string = knows_one_string,
                                      .descriptors = descriptors,
                                      .descriptors_len = sizeof(descriptors)};
    const struct sysfs_device place = {{1, 1, {3}}, 7, &device};
    assert_ok(sysfs_add(root, &place, &err), &err);
    check_file("1-3:1.0/bAlternateSetting", " 0\n");
    assert_false(exists("1-3:1.0/interface"));
    assert_ok(sysfs_choose(root, &place, 0, 1, &err), &err);
    check_file("1-3:1.0/interface", "one\n");
    assert_ok(sysfs_choose(root, &place, 0, 2, &err), &err);
    check_file("1-3:1.0/bAlternateSetting", " 2\n");
    check_file("1-3:1.0/bNumEndpoints", "01\n");
    check_file("1-3:1.0/bInterfaceClass", "03\n");
    assert_false(exists("1-3:1.0/interface"));
    assert_false(exists("1-0:1.0/interface")); /* hubs have none */
}

static void the_configuration_comes_and_goes(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_ok(sysfs_add(root, &board, &err), &err);
    assert_ok(sysfs_configure(root, &board, false, &err), &err);
    check_file("1-3/bConfigurationValue", "");
    check_file("1-3/bNumInterfaces", "");
    assert_ok(sysfs_configure(root, &board, true, &err), &err);
    check_file("1-3/bConfigurationValue", "1\n");
    check_file("1-3/bNumInterfaces", " 1\n");
}

static void behind_a_hub(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct sysfs_device place = {{1, 1, {3}}, 2, &hub.device};
    const struct sysfs_device below = {{1, 2, {3, 4}}, 7, &port.device};
    assert_ok(sysfs_add(root, &place, &err), &err);
    assert_ok(sysfs_add(root, &below, &err), &err);
    check_file("1-3/bDeviceClass", "09\n");
    check_file("1-3/maxchild", "4\n");
    check_file("1-3/speed", "480\n");
    check_file("1-3/devpath", "3\n");
    check_file("1-3:1.0/bInterfaceClass", "09\n");
    check_file("1-3/1-3.4/devpath", "3.4\n");
    check_file("1-3.4/maxchild", "0\n");
    check_file("1-3.4:1.0/bInterfaceClass", "fe\n");
    check_file("1-3.4/../idProduct", "0001\n");
    assert_true(exists("1-3.4/subsystem/devices/usb1"));
    assert_true(exists("1-3:1.0/driver/../hub"));
    assert_false(exists("1-3.4:1.0/driver"));
    assert_ok(sysfs_remove(root, &below, &err), &err);
    assert_false(exists("1-3.4:1.0"));
    assert_ok(sysfs_remove(root, &place, &err), &err);
    assert_false(exists("1-3"));
}

static void the_second_bus(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct sysfs_device second = {{.bus = 2}, 1, &root_hub.device};
    assert_ok(sysfs_add_bus(root, 2, &err), &err);
    assert_ok(sysfs_add(root, &second, &err), &err);
    check_file("usb2/busnum", "2\n");
    check_file("usb2/dev", "189:128\n");
    check_file("2-0:1.0/bInterfaceClass", "09\n");
}

static void a_terminal(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf event = BUF_INIT;
    assert_ok(sysfs_add(root, &board, &err), &err);
    assert_ok(sysfs_tty_add(root, &board, 4, "/dev/pts/77", &err), &err);
    check_file("1-3:1.0/tty/ttyACM4/dev", "166:4\n");
    check_file("1-3:1.0/tty/ttyACM4/device/../serial", "356900023437\n");
    check_file("../../../class/tty/ttyACM4/uevent", "MAJOR=166\nMINOR=4\nDEVNAME=ttyACM4\n");
    char target[64] = "";
    _cleanup_free_ char *node = xasprintf("%s/dev/ttyACM4", root);
    assert_int_equal(readlink(node, target, sizeof(target)), strlen("/dev/pts/77"));
    assert_string_equal(target, "/dev/pts/77");
    sysfs_tty_add_uevent("add", &board, 4, 9, &event);
    assert_string_equal(event.data, "add@/devices/platform/firn-sim/usb1/1-3/1-3:1.0/tty/ttyACM4");
    assert_false(sysfs_tty_add(root, &board, 4, "/dev/pts/77", &err));
    assert_error(&err, ERR_FAILED, "cannot make link");
    assert_ok(sysfs_tty_remove(root, &board, 4, &err), &err);
    assert_false(exists("1-3:1.0/tty"));
    assert_false(exists("../../../class/tty/ttyACM4"));
    assert_false(sysfs_tty_remove(root, &board, 4, &err));
    assert_error(&err, ERR_NOT_FOUND, "ttyACM4");
}

/* stat() of the name says what fstat() of the open file will: the pseudo-terminal's number. */
static void a_terminal_has_one_number(void **state)
{
    (void)state;
    struct err *err = NULL;
    char number[64] = "";
    _cleanup_free_ char *node = xasprintf("%s/dev/.node/ttyACM4", root);
    assert_ok(sysfs_add(root, &board, &err), &err);
    assert_ok(sysfs_tty_add(root, &board, 4, "/dev/null", &err), &err);
    assert_true(readlink(node, number, sizeof(number) - 1) > 0);
    assert_string_equal(number, "1:3");
    check_file("1-3:1.0/tty/ttyACM4/dev", "166:4\n");
    assert_ok(sysfs_tty_remove(root, &board, 4, &err), &err);
}

static void an_event(void **state)
{
    (void)state;
    static const char expected[] =
        "remove@/devices/platform/firn-sim/usb1/1-3\0ACTION=remove\0"
        "DEVPATH=/devices/platform/firn-sim/usb1/1-3\0SUBSYSTEM=usb\0SEQNUM=5\0MAJOR=189\0MINOR=6\0"
        "DEVNAME=bus/usb/001/007\0DEVTYPE=usb_device\0DRIVER=usb\0PRODUCT=483/df11/2200\0"
        "TYPE=0/0/0\0BUSNUM=001\0DEVNUM=007";
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    sysfs_add_uevent("remove", &board, 5, &b);
    assert_int_equal(b.len, sizeof(expected));
    assert_memory_equal(b.data, expected, sizeof(expected));
}

static void paths(void **state)
{
    (void)state;
    const struct sysfs_device other = {{12, 1, {3}}, 127, &port.device};
    _cleanup_free_ char *node = sysfs_node_path("/r", &board);
    _cleanup_free_ char *socket = sysfs_socket_path("/r", &other);
    assert_string_equal(node, "/r/dev/bus/usb/001/007");
    assert_string_equal(socket, "/r/ioctl/dev/bus/usb/012/127");
}

static void errors_name_what_could_not_be_made(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_ok(sysfs_add(root, &board, &err), &err);
    assert_false(sysfs_add(root, &board, &err));
    assert_error(&err, ERR_FAILED, "usb1/1-3'");
    const struct sysfs_device absent = {{1, 1, {4}}, 8, &port.device};
    assert_false(sysfs_remove(root, &absent, &err));
    assert_error(&err, ERR_NOT_FOUND, "devices/1-4'");
    assert_false(sysfs_choose(root, &absent, 0, 0, &err));
    assert_error(&err, ERR_NOT_FOUND, "1-4:1.0/bAlternateSetting'");
    assert_false(sysfs_init("/dev/null", &err));
    assert_error(&err, ERR_FAILED, "/dev/null");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_root_hub),
        TEST(a_device),
        TEST(an_interface_has_the_name_of_its_alternate_setting),
        TEST(an_interface_without_a_name),
        TEST(the_configuration_comes_and_goes),
        TEST(behind_a_hub),
        TEST(the_second_bus),
        TEST(a_terminal),
        TEST(a_terminal_has_one_number),
        TEST(an_event),
        TEST(paths),
        TEST(errors_name_what_could_not_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
