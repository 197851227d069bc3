#include "image/mboot_pack.h"

#define HEADER_SIZE 12
#define SIGNATURE_SIZE 64 /* hydro_sign_BYTES */
#define SECRETBOX_SIZE 36 /* hydro_secretbox_HEADERBYTES: what encrypting adds */
#define REGION_SIZE 8     /* address and size */
#define PADDING_MAX 7     /* MicroPython's dfu.py fills elements up to a multiple of 8 */

struct chunk {
    uint8_t version, format;
    uint32_t address, size; /* size: of the payload */
    const uint8_t *payload;
};

static bool read_chunk(const uint8_t *data, size_t size, uint32_t address, struct chunk *chunk)
{
    if (size < HEADER_SIZE + SIGNATURE_SIZE)
        return false;
    *chunk = (struct chunk){
        .version = data[0],
        .format = data[1],
        .address = load_le32(data + 4),
        .size = load_le32(data + 8),
        .payload = data + HEADER_SIZE,
    };
    size_t room = size - HEADER_SIZE - SIGNATURE_SIZE;
    return chunk->version == MBOOT_PACK_VERSION && chunk->format <= MBOOT_CHUNK_FIRMWARE_GZIP &&
           chunk->address == address && chunk->size <= room && room - chunk->size <= PADDING_MAX;
}

bool mboot_pack_is_chunk(const void *data, size_t size, uint32_t address)
{
    struct chunk chunk;
    return read_chunk(data, size, address, &chunk);
}

static bool add_regions(struct mboot_pack *pack, const struct chunk *chunk, struct err **err)
{
    if (chunk->size < SIGNATURE_SIZE || (chunk->size - SIGNATURE_SIZE) % REGION_SIZE != 0)
        return err_set(err, ERR_FAILED,
                       "mboot's packed image: the signed list of ranges has %u bytes", chunk->size);
    size_t count = (chunk->size - SIGNATURE_SIZE) / REGION_SIZE;
    pack->regions =
        xreallocarray(pack->regions, pack->region_count + count, sizeof(*pack->regions));
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = chunk->payload + i * REGION_SIZE;
        pack->regions[pack->region_count++] =
            (struct mboot_region){load_le32(at), load_le32(at + 4)};
    }
    return true;
}

static bool add_chunk(struct mboot_pack *pack, const struct chunk *chunk, struct err **err)
{
    switch ((enum mboot_chunk_format)chunk->format) {
    case MBOOT_CHUNK_META:
        return true;
    case MBOOT_CHUNK_FULL_SIGNATURE:
        return add_regions(pack, chunk, err);
    case MBOOT_CHUNK_FIRMWARE_GZIP:
        pack->compressed = true;
        break;
    case MBOOT_CHUNK_FIRMWARE:
        break;
    }
    pack->firmware_chunks++;
    if (chunk->size <= SECRETBOX_SIZE)
        return err_set(err, ERR_FAILED,
                       "mboot's packed image: the chunk for 0x%08x has %u bytes, none of firmware",
                       chunk->address, chunk->size);
    return true;
}

static bool read_chunks(const struct image *image, struct mboot_pack *pack, struct err **err)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        struct chunk chunk;
        if (!read_chunk(s->data, s->size, s->address, &chunk))
            return err_set(err, ERR_FAILED,
                           "mboot's packed image: element %zu, at 0x%08x, is no chunk as others "
                           "are",
                           i + 1, s->address);
        if (!add_chunk(pack, &chunk, err))
            return false;
    }
    if (pack->region_count == 0) {
        err_set(err, ERR_FAILED,
                "mboot's packed image: no chunk with the signature of the whole firmware");
        return err_hint(err, "mboot would not start it: pack it again");
    }
    return true;
}

bool mboot_pack_read(const struct image *image, struct mboot_pack *pack, struct err **err)
{
    *pack = (struct mboot_pack)MBOOT_PACK_INIT;
    if (read_chunks(image, pack, err))
        return true;
    mboot_pack_release(pack);
    return false;
}

void mboot_pack_release(struct mboot_pack *pack)
{
    free(pack->regions);
    *pack = (struct mboot_pack)MBOOT_PACK_INIT;
}
