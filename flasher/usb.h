/*
 * USB devices: which ones are there, and control transfers to one of them. usb.c is the only file
 * that knows libusb; its errors become a struct err or an enum usb_fault there, at once.
 *
 *     struct usb *usb;
 *     struct usb_list list = USB_LIST_INIT;
 *     if (!usb_new(&usb, &err) || !usb_list_read(usb, NULL, &list, &err)) ...
 *     struct usb_handle *handle;
 *     if (usb_open(&list.entries[0], &handle, &err)) ... usb_close(handle);
 *     usb_list_release(&list);
 *     usb_free(usb);
 *
 * Listing talks to no device: the kernel keeps the descriptors, byte for byte, and the strings of
 * the device. So a board that somebody else is flashing is not disturbed, one that may not be
 * opened is shown all the same, and the bytes can be checked before anything believes them
 * (flasher/descriptor.h). Single-threaded.
 */
#ifndef FIRN_FLASHER_USB_H
#define FIRN_FLASHER_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct usb;
struct usb_handle;

/* One device. */
struct usb_entry {
    char path[40];    /* "1-1.4": the bus, then the ports down to it; the same in sysfs */
    uint16_t vendor;  /* idVendor */
    uint16_t product; /* idProduct */
    uint16_t version; /* bcdDevice */
    uint8_t address;  /* on its bus; another one each time that it is plugged in */
    /* iManufacturer, iProduct, iSerialNumber, printable; NULL = none */
    char *manufacturer, *name, *serial;
    struct buf descriptors; /* device descriptor and configurations as the device sent them */
    struct usb *usb;        /* whose list this is in */
    void *device;           /* libusb's */
};

struct usb_list {
    struct usb_entry *entries; /* sorted by path */
    size_t count;
};
#define USB_LIST_INIT                                                                              \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* How a control transfer ended. */
enum usb_fault {
    USB_OK,
    USB_STALLED,   /* the device refuses the request */
    USB_TIMED_OUT, /* no answer in time */
    USB_GONE,      /* the device is not there any more */
    USB_BROKEN,    /* anything else on the way to it */
};

/* Bytes in one control transfer: what Linux's usbfs, and so libusb, takes. */
#define USB_CONTROL_MAX 4096

#define USB_REQUEST_IN 0x80
#define USB_REQUEST_CLASS_INTERFACE 0x21

/* A control transfer (USB 2.0, 9.3). The direction is in request_type's bit 7. */
struct usb_control {
    uint8_t request_type;
    uint8_t request;
    uint16_t value;
    uint16_t index;
    void *data; /* length bytes, sent or received into; may be NULL when length is 0 */
    uint16_t length;
    unsigned timeout_ms; /* at least 1 */
};

/* Fails (ERR_DEVICE) where there is no USB at all. *usb is yours. */
bool usb_new(struct usb **usb, struct err **err) MUST_CHECK;
void usb_free(struct usb *usb); /* after everything that came from it */
static inline void usb_free_ptr(struct usb **usb)
{
    usb_free(*usb);
}

/* Every device on every bus whose descriptors can be read. Hubs are among them. With a path
 * ("1-1.4", else NULL) only the device on that port: none or one. May be called again and again:
 * the list is what is plugged in now. */
bool usb_list_read(struct usb *usb, const char *path, struct usb_list *list,
                   struct err **err) MUST_CHECK;
void usb_list_release(struct usb_list *list);

/* "1-1.4  0483:df11  STM32  BOOTLOADER  serial 3569...": one line without a newline. */
void usb_entry_add_line(const struct usb_entry *entry, struct buf *out);

/* Open for transfers. Without permission the error's hint is the udev rule that mends it. */
bool usb_open(const struct usb_entry *entry, struct usb_handle **handle,
              struct err **err) MUST_CHECK;
/* Gives back what was claimed. NULL is allowed. */
void usb_close(struct usb_handle *handle);
static inline void usb_close_ptr(struct usb_handle **handle)
{
    usb_close(*handle);
}

/* Keep other programs off an interface, and then choose its alternate setting. */
bool usb_claim(struct usb_handle *handle, uint8_t interface, struct err **err) MUST_CHECK;
/* Let other programs have it, in alternate setting 0; claim it again before the next transfer. */
void usb_release(struct usb_handle *handle);
/* Choose the setting of an interface that has several (USB 2.0, 9.4.10). It waits as usb_control()
 * does. */
bool usb_set_alt(struct usb_handle *handle, uint8_t interface, uint8_t alt,
                 struct err **err) MUST_CHECK;

/* A USB port reset (USB 2.0, 7.1.7.5). USB_GONE: the device is a new one now, or away. */
enum usb_fault usb_reset(struct usb_handle *handle);

/* *moved (may be NULL) is the number of bytes sent or received: set when USB_OK is returned. It
 * waits as usb_set_wait() says. */
enum usb_fault usb_control(struct usb_handle *handle, const struct usb_control *control,
                           size_t *moved) MUST_CHECK;

/* How usb_control() waits for its transfer: wait(data, done) returns when *done is true, having
 * called usb_handle_events() until then. NULL: nothing else goes on meanwhile. task.h uses it. */
void usb_set_wait(struct usb *usb, void (*wait)(void *data, const bool *done), void *data);
/* Carry transfers on until something happened or it is `until_us` on the monotonic clock
 * (microseconds; in the past: do not wait). */
void usb_handle_events(struct usb *usb, long long until_us);

/* The first language of the device's strings (USB 2.0, 9.6.7: string 0 lists them). */
#define USB_LANGUAGE_US_ENGLISH 0x0409 /* if it does not say */
uint16_t usb_read_language(struct usb_handle *handle);
/* A string descriptor as UTF-8, raw (print it with text_add_printable()), or NULL: index 0, not
 * there, not readable. The caller frees. */
char *usb_read_string(struct usb_handle *handle, uint8_t index, uint16_t language);

/* The udev rule that opens devices of a vendor to the user at the keyboard, and how to install it:
 * several lines without a newline at the end. The caller frees. */
char *usb_udev_advice(uint16_t vendor);

#endif
