/*
 * A DfuSe board for the flasher's tests: a struct dfu_io with memory, a clock of its own, a log of
 * the requests and faults at chosen ones. Small on purpose and independent of simulator/.
 *
 * Work begins with the GETSTATUS after a DNLOAD, as on ST's ROM: it answers dfuDNBUSY, and whatever
 * comes next finds the work done (the board delays its answer until then).
 */
#ifndef FIRN_TESTS_UNIT_FAKE_BOARD_H
#define FIRN_TESTS_UNIT_FAKE_BOARD_H

#include <signal.h>

#include "unit.h"

#include "flasher/dfu.h"

#define FAKE_BASE 0x08000000u
#define FAKE_SIZE (256u * 1024)
#define FAKE_LAYOUT "@Flash /0x08000000/04*016Kg,01*064Kg,01*128Kg"
#define FAKE_BLOCK 2048
#define FAKE_NEVER (-1)

/* What goes wrong at one transfer. */
enum fake_fault {
    FAKE_STALL,     /* it stalls, and the board notices nothing */
    FAKE_TIMEOUT,   /* no answer */
    FAKE_BROKEN,    /* garbled on the way */
    FAKE_STATUS,    /* the board goes into dfuERROR, with fault_code */
    FAKE_SHORT,     /* half of the bytes */
    FAKE_CORRUPT,   /* one byte of the data is another */
    FAKE_IGNORE,    /* the erase or write that it starts is not done, and success reported */
    FAKE_STUCK,     /* dfuDNBUSY for ever */
    FAKE_LONG_POLL, /* announces 16777 s */
    FAKE_NO_POLL,   /* announces nothing and takes a second */
    FAKE_FAULTS,
};

struct fake_board {
    uint8_t memory[FAKE_SIZE];
    uint8_t state, code;
    uint32_t pointer;
    int alt;
    long long now_us, busy_until_us;
    long long asked_until_us; /* the host was told not to ask before */
    bool gone, left;
    unsigned transfers, early_polls;
    unsigned downloads, uploads; /* of these, data blocks */
    unsigned erases;
    unsigned overwritten; /* bytes that were programmed without being erased */
    struct buf log;

    uint8_t work[FAKE_BLOCK]; /* what the last DNLOAD brought */
    uint16_t work_block, work_len;

    /* How it behaves. */
    uint32_t erase_ms, write_ms;    /* duration, and what it announces */
    uint32_t announce_ms;           /* instead, if not 0 */
    bool stuck;                     /* dfuDNBUSY for ever */
    bool silent_leave;              /* gone before it answers the GETSTATUS after "leave" */
    uint8_t fail_erase, fail_write; /* bStatus of these, 0 = none */
    bool ok_in_error;               /* dfuERROR reports status OK, as mboot does */
    bool read_protected;
    bool protected_for_ever; /* read unprotect changes nothing */
    uint32_t own_bytes;      /* a bootloader in the same flash: a mass erase spares it */
    bool ignore_writes;
    int unplug_before, unplug_after; /* transfer number, FAKE_NEVER */
    uint32_t corrupt_read;           /* address whose byte reads back wrong, 0 = none */
    int short_read;                  /* transfer whose upload is one byte short, FAKE_NEVER */
    int interrupt_at;                /* transfer that is accompanied by a SIGINT, FAKE_NEVER */
    int fault_at;                    /* transfer at which `fault` happens, FAKE_NEVER */
    enum fake_fault fault;
    uint8_t fault_code;
    bool ignore_work; /* the work that comes next is not done */
    uint8_t blank;    /* what erased memory reads */
};

static inline void fake_board_init(struct fake_board *b)
{
    *b = (struct fake_board){
        .state = DFU_STATE_IDLE,
        .alt = -1,
        .now_us = 1000,
        .log = BUF_INIT,
        .unplug_before = FAKE_NEVER,
        .unplug_after = FAKE_NEVER,
        .short_read = FAKE_NEVER,
        .interrupt_at = FAKE_NEVER,
        .fault_at = FAKE_NEVER,
        .blank = 0xff,
    };
    memset(b->memory, 0xff, sizeof(b->memory));
}

static inline void fake_fail(struct fake_board *b, uint8_t code)
{
    b->state = DFU_STATE_ERROR;
    b->code = b->ok_in_error ? DFU_STATUS_OK : code;
}

static inline uint32_t fake_sector_size(uint32_t offset)
{
    return offset < 0x10000 ? 0x4000 : offset < 0x20000 ? 0x10000 : 0x20000;
}

static inline void fake_erase(struct fake_board *b, uint32_t address)
{
    uint32_t offset = address - FAKE_BASE, size = fake_sector_size(offset);
    if (offset >= FAKE_SIZE)
        fake_fail(b, DFU_STATUS_ERR_TARGET);
    else if (b->fail_erase)
        fake_fail(b, b->fail_erase);
    else
        memset(b->memory + offset / size * size, b->blank, size);
    b->erases++;
}

/* NOR: programming only changes bits to what an erase does not leave. */
static inline void fake_write(struct fake_board *b)
{
    uint32_t offset = b->pointer + (b->work_block - 2u) * FAKE_BLOCK - FAKE_BASE;
    if (offset >= FAKE_SIZE || b->work_len > FAKE_SIZE - offset) {
        fake_fail(b, DFU_STATUS_ERR_ADDRESS);
        return;
    }
    if (b->fail_write) {
        fake_fail(b, b->fail_write);
        return;
    }
    for (unsigned i = 0; i < b->work_len && !b->ignore_writes; i++) {
        uint8_t *byte = &b->memory[offset + i];
        b->overwritten += *byte != b->blank;
        *byte = b->blank ? *byte & b->work[i] : *byte | b->work[i];
    }
    b->downloads++;
}

static inline uint32_t fake_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void fake_work(struct fake_board *b)
{
    uint32_t address = fake_le32(b->work + 1);
    b->state = DFU_STATE_DNLOAD_IDLE;
    if (b->read_protected && b->work[0] != 0x92)
        fake_fail(b, DFU_STATUS_ERR_VENDOR);
    else if (b->ignore_work)
        b->ignore_work = false;
    else if (b->work_block != 0)
        fake_write(b);
    else if (b->work[0] == 0x21)
        b->pointer = address;
    else if (b->work[0] == 0x41 && b->work_len == 1)
        memset(b->memory + b->own_bytes, b->blank, FAKE_SIZE - b->own_bytes);
    else if (b->work[0] == 0x41)
        fake_erase(b, address);
    else if (b->work[0] == 0x92)
        b->read_protected = b->protected_for_ever;
    else
        fake_fail(b, DFU_STATUS_ERR_STALLEDPKT);
}

static inline uint32_t fake_duration_ms(const struct fake_board *b)
{
    if (b->work_block != 0)
        return b->write_ms;
    return b->work[0] == 0x41 ? b->erase_ms : 0;
}

static inline enum usb_fault fake_download(struct fake_board *b, const struct usb_control *c)
{
    if (b->state != DFU_STATE_IDLE && b->state != DFU_STATE_DNLOAD_IDLE) {
        fake_fail(b, DFU_STATUS_ERR_STALLEDPKT);
        return USB_STALLED;
    }
    if (c->length)
        memcpy(b->work, c->data, c->length);
    b->work_block = c->value;
    b->work_len = c->length;
    b->state = c->length ? DFU_STATE_DNLOAD_SYNC : DFU_STATE_MANIFEST_SYNC;
    return USB_OK;
}

static inline enum usb_fault fake_upload(struct fake_board *b, const struct usb_control *c,
                                         size_t *moved)
{
    uint32_t offset = b->pointer + (c->value - 2u) * FAKE_BLOCK - FAKE_BASE;
    if ((b->state != DFU_STATE_IDLE && b->state != DFU_STATE_UPLOAD_IDLE) || b->read_protected) {
        fake_fail(b, b->read_protected ? DFU_STATUS_ERR_VENDOR : DFU_STATUS_ERR_STALLEDPKT);
        return USB_STALLED;
    }
    if (offset >= FAKE_SIZE) {
        fake_fail(b, DFU_STATUS_ERR_TARGET);
        return USB_STALLED;
    }
    assert_true(c->length <= FAKE_SIZE - offset); /* would crash the ROM */
    memcpy(c->data, b->memory + offset, c->length);
    uint32_t wrong = b->corrupt_read - FAKE_BASE - offset;
    if (b->corrupt_read && wrong < c->length)
        ((uint8_t *)c->data)[wrong] ^= 0x40;
    *moved = c->length - ((int)b->transfers == b->short_read);
    b->state = DFU_STATE_UPLOAD_IDLE;
    b->uploads++;
    return USB_OK;
}

/* The state after this request, and the poll timeout. */
static inline uint32_t fake_advance(struct fake_board *b)
{
    if (b->state == DFU_STATE_DNLOAD_SYNC) {
        uint32_t ms = fake_duration_ms(b);
        b->state = DFU_STATE_DNBUSY;
        b->busy_until_us = b->now_us + ms * 1000LL;
        return b->announce_ms ? b->announce_ms : ms;
    }
    if (b->state == DFU_STATE_DNBUSY && !b->stuck)
        fake_work(b);
    return 0;
}

static inline enum usb_fault fake_get_status(struct fake_board *b, const struct usb_control *c,
                                             size_t *moved)
{
    if (b->state == DFU_STATE_MANIFEST_SYNC) {
        b->left = b->gone = true;
        if (b->silent_leave)
            return USB_GONE;
        b->state = DFU_STATE_MANIFEST;
    }
    uint32_t poll_ms = fake_advance(b);
    uint8_t bytes[DFU_STATUS_SIZE] = {
        b->code, (uint8_t)poll_ms, (uint8_t)(poll_ms >> 8), (uint8_t)(poll_ms >> 16), b->state, 0};
    b->asked_until_us = b->now_us + poll_ms * 1000LL;
    memcpy(c->data, bytes, sizeof(bytes));
    *moved = sizeof(bytes);
    return USB_OK;
}

static inline void fake_log(struct fake_board *b, const struct usb_control *c)
{
    static const char *const names[] = {"detach",    "dnload",   "upload", "getstatus",
                                        "clrstatus", "getstate", "abort"};
    const uint8_t *data = c->data;
    buf_adds(&b->log, names[c->request]);
    if (c->request == DFU_DNLOAD && c->value == 0 && c->length == 5)
        buf_addf(&b->log, " %02x %08x", data[0], (unsigned)fake_le32(data + 1));
    else if (c->request == DFU_DNLOAD || c->request == DFU_UPLOAD)
        buf_addf(&b->log, " %u %u", c->value, c->length);
    buf_addc(&b->log, '\n');
}

static inline enum usb_fault fake_answer(struct fake_board *b, const struct usb_control *c,
                                         size_t *moved)
{
    *moved = c->length;
    switch (c->request) {
    case DFU_DNLOAD:
        return fake_download(b, c);
    case DFU_UPLOAD:
        return fake_upload(b, c, moved);
    case DFU_GETSTATUS:
        return fake_get_status(b, c, moved);
    case DFU_CLRSTATUS:
    case DFU_ABORT:
        b->state = DFU_STATE_IDLE;
        b->code = DFU_STATUS_OK;
        return USB_OK;
    default:
        return USB_STALLED;
    }
}

/* The transfer that was chosen for a fault. */
static inline enum usb_fault fake_faulty(struct fake_board *b, const struct usb_control *c,
                                         size_t *moved)
{
    bool is_status = c->request == DFU_GETSTATUS;
    uint8_t *data = c->data;
    b->stuck |= b->fault == FAKE_STUCK;
    bool is_address = c->value == 0 && c->length == 5 && data[0] == 0x21;
    b->ignore_work |=
        b->fault == FAKE_IGNORE && c->request == DFU_DNLOAD && c->length && !is_address;
    if (b->fault == FAKE_STALL || b->fault == FAKE_TIMEOUT || b->fault == FAKE_BROKEN) {
        if (b->fault == FAKE_TIMEOUT)
            b->now_us += c->timeout_ms * 1000LL;
        return b->fault == FAKE_STALL     ? USB_STALLED
               : b->fault == FAKE_TIMEOUT ? USB_TIMED_OUT
                                          : USB_BROKEN;
    }
    if (b->fault == FAKE_STATUS)
        fake_fail(b, b->fault_code);
    enum usb_fault fault = fake_answer(b, c, moved);
    if (b->fault == FAKE_SHORT)
        *moved /= 2;
    if (b->fault == FAKE_CORRUPT && c->request == DFU_UPLOAD)
        data[3] ^= 0x5a;
    if (b->fault == FAKE_CORRUPT && c->request == DFU_DNLOAD && c->value)
        b->work[3] ^= 0x5a;
    if (is_status && (b->fault == FAKE_LONG_POLL || b->fault == FAKE_NO_POLL))
        data[1] = data[2] = data[3] = b->fault == FAKE_LONG_POLL ? 0xff : 0;
    if (is_status && b->fault == FAKE_NO_POLL && b->state == DFU_STATE_DNBUSY)
        b->busy_until_us = b->now_us + 1000000;
    return fault;
}

static inline enum usb_fault fake_control(void *data, const struct usb_control *c, size_t *moved)
{
    struct fake_board *b = data;
    size_t dummy;
    int number = (int)b->transfers;
    assert_int_equal(c->index, 0);
    assert_true(c->timeout_ms > 0);
    b->gone |= number == b->unplug_before;
    if (b->gone)
        return USB_GONE;
    if (number == b->interrupt_at)
        raise(SIGINT);
    fake_log(b, c);
    b->early_polls += b->now_us < b->asked_until_us;
    b->now_us += 100;
    if (b->state == DFU_STATE_DNBUSY && b->now_us < b->busy_until_us)
        b->now_us = b->busy_until_us;
    enum usb_fault fault = number == b->fault_at ? fake_faulty(b, c, moved ? moved : &dummy)
                                                 : fake_answer(b, c, moved ? moved : &dummy);
    b->transfers++;
    b->gone |= number == b->unplug_after;
    return number == b->unplug_after ? USB_GONE : fault;
}

static inline bool fake_set_alt(void *data, uint8_t alt, struct err **err)
{
    struct fake_board *b = data;
    b->alt = alt;
    buf_addf(&b->log, "alt %u\n", alt);
    return !b->gone || err_set(err, ERR_DEVICE, "gone");
}

static inline enum usb_fault fake_reset(void *data)
{
    struct fake_board *b = data;
    buf_adds(&b->log, "reset\n");
    b->state = DFU_STATE_IDLE;
    return b->gone ? USB_GONE : USB_OK;
}

static inline long long fake_now_us(void *data)
{
    return ((struct fake_board *)data)->now_us;
}

static inline void fake_sleep_until(void *data, long long when_us)
{
    struct fake_board *b = data;
    if (when_us > b->now_us)
        b->now_us = when_us;
}

static inline struct dfu fake_dfu(struct fake_board *b)
{
    return (struct dfu){
        .io = {fake_control, fake_set_alt, fake_reset, fake_now_us, fake_sleep_until, b},
        .transfer_size = FAKE_BLOCK,
    };
}

#endif
