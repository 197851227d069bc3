#include "image/dfu_suffix.h"

#include <string.h>

/* Offsets in the last DFU_SUFFIX_SIZE bytes. */
enum {
    AT_DEVICE = 0,
    AT_PRODUCT = 2,
    AT_VENDOR = 4,
    AT_BCD_DFU = 6,
    AT_SIGNATURE = 8,
    AT_LENGTH = 11,
    AT_CRC = 12,
};
#define CRC_SIZE 4

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

bool dfu_suffix_is(const void *data, size_t size)
{
    const char *bytes = data;
    return size >= DFU_SUFFIX_SIZE &&
           memcmp(bytes + size - DFU_SUFFIX_SIZE + AT_SIGNATURE, "UFD", 3) == 0;
}

static bool check_length(uint8_t length, size_t size, struct err **err)
{
    if (length < DFU_SUFFIX_SIZE)
        err_set(err, ERR_FAILED, "the DFU suffix says that it has %u bytes; it has at least %d",
                length, DFU_SUFFIX_SIZE);
    else if (length > size)
        err_set(err, ERR_FAILED, "the DFU suffix says that it has %u bytes, the file has %zu",
                length, size);
    else
        return true;
    return err_hint(err, "the file is damaged: get it again");
}

bool dfu_suffix_read(const void *data, size_t size, struct dfu_suffix *suffix, struct err **err)
{
    *suffix = (struct dfu_suffix){0};
    if (!dfu_suffix_is(data, size))
        return true;
    const uint8_t *end = (const uint8_t *)data + size - DFU_SUFFIX_SIZE;
    if (!check_length(end[AT_LENGTH], size, err))
        return false;
    uint32_t expected = load_le32(end + AT_CRC), found = dfu_crc32(data, size - CRC_SIZE);
    if (expected != found) {
        err_set(err, ERR_FAILED, "the DFU suffix says CRC 0x%08x, the content has 0x%08x", expected,
                found);
        return err_hint(err, "the file is damaged: get it again");
    }
    *suffix = (struct dfu_suffix){
        .length = end[AT_LENGTH],
        .device = load_le16(end + AT_DEVICE),
        .product = load_le16(end + AT_PRODUCT),
        .vendor = load_le16(end + AT_VENDOR),
        .bcd_dfu = load_le16(end + AT_BCD_DFU),
        .crc = expected,
    };
    return true;
}

void dfu_suffix_write(const struct dfu_suffix *suffix, size_t start, struct buf *out)
{
    buf_add_le16(out, suffix->device);
    buf_add_le16(out, suffix->product);
    buf_add_le16(out, suffix->vendor);
    buf_add_le16(out, suffix->bcd_dfu);
    buf_adds(out, "UFD");
    buf_addc(out, DFU_SUFFIX_SIZE);
    buf_add_le32(out, dfu_crc32(out->data + start, out->len - start));
}
