#include "simulator/plugging.h"

#include <stdio.h>

/* From a device's last transfer to its disconnection: time for the host to read the answer. */
#define LEAVE_US 1000

static struct plugging *plugging_of(const struct port *port)
{
    return port->owner;
}

bool plugging_plug(struct port *port, struct err **err)
{
    const struct plugging *plugging = plugging_of(port);
    clock_cancel(plugging->clock, port);
    if (port->plugged)
        return true;
    if (port->running)
        port_run(port);
    else
        port_power_on(port);
    const struct usb_device *device = port_device(port);
    if (!device)
        return true;
    if (!plugging->bus.plug(plugging->bus.data, &port->path, device, err))
        return false;
    port->plugged = true;
    return true;
}

bool plugging_unplug(struct port *port, struct err **err)
{
    const struct plugging *plugging = plugging_of(port);
    clock_cancel(plugging->clock, port);
    if (!plugging->bus.unplug(plugging->bus.data, &port->path, err))
        return false;
    port->plugged = false;
    port_power_off(port);
    return true;
}

bool plugging_reset(struct port *port, struct err **err)
{
    if (!plugging_unplug(port, err))
        return false;
    port->running = port_has_program(port, false);
    return plugging_plug(port, err);
}

bool plugging_move(struct port *port, const struct port_path *path, struct err **err)
{
    const struct port_path from = port->path;
    if (!plugging_unplug(port, err))
        return false;
    port->path = *path;
    if (plugging_plug(port, err))
        return true;
    _cleanup_err_ struct err *ignored = NULL;
    port->path = from;
    if (!plugging_plug(port, &ignored))
        err_wrap(err, "the board is off the bus");
    return false;
}

/* ---- events --------------------------------------------------------------------------------- */

/* Where there is nobody to answer: tell the person at the terminal. */
static void report(bool ok, struct err *err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (ok)
        return;
    err_format(err, &text);
    fprintf(stderr, "%s", text.data);
    err_free(err);
}

static void plug_now(void *arg)
{
    struct err *err = NULL;
    report(plugging_plug(arg, &err), err);
}

static bool unplug_now(struct port *port)
{
    struct err *err = NULL;
    bool ok = plugging_unplug(port, &err);
    report(ok, err);
    return ok;
}

static void come_back(struct port *port, bool running, uint64_t after_us)
{
    port->running = running;
    clock_after(plugging_of(port)->clock, after_us, plug_now, port);
}

static void leave(void *arg)
{
    struct port *port = arg;
    bool program = port_has_program(port, true);
    uint64_t boot_us = plugging_of(port)->boot_us;
    if (!unplug_now(port))
        return;
    port->running = true;
    if (port->after_leave == AFTER_LEAVE_LOST)
        return;
    if (port->after_leave == AFTER_LEAVE_MOVE)
        port->path = port->move_to;
    bool nowhere = port->runtime.options.kind == RUNTIME_NONE;
    if (port->after_leave == AFTER_LEAVE_BOOTLOADER || (!program && !nowhere))
        come_back(port, false, boot_us);
    else
        come_back(port, true, boot_us);
}

static void detach(void *arg)
{
    struct port *port = arg;
    if (unplug_now(port))
        come_back(port, false, plugging_of(port)->boot_us);
}

static void restart(void *arg)
{
    struct port *port = arg;
    bool runs = port->running && port_has_program(port, false);
    if (unplug_now(port))
        come_back(port, runs, port->event_ms * UINT64_C(1000));
}

void plugging_on_event(void *data, enum usb_event event, uint32_t event_ms)
{
    struct port *port = data;
    const struct sim_clock *clock = plugging_of(port)->clock;
    port->event_ms = event_ms;
    switch (event) {
    case USB_LEAVES:
        clock_after(clock, LEAVE_US, leave, port);
        break;
    case USB_DETACHES:
        clock_after(clock, LEAVE_US, detach, port);
        break;
    case USB_RESTARTS:
        clock_after(clock, LEAVE_US, restart, port);
        break;
    case USB_UNPLUGGED:
        if (unplug_now(port) && event_ms > 0)
            come_back(port, port->running, event_ms * UINT64_C(1000));
        break;
    case USB_STAYS:
        break;
    }
}
