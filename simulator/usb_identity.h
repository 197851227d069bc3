/*
 * What every device answers on endpoint 0, whatever else it is: descriptors, strings, configuration
 * (USB 2.0, chapter 9). For devices with one configuration whose descriptors are ready-made: hubs
 * and running boards.
 */
#ifndef FIRN_SIMULATOR_USB_IDENTITY_H
#define FIRN_SIMULATOR_USB_IDENTITY_H

#include "simulator/usb.h"

#define USB_IDENTITY_STRINGS 3

/* Borrows everything. */
struct usb_identity {
    const uint8_t *descriptors; /* as in struct usb_device */
    size_t descriptors_len;
    const char *strings[USB_IDENTITY_STRINGS]; /* index 1..; ASCII; NULL: there is none */
    bool self_powered;
    uint8_t configuration; /* what SET_CONFIGURATION left */
};

/* Answer a standard request; *reply is USB_DONE with no data on entry. */
void usb_identity_control(struct usb_identity *identity, const struct usb_setup *setup, uint8_t *in,
                          struct usb_reply *reply);

#endif
