/*
 * A USB bus for unmodified programs, by way of umockdev's preload library.
 *
 * A root directory holds a mock /sys and /dev (simulator/sysfs.h) and sockets. A program that runs
 * with UMOCKDEV_DIR=ROOT and LD_PRELOAD=libumockdev-preload.so.0 sees them in place of the real
 * ones, and its ioctls on a device node come to us (simulator/wire.h). It need not be our child,
 * and several may use one root at a time. Not reached: programs that are static or setuid.
 *
 * A device node is a FIFO of one page: with a byte in it poll() says "not writable", drained it
 * says "writable", which is how usbfs tells that a transfer can be reaped. (A regular file would
 * always be ready, and libusb would spin.)
 *
 *     umockdev_new(loop, root, &bus, &err);
 *     umockdev_plug(bus, &root_hub_path, &root_hub, &err);   // "usb1"
 *     umockdev_plug(bus, &path, &device, &err);              // "1-1"
 *     loop_run(loop, &err)...
 */
#ifndef FIRN_SIMULATOR_UMOCKDEV_H
#define FIRN_SIMULATOR_UMOCKDEV_H

#include "base/buf.h"
#include "base/err.h"
#include "simulator/bus.h"
#include "simulator/loop.h"
#include "simulator/port_path.h"
#include "simulator/usb.h"

#define UMOCKDEV_LIBRARY "libumockdev-preload.so.0"
#define UMOCKDEV_ROOT_MAX 64 /* bytes; socket paths below it must fit into 108 */

struct umockdev;

/* root: an existing empty directory, best on a tmpfs; it is the caller's to remove. */
bool umockdev_new(struct loop *loop, const char *root, struct umockdev **bus,
                  struct err **err) MUST_CHECK;
/* Programs that still have a device open are ended by their preload library. */
void umockdev_free(struct umockdev *bus);

/* Plug a device into a free port of a hub that is plugged in; a root hub (depth 0) makes its bus.
 * Borrowed until it is unplugged. ERR_USAGE: there is no such port, or it is taken, or the bus has
 * no address left. */
bool umockdev_plug(struct umockdev *bus, const struct port_path *path,
                   const struct usb_device *device, struct err **err) MUST_CHECK;
/* Nothing happens if the port is free. Until the last program has closed the device, its `device`
 * must stay valid. A hub with something in it is not unplugged (assert). */
bool umockdev_unplug(struct umockdev *bus, const struct port_path *path,
                     struct err **err) MUST_CHECK;

/* The same for a bench, which frees it. */
struct bus umockdev_bus(struct umockdev *bus);

/* Does the dynamic linker find this library (UMOCKDEV_LIBRARY)? Otherwise an error that names the
 * package to install. */
bool umockdev_check_library(const char *library, struct err **err) MUST_CHECK;

#endif
