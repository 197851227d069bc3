/*
 * Presence: what hangs on a USB port, and waiting until that is something else. A board disconnects
 * and comes back as another device on the same port when it enters or leaves its bootloader.
 *
 *     struct usb_list now = USB_LIST_INIT;
 *     long long deadline_us = task_now_us() + 5000000;
 *     if (presence_wait(usb, &before, "1-1.4", PRESENCE_DFU, deadline_us, &now, &err))
 *         ... &now.entries[0] ...
 *     usb_list_release(&now);
 */
#ifndef FIRN_FLASHER_PRESENCE_H
#define FIRN_FLASHER_PRESENCE_H

#include "flasher/usb.h"

enum presence {
    PRESENCE_DFU,     /* a device in DFU mode */
    PRESENCE_PROGRAM, /* a device that is not in DFU mode */
    PRESENCE_NOTHING, /* no device */
    PRESENCE_NEW,     /* a device with another USB address than before: it has disconnected */
    PRESENCE_CHANGED, /* nothing, or a device with another address */
};

/* Is the device in DFU mode, by its descriptors and the quirk table? */
bool presence_in_dfu_mode(const struct usb_entry *entry);

/* Is what is wanted on the port? Both lists as usb_list_read() filled them: `before` is looked at
 * for the last two only. */
bool presence_is(const struct usb_list *before, const struct usb_list *now, const char *path,
                 enum presence wanted);

/* A device with this serial (NULL = none is) on a port that was empty before, while `path` is empty
 * now: the board was plugged in elsewhere meanwhile. NULL = there is none. */
const struct usb_entry *presence_find_moved(const struct usb_list *before,
                                            const struct usb_list *now, const char *path,
                                            const char *serial);

/* Wait until the port holds what is wanted, looking every few ten milliseconds at that port alone;
 * in a task (task.h) others run meanwhile. `before`: all that was plugged in before the board was
 * told to go. *now gets the device on the port, if any; release it. Fails
 * when deadline_us (task_now_us()) has passed, with an error that says what is on the port then,
 * and which devices in DFU mode have appeared on ports that were empty (ERR_DEVICE); or when a
 * signal asked us to stop (ERR_INTERRUPTED). */
bool presence_wait(struct usb *usb, const struct usb_list *before, const char *path,
                   enum presence wanted, long long deadline_us, struct usb_list *now,
                   struct err **err) MUST_CHECK;

#endif
