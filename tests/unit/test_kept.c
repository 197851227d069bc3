#include "flasher/kept.h"

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

/* What the kernel keeps is the name of the alternate setting that is chosen, by whomever. */
static void there(void)
{
    struct err *err = NULL;
    struct usb *usb = NULL;
    struct usb_list list = USB_LIST_INIT;
    struct usb_handle *handle = NULL;
    check_device();
    check_absent();
    check_interface(0, FLASH);
    CHECK(usb_new(&usb, &err) && usb_list_read(usb, "1-1", &list, &err) && list.count == 1);
    CHECK(usb_open(&list.entries[0], &handle, &err) && usb_claim(handle, 0, &err));
    CHECK(usb_set_alt(handle, 0, 3, &err));
    check_interface(3, "@Device Feature/0xFFFF0000/01*004 e");
    usb_release(handle);
    check_interface(0, FLASH);
    CHECK(usb_claim(handle, 0, &err) && usb_set_alt(handle, 0, 1, &err));
    check_interface(1, "@Option Bytes  /0x1FFFC000/01*016 e");
    tell("replug 0"); /* in the middle of it */
    usb_close(handle);
    check_interface(0, FLASH);
    usb_list_release(&list);
    usb_free(usb);
}

int main(int argc, char **argv)
{
    return on_bus_main(argc, argv, "kept", 1, there);
}
