/*
 * DFU devices: the boards that are plugged in and what they say of themselves.
 *
 * A device is a USB device with a DFU interface; its targets are that interface's alternate
 * settings, each a memory of its own. It is identified by the USB port that it hangs on: serial
 * strings of the ST ROM collide. choose.h picks the one that is meant.
 *
 *     struct device_list list = DEVICE_LIST_INIT;
 *     if (!device_list_read(&list, usb, NULL, &err)) ...
 *     if (device_open(&list.devices[0], &err)) ... list.devices[0].dfu ...
 *     device_list_release(&list);       // closes them, too
 */
#ifndef FIRN_FLASHER_DEVICE_H
#define FIRN_FLASHER_DEVICE_H

#include "flasher/descriptor.h"
#include "flasher/dfu.h"
#include "flasher/layout.h"
#include "flasher/quirk.h"
#include "flasher/usb.h"

/* An alternate setting. */
struct device_target {
    uint8_t alt;
    char *name;           /* its string as the device sent it; NULL = none or not readable */
    bool has_layout;      /* the name is a DfuSe memory layout (or the quirk table has one) */
    struct layout layout; /* only if has_layout */
};

struct device {
    const struct usb_entry *usb; /* borrowed from the list; usb->path is the port path */
    struct dfu_interface interface;
    struct quirks quirks;
    struct device_target *targets; /* one for each alternate setting, without names until... */
    size_t target_count;           /* ... device_inspect() or device_open() */
    bool in_use;                   /* device_inspect(): another program has claimed it */
    int state;                     /* device_inspect(): enum dfu_state, -1 = not known */
    int status;                    /* device_inspect(): enum dfu_status_code, -1 = not known */
    struct usb_handle *handle;     /* after device_open() */
    struct dfu dfu;                /* after device_open() */
};

struct device_list {
    struct usb_list entries; /* every USB device, with or without a DFU interface */
    struct device *devices;  /* in order of port path */
    size_t count;
};
#define DEVICE_LIST_INIT                                                                           \
    {                                                                                              \
        USB_LIST_INIT, NULL, 0                                                                     \
    }

/* All devices with a DFU interface; with a path (else NULL) only what hangs on that port. usb is
 * borrowed and outlives the list. */
bool device_list_read(struct device_list *list, struct usb *usb, const char *path,
                      struct err **err) MUST_CHECK;
void device_list_release(struct device_list *list);

/* What the table knows of a device by its ids and strings. */
void device_find_quirks(const struct usb_entry *entry, struct quirks *quirks);

/* In DFU mode (true), or running its program with a way into DFU mode (false)? */
bool device_in_dfu_mode(const struct device *device);
/* Memory with addresses (DfuSe: ST's ROM, mboot), or plain DFU? Known once its targets are. */
bool device_is_dfuse(const struct device *device);
/* "ST DfuSe ROM", "mboot", "DfuSe 1.1a", "DFU 1.1": the quirk table's name or what the descriptors
 * say. */
const char *device_dialect(const struct device *device);
/* "1-1.4  0483:df11  STM32  BOOTLOADER  serial 3569...": one line without a newline. */
void device_add_line(const struct device *device, struct buf *out);

/* Open it for a moment and read what it says of its targets, its state and its status. A device
 * that another program has claimed is sent nothing (in_use): what the kernel keeps has to do. */
bool device_inspect(struct device *device, struct err **err) MUST_CHECK;

/* Open it, claim its DFU interface and read its targets; device->dfu is ready for use until the
 * list is released or the device is closed. */
bool device_open(struct device *device, struct err **err) MUST_CHECK;
void device_close(struct device *device);

/* Does an open device let its memory be written (and read, if DfuSe), in blocks that USB can carry?
 */
bool device_check(const struct device *device, struct err **err) MUST_CHECK;

#endif
