/*
 * A bootloader's descriptors and its answers to the standard requests of USB 2.0, chapter 9.
 */
#ifndef FIRN_SIMULATOR_USB_STANDARD_H
#define FIRN_SIMULATOR_USB_STANDARD_H

#include "base/buf.h"
#include "simulator/dfu_device.h"

/* Append the 18 bytes of the device descriptor (USB 2.0, 9.6.1). */
void usb_add_device_descriptor(const struct board_model *model, struct buf *out);
/* Append the configuration: one DFU interface, an alternate setting for each memory area, and, as
 * the ROM does it, one DFU functional descriptor behind them all (9.6.3, DFU 1.1, 4.2; of 7 bytes
 * for DFU 1.0, 4.1.3). */
void usb_add_configuration_descriptor(const struct board_model *model, struct buf *out);

/* Append a string as a host reads it, in UTF-8: a string descriptor is UTF-16 to it, also where the
 * device put something else. False: there is no such string. */
bool usb_add_text(const struct dfu_device *dfu, uint8_t index, struct buf *out);
/* The same for the serial number, which there is. */
void usb_add_serial(const struct dfu_device *dfu, struct buf *out);

/* Answer a standard request; *reply is USB_DONE with no data on entry. */
void usb_standard_control(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                          struct usb_reply *reply);

#endif
