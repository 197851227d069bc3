#include "simulator/mboot_chunk.h"

#include <string.h>

#include "base/hash.h"
#include "simulator/mboot_device.h"

_Static_assert(PACK_SIGNATURE == HASH_HEX_SIZE - 1, "the stand-in has a signature's length");

static uint32_t read_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool fail(struct dfu_device *dfu, enum dfu_status status)
{
    dfu->status = status;
    dfu->string = MBOOT_STRING_BAD_SIGNATURE;
    return false;
}

/* Sectors are erased when the first byte for them comes; chunks come in order. */
static bool erase_ahead(struct dfu_device *dfu, uint32_t address, uint32_t len, uint64_t *us)
{
    struct mboot_chunk *pack = dfu->pack;
    while (address < pack->erased_from || address + len > pack->erased_to) {
        bool inside = pack->erased_from <= address && address < pack->erased_to;
        uint32_t at = inside ? pack->erased_to : address, next;
        if (!inside)
            pack->erased_from = address;
        if (!mboot_erase(dfu, at, &next, us))
            return false;
        pack->erased_to = next;
    }
    return true;
}

static bool write_firmware(struct dfu_device *dfu, uint32_t address, const uint8_t *data,
                           uint32_t len, uint64_t *us)
{
    struct mboot_chunk *pack = dfu->pack;
    if (!erase_ahead(dfu, address, len, us))
        return false;
    if (address == mboot_application_address(dfu) && len >= PACK_HEAD) {
        memcpy(pack->head, data, PACK_HEAD);
        pack->has_head = true;
        address += PACK_HEAD;
        data += PACK_HEAD;
        len -= PACK_HEAD;
    }
    return mboot_write(dfu, address, data, len, us);
}

/* The data: regions as address and length, then the signature of what is in them. */
static bool check_all(struct dfu_device *dfu, const uint8_t *data, uint32_t len, uint64_t *us)
{
    struct mboot_chunk *pack = dfu->pack;
    uint32_t application = mboot_application_address(dfu);
    if (len < PACK_SIGNATURE)
        return false;
    struct hash hash;
    char hex[HASH_HEX_SIZE];
    hash_init(&hash);
    for (const uint8_t *region = data; region + 8 <= data + len - PACK_SIGNATURE; region += 8) {
        uint32_t address = read_le32(region), size = read_le32(region + 4), offset;
        unsigned area;
        if (!sim_board_locate(dfu->board, address, &area, &offset) ||
            size > dfu->board->memory[area].size - offset)
            return false;
        bool held_back = address == application && pack->has_head && size >= PACK_HEAD;
        uint32_t skip = held_back ? PACK_HEAD : 0;
        hash_update(&hash, pack->head, skip);
        hash_update(&hash, dfu->board->memory[area].bytes + offset + skip, size - skip);
    }
    hash_final(&hash, hex);
    if (memcmp(hex, data + len - PACK_SIGNATURE, PACK_SIGNATURE) != 0)
        return fail(dfu, DFU_STATUS_VERIFY);
    return !pack->has_head || mboot_write(dfu, application, pack->head, PACK_HEAD, us);
}

static bool handle_chunk(struct dfu_device *dfu, uint64_t *us)
{
    const uint8_t *chunk = dfu->pack->chunk, *data = chunk + PACK_HEADER;
    uint32_t len = read_le32(chunk + 8);
    char hex[HASH_HEX_SIZE];
    hash_bytes(chunk, PACK_HEADER + len, hex);
    if (memcmp(hex, data + len, PACK_SIGNATURE) != 0)
        return fail(dfu, DFU_STATUS_VERIFY);
    if (chunk[1] == PACK_META)
        return true;
    if (chunk[1] == PACK_FULL_SIGNATURE)
        return check_all(dfu, data, len, us);
    if (chunk[1] != PACK_RAW)
        return false;
    if (len < PACK_SECRET)
        return fail(dfu, DFU_STATUS_VERIFY);
    return write_firmware(dfu, read_le32(chunk + 4), data + PACK_SECRET, len - PACK_SECRET, us);
}

bool mboot_chunk_write(struct dfu_device *dfu, uint32_t address, const uint8_t *data, uint32_t len,
                       uint64_t *us)
{
    struct mboot_chunk *pack = dfu->pack;
    if (pack->base == 0 || address == mboot_application_address(dfu))
        pack->base = address;
    uint32_t end = address - pack->base + len;
    if (address < pack->base || end > sizeof(pack->chunk)) {
        pack->base = 0;
        return false;
    }
    memcpy(pack->chunk + (address - pack->base), data, len);
    if (end < PACK_HEADER)
        return true;
    if (pack->chunk[0] != PACK_VERSION)
        return fail(dfu, DFU_STATUS_FILE);
    if (read_le32(pack->chunk + 4) != pack->base)
        return fail(dfu, DFU_STATUS_ADDRESS);
    uint32_t length = read_le32(pack->chunk + 8);
    if (length > PACK_DATA || end < PACK_HEADER + length + PACK_SIGNATURE)
        return true; /* the rest is still to come, or never comes */
    pack->base = 0;
    return handle_chunk(dfu, us);
}
