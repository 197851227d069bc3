/*
 * A DFU device's states and status: DFU 1.1, 6.1.2.
 */
#ifndef FIRN_FLASHER_DFU_STATUS_H
#define FIRN_FLASHER_DFU_STATUS_H

#include <stdint.h>

/* bState: DFU 1.1, 6.1.2 */
enum dfu_state {
    DFU_STATE_APP_IDLE = 0,
    DFU_STATE_APP_DETACH = 1,
    DFU_STATE_IDLE = 2,
    DFU_STATE_DNLOAD_SYNC = 3,
    DFU_STATE_DNBUSY = 4,
    DFU_STATE_DNLOAD_IDLE = 5,
    DFU_STATE_MANIFEST_SYNC = 6,
    DFU_STATE_MANIFEST = 7,
    DFU_STATE_MANIFEST_WAIT_RESET = 8,
    DFU_STATE_UPLOAD_IDLE = 9,
    DFU_STATE_ERROR = 10,
};

/* bStatus: DFU 1.1, 6.1.2 */
enum dfu_status_code {
    DFU_STATUS_OK = 0,
    DFU_STATUS_ERR_TARGET = 1,
    DFU_STATUS_ERR_FILE = 2,
    DFU_STATUS_ERR_WRITE = 3,
    DFU_STATUS_ERR_ERASE = 4,
    DFU_STATUS_ERR_CHECK_ERASED = 5,
    DFU_STATUS_ERR_PROG = 6,
    DFU_STATUS_ERR_VERIFY = 7,
    DFU_STATUS_ERR_ADDRESS = 8,
    DFU_STATUS_ERR_NOTDONE = 9,
    DFU_STATUS_ERR_FIRMWARE = 10,
    DFU_STATUS_ERR_VENDOR = 11,
    DFU_STATUS_ERR_USBR = 12,
    DFU_STATUS_ERR_POR = 13,
    DFU_STATUS_ERR_UNKNOWN = 14,
    DFU_STATUS_ERR_STALLEDPKT = 15,
};

/* The specification's names: "dfuDNBUSY", "errVENDOR"; "an unknown state" for other numbers. */
const char *dfu_state_label(uint8_t state);
const char *dfu_status_label(uint8_t status);
/* "the memory could not be erased" */
const char *dfu_status_meaning(uint8_t status);

#define DFU_STATUS_SIZE 6

/* The answer to GETSTATUS: DFU 1.1, 6.1.2. */
struct dfu_status {
    uint8_t code;             /* bStatus, enum dfu_status_code */
    uint32_t poll_timeout_ms; /* bwPollTimeout, 24 bits */
    uint8_t state;            /* bState, enum dfu_state: the one that the board is in now */
    uint8_t string;           /* iString, 0 = none */
};

void dfu_status_parse(const uint8_t bytes[DFU_STATUS_SIZE], struct dfu_status *status);

#endif
