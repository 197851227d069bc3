/*
 * What a dialect of DFU adds to the state machine of dfu_device.c, and what it may use of it.
 *
 * For the files that implement a dialect; everybody else uses simulator/dfu_device.h.
 */
#ifndef FIRN_SIMULATOR_DIALECT_H
#define FIRN_SIMULATOR_DIALECT_H

#include "simulator/dfu_device.h"

struct dfu_dialect {
    /* Answer a class request. Not the state machine's answer: only mboot has its own. */
    void (*request)(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                    uint8_t *in, struct usb_reply *reply);
    /* A DNLOAD with data: what is to be done, as dfu->work. False: it makes no sense (a stall). */
    bool (*store)(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out);
    /* Do dfu->work at once. Returns how long it takes; the outcome is in dfu->status, which is
     * DFU_STATUS_OK on entry. */
    uint64_t (*work)(struct dfu_device *dfu, struct usb_reply *reply);
    /* A legal UPLOAD of at least one byte. */
    void (*upload)(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                   struct usb_reply *reply);
    bool leaves_when_idle; /* an empty DNLOAD means "leave" in dfuIDLE too */
    bool runs_after_reset; /* a bus reset ends DFU mode if there is firmware to run */
};

extern const struct dfu_dialect dialect_dfuse, dialect_plain, dialect_mboot;

/* The state machine of DFU 1.1, A.1, as a dialect's request(). */
void dfu_device_request(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                        uint8_t *in, struct usb_reply *reply);
/* Refuse a request: a stall, and dfuERROR with this status unless it is there already. */
void dfu_device_stall(struct dfu_device *dfu, enum dfu_status status, struct usb_reply *reply);
/* Start the stored work, sabotage included, which lasts until busy_until_us. The outcome, which is
 * not to be told before, is in dfu->status. */
void dfu_device_start_work(struct dfu_device *dfu, struct usb_reply *reply);
/* The six bytes of GETSTATUS. */
void dfu_device_report(struct dfu_device *dfu, enum dfu_status status, uint32_t poll_ms,
                       uint8_t *in, struct usb_reply *reply);

/* DfuSe and mboot: the commands of block 0 (AN3156, 5). False: not one. */
bool dfuse_decode_command(struct dfu_work *work, const uint8_t *data, uint16_t len);

#endif
