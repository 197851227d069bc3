/*
 * A board, DfuSe or plain DFU, whose answers a fuzzer may change: a struct dfu_io with 32 KiB of
 * memory and a clock of its own. With no input left it behaves; each byte of the input belongs to
 * one transfer and either lets it pass or says what goes wrong with it, statuses made of input
 * bytes included.
 *
 * It keeps what a host may rely on: for each byte of its memory what the host last sent there, and
 * what it was last told is there (fuzz_board_has).
 */
#ifndef FIRN_TESTS_FUZZ_FUZZ_BOARD_H
#define FIRN_TESTS_FUZZ_FUZZ_BOARD_H

#include "tests/fuzz/fuzz.h"

#include "flasher/dfu.h"

#define FUZZ_BASE 0x08000000u
#define FUZZ_SIZE (32u * 1024)
#define FUZZ_LAYOUT "@Flash /0x08000000/04*001Kg,02*002Kg,06*004Kg"
#define FUZZ_UNKNOWN (-1)
/* Then each takes longer, so that who waits for ever for a stuck board does not need long. */
#define FUZZ_QUICK_TRANSFERS 1000
#define FUZZ_SLOW_MS 20

struct fuzz_board {
    struct fuzz_input answers;
    uint16_t transfer_size;
    long long now_us;
    unsigned transfers;
    uint8_t memory[FUZZ_SIZE];
    uint8_t state, code;
    uint32_t pointer;
    uint8_t work[USB_CONTROL_MAX]; /* what the last DNLOAD brought */
    uint16_t work_block, work_len;
    bool gone, stuck;
    size_t answered; /* bytes that an UPLOAD or a string has */
    uint8_t blank;   /* an erased byte */

    /* Of a plain DFU device, whose blocks count from the start of its memory. */
    bool plain, tolerant;
    size_t held; /* bytes of its memory that it was sent */

    /* What the host sent and was told, whatever became of it in the board. */
    uint32_t host_pointer;
    int16_t sent[FUZZ_SIZE];  /* FUZZ_UNKNOWN: nothing since it was last erased */
    int16_t shown[FUZZ_SIZE]; /* by UPLOAD, since it was last written to or erased */
    bool told_to_leave;
    unsigned changes; /* transfers that erase or carry data */

    unsigned mischief; /* transfers that did not go well */
    unsigned lies;     /* those that were not simply refused, lost or late */
};

static inline void fuzz_board_forget(struct fuzz_board *b)
{
    for (size_t i = 0; i < FUZZ_SIZE; i++)
        b->sent[i] = b->shown[i] = FUZZ_UNKNOWN;
}

/* Did the host see, after everything that it sent, that these bytes are in the board (shown)? Did
 * it send them (sent)? */
static inline bool fuzz_board_has(const int16_t *view, uint32_t address, const uint8_t *data,
                                  size_t size)
{
    CHECK(address >= FUZZ_BASE && size <= FUZZ_SIZE - (address - FUZZ_BASE));
    for (size_t i = 0; i < size; i++)
        if (view[address - FUZZ_BASE + i] != data[i])
            return false;
    return true;
}

static inline uint32_t fuzz_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Where a block of data belongs in the memory; anything beyond FUZZ_SIZE: nowhere. */
static inline uint64_t fuzz_board_offset(const struct fuzz_board *b, uint32_t pointer,
                                         uint16_t block)
{
    uint64_t size = b->transfer_size;
    if (b->plain)
        return block * size;
    if (block < 2 || pointer < FUZZ_BASE)
        return UINT32_MAX;
    return pointer - FUZZ_BASE + (block - 2u) * size;
}

static inline void fuzz_board_fail(struct fuzz_board *b, uint8_t code)
{
    b->state = DFU_STATE_ERROR;
    b->code = code;
}

static inline uint32_t fuzz_sector_size(uint32_t offset)
{
    return offset < 4096 ? 1024 : offset < 8192 ? 2048 : 4096;
}

static inline void fuzz_board_erase(struct fuzz_board *b, uint32_t offset)
{
    if (offset >= FUZZ_SIZE) {
        fuzz_board_fail(b, DFU_STATUS_ERR_TARGET);
        return;
    }
    uint32_t size = fuzz_sector_size(offset);
    memset(b->memory + offset / size * size, b->blank, size);
}

/* Only erasing brings a bit back; plain devices erase by themselves. */
static inline uint8_t fuzz_programmed(const struct fuzz_board *b, uint8_t old, uint8_t byte)
{
    if (b->plain)
        return byte;
    return b->blank ? old & byte : old | byte;
}

static inline void fuzz_board_program(struct fuzz_board *b)
{
    uint64_t offset = fuzz_board_offset(b, b->pointer, b->work_block);
    if (offset >= FUZZ_SIZE || b->work_len > FUZZ_SIZE - offset) {
        fuzz_board_fail(b, DFU_STATUS_ERR_ADDRESS);
        return;
    }
    for (size_t i = 0; i < b->work_len; i++)
        b->memory[offset + i] = fuzz_programmed(b, b->memory[offset + i], b->work[i]);
    if (offset + b->work_len > b->held)
        b->held = (size_t)offset + b->work_len;
}

static inline void fuzz_board_work(struct fuzz_board *b)
{
    uint32_t address = fuzz_le32(b->work + 1);
    b->state = DFU_STATE_DNLOAD_IDLE;
    if (b->plain || b->work_block >= 2)
        fuzz_board_program(b);
    else if (b->work_block == 0 && b->work_len == 1 && b->work[0] == 0x41)
        memset(b->memory, b->blank, sizeof(b->memory));
    else if (b->work_block == 0 && b->work_len == 5 && b->work[0] == 0x21)
        b->pointer = address;
    else if (b->work_block == 0 && b->work_len == 5 && b->work[0] == 0x41)
        fuzz_board_erase(b, address - FUZZ_BASE);
    else
        fuzz_board_fail(b, DFU_STATUS_ERR_STALLEDPKT);
}

static inline enum usb_fault fuzz_board_refuse(struct fuzz_board *b)
{
    fuzz_board_fail(b, DFU_STATUS_ERR_STALLEDPKT);
    return USB_STALLED;
}

static inline enum usb_fault fuzz_board_download(struct fuzz_board *b, const struct usb_control *c)
{
    if (b->state != DFU_STATE_IDLE && b->state != DFU_STATE_DNLOAD_IDLE)
        return fuzz_board_refuse(b);
    CHECK(c->length <= b->transfer_size || c->length == 5);
    if (c->length)
        memcpy(b->work, c->data, c->length);
    b->work_block = c->value;
    b->work_len = c->length;
    b->state = c->length ? DFU_STATE_DNLOAD_SYNC : DFU_STATE_MANIFEST_SYNC;
    return USB_OK;
}

static inline enum usb_fault fuzz_board_upload(struct fuzz_board *b, const struct usb_control *c)
{
    uint64_t offset = fuzz_board_offset(b, b->pointer, c->value);
    size_t end = b->plain ? b->held : FUZZ_SIZE;
    size_t left = offset < end ? end - (size_t)offset : 0;
    if ((b->state != DFU_STATE_IDLE && b->state != DFU_STATE_UPLOAD_IDLE) ||
        (!b->plain && c->length > left))
        return fuzz_board_refuse(b);
    b->answered = c->length < left ? c->length : left;
    memcpy(c->data, b->memory + (left ? offset : 0), b->answered);
    b->state = b->answered == c->length ? DFU_STATE_UPLOAD_IDLE : DFU_STATE_IDLE;
    return USB_OK;
}

static inline enum usb_fault fuzz_board_status(struct fuzz_board *b, const struct usb_control *c)
{
    uint8_t bytes[DFU_STATUS_SIZE] = {b->code};
    if (b->state == DFU_STATE_DNLOAD_SYNC)
        b->state = DFU_STATE_DNBUSY;
    else if (b->state == DFU_STATE_DNBUSY && !b->stuck)
        fuzz_board_work(b);
    else if (b->state == DFU_STATE_MANIFEST_SYNC)
        b->state = DFU_STATE_MANIFEST;
    else if (b->state == DFU_STATE_MANIFEST)
        b->state = b->tolerant ? DFU_STATE_IDLE : DFU_STATE_MANIFEST_WAIT_RESET;
    b->gone |= b->state == DFU_STATE_MANIFEST && !b->plain;
    bytes[0] = b->code;
    bytes[4] = b->state;
    memcpy(c->data, bytes, sizeof(bytes));
    return USB_OK;
}

/* A string descriptor, whichever was asked for. */
static inline bool fuzz_is_string(const struct usb_control *c)
{
    return c->request_type == USB_REQUEST_IN && c->request == 6 && c->value >> 8 == 3;
}

static inline enum usb_fault fuzz_board_string(struct fuzz_board *b, const struct usb_control *c)
{
    static const uint8_t text[] = {8, 3, 'b', 0, 'a', 0, 'd', 0};
    b->answered = c->length < sizeof(text) ? c->length : sizeof(text);
    memcpy(c->data, text, b->answered);
    return USB_OK;
}

static inline enum usb_fault fuzz_board_behave(struct fuzz_board *b, const struct usb_control *c)
{
    if (fuzz_is_string(c))
        return fuzz_board_string(b, c);
    switch (c->request) {
    case DFU_DNLOAD:
        return fuzz_board_download(b, c);
    case DFU_UPLOAD:
        return fuzz_board_upload(b, c);
    case DFU_GETSTATUS:
        return fuzz_board_status(b, c);
    case DFU_CLRSTATUS:
    case DFU_ABORT:
        b->state = DFU_STATE_IDLE;
        b->code = DFU_STATUS_OK;
        return USB_OK;
    case DFU_GETSTATE:
        *(uint8_t *)c->data = b->state;
        return USB_OK;
    default:
        return fuzz_board_refuse(b);
    }
}

/* The host begins a transfer that may change memory: what it saw there is no longer true. */
static inline void fuzz_board_note_begin(struct fuzz_board *b, const struct usb_control *c)
{
    const uint8_t *data = c->data;
    if (c->request != DFU_DNLOAD)
        return;
    b->told_to_leave |= c->length == 0;
    uint64_t start = fuzz_board_offset(b, b->host_pointer, c->value);
    uint64_t size = c->length;
    bool erase = !b->plain && c->value == 0 && c->length && data[0] == 0x41;
    b->changes += erase || (c->length && (b->plain || c->value >= 2));
    if (erase && c->length == 1) {
        start = 0;
        size = FUZZ_SIZE;
    } else if (erase) {
        start = fuzz_le32(data + 1) - FUZZ_BASE;
        size = start < FUZZ_SIZE ? fuzz_sector_size((uint32_t)start) : 1;
        start = start / size * size;
    }
    for (uint64_t i = start; i < start + size && i < FUZZ_SIZE; i++)
        b->sent[i] = b->shown[i] = FUZZ_UNKNOWN;
}

/* It got through, as far as the host can tell: what it sent there, or what it was shown. */
static inline void fuzz_board_note_end(struct fuzz_board *b, const struct usb_control *c,
                                       size_t moved)
{
    const uint8_t *data = c->data;
    uint64_t start = fuzz_board_offset(b, b->host_pointer, c->value);
    if (c->request == DFU_DNLOAD && c->value == 0 && c->length == 5 && data[0] == 0x21)
        b->host_pointer = fuzz_le32(data + 1);
    if (c->request != DFU_DNLOAD && c->request != DFU_UPLOAD)
        return;
    int16_t *view = c->request == DFU_DNLOAD ? b->sent : b->shown;
    for (size_t i = 0; i < moved && start + i < FUZZ_SIZE; i++)
        view[start + i] = data[i];
}

/* What byte of the input does what to a transfer; everything else lets it pass. */
enum fuzz_mischief {
    MISCHIEF_STALL = 0x80,
    MISCHIEF_TIME_OUT,
    MISCHIEF_UNPLUG,
    MISCHIEF_BREAK,
    MISCHIEF_UNPLUG_AFTER, /* the transfer works, its reply does not come */
    MISCHIEF_LIE,          /* the answer's bytes are the input's */
    MISCHIEF_FLIP,         /* one byte of the answer is wrong */
    MISCHIEF_SHORT,        /* fewer bytes move */
    MISCHIEF_IGNORE,       /* success, and nothing happened */
    MISCHIEF_DELAY,
    MISCHIEF_STATE, /* state and status become the input's, then it goes on */
    MISCHIEF_STICK, /* dfuDNBUSY for ever */
};

static inline enum usb_fault fuzz_board_time_out(struct fuzz_board *b, const struct usb_control *c)
{
    b->now_us += c->timeout_ms * 1000LL;
    return USB_TIMED_OUT;
}

static inline void fuzz_board_lie(struct fuzz_board *b, const struct usb_control *c)
{
    for (size_t i = 0; c->request_type & USB_REQUEST_IN && i < c->length; i++)
        ((uint8_t *)c->data)[i] = fuzz_u8(&b->answers);
}

/* What happens instead of the transfer. True: it is over, with *fault. */
static inline bool fuzz_board_before(struct fuzz_board *b, const struct usb_control *c,
                                     uint8_t mischief, enum usb_fault *fault)
{
    uint32_t delay_ms;
    *fault = USB_OK;
    switch (mischief) {
    case MISCHIEF_STALL:
        *fault = fuzz_board_refuse(b);
        return true;
    case MISCHIEF_TIME_OUT:
        *fault = fuzz_board_time_out(b, c);
        return true;
    case MISCHIEF_BREAK:
        *fault = USB_BROKEN;
        return true;
    case MISCHIEF_LIE:
        fuzz_board_lie(b, c);
        return true;
    case MISCHIEF_IGNORE:
        if (c->request_type & USB_REQUEST_IN)
            memset(c->data, 0, c->length);
        return true;
    case MISCHIEF_DELAY:
        delay_ms = fuzz_u16(&b->answers);
        if (delay_ms >= c->timeout_ms) {
            *fault = fuzz_board_time_out(b, c);
            return true;
        }
        b->now_us += delay_ms * 1000LL;
        return false;
    case MISCHIEF_STATE:
        b->state = fuzz_u8(&b->answers);
        b->code = fuzz_u8(&b->answers);
        return false;
    case MISCHIEF_STICK:
        b->stuck = true;
        return false;
    default:
        return false;
    }
}

/* Did the board itself not answer? */
static inline bool fuzz_mischief_replaces(uint8_t mischief)
{
    return mischief == MISCHIEF_LIE || mischief == MISCHIEF_IGNORE;
}

/* What becomes of a transfer that worked. */
static inline enum usb_fault fuzz_board_after(struct fuzz_board *b, const struct usb_control *c,
                                              uint8_t mischief, size_t *moved)
{
    bool is_part = c->request == DFU_UPLOAD || fuzz_is_string(c);
    size_t len = is_part && !fuzz_mischief_replaces(mischief) ? b->answered : c->length;
    size_t at;
    if (mischief == MISCHIEF_FLIP && c->request_type & USB_REQUEST_IN && len) {
        at = fuzz_u16(&b->answers) % len;
        ((uint8_t *)c->data)[at] ^= (uint8_t)(fuzz_u8(&b->answers) | 1);
    }
    *moved = mischief == MISCHIEF_SHORT ? fuzz_u16(&b->answers) % (len + 1) : len;
    b->gone |= mischief == MISCHIEF_UNPLUG_AFTER;
    return b->gone && mischief == MISCHIEF_UNPLUG_AFTER ? USB_GONE : USB_OK;
}

static inline enum usb_fault fuzz_board_control(void *data, const struct usb_control *c,
                                                size_t *moved)
{
    struct fuzz_board *b = data;
    size_t dummy;
    uint8_t mischief = fuzz_u8(&b->answers);
    enum usb_fault fault;
    CHECK(c->timeout_ms > 0 && (c->data || !c->length));
    CHECK(fuzz_is_string(c) ||
          (c->index == 0 && (c->request_type & ~USB_REQUEST_IN) == USB_REQUEST_CLASS_INTERFACE));
    fuzz_board_note_begin(b, c);
    b->gone |= mischief == MISCHIEF_UNPLUG;
    if (mischief >= MISCHIEF_STALL && mischief <= MISCHIEF_STICK)
        b->mischief++;
    if (mischief >= MISCHIEF_LIE && mischief <= MISCHIEF_STATE && mischief != MISCHIEF_DELAY)
        b->lies++;
    if (b->gone)
        return USB_GONE;
    bool slow = ++b->transfers > FUZZ_QUICK_TRANSFERS;
    if (slow && c->timeout_ms <= FUZZ_SLOW_MS)
        return fuzz_board_time_out(b, c);
    b->now_us += slow ? FUZZ_SLOW_MS * 1000 : 100;
    if (!fuzz_board_before(b, c, mischief, &fault))
        fault = fuzz_board_behave(b, c);
    if (fault != USB_OK)
        return fault;
    moved = moved ? moved : &dummy;
    fault = fuzz_board_after(b, c, mischief, moved);
    if (fault == USB_OK)
        fuzz_board_note_end(b, c, *moved);
    return fault;
}

static inline bool fuzz_board_set_alt(void *data, uint8_t alt, struct err **err)
{
    struct fuzz_board *b = data;
    (void)alt;
    return !b->gone || err_set(err, ERR_DEVICE, "gone");
}

static inline enum usb_fault fuzz_board_reset(void *data)
{
    struct fuzz_board *b = data;
    b->gone = true;
    return USB_GONE;
}

static inline long long fuzz_board_now_us(void *data)
{
    return ((struct fuzz_board *)data)->now_us;
}

static inline void fuzz_board_sleep_until(void *data, long long when_us)
{
    struct fuzz_board *b = data;
    if (when_us > b->now_us)
        b->now_us = when_us;
}

/* What the host knows of the board, from a byte of the input. */
static inline struct quirks fuzz_board_quirks(uint8_t bits)
{
    static const enum quirk_flag flags[] = {QUIRK_MBOOT_STRINGS, QUIRK_STALLS_EARLY_POLL,
                                            QUIRK_WEDGES_IN_BUSY, QUIRK_ERASES_TO_ZERO};
    struct quirks quirks = {.poll_timeout_ms = bits & 0x80 ? 5 : 0};
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (bits & 8 << i)
            quirks.flags |= flags[i];
    return quirks;
}

/* A board in dfuIDLE; the input says what it has for a transfer size and which quirks, and the rest
 * is answers. */
static inline struct dfu fuzz_board_init(struct fuzz_board *b, const struct fuzz_input *answers)
{
    static const uint16_t sizes[] = {64, 256, 1024, 2048, 4096, 100, 8, 5};
    memset(b, 0, sizeof(*b));
    b->answers = *answers;
    uint8_t bits = fuzz_u8(&b->answers);
    struct quirks quirks = fuzz_board_quirks(bits);
    b->transfer_size = sizes[bits % ARRAY_SIZE(sizes)];
    b->blank = quirks.flags & QUIRK_ERASES_TO_ZERO ? 0 : 0xff;
    b->state = DFU_STATE_IDLE;
    memset(b->memory, b->blank, sizeof(b->memory));
    fuzz_board_forget(b);
    return (struct dfu){
        .io = {fuzz_board_control, fuzz_board_set_alt, fuzz_board_reset, fuzz_board_now_us,
               fuzz_board_sleep_until, b},
        .transfer_size = b->transfer_size,
        .quirks = quirks,
    };
}

#endif
