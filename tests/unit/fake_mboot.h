/*
 * mboot for the flasher's tests, with keys or without: a struct dfu_io with a memory, a clock of
 * its own, a log of the requests and a fault at a chosen one. Small on purpose and independent of
 * simulator/. Of a packed image it checks the order of the pieces and stand-ins for the signatures.
 *
 * As in mboot, every request is taken in every state, work is done behind the answer to a GETSTATUS
 * that says dfuDNBUSY, and a status is told once.
 */
#ifndef FIRN_TESTS_UNIT_FAKE_MBOOT_H
#define FIRN_TESTS_UNIT_FAKE_MBOOT_H

#include <signal.h>

#include "unit.h"

#include "flasher/dfu.h"

#define FAKE_MBOOT_BASE 0x08020000u /* of the program, behind mboot and the file system */
#define FAKE_MBOOT_SIZE (64u * 1024)
#define FAKE_MBOOT_BLOCK 2048
#define FAKE_MBOOT_HEAD 8
#define FAKE_MBOOT_CHUNK (12 + 4096 + 36 + 64)
#define FAKE_MBOOT_SIGNATURE 0xa5 /* each of the 64 bytes */
#define FAKE_MBOOT_NEVER (-1)

enum fake_mboot_fault {
    FAKE_MBOOT_UNPLUG_BEFORE,
    FAKE_MBOOT_UNPLUG_AFTER,
    FAKE_MBOOT_STALL,
    FAKE_MBOOT_TIMEOUT,
    FAKE_MBOOT_BREAK,
    FAKE_MBOOT_INTERRUPT,
};

struct fake_mboot {
    uint8_t memory[FAKE_MBOOT_SIZE];
    bool keys;
    uint8_t state, code, string, pending;
    uint32_t pointer, chunk_base;
    uint8_t chunk[FAKE_MBOOT_CHUNK], head[FAKE_MBOOT_HEAD];
    uint8_t work[FAKE_MBOOT_BLOCK];
    uint16_t work_block, work_len;
    bool gone, left;
    long long now_us;
    unsigned transfers, erases;
    struct buf log;
    int at; /* transfer with a fault, or FAKE_MBOOT_NEVER */
    enum fake_mboot_fault fault;
};

static inline void fake_mboot_power_cycle(struct fake_mboot *b)
{
    b->state = DFU_STATE_IDLE;
    b->code = b->string = b->pending = 0;
    b->chunk_base = 0;
    b->gone = b->left = false;
    b->transfers = 0;
    b->at = FAKE_MBOOT_NEVER;
    buf_clear(&b->log);
}

static inline void fake_mboot_init(struct fake_mboot *b, bool keys)
{
    *b = (struct fake_mboot){.keys = keys, .log = BUF_INIT, .now_us = 1000};
    fake_mboot_power_cycle(b);
    memset(b->memory, 0x11, sizeof(b->memory)); /* an old program */
}

static inline bool fake_mboot_fail(struct fake_mboot *b, uint8_t code, uint8_t string)
{
    b->code = code;
    b->string = string;
    return false;
}

static inline uint32_t fake_mboot_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline bool fake_mboot_signed(const uint8_t *p)
{
    for (int i = 0; i < 64; i++)
        if (p[i] != FAKE_MBOOT_SIGNATURE)
            return false;
    return true;
}

/* The start is written when all of it was found right. */
static inline bool fake_mboot_take_chunk(struct fake_mboot *b)
{
    uint32_t address = fake_mboot_le32(b->chunk + 4), len = fake_mboot_le32(b->chunk + 8);
    const uint8_t *data = b->chunk + 12;
    if (!fake_mboot_signed(data + len))
        return fake_mboot_fail(b, DFU_STATUS_ERR_VERIFY, 0x12);
    if (b->chunk[1] == 1) {
        if (!fake_mboot_signed(data + len - 64))
            return fake_mboot_fail(b, DFU_STATUS_ERR_VERIFY, 0x12);
        memcpy(b->memory, b->head, FAKE_MBOOT_HEAD);
        return true;
    }
    if (address < FAKE_MBOOT_BASE)
        return fake_mboot_fail(b, DFU_STATUS_ERR_ADDRESS, 0x10);
    if (address - FAKE_MBOOT_BASE + len - 36 > FAKE_MBOOT_SIZE)
        return fake_mboot_fail(b, DFU_STATUS_ERR_ADDRESS, 0x11);
    memcpy(b->memory + (address - FAKE_MBOOT_BASE), data + 36, len - 36);
    if (address == FAKE_MBOOT_BASE) {
        memcpy(b->head, b->memory, FAKE_MBOOT_HEAD);
        memset(b->memory, 0xff, FAKE_MBOOT_HEAD);
    }
    return true;
}

static inline bool fake_mboot_pack_write(struct fake_mboot *b, uint32_t address)
{
    if (address == FAKE_MBOOT_BASE || !b->chunk_base)
        b->chunk_base = address;
    uint32_t offset = address - b->chunk_base, end = offset + b->work_len;
    if (address < b->chunk_base || end > sizeof(b->chunk)) {
        b->chunk_base = 0;
        return false;
    }
    memcpy(b->chunk + offset, b->work, b->work_len);
    if (b->chunk[0] != 1)
        return fake_mboot_fail(b, DFU_STATUS_ERR_FILE, 0x12);
    if (end < 12 || end < 12 + fake_mboot_le32(b->chunk + 8) + 64)
        return true;
    b->chunk_base = 0;
    return fake_mboot_take_chunk(b);
}

static inline bool fake_mboot_work(struct fake_mboot *b)
{
    if (b->work_block > 1)
        return b->keys &&
               fake_mboot_pack_write(b, b->pointer + (b->work_block - 2u) * FAKE_MBOOT_BLOCK);
    b->erases += b->work[0] == 0x41;
    if (b->work[0] == 0x21 && b->work_len == 5)
        b->pointer = fake_mboot_le32(b->work + 1);
    return b->work[0] == 0x41 || b->work[0] == 0x21;
}

static inline enum usb_fault fake_mboot_get_status(struct fake_mboot *b, uint8_t *in)
{
    bool works = b->pending == DFU_DNLOAD && b->work_len;
    if (works)
        b->state = DFU_STATE_DNBUSY;
    else if (b->pending == DFU_DNLOAD)
        b->state = DFU_STATE_MANIFEST;
    else if (b->pending == DFU_UPLOAD)
        b->state = DFU_STATE_UPLOAD_IDLE;
    b->left = b->gone = b->state == DFU_STATE_MANIFEST;
    memcpy(in, (uint8_t[]){b->code, 0, 0, 0, b->state, b->string}, DFU_STATUS_SIZE);
    b->code = b->string = 0;
    if (works) {
        b->pending = 0;
        b->state = fake_mboot_work(b) ? DFU_STATE_DNLOAD_IDLE : DFU_STATE_ERROR;
    }
    return USB_OK;
}

static inline void fake_mboot_upload(struct fake_mboot *b, const struct usb_control *c)
{
    uint32_t offset = b->pointer + (c->value - 2u) * FAKE_MBOOT_BLOCK - FAKE_MBOOT_BASE;
    assert_true(c->value >= 2 && offset < FAKE_MBOOT_SIZE); /* a bus fault */
    b->pending = DFU_UPLOAD;
    if (b->keys)
        fake_mboot_fail(b, DFU_STATUS_ERR_FILE, 0x13);
    else
        memcpy(c->data, b->memory + offset, c->length);
}

static inline enum usb_fault fake_mboot_answer(struct fake_mboot *b, const struct usb_control *c)
{
    if (c->request_type == USB_REQUEST_IN) /* GET_DESCRIPTOR of a string: it has none */
        return USB_STALLED;
    switch (c->request) {
    case DFU_DNLOAD:
        b->pending = DFU_DNLOAD;
        b->work_block = c->value;
        b->work_len = c->length;
        assert_true(c->length <= FAKE_MBOOT_BLOCK);
        if (c->length)
            memcpy(b->work, c->data, c->length);
        return USB_OK;
    case DFU_UPLOAD:
        fake_mboot_upload(b, c);
        return USB_OK;
    case DFU_GETSTATUS:
        return fake_mboot_get_status(b, c->data);
    case DFU_CLRSTATUS:
    case DFU_ABORT:
        b->state = DFU_STATE_IDLE;
        b->code = b->string = b->pending = 0;
        return USB_OK;
    default:
        return USB_STALLED;
    }
}

static inline void fake_mboot_log(struct fake_mboot *b, const struct usb_control *c)
{
    const uint8_t *data = c->data;
    if (c->request == DFU_DNLOAD && c->value == 0 && c->length == 5)
        buf_addf(&b->log, "%02x %08x\n", data[0], (unsigned)fake_mboot_le32(data + 1));
    else if (c->request == DFU_DNLOAD)
        buf_addf(&b->log, "write %u %u\n", c->value, c->length);
    else if (c->request == DFU_UPLOAD)
        buf_addf(&b->log, "read %u %u\n", c->value, c->length);
}

static inline enum usb_fault fake_mboot_control(void *data, const struct usb_control *c,
                                                size_t *moved)
{
    static const enum usb_fault faults[] = {
        [FAKE_MBOOT_UNPLUG_BEFORE] = USB_GONE, [FAKE_MBOOT_STALL] = USB_STALLED,
        [FAKE_MBOOT_TIMEOUT] = USB_TIMED_OUT,  [FAKE_MBOOT_BREAK] = USB_BROKEN,
        [FAKE_MBOOT_INTERRUPT] = USB_OK,
    };
    struct fake_mboot *b = data;
    bool hit = (int)b->transfers++ == b->at;
    b->now_us += 100;
    b->gone |= hit && b->fault == FAKE_MBOOT_UNPLUG_BEFORE;
    if (b->gone)
        return USB_GONE;
    if (hit && b->fault == FAKE_MBOOT_INTERRUPT)
        raise(SIGINT);
    if (hit && faults[b->fault] != USB_OK)
        return faults[b->fault];
    fake_mboot_log(b, c);
    if (moved)
        *moved = c->length;
    enum usb_fault fault = fake_mboot_answer(b, c);
    if (!hit || b->fault != FAKE_MBOOT_UNPLUG_AFTER)
        return fault;
    b->gone = true;
    return USB_GONE;
}

static inline bool fake_mboot_set_alt(void *data, uint8_t alt, struct err **err)
{
    (void)data;
    (void)alt;
    (void)err;
    return true;
}

static inline enum usb_fault fake_mboot_reset(void *data)
{
    (void)data;
    return USB_OK;
}

static inline long long fake_mboot_now_us(void *data)
{
    return ((struct fake_mboot *)data)->now_us;
}

static inline void fake_mboot_sleep_until(void *data, long long when_us)
{
    struct fake_mboot *b = data;
    if (when_us > b->now_us)
        b->now_us = when_us;
}

static inline struct dfu fake_mboot_dfu(struct fake_mboot *b)
{
    return (struct dfu){
        .io = {fake_mboot_control, fake_mboot_set_alt, fake_mboot_reset, fake_mboot_now_us,
               fake_mboot_sleep_until, b},
        .transfer_size = FAKE_MBOOT_BLOCK,
        .quirks = {.flags = QUIRK_MBOOT_STRINGS, .name = "mboot"},
    };
}

#endif
