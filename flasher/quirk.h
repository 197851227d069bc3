/*
 * Quirks: where a device does not do what the specification, or its own descriptors, say. A table
 * of data (quirk.c), each row with its source; no other file knows a device by its ids.
 *
 *     struct quirks quirks;
 *     quirks_find(&key, &quirks);              // all zero: none known, it is taken at its word
 *     quirks_add_layout(&quirks, &layout);     // once the memory layout was read
 *
 * A row matches by vendor and product id, a range of bcdDevice and strings; of several that match,
 * later rows add to earlier ones. ST's ROM is one loader in many families of parts with the same
 * ids: which family it is shows in the sectors of its flash, so a second table goes by those.
 */
#ifndef FIRN_FLASHER_QUIRK_H
#define FIRN_FLASHER_QUIRK_H

#include <stdbool.h>
#include <stdint.h>

enum quirk_flag {
    /* The DFU loader that ST puts into its parts, or one made from ST's example. */
    QUIRK_ST_ROM = 1 << 0,
    /* mboot: iString 0x10..0x13 in a status say what happened. */
    QUIRK_MBOOT_STRINGS = 1 << 1,
    /* GETSTATUS stalls when it comes before bwPollTimeout has passed, or announces too short a
     * time: wait that long again and retry. */
    QUIRK_STALLS_EARLY_POLL = 1 << 2,
    /* Stuck in dfuDNBUSY: two CLRSTATUS lead out (STM32H743 rev V above 1 MiB). */
    QUIRK_WEDGES_IN_BUSY = 1 << 3,
    /* Erased memory reads 0x00 (STM32L0, L1), not 0xFF. */
    QUIRK_ERASES_TO_ZERO = 1 << 4,
    /* The serial is the same on every board of the kind: it identifies none. */
    QUIRK_SERIAL_IS_CONSTANT = 1 << 5,
    /* The device detaches by itself whatever bitWillDetach says. */
    QUIRK_WILL_DETACH = 1 << 6,
    /* In DFU mode, although its interface says runtime. */
    QUIRK_IS_DFU_MODE = 1 << 7,
    /* Runtime mode of a MicroPython board: machine.bootloader() on its CDC port enters DFU mode. */
    QUIRK_MICROPYTHON_RUNTIME = 1 << 8,
    /* Runtime mode that enters its bootloader on the 1200-baud touch (Arduino's convention). */
    QUIRK_TOUCH_1200 = 1 << 9,
    /* bitCanUpload is set, but what UPLOAD returns is not what was written. */
    QUIRK_NO_UPLOAD = 1 << 10,
    /* bcdDFUVersion says DfuSe (0x011A); it is plain DFU 1.1. */
    QUIRK_IS_PLAIN_DFU = 1 << 11,
    /* DFU's requests carry another protocol (Atmel's FLIP): an image sent to it is taken for
     * commands. Not to be written to. */
    QUIRK_IS_NOT_DFU = 1 << 12,
};

struct quirks {
    uint32_t flags;           /* enum quirk_flag */
    uint16_t transfer_size;   /* instead of wTransferSize, bytes; 0 = as the device says */
    uint16_t poll_timeout_ms; /* instead of every bwPollTimeout, which is not to be believed; 0 = as
                                 the device says */
    const char *layout;       /* instead of the first alternate setting's string; NULL = as it is */
    const char *name;         /* "ST DfuSe ROM", "mboot", ...: the dialect; NULL = not known */
};

/* What a row is compared with; strings may be NULL. */
struct quirk_key {
    uint16_t vendor, product, version; /* idVendor, idProduct, bcdDevice */
    const char *manufacturer, *product_name, *serial;
};

void quirks_find(const struct quirk_key *key, struct quirks *quirks);

/* Add what is known of the family of parts whose internal flash is laid out like this. Only ST's
 * ROM loader is known by that; for all others nothing happens. */
struct layout;
void quirks_add_layout(struct quirks *quirks, const struct layout *layout);

/* One line a row for people, with its source: what `firn devices --quirks` prints. */
struct buf;
void quirks_format(struct buf *out);

#endif
