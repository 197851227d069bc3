#include "image/mboot_pack.h"

#include "image/dfuse_file.h"
#include "tests/unit/unit.h"

#define PAD 4 /* what a chunk gets behind it, of at most 7 */

enum { META, FULL_SIGNATURE, FIRMWARE, FIRMWARE_GZIP };

/* What mboot_pack_dfu.py makes of a piece, but for its bytes: they are the board's to judge. */
static void make_chunk(struct buf *out, uint8_t format, uint32_t address, const void *payload,
                       size_t size)
{
    buf_clear(out);
    buf_addc(out, 1);
    buf_addc(out, (char)format);
    buf_add_le16(out, 0);
    buf_add_le32(out, address);
    buf_add_le32(out, (uint32_t)size);
    buf_add(out, payload, size);
    buf_fill(out, 's', 64);
    buf_fill(out, 0, PAD);
}

static void add_chunk(struct image *image, uint8_t format, uint32_t address, size_t size)
{
    static const uint8_t payload[5000];
    _cleanup_(buf_release) struct buf chunk = BUF_INIT;
    struct err *err = NULL;
    make_chunk(&chunk, format, address, payload, size);
    assert_ok(image_add_chunk(image, 0, address, chunk.data, chunk.len, &err), &err);
}

static void add_signature(struct image *image, uint32_t address)
{
    static const uint8_t regions[] = {0,    0, 2, 8,    0, 0x20, 0, 0,  /* 0x08020000, 0x2000 */
                                      0x10, 0, 0, 0x90, 5, 0,    0, 0}; /* 0x90000010, 5 */
    uint8_t payload[sizeof(regions) + 64] = {0};
    _cleanup_(buf_release) struct buf chunk = BUF_INIT;
    struct err *err = NULL;
    memcpy(payload, regions, sizeof(regions));
    make_chunk(&chunk, FULL_SIGNATURE, address, payload, sizeof(payload));
    assert_ok(image_add_chunk(image, 0, address, chunk.data, chunk.len, &err), &err);
}

/* Two chunks of 4096 bytes of flash each; 36 is what encryption adds. They overlap. */
static void make_image(struct image *image)
{
    add_chunk(image, FIRMWARE, 0x08020000, 4096 + 36);
    add_chunk(image, FIRMWARE_GZIP, 0x08021000, 700 + 36);
    add_chunk(image, META, 0x08022000, 0);
    add_signature(image, 0x08022000);
}

static void headers_are_read(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(mboot_pack_release) struct mboot_pack pack = MBOOT_PACK_INIT;
    struct err *err = NULL;
    make_image(&image);
    assert_ok(mboot_pack_read(&image, &pack, &err), &err);
    assert_int_equal(pack.firmware_chunks, 2);
    assert_true(pack.compressed);
    assert_int_equal(pack.region_count, 2);
    assert_int_equal(pack.regions[0].address, 0x08020000);
    assert_int_equal(pack.regions[0].size, 0x2000);
    assert_int_equal(pack.regions[1].address, 0x90000010);
    assert_int_equal(pack.regions[1].size, 5);
}

static void what_is_a_chunk(void **state)
{
    (void)state;
    static const uint8_t damage[] = {0, 1, 4, 5, 6, 7, 9, 10, 11}; /* version to size */
    uint8_t payload[100] = {0};
    _cleanup_(buf_release) struct buf chunk = BUF_INIT;
    make_chunk(&chunk, FIRMWARE, 0x08020000, payload, sizeof(payload));
    assert_true(mboot_pack_is_chunk(chunk.data, chunk.len, 0x08020000));
    assert_false(mboot_pack_is_chunk(chunk.data, chunk.len, 0x08020004));
    for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
        chunk.data[damage[i]] ^= 0x40;
        assert_false(mboot_pack_is_chunk(chunk.data, chunk.len, 0x08020000));
        chunk.data[damage[i]] ^= 0x40;
    }
    for (size_t len = 0; len < chunk.len + 8; len++) {
        _cleanup_free_ char *copy = xcalloc(1, len ? len : 1);
        memcpy(copy, chunk.data, len < chunk.len ? len : chunk.len);
        /* without its padding, and with up to 7 bytes of it */
        assert_int_equal(mboot_pack_is_chunk(copy, len, 0x08020000),
                         len >= chunk.len - PAD && len <= chunk.len - PAD + 7);
    }
}

static void check_refused(struct image *image, const char *message)
{
    struct mboot_pack pack;
    struct err *err = NULL;
    assert_false(mboot_pack_read(image, &pack, &err));
    assert_error(&err, ERR_FAILED, message);
    assert_null(pack.regions);
    image_release(image);
}

static void what_is_refused(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct err *err = NULL;
    add_chunk(&image, FIRMWARE, 0x08020000, 100);
    check_refused(&image, "no chunk with the signature of the whole firmware");
    add_signature(&image, 0x08021000);
    assert_ok(image_add_chunk(&image, 0, 0x08022000, "firmware", 8, &err), &err);
    check_refused(&image, "element 2, at 0x08022000, is no chunk as others are");
    add_signature(&image, 0x08021000);
    add_chunk(&image, FIRMWARE, 0x08020000, 36);
    check_refused(&image, "the chunk for 0x08020000 has 36 bytes, none of firmware");
    add_chunk(&image, FULL_SIGNATURE, 0x08020000, 63);
    check_refused(&image, "the signed list of ranges has 63 bytes");
    add_chunk(&image, FULL_SIGNATURE, 0x08020000, 64 + 7);
    check_refused(&image, "the signed list of ranges has 71 bytes");
    add_chunk(&image, FULL_SIGNATURE, 0x08020000, 64);
    check_refused(&image, "no chunk with the signature of the whole firmware");
}

/* A DfuSe file of such elements is recognised, and what is written is what was read. */
static void in_a_dfuse_file(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT, back = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT, again = BUF_INIT;
    struct err *err = NULL;
    make_image(&image);
    dfuse_file_write(&image, NULL, &file);
    assert_ok(dfuse_file_read(file.data, file.len, &back, &err), &err);
    assert_true(back.packed);
    assert_true(image_equal(&image, &back));
    dfuse_file_write(&back, NULL, &again);
    assert_int_equal(again.len, file.len);
    assert_memory_equal(again.data, file.data, file.len);
    image_release(&back);
    image_release(&image);
    add_chunk(&image, FIRMWARE, 0x08020000, 100);
    buf_clear(&file);
    dfuse_file_write(&image, NULL, &file);
    assert_false(dfuse_file_read(file.data, file.len, &back, &err));
    assert_error(&err, ERR_FAILED, "DfuSe file: mboot's packed image: no chunk with the signature");
    image_release(&back);
}

/* A file of which only a part is packed is nothing that a board could take, wherever the other part
 * stands: sorted as a plain image, its first segment might be a chunk. */
static void packed_in_part(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT, back = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    assert_ok(image_add_chunk(&image, 0, 0x08022000, "firmware", 8, &err), &err);
    add_signature(&image, 0x08020000);
    dfuse_file_write(&image, NULL, &file);
    assert_false(dfuse_file_read(file.data, file.len, &back, &err));
    assert_error(&err, ERR_FAILED, "element 1, at 0x08022000, is no chunk as others are");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read), cmocka_unit_test(what_is_a_chunk),
        cmocka_unit_test(what_is_refused),  cmocka_unit_test(in_a_dfuse_file),
        cmocka_unit_test(packed_in_part),
    };
    return cmocka_run_group_tests_name("mboot_pack", tests, NULL, NULL);
}
