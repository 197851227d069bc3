#include "image/hex_file.h"

#include <string.h>

#include "image/pieces.h"

#define BYTES_A_RECORD 16
#define DATA_AT 4 /* in a record, behind count, offset and type */
#define RECORD_MAX_BYTES (255 + 5)

enum record_type {
    RECORD_DATA = 0,
    RECORD_END = 1,
    RECORD_SEGMENT_ADDRESS = 2,
    RECORD_START_SEGMENT = 3,
    RECORD_LINEAR_ADDRESS = 4,
    RECORD_START_LINEAR = 5,
};

/* At `at`, adding to *sum; behind them. */
static char *add_bytes(char *at, const uint8_t *bytes, size_t size, uint8_t *sum)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < size; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
        *sum = (uint8_t)(*sum + bytes[i]);
    }
    return at;
}

/* Tens of thousands for one image: no printf(). */
static void add_record(struct buf *out, enum record_type type, uint16_t offset, const uint8_t *data,
                       size_t size)
{
    char line[1 + 2 * (1 + 2 + 1 + BYTES_A_RECORD + 1) + 1];
    const uint8_t head[] = {(uint8_t)size, (uint8_t)(offset >> 8), (uint8_t)offset, (uint8_t)type};
    uint8_t sum = 0;
    char *at = line;
    *at++ = ':';
    at = add_bytes(at, head, sizeof(head), &sum);
    at = add_bytes(at, data, size, &sum);
    sum = (uint8_t)-sum;
    at = add_bytes(at, &sum, 1, &(uint8_t){0});
    *at++ = '\n';
    buf_add(out, line, (size_t)(at - line));
}

static void add_segment(const struct segment *s, uint32_t *upper, struct buf *out)
{
    for (size_t at = 0; at < s->size;) {
        uint32_t address = s->address + (uint32_t)at;
        if (address >> 16 != *upper) {
            *upper = address >> 16;
            uint8_t bytes[2] = {(uint8_t)(*upper >> 8), (uint8_t)*upper};
            add_record(out, RECORD_LINEAR_ADDRESS, 0, bytes, 2);
        }
        size_t n = BYTES_A_RECORD - address % BYTES_A_RECORD;
        if (n > s->size - at)
            n = s->size - at;
        add_record(out, RECORD_DATA, (uint16_t)address, s->data + at, n);
        at += n;
    }
}

bool hex_write(const struct image *image, struct buf *out, struct err **err)
{
    uint32_t upper = 0;
    if (!image_check_address(image, err) || !image_check_plain(image, err))
        return false;
    for (size_t i = 0; i < image->count; i++) {
        if (image->segments[i].alt != 0) {
            err_set(err, ERR_FAILED,
                    "the image has data for alternate setting %u, which Intel HEX cannot hold",
                    image->segments[i].alt);
            return err_hint(err, "write a .dfu, which can");
        }
        add_segment(&image->segments[i], &upper, out);
    }
    add_record(out, RECORD_END, 0, NULL, 0);
    return true;
}

struct record {
    enum record_type type;
    uint16_t offset;
    uint8_t size;
    uint8_t bytes[RECORD_MAX_BYTES]; /* count, offset (2), type, data, checksum */
};

/* bytes holds what the records said, one after the other; the pieces point into it. */
struct reader {
    struct pieces pieces;
    uint8_t *bytes;
    size_t count;
    uint32_t base;
    bool ended;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static bool decode_digits(const char *line, size_t len, struct record *record, struct err **err)
{
    if (len < 11 || len % 2 == 0 || len / 2 > RECORD_MAX_BYTES)
        return err_set(err, ERR_FAILED, "a record of %zu characters", len);
    for (size_t i = 0; i < len / 2; i++) {
        int high = hex_digit(line[1 + 2 * i]), low = hex_digit(line[2 + 2 * i]);
        if (high < 0 || low < 0)
            return err_set(err, ERR_FAILED, "column %zu is not a hexadecimal digit",
                           2 + 2 * i + (high >= 0));
        record->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool decode_record(const char *line, size_t len, struct record *record, struct err **err)
{
    uint8_t sum = 0;
    if (len == 0 || line[0] != ':')
        return err_set(err, ERR_FAILED, "a record starts with ':'");
    if (!decode_digits(line, len, record, err))
        return false;
    record->size = record->bytes[0];
    if (len / 2 != record->size + 5u)
        return err_set(err, ERR_FAILED, "the record says %u data bytes and has %zu", record->size,
                       len / 2 - 5);
    for (size_t i = 0; i < len / 2; i++)
        sum = (uint8_t)(sum + record->bytes[i]);
    if (sum != 0)
        return err_set(err, ERR_FAILED, "wrong checksum: the file is damaged");
    record->offset = (uint16_t)(record->bytes[1] << 8 | record->bytes[2]);
    record->type = record->bytes[3];
    return true;
}

static bool take_data(struct reader *r, const struct record *record, struct err **err)
{
    uint8_t *bytes = r->bytes + r->count;
    if (record->size == 0)
        return true;
    memcpy(bytes, record->bytes + DATA_AT, record->size);
    r->count += record->size;
    return pieces_add(&r->pieces, 0, r->base + record->offset, bytes, record->size, err);
}

static bool take_record(struct reader *r, const struct record *record, struct err **err)
{
    switch (record->type) {
    case RECORD_DATA:
        return take_data(r, record, err);
    case RECORD_END:
        r->ended = true;
        return true;
    case RECORD_SEGMENT_ADDRESS:
    case RECORD_LINEAR_ADDRESS:
        if (record->size != 2)
            return err_set(err, ERR_FAILED, "an address record of %u bytes, expected 2",
                           record->size);
        r->base = (uint32_t)(record->bytes[DATA_AT] << 8 | record->bytes[DATA_AT + 1])
                  << (record->type == RECORD_LINEAR_ADDRESS ? 16 : 4);
        return true;
    case RECORD_START_SEGMENT:
    case RECORD_START_LINEAR:
        return true; /* an entry point: nothing that goes into flash */
    }
    return err_set(err, ERR_FAILED, "record type %02X is not known", record->type);
}

static bool read_lines(struct reader *r, const char *text, size_t len, struct err **err)
{
    size_t number = 1;
    for (size_t at = 0; at < len && !r->ended; number++) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t end = newline ? (size_t)(newline - text) : len;
        size_t line_len = end - at;
        struct record record = {0};
        if (line_len && text[end - 1] == '\r')
            line_len--;
        if (line_len &&
            (!decode_record(text + at, line_len, &record, err) || !take_record(r, &record, err)))
            return err_wrap(err, "Intel HEX, line %zu", number);
        at = end + 1;
    }
    if (!r->ended)
        return err_set(err, ERR_FAILED, "Intel HEX: no end record: the file is cut short");
    return true;
}

bool hex_read(const char *text, size_t len, struct image *image, struct err **err)
{
    /* A byte takes two digits. */
    struct reader r = {.pieces = PIECES_INIT, .bytes = xmalloc(len / 2)};
    bool ok = read_lines(&r, text, len, err);
    if (ok && r.pieces.count == 0)
        ok = err_set(err, ERR_FAILED, "Intel HEX: no data in the file");
    else if (ok && !pieces_move(&r.pieces, image, err))
        ok = err_wrap(err, "Intel HEX");
    pieces_release(&r.pieces);
    free(r.bytes);
    return ok;
}
