/*
 * DETACH, where it does not go well. The boards are in DFU mode: there they take DETACH and do not
 * leave the bus, although their descriptors say that they will.
 */
#include "flasher/enter.h"

#include "flasher/presence.h"
#include "flasher/task.h"
#include "tests/unit/on_bus.h"

static struct usb *usb;
static struct usb_list list = USB_LIST_INIT;

/* Returns the milliseconds that it took. */
static long long detach(bool expected, struct err **err)
{
    enum enter_method way = ENTER_NONE;
    long long start_us = task_now_us();
    usb_list_release(&list);
    CHECK(usb_list_read(usb, "1-1", &list, err));
    CHECK(list.count == 1);
    CHECK(enter_run(usb, &list.entries[0], ENTER_DETACH, &way, err) == expected);
    CHECK(way == ENTER_DETACH);
    return (task_now_us() - start_us) / 1000;
}

static void refused(const char *fault, const char *expected)
{
    _cleanup_err_ struct err *err = NULL;
    tell(fault);
    detach(false, &err);
    check_error(err, expected);
}

static void on_the_bus(void)
{
    struct err *err = NULL;
    CHECK(usb_new(&usb, &err));
    /* It says that it will detach, and does not: the reset comes after its wDetachTimeOut. */
    long long ms = detach(true, &err);
    CHECK(ms >= 255 && ms < 3000);
    refused("fault 0 on=any,count=1,do=stall",
            "cannot enter the bootloader: detach: the board refuses DETACH (STALL)\n  hold BOOT0");
    refused("fault 0 on=any,count=1,do=hang", "the board did not answer DETACH within 5 s");
    /* It is gone before it can acknowledge. */
    tell("fault 0 on=any,count=1,do=unplug");
    CHECK(detach(true, &err) < 3000);
    tell("replug 0");
    usb_list_release(&list);
    usb_free(usb);
}

int main(int argc, char **argv)
{
    return on_bus_main(argc, argv, "detach", 1, on_the_bus);
}
