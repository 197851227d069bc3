/*
 * What a simulated device and a simulated bus say to each other: control transfers on endpoint 0,
 * and bytes on the bulk endpoints of the devices that have some.
 *
 * Numbers in a struct usb_setup are in host byte order. Neither side knows how the other is made:
 * a device (simulator/sim_board.h) answers a setup packet with a struct usb_reply; a front-end
 * (simulator/umockdev.h) carries that to a program.
 */
#ifndef FIRN_SIMULATOR_USB_H
#define FIRN_SIMULATOR_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* USB 2.0, table 9-2. */
struct usb_setup {
    uint8_t request_type;
    uint8_t request;
    uint16_t value;
    uint16_t index;
    uint16_t length;
};

#define USB_DIR_IN 0x80
#define USB_TYPE_MASK 0x60
#define USB_TYPE_STANDARD 0x00
#define USB_TYPE_CLASS 0x20
#define USB_TYPE_VENDOR 0x40
#define USB_RECIPIENT_MASK 0x1F
#define USB_RECIPIENT_DEVICE 0
#define USB_RECIPIENT_INTERFACE 1
#define USB_RECIPIENT_ENDPOINT 2

/* Standard requests, USB 2.0, table 9-4. */
enum usb_request {
    USB_GET_STATUS = 0,
    USB_CLEAR_FEATURE = 1,
    USB_SET_FEATURE = 3,
    USB_GET_DESCRIPTOR = 6,
    USB_GET_CONFIGURATION = 8,
    USB_SET_CONFIGURATION = 9,
    USB_GET_INTERFACE = 10,
    USB_SET_INTERFACE = 11,
};

enum usb_descriptor_type {
    USB_DESCRIPTOR_DEVICE = 1,
    USB_DESCRIPTOR_CONFIGURATION = 2,
    USB_DESCRIPTOR_STRING = 3,
    USB_DESCRIPTOR_INTERFACE = 4,
    USB_DESCRIPTOR_ENDPOINT = 5,
    USB_DESCRIPTOR_DFU = 0x21, /* DFU 1.1, 4.1.3 */
};

enum usb_outcome {
    USB_DONE,
    USB_STALL,  /* the device refused: EPIPE */
    USB_BROKEN, /* garbled on the wire: EPROTO */
    USB_SILENT, /* no answer, ever: the host's timeout decides */
};

/* What happens to the device once the transfer is over. */
enum usb_event {
    USB_STAYS,
    USB_LEAVES,    /* disconnects and runs what was flashed */
    USB_RESTARTS,  /* disconnects and comes back after event_ms */
    USB_UNPLUGGED, /* somebody pulled the cable; back after event_ms, 0 = not by itself */
    USB_DETACHES,  /* disconnects and comes back in its bootloader */
};

struct usb_reply {
    enum usb_outcome outcome;
    size_t length;     /* bytes sent by an IN transfer, taken by an OUT transfer */
    uint64_t delay_us; /* from the setup packet to the end of the transfer */
    enum usb_event event;
    uint32_t event_ms;
};

#define USB_CONTROL_MAX 4096 /* bytes in one transfer: more than any board's wTransferSize */

/* A device as a front-end sees it. Everything is borrowed and outlives its time on the bus. */
struct usb_device {
    /* `out` holds setup->length bytes of an OUT transfer, `in` has room for USB_CONTROL_MAX. */
    void (*control)(void *data, const struct usb_setup *setup, const uint8_t *out, uint8_t *in,
                    struct usb_reply *reply);
    /* After it the host configures the device again. One that is now another device answers that
     * with USB_SILENT and an event. */
    void (*bus_reset)(void *data);
    /* A transfer whose reply had an event is over; called outside of control(). */
    void (*event)(void *data, enum usb_event event, uint32_t event_ms);
    /* All NULL: there is no endpoint but 0. bulk_out: bytes that the host sent to an endpoint, all
     * of which are taken. bulk_in: bytes for the host, at most `room`; 0 = there are none now.
     * listen: fn(arg) is called when bulk_in may have some (again); fn NULL: not any more. */
    void (*bulk_out)(void *data, uint8_t endpoint, const uint8_t *bytes, size_t len);
    size_t (*bulk_in)(void *data, uint8_t endpoint, uint8_t *bytes, size_t room);
    void (*listen)(void *data, void (*fn)(void *arg), void *arg);
    /* Append a string (by the index that a descriptor has for it) in UTF-8, as the kernel reads and
     * keeps it when it configures the device. That is the kernel's business: nothing counts it and
     * no fault acts on it. False: there is none, or no answer. NULL: no interface has a name. */
    bool (*string)(void *data, uint8_t index, struct buf *out);
    void *data;
    const uint8_t *descriptors; /* the device descriptor, then its one configuration */
    size_t descriptors_len;
    const char *manufacturer, *product, *serial; /* serial may be NULL */
    unsigned hub_ports;                          /* of a hub; 0: it is none */
};

#endif
