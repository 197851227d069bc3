/*
 * Choosing boards: which of those that are plugged in are meant.
 */
#ifndef FIRN_FLASHER_CHOOSE_H
#define FIRN_FLASHER_CHOOSE_H

#include "flasher/device.h"
#include "flasher/enter.h"

#define CHOOSE_ID_ANY 0x10000

/* What is looked for. */
struct choose_match {
    uint32_t vendor, product; /* CHOOSE_ID_ANY = any */
    const char *path;         /* NULL = any */
    const char *serial;       /* as printed; NULL = any */
    /* The ids that the image is for, CHOOSE_ID_ANY = any: they count for boards in DFU mode where
     * no ids were given, as a program may run under others. */
    uint32_t image_vendor, image_product;
    /* How a board that runs the image's product gets into its bootloader: narrows ENTER_AUTO down.
     */
    enum enter_method image_enter;
};
#define CHOOSE_MATCH_ANY                                                                           \
    {                                                                                              \
        CHOOSE_ID_ANY, CHOOSE_ID_ANY, NULL, NULL, CHOOSE_ID_ANY, CHOOSE_ID_ANY, ENTER_AUTO         \
    }

/* A board that was chosen: borrowed from the list. */
struct choice {
    const struct usb_entry *usb;
    struct device *device;   /* NULL: it has no DFU interface, or runs its program ... */
    enum enter_method enter; /* ... and gets into its bootloader so; else ENTER_NONE */
};

struct choices {
    struct choice *items; /* in order of port path */
    size_t count;
};
#define CHOICES_INIT                                                                               \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* Everything that matches: the boards in DFU mode; where there are none, or `enter` names a method,
 * those that run their program and can be brought there that way. ENTER_AUTO takes only boards that
 * are known to have a bootloader to enter (enter_ways()), and what has no more than a DFU interface
 * only if it was asked for or has the image's vendor; a method that was named is tried on whatever
 * has the interface or port for it and matches. None is no error. */
void choose(struct device_list *list, const struct choose_match *match, enum enter_method enter,
            struct choices *choices);
void choices_release(struct choices *choices);

/* Is this device in DFU mode one that the image is for (or that was asked for by its ids)? */
bool choose_is_for(const struct usb_entry *usb, const struct choose_match *match);

/* The error of "none": what was looked for, what is there instead, and what to do. */
bool choose_set_none(const struct device_list *list, const struct choose_match *match,
                     struct err **err);
/* The error of "more than one": each with the option that picks it. */
bool choose_set_several(const struct choices *choices, const struct choose_match *match,
                        struct err **err);

/* The next step where there is no board to talk to. */
#define CHOOSE_ENTER_ADVICE                                                                        \
    "put the board into its bootloader: `machine.bootloader()` at MicroPython's prompt, or hold "  \
    "BOOT0 (or the DFU button) while you reset it; then run the command again"

#endif
