/*
 * What the kernel keeps of the USB devices (sysfs): reading it talks to no device.
 *
 * `path` is a port path ("1-1.4"), as in struct usb_entry.
 */
#ifndef FIRN_FLASHER_KEPT_H
#define FIRN_FLASHER_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* An attribute's bytes ("descriptors"), appended. */
bool kept_bytes(const char *path, const char *name, struct buf *out);
/* An attribute that is text ("serial"), printable; NULL = not there. The caller frees. */
char *kept_text(const char *path, const char *name);
/* The name of an interface (printable, the caller frees; NULL = none) and the number of its
 * alternate setting that is chosen. */
char *kept_interface(const char *path, uint8_t interface, int *alt);

#endif
