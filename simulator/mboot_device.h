/*
 * MicroPython's bootloader, after ports/stm32/mboot/main.c: what its parts share.
 */
#ifndef FIRN_SIMULATOR_MBOOT_DEVICE_H
#define FIRN_SIMULATOR_MBOOT_DEVICE_H

#include "simulator/dfu_device.h"

/* String descriptors that iString of a GETSTATUS names. */
enum mboot_string {
    MBOOT_STRING_OWN_SECTOR = 0x10,
    MBOOT_STRING_BAD_ADDRESS = 0x11,
    MBOOT_STRING_BAD_SIGNATURE = 0x12, /* packed only, like the next */
    MBOOT_STRING_NO_READING = 0x13,
};

/* The text of such a string; NULL: this device has none there. */
const char *mboot_string(const struct dfu_device *dfu, unsigned index);

/* Where the application begins: behind mboot. */
uint32_t mboot_application_address(const struct dfu_device *dfu);

/* Erase the sector at an address, or write whole words. False: it cannot be; dfu->status and
 * dfu->string say why, if mboot says so. *next: the address behind the sector, also then. Add to
 * *us how long it takes. */
bool mboot_erase(struct dfu_device *dfu, uint32_t address, uint32_t *next, uint64_t *us);
bool mboot_write(struct dfu_device *dfu, uint32_t address, const uint8_t *data, uint32_t len,
                 uint64_t *us);

#endif
