/*
 * What Linux does behind /dev/bus/usb/BBB/DDD (drivers/usb/core/devio.c), for control transfers.
 *
 * A node is one device's time on the bus; a file is one program's open descriptor on it. A node
 * lives until it is disconnected and its last file is closed. Endpoint 0 serves one transfer at a
 * time, in the order of submission, whoever submitted it.
 *
 *     node = usbfs_node_new(&device, clock, on_ready, data);
 *     usbfs_open(node, loop, socket);      // for each program that connects
 *     usbfs_node_disconnect(node);         // gone as soon as the last file is closed
 */
#ifndef FIRN_SIMULATOR_USBFS_H
#define FIRN_SIMULATOR_USBFS_H

#include <stdbool.h>

#include "simulator/clock.h"
#include "simulator/loop.h"
#include "simulator/usb.h"

struct usbfs_node;
struct usbfs_node_ops {
    /* Some file of the node now has (or no longer has) a transfer to reap. Not called twice with
     * the same value; false at the beginning. */
    void (*ready)(void *data, bool ready);
    /* A program has chosen another configuration; 0: none. */
    void (*configured)(void *data, unsigned value);
    /* Another alternate setting of an interface is chosen. */
    void (*chosen)(void *data, unsigned interface, unsigned alt);
    /* A program detached the kernel's drivers from the device, or gave it back to them. */
    void (*driven)(void *data, bool driven);
    /* The node is freed. */
    void (*freed)(void *data);
};

/* Put a device, in configuration 1, on the bus. It and the clock are borrowed. */
struct usbfs_node *usbfs_node_new(const struct usb_device *device, unsigned address,
                                  const struct sim_clock *clock, const struct usbfs_node_ops *ops,
                                  void *data);
/* The device is gone: pending transfers end with ESHUTDOWN, calls fail with ENODEV, and what was
 * complete can still be reaped. */
void usbfs_node_disconnect(struct usbfs_node *node);
/* A program opened the node; takes the socket. */
void usbfs_open(struct usbfs_node *node, struct loop *loop, int socket);
/* Disconnect, and close every file without a word to its program: the end of the simulation. */
void usbfs_node_free(struct usbfs_node *node);

#endif
