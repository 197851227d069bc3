/*
 * The endpoints of one device other than 0: bytes to it, which it takes at once, and from it, for
 * which a transfer waits until the device has some.
 *
 * Bulk and interrupt endpoints are the same here: an interrupt endpoint on which the device never
 * has anything to say leaves its transfers pending until they are cancelled. A transfer in ends
 * with the bytes that there are, as if a short packet had followed them.
 *
 * A transfer belongs to whoever submitted it again as soon as its `done` is called, which happens
 * exactly once and maybe before bulk_submit() returns. From inside `done` anything may be called.
 *
 *     bulk_init(&bulk, &device);             // the device's only listener from now on
 *     bulk_submit(&bulk, &transfer); ... bulk_cancel(&bulk, &transfer, -ECONNRESET);
 *     bulk_disconnect(&bulk);
 */
#ifndef FIRN_SIMULATOR_BULK_H
#define FIRN_SIMULATOR_BULK_H

#include "simulator/usb.h"

struct bulk_transfer {
    uint8_t address; /* bEndpointAddress */
    uint8_t *data;   /* borrowed: what goes out, or room for what comes in */
    size_t length;
    void (*done)(struct bulk_transfer *transfer);
    void *arg;
    int status;    /* once done: 0 or -errno, as the kernel reports it */
    size_t actual; /* once done: bytes that went over the bus */
    struct bulk_transfer *next;
};

struct bulk {
    const struct usb_device *device;
    struct bulk_transfer *waiting; /* all of them in, in the order in which they were submitted */
    bool gone;
};

/* The device is borrowed. It may have no such endpoints. */
void bulk_init(struct bulk *bulk, const struct usb_device *device);
/* All but status, actual and next is set. Ends with EPIPE if the device has no such endpoint. */
void bulk_submit(struct bulk *bulk, struct bulk_transfer *transfer);
/* End one that is pending with this status (negative errno). */
void bulk_cancel(struct bulk *bulk, struct bulk_transfer *transfer, int status);
/* The device is gone: everything ends with ESHUTDOWN, also what is submitted later. */
void bulk_disconnect(struct bulk *bulk);

#endif
