/*
 * The mock /sys and /dev of one simulated USB bus, as libudev and libusb read them.
 *
 *     ROOT/sys/devices/platform/firn-sim/usb1           the root hub
 *     ROOT/sys/devices/platform/firn-sim/usb1/1-3       the device in port 3
 *     ROOT/sys/bus/usb/devices/                         links to both
 *     ROOT/dev/bus/usb/001/007                          its node: a FIFO (see umockdev.h)
 *     ROOT/ioctl/dev/bus/usb/001/007                    the socket of that node's ioctls
 *
 * A device appears and disappears by rename(): a program that is scanning the tree never sees half
 * of one. Nodes and sockets belong to umockdev.c; only their directories are made here.
 */
#ifndef FIRN_SIMULATOR_SYSFS_H
#define FIRN_SIMULATOR_SYSFS_H

#include "base/buf.h"
#include "base/err.h"
#include "simulator/usb.h"

#define SYSFS_PORTS 31 /* ports of the root hub, as many as Linux allows (USB_MAXCHILDREN) */
#define SYSFS_ADDRESSES 127

/* Make the tree with its root hub (address 1) in an existing empty directory. */
bool sysfs_init(const char *root, struct err **err) MUST_CHECK;

/* A device in a port (1..31) with a bus address (2..127). */
bool sysfs_add(const char *root, unsigned port, unsigned address, const struct usb_device *device,
               struct err **err) MUST_CHECK;
bool sysfs_remove(const char *root, unsigned port, struct err **err) MUST_CHECK;

/* "ROOT/dev/bus/usb/001/007", "ROOT/ioctl/dev/bus/usb/001/007"; the caller frees. */
char *sysfs_node_path(const char *root, unsigned address);
char *sysfs_socket_path(const char *root, unsigned address);

/* Append a kernel uevent for a device: "add@/devices/...", then NUL-terminated properties.
 * action is "add" or "remove"; seqnum counts up from 1. */
void sysfs_add_uevent(const char *action, unsigned port, unsigned address,
                      const struct usb_device *device, uint64_t seqnum, struct buf *out);

#endif
