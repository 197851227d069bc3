/*
 * DFU devices: the boards that are plugged in, what they say of themselves, and choosing one.
 *
 * A device is a USB device with a DFU interface; its targets are that interface's alternate
 * settings, each a memory of its own. It is identified by the USB port that it hangs on: serial
 * strings of the ST ROM collide. A device that may not be opened is listed all the same, with the
 * reason.
 *
 *     struct device_list list = DEVICE_LIST_INIT;
 *     if (!device_list_read(&list, &err)) ...
 *     struct device *device = device_choose(&list, &match, &err);
 *     if (device && device_open(device, &err)) ... device->dfu ...
 *     device_list_release(&list);       // closes it, too
 */
#ifndef FIRN_FLASHER_DEVICE_H
#define FIRN_FLASHER_DEVICE_H

#include "flasher/descriptor.h"
#include "flasher/dfu.h"
#include "flasher/layout.h"
#include "flasher/usb.h"

/* An alternate setting. */
struct device_target {
    uint8_t alt;
    char *name;           /* its string as the device sent it; NULL = none or not readable */
    bool has_layout;      /* the name is a DfuSe memory layout */
    struct layout layout; /* only if has_layout */
};

struct device {
    const struct usb_entry *usb; /* borrowed from the list; usb->path is the port path */
    struct dfu_interface interface;
    struct device_target *targets; /* one for each alternate setting, without names until... */
    size_t target_count;           /* ... device_read_targets() or device_open() */
    struct usb_handle *handle;     /* after device_open() */
    struct dfu dfu;                /* after device_open() */
};

struct device_list {
    struct usb *usb;
    struct usb_list entries;
    struct device *devices; /* in order of port path */
    size_t count;
};
#define DEVICE_LIST_INIT                                                                           \
    {                                                                                              \
        NULL, USB_LIST_INIT, NULL, 0                                                               \
    }

/* All devices with a DFU interface. */
bool device_list_read(struct device_list *list, struct err **err) MUST_CHECK;
void device_list_release(struct device_list *list);

/* What the table knows of a device by its ids and strings. */
void device_find_quirks(const struct usb_entry *entry, struct quirks *quirks);

/* In DFU mode (true), or running its program with a way into DFU mode (false)? */
bool device_in_dfu_mode(const struct device *device);
/* "1-1.4  0483:df11  STM32  BOOTLOADER  serial 3569...": one line without a newline. */
void device_add_line(const struct device *device, struct buf *out);

#define DEVICE_ID_ANY 0x10000

/* What is looked for. */
struct device_match {
    uint32_t vendor, product; /* DEVICE_ID_ANY = any */
    const char *path;         /* NULL = any */
    const char *serial;       /* as printed; NULL = any */
};
#define DEVICE_MATCH_ANY                                                                           \
    {                                                                                              \
        DEVICE_ID_ANY, DEVICE_ID_ANY, NULL, NULL                                                   \
    }

/* Open it for a moment, without claiming it, and read what it says of its targets. */
bool device_read_targets(struct device *device, struct err **err) MUST_CHECK;

/* The one device in DFU mode that matches, borrowed; NULL with an error that says what was looked
 * for and what is there when there is none or more than one. */
struct device *device_choose(struct device_list *list, const struct device_match *match,
                             struct err **err) MUST_CHECK;

/* The next step where there is no board to talk to. */
#define DEVICE_ENTER_ADVICE                                                                        \
    "put the board into its bootloader: `machine.bootloader()` at MicroPython's prompt, or hold "  \
    "BOOT0 (or the DFU button) while you reset it; then run the command again"

/* Open it, claim its DFU interface and read its targets; device->dfu is ready for use until the
 * list is released. */
bool device_open(struct device *device, struct err **err) MUST_CHECK;

/* Is an open device one that can be flashed: does it describe a memory with addresses (DfuSe; plain
 * DFU has none), let it be written and read, in blocks that USB can carry? */
bool device_check(const struct device *device, struct err **err) MUST_CHECK;

#endif
