/*
 * A board that runs what was flashed, as USB sees it: MicroPython's virtual serial port (CDC ACM,
 * interfaces 0 and 1), a DFU interface in runtime mode, or both.
 *
 * The serial port's other end is a small REPL (simulator/board_repl.h), or what was flashed, in
 * QEMU. As MicroPython on STM32 does, it sends nothing until a host has set DTR, and then only
 * after some milliseconds, in which the host can turn off its terminal's echo; a host that drops
 * DTR at 1200 baud sends the board into its bootloader. The DFU interface does what DFU 1.1, 5 and
 * A.1 say: DETACH, then either the device leaves the bus itself or the host resets it in time.
 *
 *     runtime_init(&runtime, model, serial, options, clock, on_event, data);
 *     runtime_boot(&runtime);          // at each plugging in
 *     runtime_stop(&runtime);          // off the bus: no more timers
 *     runtime_release(&runtime);
 *
 * May not move in memory in between.
 */
#ifndef FIRN_SIMULATOR_RUNTIME_H
#define FIRN_SIMULATOR_RUNTIME_H

#include "simulator/board_emulator.h"
#include "simulator/board_model.h"
#include "simulator/board_repl.h"
#include "simulator/clock.h"
#include "simulator/nor.h"
#include "simulator/runtime_options.h"
#include "simulator/usb.h"
#include "simulator/usb_identity.h"

/* The board goes to its bootloader (USB_DETACHES) or starts again (USB_RESTARTS). */
typedef void (*runtime_event_fn)(void *data, enum usb_event event);

struct runtime {
    struct runtime_options options;
    const struct sim_clock *clock;
    runtime_event_fn on_event;
    void *data;
    struct usb_identity identity;
    struct buf descriptors;
    struct board_repl repl;
    /* For BOARD_PROGRAM_FLASHED: what is run, on which machine of QEMU's; borrowed. */
    const struct nor *flash;
    const char *machine;
    struct board_emulator *emulator; /* NULL: it does not run */
    uint8_t
        line_coding[7]; /* CDC PSTN 1.2, 6.3.11: dwDTERate, bCharFormat, bParityType, bDataBits */
    bool dtr;
    bool may_talk; /* DTR has been set for long enough */
    void (*readable)(void *arg);
    void *readable_arg;
    bool detaching; /* DFU: appDETACH ... */
    uint64_t detach_until_us;
};

/* Everything is borrowed. The options may be changed with runtime_configure() while it is off the
 * bus. */
void runtime_init(struct runtime *runtime, const struct board_model *model, const char *serial,
                  const struct sim_clock *clock, runtime_event_fn on_event, void *data);
void runtime_configure(struct runtime *runtime, const struct board_model *model,
                       const struct runtime_options *options);
void runtime_release(struct runtime *runtime);
void runtime_boot(struct runtime *runtime);
void runtime_stop(struct runtime *runtime);
/* started: it is on the bus, and starts again with that program. */
void runtime_set_program(struct runtime *runtime, enum board_program program, bool started);

/* What struct usb_device calls; see there. */
void runtime_control(struct runtime *runtime, const struct usb_setup *setup, const uint8_t *out,
                     uint8_t *in, struct usb_reply *reply);
void runtime_bus_reset(struct runtime *runtime);
void runtime_bulk_out(struct runtime *runtime, uint8_t endpoint, const uint8_t *bytes, size_t len);
size_t runtime_bulk_in(struct runtime *runtime, uint8_t endpoint, uint8_t *bytes, size_t room);
void runtime_listen(struct runtime *runtime, void (*fn)(void *arg), void *arg);

/* bState: "appIDLE" or "appDETACH". */
const char *runtime_state(const struct runtime *runtime);

#endif
