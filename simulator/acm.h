/*
 * What Linux makes of a device with a CDC ACM interface: a terminal, /dev/ttyACMn.
 *
 * It plays the kernel's driver cdc_acm. The terminal is a real pseudo-terminal, so that a program's
 * termios, poll() and blocking reads are the kernel's own; what a program writes goes to the
 * device's bulk endpoint and back. Opening it sets DTR, the last close drops it, and the line
 * coding follows the terminal's speed, each by the class request that cdc_acm sends.
 *
 *     driver = acm_driver_new(loop, &err);
 *     acm_new(driver, &device, &acm, &err); acm_terminal(acm); ... acm_free(acm);
 *     acm_driver_free(driver);
 */
#ifndef FIRN_SIMULATOR_ACM_H
#define FIRN_SIMULATOR_ACM_H

#include "base/err.h"
#include "simulator/loop.h"
#include "simulator/usb.h"

struct acm;
struct acm_driver;

/* One for all devices of a bus. NULL with *err set: the kernel has no inotify left for us. */
struct acm_driver *acm_driver_new(struct loop *loop, struct err **err) MUST_CHECK;
/* After its devices. */
void acm_driver_free(struct acm_driver *driver);

/* Does cdc_acm bind to this device? (Interface 0 is ACM and interface 1 has the data.) */
bool acm_is_one(const struct usb_device *device);

/* The device is borrowed and is one. */
bool acm_new(struct acm_driver *driver, const struct usb_device *device, struct acm **acm,
             struct err **err) MUST_CHECK;
/* Programs that have the terminal open see it hang up. */
void acm_free(struct acm *acm);

/* "/dev/pts/5": what /dev/ttyACMn stands for. */
const char *acm_terminal(const struct acm *acm);

#endif
