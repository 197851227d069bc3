/*
 * A USB hub as a device: what a program that looks at one sees. The ports are the bus's own
 * business (simulator/bench.c plugs what is in them).
 *
 *     hub_init(&hub, 4, false); umockdev_plug(bus, &path, &hub.device, &err);
 */
#ifndef FIRN_SIMULATOR_HUB_H
#define FIRN_SIMULATOR_HUB_H

#include "simulator/usb.h"
#include "simulator/usb_identity.h"

#define HUB_DESCRIPTORS 43

struct hub {
    struct usb_device device;
    struct usb_identity identity;
    uint8_t descriptors[HUB_DESCRIPTORS];
};

/* A high-speed hub with 1..31 ports, or the root hub of a bus. May not move in memory afterwards.
 */
void hub_init(struct hub *hub, unsigned ports, bool root);

#endif
