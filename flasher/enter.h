/*
 * Entering the bootloader: from a board that runs its program to one in DFU mode.
 *
 *     enum enter_method ways[ENTER_WAYS_MAX];
 *     size_t count = enter_ways(entry, ways);       // 0: no way is known
 *     if (!enter_run(usb, entry, ENTER_AUTO, &way, &err)) ...
 *     // now it disconnects and comes back on the same port in DFU mode: presence_wait()
 */
#ifndef FIRN_FLASHER_ENTER_H
#define FIRN_FLASHER_ENTER_H

#include "flasher/usb.h"

enum enter_method {
    ENTER_NONE,      /* only boards that are in DFU mode already */
    ENTER_AUTO,      /* enter_ways(), one after the other until one goes well */
    ENTER_DETACH,    /* DFU 1.1, 5.1: DETACH to the runtime interface, then a USB reset if needed */
    ENTER_REPL,      /* machine.bootloader() at MicroPython's prompt */
    ENTER_TOUCH1200, /* open the port at 1200 baud and close it */
};
#define ENTER_WAYS_MAX 3

/* "auto", "detach", "repl", "touch1200", "none". */
bool enter_method_parse(const char *text, enum enter_method *method);
const char *enter_method_label(enum enter_method method);

/* What this device can do by what its descriptors, its serial port and the quirk table say, best
 * first: DETACH, the REPL, the touch; nothing for a device in DFU mode. Sends nothing. */
size_t enter_ways(const struct usb_entry *entry, enum enter_method ways[ENTER_WAYS_MAX]);

/* The serial port that hangs on this USB device ("/dev/ttyACM0"), from sysfs; the one of the lowest
 * interface of several; NULL = none. The caller frees. */
char *enter_serial_port(const struct usb_entry *entry);
/* The same below another directory than "/sys", for the device on this port path. */
char *enter_serial_port_in(const char *sysfs, const char *path);

/* Tell the board. Success: it was told, and may be gone already. May be called from a task
 * (task.h), where it lets other tasks run while it waits, but for a USB reset. Each way but
 * ENTER_AUTO is tried whatever enter_ways() says; *way is the one that went well. Errors name the
 * way and the serial port, what was tried, what came back (printable, cut) and the next step. */
bool enter_run(struct usb *usb, const struct usb_entry *entry, enum enter_method method,
               enum enter_method *way, struct err **err) MUST_CHECK;

/* ENTER_REPL on this serial port. */
bool enter_repl(const char *port, struct err **err) MUST_CHECK;

#endif
