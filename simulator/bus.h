/*
 * A USB bus as the bench sees it: ports into which devices are plugged. What stands behind it is a
 * front-end: the mock bus of umockdev's preload library (simulator/umockdev.h), or the kernel's own
 * (simulator/vhci.h).
 */
#ifndef FIRN_SIMULATOR_BUS_H
#define FIRN_SIMULATOR_BUS_H

#include "base/err.h"
#include "simulator/port_path.h"
#include "simulator/usb.h"

struct bus {
    /* Plug a device into a port that is free. Hubs come this way too, each before what is in it; of
     * every bus that is used the root hub first (depth 0). The device is borrowed until it is
     * unplugged. ERR_USAGE: there is no such port, or it is taken. */
    bool (*plug)(void *data, const struct port_path *path, const struct usb_device *device,
                 struct err **err);
    /* Nothing happens if the port is free. The device stays valid as long as the bus. */
    bool (*unplug)(void *data, const struct port_path *path, struct err **err);
    void (*free)(void *data);
    void *data;
};

#endif
