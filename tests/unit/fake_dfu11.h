/*
 * A plain DFU 1.1 device for the flasher's tests: a struct dfu_io with a memory that takes a file,
 * the state machine of DFU 1.1 (A.1), a clock of its own, a log of the requests and faults at
 * chosen ones. Small on purpose and independent of simulator/.
 */
#ifndef FIRN_TESTS_UNIT_FAKE_DFU11_H
#define FIRN_TESTS_UNIT_FAKE_DFU11_H

#include <signal.h>

#include "unit.h"

#include "flasher/descriptor.h"
#include "flasher/dfu.h"

#define FAKE11_SIZE (256u * 1024)
#define FAKE11_BLOCK 64
#define FAKE11_NEVER (-1)

/* What goes wrong, at the transfer of number `at`. */
enum fake11_fault {
    FAKE11_UNPLUG_BEFORE,
    FAKE11_UNPLUG_AFTER,
    FAKE11_STALL,
    FAKE11_TIMEOUT,
    FAKE11_BREAK,
    FAKE11_STATUS,     /* the device goes into dfuERROR with fault_status */
    FAKE11_INTERRUPT,  /* somebody presses Ctrl-C */
    FAKE11_SHORT_READ, /* an answer is one byte short */
};

struct fake_dfu11 {
    uint8_t memory[FAKE11_SIZE];
    size_t used, received;
    uint8_t state, code, attributes;
    uint32_t next_block;
    long long now_us, busy_until_us, asked_until_us;
    bool gone; /* from the bus */
    bool runs; /* its program, outside of DFU mode */
    unsigned transfers, early_polls, resets;
    struct buf log;

    /* How it behaves. */
    uint16_t transfer_size;
    uint32_t write_ms, manifest_ms; /* durations, and what it announces */
    int announce_ms;                /* instead, if not negative */
    bool stuck_write, stuck_manifest;
    bool silent; /* in dfuMANIFEST and dfuMANIFEST-WAIT-RESET, as it may be if not tolerant */
    bool leaves_at_once;     /* on the empty DNLOAD */
    bool leaves_in_manifest; /* by itself, without a word */
    bool stays;              /* although it says that it detaches */
    int reset_fault;         /* enum usb_fault of a USB reset */
    size_t upload_size;      /* instead of what it holds; 0 = that */
    int corrupt_at;          /* byte that it gives back wrong, or FAKE11_NEVER */
    int at;                  /* transfer with a fault, or FAKE11_NEVER */
    enum fake11_fault fault;
    uint8_t fault_status;
};

static inline void fake_dfu11_init(struct fake_dfu11 *b, uint8_t attributes)
{
    *b = (struct fake_dfu11){
        .state = DFU_STATE_IDLE,
        .attributes = attributes,
        .now_us = 1000,
        .log = BUF_INIT,
        .transfer_size = FAKE11_BLOCK,
        .announce_ms = -1,
        .corrupt_at = FAKE11_NEVER,
        .at = FAKE11_NEVER,
    };
    memset(b->memory, 0x55, sizeof(b->memory));
    b->used = 1000;
}

/* Power off and on, into the bootloader again; what it holds stays, and so do its manners. */
static inline void fake_dfu11_power_cycle(struct fake_dfu11 *b)
{
    b->state = DFU_STATE_IDLE;
    b->code = DFU_STATUS_OK;
    b->gone = b->runs = false;
    b->at = FAKE11_NEVER;
    b->transfers = b->early_polls = b->resets = 0;
    b->asked_until_us = b->busy_until_us = 0;
    buf_clear(&b->log);
}

static inline void fake11_fail(struct fake_dfu11 *b, uint8_t code)
{
    b->state = DFU_STATE_ERROR;
    b->code = code;
}

static inline enum usb_fault fake11_refuse(struct fake_dfu11 *b)
{
    fake11_fail(b, DFU_STATUS_ERR_STALLEDPKT);
    return USB_STALLED;
}

/* The first block erases what was there. */
static inline enum usb_fault fake11_download(struct fake_dfu11 *b, const struct usb_control *c)
{
    bool first = b->state == DFU_STATE_IDLE;
    if (!first && b->state != DFU_STATE_DNLOAD_IDLE)
        return fake11_refuse(b);
    if (c->length == 0) {
        if (first)
            return fake11_refuse(b);
        b->state = DFU_STATE_MANIFEST_SYNC;
        b->gone = b->leaves_at_once;
        return USB_OK;
    }
    b->received = first ? 0 : b->received;
    b->next_block = first ? 0 : b->next_block;
    assert_int_equal(c->value, (uint16_t)b->next_block);
    assert_true(c->length <= b->transfer_size && b->received + c->length <= FAKE11_SIZE);
    if (first)
        memset(b->memory, 0xff, sizeof(b->memory));
    memcpy(b->memory + b->received, c->data, c->length);
    b->received += c->length;
    b->used = b->received;
    b->next_block++;
    b->state = DFU_STATE_DNLOAD_SYNC;
    b->busy_until_us = b->now_us + b->write_ms * 1000LL;
    return USB_OK;
}

static inline enum usb_fault fake11_upload(struct fake_dfu11 *b, const struct usb_control *c,
                                           size_t *moved)
{
    size_t size = b->upload_size ? b->upload_size : b->used;
    size_t at = (size_t)b->next_block * b->transfer_size;
    if (!(b->attributes & DFU_CAN_UPLOAD) ||
        (b->state != DFU_STATE_IDLE && b->state != DFU_STATE_UPLOAD_IDLE))
        return fake11_refuse(b);
    if (b->state == DFU_STATE_IDLE)
        at = b->next_block = 0;
    assert_int_equal(c->value, (uint16_t)b->next_block);
    *moved = at >= size ? 0 : size - at < c->length ? size - at : c->length;
    memcpy(c->data, b->memory + at, *moved);
    if (b->corrupt_at >= 0 && (size_t)b->corrupt_at - at < *moved)
        ((uint8_t *)c->data)[(size_t)b->corrupt_at - at] ^= 1;
    b->next_block++;
    b->state = *moved < c->length ? DFU_STATE_IDLE : DFU_STATE_UPLOAD_IDLE;
    return USB_OK;
}

/* What GETSTATUS leads to, and how long to wait for the next one. */
static inline uint32_t fake11_step(struct fake_dfu11 *b)
{
    bool busy = b->now_us < b->busy_until_us;
    switch (b->state) {
    case DFU_STATE_DNLOAD_SYNC:
    case DFU_STATE_DNBUSY:
        b->state = busy || b->stuck_write ? DFU_STATE_DNBUSY : DFU_STATE_DNLOAD_IDLE;
        return b->state == DFU_STATE_DNBUSY ? b->write_ms : 0;
    case DFU_STATE_MANIFEST_SYNC:
        b->state = DFU_STATE_MANIFEST;
        b->busy_until_us = b->now_us + b->manifest_ms * 1000LL;
        return b->manifest_ms;
    case DFU_STATE_MANIFEST:
        if (busy || b->stuck_manifest)
            return b->manifest_ms;
        b->state = b->attributes & DFU_MANIFESTATION_TOLERANT ? DFU_STATE_IDLE
                                                              : DFU_STATE_MANIFEST_WAIT_RESET;
        return 0;
    default:
        return 0;
    }
}

static inline enum usb_fault fake11_get_status(struct fake_dfu11 *b, const struct usb_control *c,
                                               size_t *moved)
{
    bool manifests = b->state == DFU_STATE_MANIFEST || b->state == DFU_STATE_MANIFEST_WAIT_RESET;
    if (manifests && b->leaves_in_manifest)
        b->gone = true;
    if (b->state == DFU_STATE_MANIFEST_WAIT_RESET && b->attributes & DFU_WILL_DETACH && !b->stays)
        b->gone = true;
    if (b->gone)
        return USB_GONE;
    if (manifests && b->silent) {
        b->now_us += c->timeout_ms * 1000LL;
        return USB_TIMED_OUT;
    }
    uint32_t ms = fake11_step(b);
    if (b->announce_ms >= 0 && ms)
        ms = (uint32_t)b->announce_ms;
    uint8_t bytes[DFU_STATUS_SIZE] = {
        b->code, (uint8_t)ms, (uint8_t)(ms >> 8), (uint8_t)(ms >> 16), b->state, 0};
    memcpy(c->data, bytes, sizeof(bytes));
    *moved = sizeof(bytes);
    b->asked_until_us = b->now_us + ms * 1000LL;
    return USB_OK;
}

/* CLRSTATUS out of dfuERROR, ABORT out of the idle states; anything else is refused. */
static inline enum usb_fault fake11_to_idle(struct fake_dfu11 *b, const struct usb_control *c)
{
    bool is_error = b->state == DFU_STATE_ERROR;
    bool is_busy = b->state == DFU_STATE_DNBUSY || b->state == DFU_STATE_MANIFEST ||
                   b->state == DFU_STATE_MANIFEST_WAIT_RESET;
    if (is_error != (c->request == DFU_CLRSTATUS) || is_busy)
        return fake11_refuse(b);
    b->state = DFU_STATE_IDLE;
    b->code = DFU_STATUS_OK;
    return USB_OK;
}

static inline enum usb_fault fake11_answer(struct fake_dfu11 *b, const struct usb_control *c,
                                           size_t *moved)
{
    *moved = c->length;
    switch (c->request) {
    case DFU_DNLOAD:
        return fake11_download(b, c);
    case DFU_UPLOAD:
        return fake11_upload(b, c, moved);
    case DFU_GETSTATUS:
        return fake11_get_status(b, c, moved);
    case DFU_CLRSTATUS:
    case DFU_ABORT:
        return fake11_to_idle(b, c);
    default:
        return fake11_refuse(b);
    }
}

static inline void fake11_log(struct fake_dfu11 *b, const struct usb_control *c)
{
    static const char *const names[] = {"detach",    "dnload",   "upload", "getstatus",
                                        "clrstatus", "getstate", "abort"};
    buf_adds(&b->log, names[c->request]);
    if (c->request == DFU_DNLOAD || c->request == DFU_UPLOAD)
        buf_addf(&b->log, " %u %u", c->value, c->length);
    buf_addc(&b->log, '\n');
}

/* The fault that stands in for the device's answer; USB_OK: it answers. */
static inline enum usb_fault fake11_before(struct fake_dfu11 *b, const struct usb_control *c)
{
    switch (b->fault) {
    case FAKE11_UNPLUG_BEFORE:
        b->gone = true;
        return USB_GONE;
    case FAKE11_STALL:
        return USB_STALLED;
    case FAKE11_TIMEOUT:
        b->now_us += c->timeout_ms * 1000LL;
        return USB_TIMED_OUT;
    case FAKE11_BREAK:
        return USB_BROKEN;
    case FAKE11_STATUS:
        fake11_fail(b, b->fault_status);
        return c->request == DFU_GETSTATUS ? USB_OK : USB_STALLED;
    case FAKE11_INTERRUPT:
        raise(SIGINT);
        return USB_OK;
    default:
        return USB_OK;
    }
}

static inline enum usb_fault fake11_control(void *data, const struct usb_control *c, size_t *moved)
{
    struct fake_dfu11 *b = data;
    size_t dummy = 0, *count = moved ? moved : &dummy;
    bool hit = (int)b->transfers++ == b->at;
    assert_int_equal(c->index, 0);
    assert_true(c->timeout_ms > 0);
    if (b->gone)
        return USB_GONE;
    fake11_log(b, c);
    b->early_polls += b->now_us < b->asked_until_us;
    b->now_us += 100;
    enum usb_fault fault = hit ? fake11_before(b, c) : USB_OK;
    if (fault != USB_OK)
        return fault;
    fault = fake11_answer(b, c, count);
    if (hit && b->fault == FAKE11_SHORT_READ && *count && c->request_type & USB_REQUEST_IN)
        --*count;
    if (!hit || b->fault != FAKE11_UNPLUG_AFTER)
        return fault;
    b->gone = true;
    return USB_GONE;
}

static inline bool fake11_set_alt(void *data, uint8_t alt, struct err **err)
{
    struct fake_dfu11 *b = data;
    buf_addf(&b->log, "alt %u\n", alt);
    return !b->gone || err_set(err, ERR_DEVICE, "gone");
}

/* Out of dfuMANIFEST-WAIT-RESET and dfuIDLE it starts its program, another device on the bus. */
static inline enum usb_fault fake11_reset(void *data)
{
    struct fake_dfu11 *b = data;
    buf_adds(&b->log, "reset\n");
    b->resets++;
    if (b->reset_fault)
        return (enum usb_fault)b->reset_fault;
    b->gone = b->runs = true;
    return USB_GONE;
}

static inline long long fake11_now_us(void *data)
{
    return ((struct fake_dfu11 *)data)->now_us;
}

static inline void fake11_sleep_until(void *data, long long when_us)
{
    struct fake_dfu11 *b = data;
    if (when_us > b->now_us)
        b->now_us = when_us;
}

static inline struct dfu fake_dfu11_dfu(struct fake_dfu11 *b)
{
    return (struct dfu){
        .io = {fake11_control, fake11_set_alt, fake11_reset, fake11_now_us, fake11_sleep_until, b},
        .transfer_size = b->transfer_size,
    };
}

#endif
