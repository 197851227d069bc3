/* A board that is gone, and libusb knows. */
#include "flasher/usb.h"

#include "tests/unit/on_bus.h"

static void wait_until_gone(struct usb *usb)
{
    for (unsigned i = 0; i < 1000; i++) {
        struct usb_list list = USB_LIST_INIT;
        struct err *err = NULL;
        CHECK(usb_list_read(usb, NULL, &list, &err));
        bool gone = list.count == 0;
        usb_list_release(&list);
        if (gone)
            return;
        usleep(5000);
    }
    CHECK(!"it is never gone");
}

/* libusb 1.0.26 aborts the process in libusb_close() after that, if it was asked to choose. */
static void on_the_bus(void)
{
    struct usb *usb;
    struct usb_list list = USB_LIST_INIT;
    struct usb_handle *handle;
    struct err *err = NULL;
    CHECK(usb_new(&usb, &err));
    CHECK(usb_list_read(usb, "1-1", &list, &err) && list.count == 1);
    CHECK(usb_open(&list.entries[0], &handle, &err));
    CHECK(usb_claim(handle, 0, &err));
    CHECK(usb_set_alt(handle, 0, 1, &err));
    tell("unplug 0");
    wait_until_gone(usb);
    usleep(50000); /* the list is the kernel's; libusb hears of it in a thread of its own */
    CHECK(!usb_set_alt(handle, 0, 0, &err));
    check_error(err, "cannot choose alternate setting 0: the board is gone");
    err_free(err);
    err = NULL;
    usb_close(handle);
    usb_list_release(&list);

    tell("replug 0"); /* and the next one is not disturbed */
    for (unsigned i = 0; i < 1000 && !list.count; i++, usleep(5000))
        CHECK(usb_list_read(usb, "1-1", &list, &err));
    CHECK(usb_open(&list.entries[0], &handle, &err));
    CHECK(usb_claim(handle, 0, &err));
    CHECK(usb_set_alt(handle, 0, 1, &err));
    _cleanup_free_ char *name = usb_read_string(handle, 2, USB_LANGUAGE_US_ENGLISH);
    CHECK(name && *name);
    usb_close(handle);
    usb_list_release(&list);
    usb_free(usb);
}

int main(int argc, char **argv)
{
    return on_bus_main(argc, argv, "usb", 1, on_the_bus);
}
