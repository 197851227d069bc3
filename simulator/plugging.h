/*
 * A board's comings and goings on a bus: plugged in by hand, or because it left its bootloader, was
 * reset, detached or lost its cable.
 *
 * What each event of struct usb_device leads to:
 *     USB_LEAVES     off the bus; after boot_us back as what runs, or as port->after_leave says
 *     USB_DETACHES   off the bus; after boot_us back in its bootloader
 *     USB_RESTARTS   off the bus; after the event's time back: in its bootloader if it was there,
 *                    otherwise as after power-on
 *     USB_UNPLUGGED  off the bus at once; after the event's time back as what it was; 0 = never
 * A board that has nothing to run is found in its bootloader instead of running.
 */
#ifndef FIRN_SIMULATOR_PLUGGING_H
#define FIRN_SIMULATOR_PLUGGING_H

#include "base/err.h"
#include "simulator/bus.h"
#include "simulator/clock.h"
#include "simulator/port.h"

/* Shared by the ports of a bus, whose owner this is. */
struct plugging {
    const struct sim_clock *clock;
    struct bus bus;
    uint64_t boot_us; /* from a disconnection until the board is back */
};

/* For port->device.event. */
void plugging_on_event(void *port, enum usb_event event, uint32_t event_ms);

/* Into its port, if it is not there: in its bootloader, or running, as port->running says. */
bool plugging_plug(struct port *port, struct err **err) MUST_CHECK;
/* Out of it; what it was about to do is forgotten. */
bool plugging_unplug(struct port *port, struct err **err) MUST_CHECK;
/* Power off and on: it runs its program, or is in its bootloader if it has none. */
bool plugging_reset(struct port *port, struct err **err) MUST_CHECK;
/* Into another port, as what it is. If that cannot be, nothing has changed. */
bool plugging_move(struct port *port, const struct port_path *path, struct err **err) MUST_CHECK;

#endif
