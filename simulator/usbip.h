/*
 * One simulated device at the end of one USB/IP connection, in the phase in which it is used.
 *
 * Whoever is at the other end is the host controller: Linux's vhci-hcd (simulator/vhci.h), or a
 * unit test. Everything that the host's USB stack asks for, enumeration included, is answered by
 * the device, and so is what its drivers send to other endpoints than 0; only SET_ADDRESS does not
 * travel. Closing the connection unplugs the device.
 *
 * USB/IP has no message for a bus reset. Linux asks for 64 bytes of device descriptor, which has
 * 18, first thing after a reset and at no other time, so that request is taken for one once the
 * device is configured. (Before, it has just been powered on.)
 *
 *     usbip = usbip_new(loop, socket, &device, &ops, data);
 *     usbip_disconnect(usbip);      // from anywhere, also from the device's event()
 *     usbip_free(usbip);            // from the outside only
 */
#ifndef FIRN_SIMULATOR_USBIP_H
#define FIRN_SIMULATOR_USBIP_H

#include "simulator/loop.h"
#include "simulator/usb.h"

struct usbip;
struct usbip_ops {
    /* The host has put the device into a configuration: it can be used. Not called twice. */
    void (*configured)(void *data);
    /* The other end closed the connection (reason NULL), or sent what cannot be understood, or does
     * not read its answers. It is disconnected already. */
    void (*closed)(void *data, const struct err *reason);
};

/* Takes the socket, connected, a stream. The device is borrowed. */
struct usbip *usbip_new(struct loop *loop, int socket, const struct usb_device *device,
                        const struct usbip_ops *ops, void *data);
/* Close the connection; pending transfers end without an answer. No callback comes after it. */
void usbip_disconnect(struct usbip *usbip);
/* Disconnect and free. Not from inside a callback of the device or of this connection. */
void usbip_free(struct usbip *usbip);

#endif
