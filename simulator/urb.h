/*
 * The transfers of one open file of usbfs: USBDEVFS_SUBMITURB, REAPURBNDELAY, DISCARDURB, CONTROL.
 *
 * Calls return what the ioctl returns (0 or more, or -errno), or URB_WAITS when wire_done() will be
 * called later: because the program's memory has to be read first, or because it waits for the
 * device. One call at a time, as the wire has it.
 */
#ifndef FIRN_SIMULATOR_URB_H
#define FIRN_SIMULATOR_URB_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "simulator/endpoint.h"
#include "simulator/wire.h"

#define URB_WAITS INT_MIN

struct urb;
struct urbs {
    struct endpoint *endpoint;
    struct wire *wire; /* NULL once the file is being closed */
    /* May this file send that? 0 or -errno. */
    int (*check)(void *arg, const struct usb_setup *setup);
    /* urbs_reapable() may have changed. */
    void (*changed)(void *arg);
    /* The device did what urbs_request() asked for. */
    void (*requested)(void *arg, const struct usb_setup *setup);
    void *arg;
    struct urb *first;  /* with the device, in order of submission */
    struct urb *done;   /* can be reaped, in order of completion */
    struct urb *parsed; /* the one whose pieces are being fetched */
};

/* `given`: a struct usbdevfs_urb, which is at this address in the program's memory. */
int urbs_submit(struct urbs *urbs, const uint8_t *given, uint64_t address);
/* `given`: a struct usbdevfs_ctrltransfer. */
int urbs_control(struct urbs *urbs, const uint8_t *given);
/* A request without data on behalf of another ioctl. */
int urbs_request(struct urbs *urbs, const struct usb_setup *setup);
/* address: of the pointer that receives the URB's address. -EAGAIN: nothing is complete. */
int urbs_reap(struct urbs *urbs, uint64_t address);
/* address: the URB's. It completes with ENOENT; -EINVAL: it is not pending. */
int urbs_discard(struct urbs *urbs, uint64_t address);
bool urbs_reapable(const struct urbs *urbs);
/* Cancel and free all. */
void urbs_release(struct urbs *urbs);

#endif
