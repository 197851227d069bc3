/*
 * flasher/usb.h without libusb, for the tests of what finds and opens boards: the devices on the
 * bus are those of this table, and each answers through a struct dfu_io (fake_board.h,
 * fake_dfu11.h). A test that includes this defines all of usb.h, so that usb.c is not linked.
 *
 *     fake_usb_clear();
 *     struct fake_usb_device *device = fake_usb_add("1-1", fake_dfu(&board).io);
 *     device->names[0] = FAKE_LAYOUT;
 */
#ifndef FIRN_TESTS_UNIT_FAKE_USB_H
#define FIRN_TESTS_UNIT_FAKE_USB_H

#include <stdio.h>
#include <time.h>

#include "unit.h"

#include "descriptors.h"
#include "flasher/descriptor.h"
#include "flasher/dfu.h"
#include "flasher/task.h"

#define FAKE_USB_DEVICES 24
#define FAKE_USB_ALTS 4
#define FAKE_USB_STRING 4 /* of the first alternate setting */

struct fake_usb_device {
    const char *path;
    struct dfu_io io;
    const char *product, *serial;
    const char *names[FAKE_USB_ALTS]; /* of its alternate settings; NULL = no more but the first */
    uint8_t attributes;               /* DFU 1.1, table 4.2 */
    uint8_t protocol;                 /* of the DFU interface: in DFU mode */
    uint16_t transfer_size;
    uint8_t address;
    bool busy;                /* another program has its interface */
    bool restarts;            /* when it is closed next, it disconnects ... */
    unsigned restart_looks;   /* ... and is not there for so many looks at the bus */
    uint8_t restart_protocol; /* and then says this of its DFU interface */
    unsigned away;            /* looks at the bus that will not find it */
    unsigned open;            /* handles on it */
};

struct usb {
    int unused;
};
struct usb_handle {
    struct fake_usb_device *device;
    bool claimed;
};

static struct fake_usb_device fake_usb_devices[FAKE_USB_DEVICES];
static size_t fake_usb_count;
static unsigned fake_usb_looks; /* at the bus */

static inline void fake_usb_clear(void)
{
    memset(fake_usb_devices, 0, sizeof(fake_usb_devices));
    fake_usb_count = fake_usb_looks = 0;
}

static inline struct fake_usb_device *fake_usb_add(const char *path, struct dfu_io io)
{
    assert_true(fake_usb_count < FAKE_USB_DEVICES);
    struct fake_usb_device *device = &fake_usb_devices[fake_usb_count++];
    *device = (struct fake_usb_device){.path = path,
                                       .io = io,
                                       .product = "STM32  BOOTLOADER",
                                       .serial = path,
                                       .attributes = DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD,
                                       .protocol = DFU_PROTOCOL_DFU,
                                       .restart_protocol = DFU_PROTOCOL_DFU,
                                       .transfer_size = 2048,
                                       .address = (uint8_t)(fake_usb_count + 1)};
    return device;
}

/* ---- what is there -------------------------------------------------------------------------- */

static inline void fake_usb_add_descriptors(const struct fake_usb_device *device, struct buf *out)
{
    size_t alts = 1;
    while (alts < FAKE_USB_ALTS && device->names[alts])
        alts++;
    const uint8_t total = (uint8_t)(CONFIGURATION_SIZE + alts * INTERFACE_SIZE + FUNCTIONAL_SIZE);
    const uint8_t head[] = {DEVICE, CONFIGURATION(total)};
    const uint8_t functional[] = {
        FUNCTIONAL(device->attributes, device->transfer_size & 0xff, device->transfer_size >> 8)};
    buf_add(out, head, sizeof(head));
    for (uint8_t i = 0; i < alts; i++) {
        const uint8_t string = device->names[i] ? FAKE_USB_STRING + i : 0;
        const uint8_t interface[] = {INTERFACE(0, i, 0xfe, device->protocol, string)};
        buf_add(out, interface, sizeof(interface));
    }
    buf_add(out, functional, sizeof(functional));
}

static inline void fake_usb_list(struct usb *usb, struct fake_usb_device *device,
                                 struct usb_list *list)
{
    struct usb_entry *entry = &list->entries[list->count++];
    *entry = (struct usb_entry){.vendor = 0x0483,
                                .product = 0xdf11,
                                .version = 0x2200,
                                .address = device->address,
                                .name = xstrdup(device->product),
                                .serial = xstrdup(device->serial),
                                .descriptors = BUF_INIT,
                                .usb = usb,
                                .device = device};
    snprintf(entry->path, sizeof(entry->path), "%s", device->path);
    fake_usb_add_descriptors(device, &entry->descriptors);
}

bool usb_list_read(struct usb *usb, const char *path, struct usb_list *list, struct err **err)
{
    (void)err;
    fake_usb_looks++;
    *list = (struct usb_list){.entries = xcalloc(FAKE_USB_DEVICES, sizeof(*list->entries))};
    for (size_t i = 0; i < fake_usb_count; i++) {
        struct fake_usb_device *device = &fake_usb_devices[i];
        if (path && strcmp(path, device->path) != 0)
            continue;
        if (device->away)
            device->away--;
        else
            fake_usb_list(usb, device, list);
    }
    return true;
}

void usb_list_release(struct usb_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].name);
        free(list->entries[i].serial);
        buf_release(&list->entries[i].descriptors);
    }
    free(list->entries);
    *list = (struct usb_list)USB_LIST_INIT;
}

bool usb_new(struct usb **usb, struct err **err)
{
    (void)err;
    *usb = xcalloc(1, sizeof(**usb));
    return true;
}

void usb_free(struct usb *usb)
{
    free(usb);
}

void usb_entry_add_line(const struct usb_entry *entry, struct buf *out)
{
    buf_adds(out, entry->path);
}

char *usb_udev_advice(uint16_t vendor)
{
    return xasprintf("%04x", vendor);
}

/* ---- one of them ---------------------------------------------------------------------------- */

bool usb_open(const struct usb_entry *entry, struct usb_handle **handle, struct err **err)
{
    (void)err;
    *handle = xcalloc(1, sizeof(**handle));
    (*handle)->device = entry->device;
    (*handle)->device->open++;
    return true;
}

void usb_close(struct usb_handle *handle)
{
    if (!handle)
        return;
    struct fake_usb_device *device = handle->device;
    device->open--;
    if (device->restarts) {
        device->address += FAKE_USB_DEVICES;
        device->away = device->restart_looks;
        device->protocol = device->restart_protocol;
    }
    device->restarts = false;
    free(handle);
}

bool usb_claim(struct usb_handle *handle, uint8_t interface, struct err **err)
{
    assert_int_equal(interface, 0);
    handle->claimed = !handle->device->busy;
    return handle->claimed || err_set(err, ERR_DEVICE, "another program is using the board");
}

void usb_release(struct usb_handle *handle)
{
    handle->claimed = false;
}

bool usb_set_alt(struct usb_handle *handle, uint8_t interface, uint8_t alt, struct err **err)
{
    assert_true(handle->claimed && interface == 0);
    return handle->device->io.set_alt(handle->device->io.data, alt, err);
}

enum usb_fault usb_reset(struct usb_handle *handle)
{
    return handle->device->io.reset(handle->device->io.data);
}

enum usb_fault usb_control(struct usb_handle *handle, const struct usb_control *control,
                           size_t *moved)
{
    assert_true(handle->claimed);
    return handle->device->io.control(handle->device->io.data, control, moved);
}

uint16_t usb_read_language(struct usb_handle *handle)
{
    (void)handle;
    return USB_LANGUAGE_US_ENGLISH;
}

char *usb_read_string(struct usb_handle *handle, uint8_t index, uint16_t language)
{
    (void)language;
    return index ? xstrdup(handle->device->names[index - FAKE_USB_STRING]) : NULL;
}

/* ---- time ----------------------------------------------------------------------------------- */

void usb_set_wait(struct usb *usb, void (*wait)(void *data, const bool *done), void *data)
{
    (void)usb, (void)wait, (void)data; /* no transfer here takes any time */
}

void usb_handle_events(struct usb *usb, long long until_us)
{
    const struct timespec when = {until_us / 1000000, until_us % 1000000 * 1000};
    (void)usb;
    if (until_us > task_now_us())
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

#endif
