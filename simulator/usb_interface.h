/*
 * What a simulated device's descriptors say of its interfaces: for front-ends, which know a device
 * by struct usb_device alone.
 */
#ifndef FIRN_SIMULATOR_USB_INTERFACE_H
#define FIRN_SIMULATOR_USB_INTERFACE_H

#include "simulator/usb.h"

/* bNumInterfaces; they are numbered from 0. */
unsigned usb_interface_count(const struct usb_device *device);
/* The interface descriptor (USB 2.0, 9.6.5) of an alternate setting; NULL: there is none. */
const uint8_t *usb_interface_find(const struct usb_device *device, unsigned number, unsigned alt);
/* The address of the first endpoint of a kind (bmAttributes & 3: 2 = bulk, 3 = interrupt) and
 * direction (USB_DIR_IN or 0) of alternate setting 0; 0: there is none. */
uint8_t usb_interface_endpoint(const struct usb_device *device, unsigned number, unsigned kind,
                               uint8_t direction);
/* The number of the interface that has an endpoint (in any alternate setting); -1: none has. */
int usb_interface_of_endpoint(const struct usb_device *device, uint8_t address);
/* The driver that Linux binds to it, as in /sys/bus/usb/drivers; NULL: none. */
const char *usb_interface_driver(const uint8_t *interface);

#endif
