/*
 * The kernel's own USB bus: boards plugged into Linux's vhci-hcd, the host controller of USB/IP.
 *
 * Every program of the machine sees them, without any preload library, and what it gets is what
 * Linux's USB stack does. The kernel takes the other end of a socket pair; no network is involved.
 * Needs root and the module vhci-hcd.
 *
 *     vhci_new(loop, vhci_attach_sysfs, NULL, &vhci, &err);
 *     vhci_plug(vhci, 1, &device, &err);
 *     vhci_wait(vhci, 10000, &err);       // until the kernel has enumerated what is plugged in
 */
#ifndef FIRN_SIMULATOR_VHCI_H
#define FIRN_SIMULATOR_VHCI_H

#include "simulator/bus.h"
#include "simulator/loop.h"

#define VHCI_HUB_PORTS 15 /* ports of one controller's USB 2 root hub (USBIP_VHCI_HC_PORTS) */

/* Hand a connected socket to the kernel, for a port as it counts them. 0, or an errno: EBUSY if the
 * port is not free yet. */
typedef int (*vhci_attach_fn)(void *data, unsigned kernel_port, int socket);

struct vhci;

/* By way of /sys/devices/platform/vhci_hcd.0/attach. data is not used. */
int vhci_attach_sysfs(void *data, unsigned kernel_port, int socket);
/* Is there a host controller, and may we use it? Otherwise an error with the next step. */
bool vhci_check(struct err **err) MUST_CHECK;

struct vhci *vhci_new(struct loop *loop, vhci_attach_fn attach, void *data);
/* Pulls every cable. */
void vhci_free(struct vhci *vhci);

/* See struct bus. Port N is port N of the first controller, N - 15 of the second ... */
bool vhci_plug(struct vhci *vhci, unsigned port, const struct usb_device *device,
               struct err **err) MUST_CHECK;
void vhci_unplug(struct vhci *vhci, unsigned port);
/* Run the loop until the host has configured every device that is plugged in, or somebody stops the
 * loop. ERR_DEVICE: one of them was not within the time. */
bool vhci_wait(struct vhci *vhci, unsigned timeout_ms, struct err **err) MUST_CHECK;

/* For a bench, which frees it. */
struct bus vhci_bus(struct vhci *vhci);

#endif
