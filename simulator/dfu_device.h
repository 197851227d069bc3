/*
 * A bootloader's USB side: the DFU 1.1 state machine, and in it what the model's dialect makes of a
 * block (simulator/dialect.h: DfuSe, plain DFU, mboot).
 *
 * Pure: a setup packet and its data go in; data, a stall or a delay come out. The only outside
 * things are the board's memories and the injected clock. What ST's ROM does and this copies:
 *  - DNLOAD only stores; the work runs on the GETSTATUS that follows, which answers dfuDNBUSY. The
 *    flash keeps the CPU busy, so whatever comes next waits until the work is done, however long
 *    the announced bwPollTimeout was.
 *  - UPLOAD is legal in dfuIDLE and dfuUPLOAD-IDLE only; an unexpected request stalls and leads to
 *    dfuERROR; CLRSTATUS outside dfuERROR leads there too (errUNKNOWN), without a stall.
 *  - An upload that runs over the end of a memory crashes it: silent until it is plugged in again.
 *
 *     dfu_device_init(&dfu, &board, &clock);
 *     dfu_device_control(&dfu, &setup, out, in, &reply);
 */
#ifndef FIRN_SIMULATOR_DFU_DEVICE_H
#define FIRN_SIMULATOR_DFU_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "simulator/clock.h"
#include "simulator/sim_board.h"
#include "simulator/usb.h"

/* DFU 1.1, 3. */
enum dfu_request {
    DFU_DETACH = 0,
    DFU_DNLOAD = 1,
    DFU_UPLOAD = 2,
    DFU_GETSTATUS = 3,
    DFU_CLRSTATUS = 4,
    DFU_GETSTATE = 5,
    DFU_ABORT = 6,
};

/* DFU 1.1, A.1.1 (6.1.2: the numbers of bState). */
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

/* DFU 1.1, 6.1.2: bStatus. */
enum dfu_status {
    DFU_STATUS_OK = 0,
    DFU_STATUS_TARGET = 1,
    DFU_STATUS_FILE = 2,
    DFU_STATUS_VERIFY = 7,
    DFU_STATUS_ADDRESS = 8,
    DFU_STATUS_FIRMWARE = 10,
    DFU_STATUS_VENDOR = 11,
    DFU_STATUS_UNKNOWN = 14,
    DFU_STATUS_STALLED = 15,
    DFU_STATUS_MAX = 15,
};

/* DfuSe: the first byte of a DNLOAD to block 0. */
enum dfuse_command {
    DFUSE_GET_COMMANDS = 0x00,
    DFUSE_SET_ADDRESS = 0x21,
    DFUSE_ERASE = 0x41,
    DFUSE_READ_UNPROTECT = 0x92,
};

enum dfu_work_kind {
    DFU_WORK_NOTHING,
    DFU_WORK_SET_ADDRESS,
    DFU_WORK_ERASE,
    DFU_WORK_MASS_ERASE,
    DFU_WORK_UNPROTECT,
    DFU_WORK_PROGRAM,
    DFU_WORK_INVALID, /* mboot takes it and fails */
};

/* What a fault does to the next work that DNLOAD stores (simulator/fault.h decides when). */
struct dfu_sabotage {
    bool ignore;    /* report success, do nothing: a write-protected sector */
    bool corrupt;   /* program something else */
    bool stuck;     /* dfuDNBUSY for ever */
    uint8_t status; /* end in dfuERROR with this bStatus; 0 = not */
    bool announce;  /* announce announce_ms as bwPollTimeout */
    uint32_t announce_ms;
};

struct dfu_counters {
    uint64_t downloaded_bytes; /* programmed, as the device believes */
    uint64_t uploaded_bytes;
    uint64_t erases; /* that a host asked for and got; a mass erase counts as one */
    /* Requests that arrived, by kind; standard requests are not among them. */
    uint64_t commands, blocks, uploads, getstatus, others;
    uint64_t early_polls; /* GETSTATUS before the announced time had passed */
    uint64_t bus_us;      /* the transfers' own time, standard requests included */
};

struct mboot_chunk;

struct dfu_device {
    struct sim_board *board;
    const struct sim_clock *clock;
    const struct dfu_dialect *dialect;
    enum dfu_state state;
    enum dfu_status status;
    uint8_t string; /* iString of the next GETSTATUS */
    uint8_t configuration, alt;
    uint32_t pointer;       /* the address that SET_ADDRESS left */
    uint64_t busy_until_us; /* the flash works until then and nothing is answered */
    uint64_t poll_at_us;    /* the host was told not to ask before */
    bool crashed;
    bool used;                    /* since the last reset a DFU request came */
    struct dfu_sabotage sabotage; /* for the next work; used up by it */
    struct dfu_work {
        enum dfu_work_kind kind;
        uint32_t address;
        uint32_t len;
        struct dfu_sabotage sabotage;
        uint8_t data[USB_CONTROL_MAX];
    } work;
    uint8_t pending;          /* mboot: the request that the next GETSTATUS acts on */
    struct mboot_chunk *pack; /* mboot that takes signed images; else NULL */
    struct dfu_counters counters;
};

/* board and clock are borrowed and outlive the device. */
void dfu_device_init(struct dfu_device *dfu, struct sim_board *board,
                     const struct sim_clock *clock);
void dfu_device_release(struct dfu_device *dfu);
/* Counters stay. */
void dfu_device_power_on(struct dfu_device *dfu);
/* A USB bus reset, after which a crashed device stays crashed. Returns what it makes of it:
 * USB_LEAVES if a plain DFU device goes on to run what it holds (DFU 1.1, A.2), or USB_STAYS.
 * Resets before the first DFU request are those of enumeration and end nothing. */
enum usb_event dfu_device_bus_reset(struct dfu_device *dfu);

/* Answer one control transfer. `out` holds setup->length bytes of an OUT transfer, `in` has room
 * for USB_CONTROL_MAX; *reply is filled entirely. */
void dfu_device_control(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                        uint8_t *in, struct usb_reply *reply);
/* Enter dfuERROR with this status, as a failed check inside the ROM would. */
void dfu_device_fail(struct dfu_device *dfu, enum dfu_status status);

/* "dfuIDLE" */
const char *dfu_state_name(enum dfu_state state);

#endif
