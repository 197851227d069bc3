/*
 * The mock /sys and /dev of a simulated USB, as libusb, udev and lsusb expect them.
 *
 *     ROOT/sys/devices/platform/firn-sim/usb1             the root hub of bus 1
 *     ROOT/sys/devices/platform/firn-sim/usb1/1-3         the device in its port 3
 *     ROOT/sys/devices/platform/firn-sim/usb1/1-3/1-3.2   in port 2, if that is a hub
 *     ROOT/sys/bus/usb/devices/                           links to all, and to their interfaces
 *     ROOT/dev/bus/usb/001/007                            a node: a FIFO (see umockdev.h)
 *     ROOT/ioctl/dev/bus/usb/001/007                      the socket of that node's ioctls
 *
 * A device appears and disappears by rename(): a program that is scanning the tree never sees half
 * of one. Nodes and sockets belong to umockdev.c; only their directories are made here.
 */
#ifndef FIRN_SIMULATOR_SYSFS_H
#define FIRN_SIMULATOR_SYSFS_H

#include "base/buf.h"
#include "base/err.h"
#include "simulator/port_path.h"
#include "simulator/usb.h"

#define SYSFS_ADDRESSES 127
#define SYSFS_CONTROLLER "/devices/platform/firn-sim" /* below it the devices */

/* A device's time on the bus. */
struct sysfs_device {
    struct port_path path; /* depth 0: a root hub */
    unsigned address;      /* 1 for the root hub, 2..127 */
    const struct usb_device *device;
};

/* Make the tree, without a bus, in an existing empty directory. */
bool sysfs_init(const char *root, struct err **err) MUST_CHECK;

/* Make the directories of a bus's nodes and sockets. */
bool sysfs_add_bus(const char *root, unsigned bus, struct err **err) MUST_CHECK;

/* Add a device; the hub that it is in is there. */
bool sysfs_add(const char *root, const struct sysfs_device *device, struct err **err) MUST_CHECK;
/* With everything below it in the tree. */
bool sysfs_remove(const char *root, const struct sysfs_device *device, struct err **err) MUST_CHECK;

/* Say whether the device is in its configuration. The directories of its interfaces stay. */
bool sysfs_configure(const char *root, const struct sysfs_device *device, bool configured,
                     struct err **err) MUST_CHECK;

/* "ROOT/dev/bus/usb/001/007", "ROOT/ioctl/dev/bus/usb/001/007"; the caller frees. */
char *sysfs_node_path(const char *root, const struct sysfs_device *device);
char *sysfs_socket_path(const char *root, const struct sysfs_device *device);

/* Append a kernel uevent for a device: "add@/devices/...", then NUL-terminated properties.
 * action is "add" or "remove"; seqnum counts up from 1. */
void sysfs_add_uevent(const char *action, const struct sysfs_device *device, uint64_t seqnum,
                      struct buf *out);

/* ---- for what hangs on an interface (simulator/sysfs_tty.c) ---- */

/* Attributes written one after another; after a failure the rest is skipped. */
struct sysfs_attributes {
    const char *dir;
    bool ok;
    struct err **err;
};

/* Write a line to a file of the directory; make a link in it. */
void sysfs_attribute(struct sysfs_attributes *a, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void sysfs_link(struct sysfs_attributes *a, const char *name, const char *target);
/* Like sysfs_add_uevent(): properties are lines, of which the last has no newline. */
void sysfs_format_uevent(const char *action, const char *devpath, const char *subsystem,
                         uint64_t seqnum, const char *properties, struct buf *out);
/* The relative target of a link in the directory /sys/DEVPATH to /sys/TARGET; the caller frees. */
char *sysfs_climb(const char *devpath, const char *target);
/* "/devices/platform/firn-sim/usb1/1-3"; the caller frees. */
char *sysfs_devpath(const struct sysfs_device *device);
/* Give up a directory at once, then remove what was in it; not there: an error. */
bool sysfs_remove_dir(const char *root, const char *dir, struct err **err) MUST_CHECK;

#endif
