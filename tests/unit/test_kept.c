#include "flasher/kept.h"

#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>

#include "flasher/usb.h"
#include "tests/unit/on_bus.h"

#define FLASH "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"

static void check_interface(int expected_alt, const char *expected)
{
    int alt = -1;
    _cleanup_free_ char *name = kept_interface("1-1", 0, &alt);
    CHECK(alt == expected_alt);
    CHECK(name && strcmp(name, expected) == 0);
}

static void check_device(void)
{
    _cleanup_(buf_release) struct buf descriptors = BUF_INIT;
    _cleanup_free_ char *product = kept_text("1-1", "product");
    CHECK(product && strcmp(product, "STM32  BOOTLOADER") == 0);
    CHECK(!kept_text("1-1", "nothing") && !kept_text("1-9", "product"));
    CHECK(kept_bytes("1-1", "descriptors", &descriptors));
    CHECK(descriptors.len == 18 + 9 + 4 * 9 + 9 && descriptors.data[0] == 18);
}

static void check_absent(void)
{
    int alt = -1;
    CHECK(!kept_interface("1-1", 1, &alt));
    CHECK(alt == 0);
}

/* Another program, by the kernel's ioctls (as dfu-util, through libusb). */
static int open_node(struct usb *usb)
{
    struct err *err = NULL;
    struct usb_list list = USB_LIST_INIT;
    CHECK(usb_list_read(usb, "1-1", &list, &err) && list.count == 1);
    _cleanup_free_ char *node = xasprintf("/dev/bus/usb/001/%03u", list.entries[0].address);
    int fd = open(node, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0);
    usb_list_release(&list);
    return fd;
}

static void choose_by_ioctl(int fd, unsigned alt)
{
    struct usbdevfs_setinterface setting = {0, alt};
    CHECK(ioctl(fd, USBDEVFS_CLAIMINTERFACE, &setting.interface) == 0);
    CHECK(ioctl(fd, USBDEVFS_SETINTERFACE, &setting) == 0);
}

/* What the kernel keeps is the name of the alternate setting that was chosen by way of it. */
static void follows_the_kernel(struct usb *usb)
{
    unsigned interface = 0;
    int fd = open_node(usb);
    choose_by_ioctl(fd, 3);
    check_interface(3, "@Device Feature/0xFFFF0000/01*004 e");
    CHECK(ioctl(fd, USBDEVFS_RELEASEINTERFACE, &interface) == 0);
    check_interface(0, FLASH);
    choose_by_ioctl(fd, 1);
    check_interface(1, "@Option Bytes  /0x1FFFC000/01*016 e");
    tell("replug 0"); /* in the middle of it */
    check_interface(0, FLASH);
    close(fd);
}

/* The kernel does not hear of what firn chooses, and who looks sees the board's main memory. */
static void stays_as_it_is(struct usb *usb)
{
    struct err *err = NULL;
    struct usb_list list = USB_LIST_INIT;
    struct usb_handle *handle = NULL;
    CHECK(usb_list_read(usb, "1-1", &list, &err) && list.count == 1);
    CHECK(usb_open(&list.entries[0], &handle, &err) && usb_claim(handle, 0, &err));
    CHECK(usb_set_alt(handle, 0, 1, &err));
    check_interface(0, FLASH);
    usb_close(handle);
    usb_list_release(&list);
}

/* Given back, the board is where the kernel thinks it is. */
static void goes_back(struct usb *usb)
{
    uint8_t alt = 0xff;
    struct usbdevfs_ctrltransfer get = {0x81, 10 /* GET_INTERFACE */, 0, 0, 1, 1000, &alt};
    unsigned interface = 0;
    int fd = open_node(usb);
    CHECK(ioctl(fd, USBDEVFS_CLAIMINTERFACE, &interface) == 0);
    CHECK(ioctl(fd, USBDEVFS_CONTROL, &get) == 1 && alt == 0);
    close(fd);
}

static void there(void)
{
    struct err *err = NULL;
    struct usb *usb = NULL;
    check_device();
    check_absent();
    check_interface(0, FLASH);
    CHECK(usb_new(&usb, &err));
    stays_as_it_is(usb);
    goes_back(usb);
    follows_the_kernel(usb);
    usb_free(usb);
}

int main(int argc, char **argv)
{
    return on_bus_main(argc, argv, "kept", 1, there);
}
