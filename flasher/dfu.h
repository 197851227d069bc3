/*
 * DFU 1.1: requests, states and status of one board, and waiting for it with a deadline.
 *
 * A struct dfu is the host's end of one DFU interface. It reaches the board and the clock only
 * through its struct dfu_io, so that everything above (dfuse.h, flash.h) is plain sequential code
 * that does not know who carries its transfers or how it is made to wait: a USB device (device.h),
 * or a unit test with a board and a clock of its own.
 *
 * A board is judged by bState and bStatus together: some report dfuERROR with status OK. Nothing
 * waits for ever: each wait has a limit, and bwPollTimeout is a minimum within it. The error of a
 * failed function says what the board reported, in which state; its caller adds what it was doing.
 * What a part does differently is in dfu->quirks.
 */
#ifndef FIRN_FLASHER_DFU_H
#define FIRN_FLASHER_DFU_H

#include "flasher/dfu_status.h"
#include "flasher/quirk.h"
#include "flasher/usb.h"

/* DFU 1.1, 3 */
enum dfu_request {
    DFU_DETACH = 0,
    DFU_DNLOAD = 1,
    DFU_UPLOAD = 2,
    DFU_GETSTATUS = 3,
    DFU_CLRSTATUS = 4,
    DFU_GETSTATE = 5,
    DFU_ABORT = 6,
};

/* The way to a board, and the time there. All functions get `data`. */
struct dfu_io {
    /* As usb_control(). */
    enum usb_fault (*control)(void *data, const struct usb_control *control, size_t *moved);
    /* Choose an alternate setting of the DFU interface. */
    bool (*set_alt)(void *data, uint8_t alt, struct err **err);
    /* As usb_reset(). */
    enum usb_fault (*reset)(void *data);
    /* Monotonic microseconds: rounded to milliseconds, bwPollTimeout would be cut short. */
    long long (*now_us)(void *data);
    /* Return at `when_us` on that clock or as soon after it as can be. */
    void (*sleep_until)(void *data, long long when_us);
    void *data;
};

struct dfu {
    struct dfu_io io;
    uint8_t interface;        /* bInterfaceNumber */
    uint16_t transfer_size;   /* bytes in a full block, at least 1 */
    struct quirks quirks;     /* all zero: none */
    struct dfu_status status; /* the last one that the board sent */
    uint32_t last_poll_ms;    /* the last bwPollTimeout that was not 0 */
    enum usb_fault fault;     /* how the last transfer ended; USB_GONE: the board was unplugged */
};

/* A transfer by itself, without the work that it starts. */
#define DFU_TRANSFER_TIMEOUT_MS 5000
/* A board's own words for an error that it has reported; it is named without them otherwise. */
#define DFU_STRING_TIMEOUT_MS 1000

/* DNLOAD: send one block (data may be NULL when len is 0). What the board does with it begins with
 * the next GETSTATUS, in dfu_wait(). */
bool dfu_download(struct dfu *dfu, uint16_t block, const void *data, uint16_t len,
                  struct err **err) MUST_CHECK;
/* UPLOAD: read one block of exactly len bytes; fewer are an error. */
bool dfu_upload(struct dfu *dfu, uint16_t block, void *data, uint16_t len,
                struct err **err) MUST_CHECK;
/* UPLOAD: read one block of at most len bytes. Fewer (*moved) are the end of what there is, and the
 * device is in dfuIDLE again (DFU 1.1, 6.2). */
bool dfu_upload_some(struct dfu *dfu, uint16_t block, void *data, uint16_t len, size_t *moved,
                     struct err **err) MUST_CHECK;
/* GETSTATUS into dfu->status, which the caller judges. */
bool dfu_get_status(struct dfu *dfu, unsigned timeout_ms, struct err **err) MUST_CHECK;
/* The same, and fail when the device reports an error; dfu->fault is USB_OK then. */
bool dfu_check_status(struct dfu *dfu, unsigned timeout_ms, struct err **err) MUST_CHECK;

/* GETSTATE: what state the device is in (enum dfu_state), without any effect on it
 * (DFU 1.1, 6.1.5).
 */
bool dfu_get_state(struct dfu *dfu, unsigned timeout_ms, uint8_t *state,
                   struct err **err) MUST_CHECK;

/* Poll until the board has finished and is in the wanted state. Fails when it reports an error or
 * another state, when it is still busy limit_ms after the call, and when it says that it will be.
 * Asking for the words of an error may take DFU_STRING_TIMEOUT_MS more. */
bool dfu_wait(struct dfu *dfu, enum dfu_state wanted, unsigned limit_ms,
              struct err **err) MUST_CHECK;

/* ABORT: from dfuDNLOAD-IDLE or dfuUPLOAD-IDLE to dfuIDLE, at once and without a GETSTATUS
 * (DFU 1.1, A.2.6 and A.2.10). */
bool dfu_abort(struct dfu *dfu, struct err **err) MUST_CHECK;
/* Bring a board to dfuIDLE from whatever an earlier program left it in: out of dfuERROR by
 * CLRSTATUS (a common and harmless state after power-on), otherwise by ABORT; a board that is busy
 * gets limit_ms to finish, and with QUIRK_WEDGES_IN_BUSY is then freed by CLRSTATUS. Fails where
 * only a reset helps. */
bool dfu_make_idle(struct dfu *dfu, unsigned limit_ms, struct err **err) MUST_CHECK;
/* After a wait that failed (*err says how): a board with QUIRK_WEDGES_IN_BUSY that is still in
 * dfuDNBUSY is brought to dfuIDLE, and *err freed. False: that was not it and *err is as it was, or
 * it did not help. What the board was busy with may be done or not. */
bool dfu_unwedge(struct dfu *dfu, unsigned limit_ms, struct err **err) MUST_CHECK;

#endif
