/*
 * A USB bus as the bench sees it: ports into which devices are plugged. What stands behind it is a
 * front-end: the mock bus of umockdev's preload library (simulator/umockdev.h), or the kernel's own
 * (simulator/vhci.h).
 */
#ifndef FIRN_SIMULATOR_BUS_H
#define FIRN_SIMULATOR_BUS_H

#include "base/err.h"
#include "simulator/usb.h"

struct bus {
    /* Plug a device into a port (from 1) that is free. Borrowed until it is unplugged. */
    bool (*plug)(void *data, unsigned port, const struct usb_device *device, struct err **err);
    /* Nothing happens if the port is free. The device stays valid as long as the bus. */
    bool (*unplug)(void *data, unsigned port, struct err **err);
    void (*free)(void *data);
    void *data;
};

#endif
