/*
 * A port of the simulated bus and the board in it: bootloader, what runs, faults, counters.
 *
 * The port is what a front-end plugs in and out (port_device()) and what the control socket talks
 * about. It decides which faults act on a transfer; the bootloader itself stays free of them but
 * for the sabotage of its work.
 *
 *     port_init(&port, 0, model, timing, &clock);
 *     if (!port_open(&port, flash_path, &err)) ...
 *     port_power_on(&port);            // at each plugging in: in the bootloader ...
 *     port_run(&port);                 // ... or running
 *     port_power_off(&port);
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
#include "simulator/runtime.h"
#include "simulator/sim_board.h"
#include "simulator/usb.h"

/* Where the board is found after it left its bootloader. */
enum after_leave {
    AFTER_LEAVE_RUN,        /* running, in the same port */
    AFTER_LEAVE_LOST,       /* nowhere */
    AFTER_LEAVE_BOOTLOADER, /* in its bootloader again, like parts that stay there until they lose
                               power */
    AFTER_LEAVE_MOVE,       /* running, in another port */
};

struct port {
    unsigned index; /* boards count from 0 */
    struct sim_board board;
    struct dfu_device dfu;
    struct runtime runtime;
    struct faults faults;
    uint64_t transfers;
    struct buf descriptors;
    struct buf serial;                /* the bootloader's, as Linux shows it */
    struct usb_device device;         /* the bootloader; event is set by whoever plugs ... */
    struct usb_device runtime_device; /* ... here too */
    bool running;                     /* it left the bootloader and runs what was flashed */

    /* Kept by whoever plugs (simulator/bench.c). */
    void *owner;
    struct port_path path;
    bool plugged;
    uint32_t event_ms; /* of the event that is being acted on */
    enum after_leave after_leave;
    struct port_path move_to;
};

void port_init(struct port *port, unsigned index, const struct board_model *model,
               enum board_timing_kind timing, const struct sim_clock *clock);
/* What the board is when it runs; RUNTIME_NONE without this. After device.event is set, off the
 * bus. */
void port_configure(struct port *port, const struct runtime_options *options);
/* See sim_board_open(). */
bool port_open(struct port *port, const char *flash_path, struct err **err) MUST_CHECK;
void port_release(struct port *port);

/* What it runs from now on; if it runs, it starts again with that, without leaving the bus.
 * ERR_USAGE: there is no QEMU machine for what was flashed on this model. */
bool port_set_program(struct port *port, enum board_program program, struct err **err) MUST_CHECK;

/* The board has power and is in its bootloader, or runs. */
void port_power_on(struct port *port);
void port_run(struct port *port);
/* It has no power, or no USB. */
void port_power_off(struct port *port);
/* What is to be plugged in: the bootloader, or what runs; NULL if that is not on the bus. */
const struct usb_device *port_device(const struct port *port);

/* Would the board run something? Told to leave its bootloader it jumps to the address that was set
 * last, after power-on to the start of its flash; erased bytes there are no program. Whether others
 * are one is not asked. */
bool port_has_program(const struct port *port, bool after_leave);

/* What the control command "status" tells of a port (docs/simulator.md); the caller's reference. */
json_t *port_status(const struct port *port);
/* What "status" counts begins at 0 again. */
void port_reset_counters(struct port *port);

#endif
