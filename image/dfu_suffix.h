/*
 * The DFU suffix: the last bytes of a DFU file, DfuSe or plain (DFU 1.1, appendix B). It says which
 * device the file is for, and holds a checksum; it is not sent to the device.
 *
 * The fields stand at the very end, in an order that lets a reader go backwards: a suffix of more
 * than DFU_SUFFIX_SIZE bytes has the additional ones in front.
 */
#ifndef FIRN_IMAGE_DFU_SUFFIX_H
#define FIRN_IMAGE_DFU_SUFFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DFU_SUFFIX_SIZE 16
#define DFU_BCD_1_0 0x0100
#define DFU_BCD_DFUSE 0x011a

struct dfu_suffix {
    uint8_t
        length; /* bytes of the file that it takes, DFU_SUFFIX_SIZE or more; 0 = there is none */
    uint16_t device;  /* bcdDevice; 0xFFFF = any, as of the next two */
    uint16_t product; /* idProduct */
    uint16_t vendor;  /* idVendor */
    uint16_t bcd_dfu; /* DFU_BCD_1_0, 0x0110, DFU_BCD_DFUSE */
    uint32_t crc;     /* of everything before it, see dfu_crc32() */
};

/* Is there the signature of a suffix at the end, in good order or not? */
bool dfu_suffix_is(const void *data, size_t size);
/* Find the suffix of a file. A file that has none is success with suffix->length 0. Fails when the
 * signature is there but the length or the checksum is wrong; the error says what it was and should
 * have been. */
bool dfu_suffix_read(const void *data, size_t size, struct dfu_suffix *suffix,
                     struct err **err) MUST_CHECK;
/* Append a suffix of DFU_SUFFIX_SIZE bytes to the file that begins at out->data[start]; length and
 * crc of *suffix are not used. */
void dfu_suffix_write(const struct dfu_suffix *suffix, size_t start, struct buf *out);
/* CRC-32 as in the suffix: reflected 0x04C11DB7, initial value 0xFFFFFFFF, not inverted at the end.
 */
uint32_t dfu_crc32(const void *data, size_t size);

#endif
