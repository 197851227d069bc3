#include "image/dfuse_file.h"

#include <string.h>

#include "image/pieces.h"

#define PREFIX_SIZE 11
#define TARGET_SIZE 274
#define TARGET_NAME_SIZE 255
#define ELEMENT_SIZE 8
#define DFUSE_VERSION 0x01
#define BCD_DFU_DFUSE 0x011a

uint32_t dfu_crc32(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320 & -(crc & 1));
    }
    return crc;
}

/* The number of segments from `first` on with the same alt. */
static size_t target_count(const struct image *image, size_t first)
{
    size_t n = 1;
    while (first + n < image->count && image->segments[first + n].alt == image->segments[first].alt)
        n++;
    return n;
}

static void add_target(const struct image *image, size_t first, size_t count, const char *name,
                       struct buf *out)
{
    size_t size = 0;
    for (size_t i = first; i < first + count; i++)
        size += ELEMENT_SIZE + image->segments[i].size;
    size_t name_len = name ? strnlen(name, TARGET_NAME_SIZE - 1) : 0;
    buf_adds(out, "Target");
    buf_addc(out, (char)image->segments[first].alt);
    buf_add_le32(out, name_len > 0);
    buf_add(out, name, name_len);
    buf_fill(out, 0, TARGET_NAME_SIZE - name_len);
    buf_add_le32(out, (uint32_t)size);
    buf_add_le32(out, (uint32_t)count);
    for (size_t i = first; i < first + count; i++) {
        const struct segment *s = &image->segments[i];
        buf_add_le32(out, s->address);
        buf_add_le32(out, (uint32_t)s->size);
        buf_add(out, s->data, s->size);
    }
}

static void put_le32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (8 * i));
}

static void add_suffix(const struct image *image, size_t start, struct buf *out)
{
    buf_add_le16(out, image->usb_device);
    buf_add_le16(out, image->usb_product);
    buf_add_le16(out, image->usb_vendor);
    buf_add_le16(out, BCD_DFU_DFUSE);
    buf_adds(out, "UFD");
    buf_addc(out, DFU_SUFFIX_SIZE);
    buf_add_le32(out, dfu_crc32(out->data + start, out->len - start));
}

void dfuse_file_write(const struct image *image, const char *name, struct buf *out)
{
    size_t start = out->len;
    uint8_t targets = 0;
    buf_adds(out, "DfuSe");
    buf_addc(out, DFUSE_VERSION);
    buf_add_le32(out, 0); /* DFUImageSize: known at the end */
    buf_addc(out, 0);     /* bTargets */
    for (size_t i = 0; i < image->count;) {
        size_t count = target_count(image, i);
        add_target(image, i, count, name, out);
        targets++;
        i += count;
    }
    put_le32(out->data + start + 6, (uint32_t)(out->len - start));
    out->data[start + 10] = (char)targets;
    add_suffix(image, start, out);
}

/* What is left to read; at counts from the start of the file. */
struct cursor {
    const uint8_t *data;
    size_t at, end;
};

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static const uint8_t *take(struct cursor *c, size_t size, const char *what, struct err **err)
{
    if (size > c->end - c->at) {
        err_set(err, ERR_FAILED,
                "DfuSe file: %s at offset %zu needs %zu bytes, but only %zu are left", what, c->at,
                size, c->end - c->at);
        return NULL;
    }
    const uint8_t *p = c->data + c->at;
    c->at += size;
    return p;
}

static bool read_suffix(const uint8_t *data, size_t size, struct image *image, struct err **err)
{
    if (size < PREFIX_SIZE + DFU_SUFFIX_SIZE)
        return err_set(err, ERR_FAILED, "DfuSe file: %zu bytes are too few for prefix and suffix",
                       size);
    const uint8_t *suffix = data + size - DFU_SUFFIX_SIZE;
    if (memcmp(suffix + 8, "UFD", 3) != 0 || suffix[11] < DFU_SUFFIX_SIZE)
        return err_set(err, ERR_FAILED,
                       "DfuSe file: no DFU suffix at the end: the file is cut short or damaged");
    uint32_t want = le32(suffix + 12), got = dfu_crc32(data, size - 4);
    if (want != got)
        return err_set(
            err, ERR_FAILED,
            "DfuSe file: the suffix says CRC 0x%08x, the content has 0x%08x: the file is "
            "damaged",
            want, got);
    image->usb_device = le16(suffix);
    image->usb_product = le16(suffix + 2);
    image->usb_vendor = le16(suffix + 4);
    return true;
}

static bool read_element(struct cursor *c, uint8_t alt, struct pieces *pieces, struct err **err)
{
    size_t offset = c->at;
    const uint8_t *head = take(c, ELEMENT_SIZE, "an element's header", err);
    if (!head)
        return false;
    uint32_t address = le32(head), size = le32(head + 4);
    const uint8_t *data = take(c, size, "an element's data", err);
    if (!data)
        return false;
    if (size == 0)
        return err_set(err, ERR_FAILED, "DfuSe file: the element at offset %zu has no bytes",
                       offset);
    return pieces_add(pieces, alt, address, data, size, err);
}

static bool read_target(struct cursor *c, struct pieces *pieces, struct err **err)
{
    size_t offset = c->at;
    const uint8_t *head = take(c, TARGET_SIZE, "a target's header", err);
    if (!head)
        return false;
    if (memcmp(head, "Target", 6) != 0)
        return err_set(err, ERR_FAILED, "DfuSe file: no 'Target' at offset %zu", offset);
    uint32_t size = le32(head + 266), count = le32(head + 270);
    if (size > c->end - c->at)
        return err_set(err, ERR_FAILED,
                       "DfuSe file: the target at offset %zu says %u bytes, but only %zu are left",
                       offset, size, c->end - c->at);
    struct cursor elements = {c->data, c->at, c->at + size};
    for (uint32_t i = 0; i < count; i++)
        if (!read_element(&elements, head[6], pieces, err))
            return false;
    if (elements.at != elements.end)
        return err_set(err, ERR_FAILED,
                       "DfuSe file: the target at offset %zu has %zu bytes after its %u elements",
                       offset, elements.end - elements.at, count);
    c->at = elements.end;
    return true;
}

static bool read_targets(struct cursor *c, unsigned count, struct image *image, struct err **err)
{
    _cleanup_(pieces_release) struct pieces pieces = PIECES_INIT;
    for (unsigned i = 0; i < count; i++)
        if (!read_target(c, &pieces, err))
            return false;
    if (c->at != c->end)
        return err_set(err, ERR_FAILED, "DfuSe file: %zu bytes after the last target",
                       c->end - c->at);
    if (!pieces_move(&pieces, image, err))
        return err_wrap(err, "DfuSe file");
    return true;
}

bool dfuse_file_read(const void *data, size_t size, struct image *image, struct err **err)
{
    const uint8_t *bytes = data;
    if (size < PREFIX_SIZE || memcmp(bytes, "DfuSe", 5) != 0)
        return err_set(err, ERR_FAILED, "not a DfuSe file: it does not start with 'DfuSe'");
    if (bytes[5] != DFUSE_VERSION)
        return err_set(err, ERR_FAILED, "DfuSe file: version %u is not known, only 1 is", bytes[5]);
    if (!read_suffix(bytes, size, image, err))
        return false;
    size_t suffix_size = bytes[size - 5];
    if (size < PREFIX_SIZE + suffix_size || le32(bytes + 6) != size - suffix_size)
        return err_set(err, ERR_FAILED,
                       "DfuSe file: the prefix says %u bytes, the file has %zu and a suffix of %zu",
                       le32(bytes + 6), size, suffix_size);
    struct cursor c = {bytes, PREFIX_SIZE, size - suffix_size};
    return read_targets(&c, bytes[10], image, err);
}
