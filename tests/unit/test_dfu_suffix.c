#include "image/dfu_suffix.h"

#include "tests/unit/unit.h"

/* In memory of exactly that size, so that the sanitizer sees a read outside of it. */
static bool read_exactly(const void *data, size_t size, struct dfu_suffix *suffix, struct err **err)
{
    _cleanup_free_ uint8_t *copy = xmalloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    return dfu_suffix_read(copy, size, suffix, err);
}

static void crc_of_the_standard(void **state)
{
    (void)state;
    /* CRC-32 of "123456789" is 0xcbf43926; in the suffix it stands without the last inversion. */
    assert_int_equal(dfu_crc32("123456789", 9), ~0xcbf43926u);
}

static void round_trip(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    const struct dfu_suffix suffix = {
        .device = 0x0201, .product = 0xdf11, .vendor = 0x0483, .bcd_dfu = DFU_BCD_1_0};
    struct dfu_suffix back;
    struct err *err = NULL;
    buf_adds(&file, "before");
    buf_adds(&file, "abc");
    dfu_suffix_write(&suffix, 6, &file);
    assert_int_equal(file.len, 6 + 3 + DFU_SUFFIX_SIZE);
    assert_memory_equal(file.data + 6, "abc\x01\x02\x11\xdf\x83\x04\x00\x01UFD\x10", 3 + 12);
    assert_ok(read_exactly(file.data + 6, file.len - 6, &back, &err), &err);
    assert_int_equal(back.length, DFU_SUFFIX_SIZE);
    assert_int_equal(back.device, 0x0201);
    assert_int_equal(back.product, 0xdf11);
    assert_int_equal(back.vendor, 0x0483);
    assert_int_equal(back.bcd_dfu, DFU_BCD_1_0);
    assert_int_equal(back.crc, dfu_crc32(file.data + 6, file.len - 6 - 4));
}

/* A file of `length` bytes that ends with a suffix that says it has `claimed`. */
static void make(struct buf *file, size_t length, uint8_t claimed)
{
    buf_clear(file);
    buf_fill(file, 'x', length - 8);
    buf_adds(file, "UFD");
    buf_addc(file, (char)claimed);
    buf_add_le32(file, dfu_crc32(file->data, file->len));
}

static void files_without_one_are_good(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct dfu_suffix suffix;
    struct err *err = NULL;
    make(&file, 40, 16);
    for (size_t len = 0; len < file.len; len++) {
        assert_ok(read_exactly(file.data, len, &suffix, &err), &err);
        assert_int_equal(suffix.length, 0);
        assert_false(dfu_suffix_is(file.data, len));
    }
    for (size_t i = 32; i < 35; i++) { /* the signature */
        file.data[i] ^= 0x20;
        assert_ok(read_exactly(file.data, file.len, &suffix, &err), &err);
        assert_int_equal(suffix.length, 0);
        file.data[i] ^= 0x20;
    }
    assert_true(dfu_suffix_is(file.data, file.len));
}

static void lengths(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct dfu_suffix suffix;
    struct err *err = NULL;
    make(&file, 40, 24);
    assert_ok(read_exactly(file.data, file.len, &suffix, &err), &err);
    assert_int_equal(suffix.length, 24);
    make(&file, 40, 40); /* all of it */
    assert_ok(read_exactly(file.data, file.len, &suffix, &err), &err);
    make(&file, 40, 41);
    assert_false(read_exactly(file.data, file.len, &suffix, &err));
    assert_error(&err, ERR_FAILED, "the DFU suffix says that it has 41 bytes, the file has 40");
    make(&file, 40, 15);
    assert_false(read_exactly(file.data, file.len, &suffix, &err));
    assert_error(&err, ERR_FAILED, "says that it has 15 bytes; it has at least 16");
}

static void any_damage_is_seen(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct dfu_suffix suffix;
    struct err *err = NULL;
    make(&file, 40, 16);
    for (size_t i = 0; i < file.len; i++) {
        if (i >= 32 && i < 36) /* signature and length, see above */
            continue;
        file.data[i] ^= 1;
        assert_false(read_exactly(file.data, file.len, &suffix, &err));
        assert_error(&err, ERR_FAILED, "the content has 0x");
        file.data[i] ^= 1;
    }
    memcpy(file.data + 36, "\x01\x02\x03\x04", 4);
    _cleanup_free_ char *expected = xasprintf(
        "the DFU suffix says CRC 0x04030201, the content has 0x%08x", dfu_crc32(file.data, 36));
    assert_false(read_exactly(file.data, file.len, &suffix, &err));
    assert_error(&err, ERR_FAILED, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_of_the_standard),        cmocka_unit_test(round_trip),
        cmocka_unit_test(files_without_one_are_good), cmocka_unit_test(lengths),
        cmocka_unit_test(any_damage_is_seen),
    };
    return cmocka_run_group_tests_name("dfu_suffix", tests, NULL, NULL);
}
