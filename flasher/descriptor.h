/*
 * A device's descriptors: the DFU interface in them, and strings. Bytes from outside, checked here
 * before anything else looks at them.
 *
 * A configuration is a chain of descriptors, each with its length and type in front (USB 2.0, 9.5).
 * A DFU interface has class FEh, subclass 01h (DFU 1.1, 4.1.2 and 4.2.3); each of its alternate
 * settings is a memory of its own, and a functional descriptor (4.1.3) says what it can do.
 */
#ifndef FIRN_FLASHER_DESCRIPTOR_H
#define FIRN_FLASHER_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DFU_ALTS_MAX 32 /* the ST ROM has four */

#define DFU_VERSION_DFUSE 0x011a

/* bmAttributes of the functional descriptor. */
enum dfu_attribute {
    DFU_CAN_DOWNLOAD = 1,
    DFU_CAN_UPLOAD = 2,
    DFU_MANIFESTATION_TOLERANT = 4,
    DFU_WILL_DETACH = 8,
};

/* DFU 1.1, table 4.2. */
struct dfu_functional {
    uint8_t attributes;         /* enum dfu_attribute */
    uint16_t detach_timeout_ms; /* wDetachTimeOut */
    uint16_t transfer_size;     /* wTransferSize, bytes; 0 is possible */
    uint16_t version;           /* bcdDFUVersion; 0x0100 when the descriptor is too short for it */
};

/* bInterfaceProtocol */
enum dfu_protocol {
    DFU_PROTOCOL_RUNTIME = 1,
    DFU_PROTOCOL_DFU = 2,
};

struct dfu_interface {
    uint8_t number;   /* bInterfaceNumber */
    uint8_t protocol; /* enum dfu_protocol, or whatever the device says */
    size_t alt_count; /* at least 1 */
    struct {
        uint8_t number; /* bAlternateSetting */
        uint8_t string; /* iInterface, 0 = none */
    } alts[DFU_ALTS_MAX];
    bool has_functional;
    struct dfu_functional functional;
};

/* Parse a functional descriptor of 7 (DFU 1.0) or 9 bytes and more. False: not one. */
bool dfu_functional_parse(const uint8_t *bytes, size_t len, struct dfu_functional *functional);

/* Find the DFU interface in a device descriptor followed by its first configuration. An interface
 * in DFU mode wins over a runtime one. False: none there, or the bytes are no descriptors. Lengths
 * that lie end the search where they stop making sense; more than DFU_ALTS_MAX settings are left
 * out. */
bool dfu_interface_find(const uint8_t *bytes, size_t len, struct dfu_interface *interface);

/* Is there an interface of this class and subclass in the first configuration? */
bool interface_class_find(const uint8_t *bytes, size_t len, uint8_t class, uint8_t subclass);

/* The text of a string descriptor as UTF-8 up to its first NUL; what is no UTF-16 becomes U+FFFD.
 * NULL: not a string descriptor. The caller frees. */
char *descriptor_string(const uint8_t *bytes, size_t len);

#endif
