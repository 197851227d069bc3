/*
 * A port of the simulated bus and the board in it: bootloader, faults, counters.
 *
 * The port is what a front-end plugs in and out (port->device) and what the control socket talks
 * about. It decides which faults act on a transfer; the bootloader itself stays free of them but
 * for the sabotage of its work.
 *
 *     port_init(&port, 0, model, timing, &clock);
 *     if (!port_open(&port, flash_path, &err)) ...
 *     port_power_on(&port);            // at each plugging in
 *     port_release(&port);
 *
 * A port may not move in memory between init and release.
 */
#ifndef FIRN_SIMULATOR_PORT_H
#define FIRN_SIMULATOR_PORT_H

#include <jansson.h>

#include "base/buf.h"
#include "simulator/dfu_device.h"
#include "simulator/fault.h"
#include "simulator/port_path.h"
#include "simulator/sim_board.h"
#include "simulator/usb.h"

struct port {
    unsigned index; /* boards count from 0 */
    struct port_path path;
    bool plugged; /* kept by whoever plugs (simulator/bench.c) */
    bool running; /* it left the bootloader and runs what was flashed */
    struct sim_board board;
    struct dfu_device dfu;
    struct faults faults;
    uint64_t transfers;
    struct buf descriptors;
    struct usb_device device; /* event is set by whoever plugs ... */
    void *owner;              /* ... and this is theirs */
    uint32_t replug_ms;       /* when it is plugged in again after a restart; 0 = not by itself */
};

void port_init(struct port *port, unsigned index, const struct board_model *model,
               enum board_timing_kind timing, const struct sim_clock *clock);
/* See sim_board_open(). */
bool port_open(struct port *port, const char *flash_path, struct err **err) MUST_CHECK;
void port_release(struct port *port);

/* The board has power and is in its bootloader. */
void port_power_on(struct port *port);

/* What the control command "status" tells of a port (docs/simulator.md); the caller's reference. */
json_t *port_status(const struct port *port);
/* What "status" counts begins at 0 again. */
void port_reset_counters(struct port *port);

#endif
