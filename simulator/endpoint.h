/*
 * Endpoint 0 of one device on the bus: control transfers, one at a time, in order.
 *
 * A transfer belongs to whoever submitted it again as soon as its `done` is called, which happens
 * exactly once: when the device answered (after the answer's delay), when it is cancelled, or when
 * the device is disconnected. `done` may be called before endpoint_submit() returns.
 */
#ifndef FIRN_SIMULATOR_ENDPOINT_H
#define FIRN_SIMULATOR_ENDPOINT_H

#include "simulator/clock.h"
#include "simulator/usb.h"

struct endpoint;
struct transfer {
    struct usb_setup setup;
    void (*done)(struct transfer *transfer);
    void *arg;
    int status;    /* once done: 0 or -errno, as the kernel reports it */
    size_t actual; /* once done: bytes of data that went over the bus */
    struct transfer *next;
    struct endpoint *endpoint;
    struct usb_reply reply;
    uint8_t data[USB_CONTROL_MAX];
};

struct endpoint {
    const struct usb_device *device;
    const struct sim_clock *clock;
    struct transfer *head; /* the one that the device works on */
    bool gone;
};

/* setup, done, arg and the data of an OUT transfer are set. */
void endpoint_submit(struct endpoint *endpoint, struct transfer *transfer);
/* End it with this status (negative errno). What the device did already stays done. */
void endpoint_cancel(struct endpoint *endpoint, struct transfer *transfer, int status);
/* Everything ends with ESHUTDOWN, the last first as in Linux: before a bus reset. */
void endpoint_flush(struct endpoint *endpoint);
/* The device is gone: the same, and so ends whatever is submitted later. */
void endpoint_disconnect(struct endpoint *endpoint);

#endif
