/*
 * Which program has claimed which interface of a device, and who may send what because of that: the
 * rules of Linux's usbfs (drivers/usb/core/devio.c and driver.c).
 *
 * An owner is an open file, known by its address. Numbers are what the ioctls return: 0 or -errno.
 */
#ifndef FIRN_SIMULATOR_CLAIMS_H
#define FIRN_SIMULATOR_CLAIMS_H

#include <linux/usbdevice_fs.h>

#include "simulator/usb.h"

#define CLAIMS_INTERFACES 8

struct claims {
    const struct usb_device *device;
    bool configured; /* otherwise it has no interfaces */
    bool driven;     /* the kernel's own drivers are bound to the interfaces that they know */
    const void *owner[CLAIMS_INTERFACES];
    uint8_t alt[CLAIMS_INTERFACES]; /* the alternate setting that is chosen */
    /* Another one is chosen from now on. May be NULL. */
    void (*chosen)(void *data, unsigned interface, unsigned alt);
    void *data;
};

/* Is there such an interface now? */
bool claims_has(const struct claims *claims, unsigned interface);
/* EINVAL: beyond what Linux can count; ENOENT: there is none; EBUSY: somebody else's. */
int claims_take(struct claims *claims, const void *owner, unsigned interface);
/* EINVAL: not the owner's. The device goes back to alternate setting 0, as Linux does it. */
int claims_release(struct claims *claims, const void *owner, unsigned interface);
/* Whoever owns it; a driver lets go of all its interfaces. False: nobody does. */
bool claims_expel(struct claims *claims, unsigned interface);
/* All of an owner's; NULL: everybody's. */
void claims_release_all(struct claims *claims, const void *owner);
/* The device has taken a SET_INTERFACE: usb_set_interface(). */
void claims_choose(struct claims *claims, unsigned interface, unsigned alt);
/* The kernel's driver takes its interfaces back. EBUSY: they are not free. */
int claims_attach(struct claims *claims, unsigned interface);
/* USBDEVFS_IOCTL: one of the two above for one interface. */
int claims_drive(struct claims *claims, const struct usbdevfs_ioctl *given);
/* USBDEVFS_DISCONNECT_CLAIM: from whoever has it, if the flags do not spare that. */
int claims_take_from(struct claims *claims, const void *owner,
                     const struct usbdevfs_disconnect_claim *given);
bool claims_any(const struct claims *claims);
/* Who owns an interface: "usbfs", a driver such as "cdc_acm"; NULL: nobody. */
const char *claims_driver(const struct claims *claims, unsigned interface);

/* May this owner send that? A request to an interface, or an endpoint of one, claims it. */
int claims_check(struct claims *claims, const void *owner, const struct usb_setup *setup);
/* The same for an endpoint by its address. */
int claims_check_endpoint(struct claims *claims, const void *owner, unsigned address);

/* A request of the kernel's own, outside of the queue. */
bool claims_tell_device(const struct usb_device *device, const struct usb_setup *setup);
/* Choose configuration 1: what enumeration ends with. */
bool claims_enumerate(const struct usb_device *device);

#endif
