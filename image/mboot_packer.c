#include "image/mboot_packer.h"

#include <string.h>

#include "base/buf.h"
#include "image/mboot_pack.h"

#define CONTEXT "mbootenc" /* MBOOT_PACK_HYDRO_CONTEXT */
#define WORD 8

/* A packed image being made. */
struct packer {
    const struct mboot_keys *keys;
    uint32_t chunk_size;
    struct image *packed;
    struct hydrogen_sign whole; /* over all firmware */
    struct buf regions;         /* of the last chunk: address and size of each piece */
    uint32_t next;              /* address behind the last chunk's firmware */
};

/* Header, payload, their signature; elements are a multiple of 8 bytes, as MicroPython's are. */
static bool add_chunk(struct packer *p, enum mboot_chunk_format format, uint32_t address,
                      const void *payload, size_t size, struct err **err)
{
    uint8_t signature[HYDROGEN_SIGNATURE_SIZE];
    struct hydrogen_sign sign;
    _cleanup_(buf_release) struct buf chunk = BUF_INIT;
    buf_addc(&chunk, MBOOT_PACK_VERSION);
    buf_addc(&chunk, (char)format);
    buf_add_le16(&chunk, 0);
    buf_add_le32(&chunk, address);
    buf_add_le32(&chunk, (uint32_t)size);
    buf_add(&chunk, payload, size);
    hydrogen_sign_init(&sign, CONTEXT);
    hydrogen_sign_update(&sign, chunk.data, chunk.len);
    if (!hydrogen_sign_final(&sign, p->keys->secret, signature))
        return err_set(err, ERR_FAILED, "the key cannot sign");
    buf_add(&chunk, signature, sizeof(signature));
    buf_fill(&chunk, 0, (WORD - chunk.len % WORD) % WORD);
    return image_add_chunk(p->packed, 0, address, chunk.data, chunk.len, err);
}

/* The address in the IV: equal pieces of firmware look different. */
static bool add_firmware(struct packer *p, uint32_t address, const uint8_t *data, size_t size,
                         struct err **err)
{
    uint8_t iv[HYDROGEN_IV_SIZE] = {(uint8_t)address, (uint8_t)(address >> 8),
                                    (uint8_t)(address >> 16), (uint8_t)(address >> 24)};
    _cleanup_free_ uint8_t *box = xmalloc(size + HYDROGEN_BOX_EXTRA);
    hydrogen_encrypt(box, data, size, CONTEXT, p->keys->box, iv);
    return add_chunk(p, MBOOT_CHUNK_FIRMWARE, address, box, size + HYDROGEN_BOX_EXTRA, err);
}

static bool add_piece(struct packer *p, const struct segment *piece, struct err **err)
{
    hydrogen_sign_update(&p->whole, piece->data, piece->size);
    buf_add_le32(&p->regions, piece->address);
    buf_add_le32(&p->regions, (uint32_t)piece->size);
    for (size_t at = 0; at < piece->size; at += p->chunk_size) {
        size_t size = piece->size - at < p->chunk_size ? piece->size - at : p->chunk_size;
        uint32_t address = piece->address + (uint32_t)at;
        if (!add_firmware(p, address, piece->data + at, size, err))
            return false;
        p->next = address + p->chunk_size;
    }
    return true;
}

/* The list of pieces and the signature of all: mboot starts nothing without it. */
static bool add_last(struct packer *p, struct err **err)
{
    uint8_t signature[HYDROGEN_SIGNATURE_SIZE];
    if (p->regions.len + sizeof(signature) > p->chunk_size)
        return err_set(err, ERR_FAILED,
                       "mboot's chunks of %u bytes cannot list %zu separate pieces of firmware",
                       p->chunk_size, p->regions.len / WORD);
    if (!hydrogen_sign_final(&p->whole, p->keys->secret, signature))
        return err_set(err, ERR_FAILED, "the key cannot sign");
    buf_add(&p->regions, signature, sizeof(signature));
    return add_chunk(p, MBOOT_CHUNK_FULL_SIGNATURE, p->next, p->regions.data, p->regions.len, err);
}

/* Of whole words; segments that share one, or touch then, become one piece. */
static bool make_pieces(const struct image *application, struct image *pieces, struct err **err)
{
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    uint32_t start = 0;
    for (size_t i = 0; i < application->count; i++) {
        const struct segment *s = &application->segments[i];
        uint32_t begin = s->address / WORD * WORD;
        if (data.len && begin > start + data.len) {
            if (!image_add(pieces, 0, start, data.data, data.len, err))
                return false;
            buf_clear(&data);
        }
        if (!data.len)
            start = begin;
        /* The last word may have ended beyond this segment's first byte. */
        size_t offset = s->address - start;
        if (data.len > offset)
            buf_truncate(&data, offset);
        buf_fill(&data, (char)0xff, offset - data.len);
        buf_add(&data, s->data, s->size);
        buf_fill(&data, (char)0xff, (WORD - data.len % WORD) % WORD);
    }
    return image_add(pieces, 0, start, data.data, data.len, err);
}

static bool pack(struct packer *p, const struct image *application, struct err **err)
{
    _cleanup_(image_release) struct image pieces = IMAGE_INIT;
    hydrogen_sign_init(&p->whole, CONTEXT);
    if (!make_pieces(application, &pieces, err))
        return false;
    for (size_t i = 0; i < pieces.count; i++) {
        if (!add_piece(p, &pieces.segments[i], err))
            return false;
    }
    return add_last(p, err);
}

bool mboot_packer_pack(const struct image *application, const struct mboot_keys *keys,
                       uint32_t chunk_size, struct image *packed, struct err **err)
{
    if (chunk_size == 0 || chunk_size % WORD != 0 || chunk_size > MBOOT_CHUNK_MAX_BYTES)
        return err_set(err, ERR_FAILED,
                       "mboot's chunks of %u bytes: a multiple of %d of at most %u was expected",
                       chunk_size, WORD, MBOOT_CHUNK_MAX_BYTES);
    struct packer p = {.keys = keys, .chunk_size = chunk_size, .packed = packed};
    p.regions = (struct buf)BUF_INIT;
    packed->usb_vendor = application->usb_vendor;
    packed->usb_product = application->usb_product;
    bool ok = pack(&p, application, err);
    buf_release(&p.regions);
    return ok || err_wrap(err, "cannot pack the application for mboot");
}
