/*
 * A USB device's terminal in the mock /sys and /dev (simulator/sysfs.h):
 *
 *     ROOT/sys/devices/.../1-3/1-3:1.0/tty/ttyACM0      below interface 0 of its device
 *     ROOT/sys/class/tty/ttyACM0                        a link to that
 *     ROOT/dev/ttyACM0                                  a link to /dev/pts/N
 */
#ifndef FIRN_SIMULATOR_SYSFS_TTY_H
#define FIRN_SIMULATOR_SYSFS_TTY_H

#include "simulator/sysfs.h"

/* terminal: "/dev/pts/5"; number: of ttyACMn. */
bool sysfs_tty_add(const char *root, const struct sysfs_device *device, unsigned number,
                   const char *terminal, struct err **err) MUST_CHECK;
/* Before the device is removed. */
bool sysfs_tty_remove(const char *root, const struct sysfs_device *device, unsigned number,
                      struct err **err) MUST_CHECK;
/* See sysfs_add_uevent(). */
void sysfs_tty_add_uevent(const char *action, const struct sysfs_device *device, unsigned number,
                          uint64_t seqnum, struct buf *out);

#endif
