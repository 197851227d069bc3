/*
 * The interfaces of a device in the mock /sys (simulator/sysfs.h): a directory each, with what
 * Linux shows of the alternate setting that is chosen (drivers/usb/core/sysfs.c).
 *
 *     .../usb1/1-3/1-3:1.0/bAlternateSetting     " 0"
 *     .../usb1/1-3/1-3:1.0/interface             its name, if it has one: iInterface's string
 */
#ifndef FIRN_SIMULATOR_SYSFS_INTERFACE_H
#define FIRN_SIMULATOR_SYSFS_INTERFACE_H

#include "simulator/sysfs.h"

/* "1-3:1.0"; of a root hub "1-0:1.0". The caller frees. */
char *sysfs_interface_name(const struct sysfs_device *device, unsigned number);

/* All of them, with alternate setting 0, in the directory of the device. */
bool sysfs_write_interfaces(const char *dir, const struct sysfs_device *device,
                            struct err **err) MUST_CHECK;

/* Another alternate setting, which there is, was chosen: what usb_set_interface() does to the tree
 * of `root`. The device is asked for its name. */
bool sysfs_choose(const char *root, const struct sysfs_device *device, unsigned number,
                  unsigned alt, struct err **err) MUST_CHECK;

#endif
