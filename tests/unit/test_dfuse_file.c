#include "image/dfuse_file.h"

#include "base/proc.h"
#include "tests/unit/unit.h"

static void make_image(struct image *image)
{
    struct err *err = NULL;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    assert_ok(image_add(image, 0, 0x08000000, bytes, 17, &err), &err);
    assert_ok(image_add(image, 0, 0x08020000, bytes, sizeof(bytes), &err), &err);
    assert_ok(image_add(image, 2, 0x1fff7800, bytes, 5, &err), &err);
    image->usb_vendor = 0x0483;
    image->usb_product = 0xdf11;
}

/* Give a changed file a right checksum, so that the reader gets further than the CRC. */
static void seal(struct buf *file)
{
    uint32_t crc = dfu_crc32(file->data, file->len - 4);
    buf_truncate(file, file->len - 4);
    buf_add_le32(file, crc);
}

static void put_le32(struct buf *file, size_t at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        file->data[at + i] = (char)(value >> (8 * i));
}

static void layout(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT, expected = BUF_INIT;
    struct err *err = NULL;
    assert_ok(image_add(&image, 0, 0x08000000, "abc", 3, &err), &err);
    image.usb_vendor = 0x0483;
    image.usb_product = 0xdf11;
    dfuse_file_write(&image, "greeter", &file);
    buf_add(&expected, "DfuSe\x01", 6);
    buf_add_le32(&expected, 11 + 274 + 8 + 3);
    buf_add(&expected, "\x01Target\x00\x01\x00\x00\x00greeter", 19);
    buf_fill(&expected, 0, 255 - 7);
    buf_add_le32(&expected, 8 + 3);
    buf_add_le32(&expected, 1);
    buf_add_le32(&expected, 0x08000000);
    buf_add_le32(&expected, 3);
    buf_add(&expected, "abc\xff\xff\x11\xdf\x83\x04\x1a\x01UFD\x10", 15);
    assert_int_equal(file.len, expected.len + 4);
    assert_memory_equal(file.data, expected.data, expected.len);
}

static void round_trip(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT, back = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT, again = BUF_INIT;
    struct err *err = NULL;
    make_image(&image);
    dfuse_file_write(&image, NULL, &file);
    dfuse_file_write(&image, NULL, &again);
    assert_int_equal(file.len, again.len);
    assert_memory_equal(file.data, again.data, file.len);
    assert_ok(dfuse_file_read(file.data, file.len, &back, &err), &err);
    assert_true(image_equal(&image, &back));
    assert_int_equal(back.usb_vendor, 0x0483);
    assert_int_equal(back.usb_product, 0xdf11);
    assert_int_equal(back.usb_device, IMAGE_ID_ANY);
    char *long_name = xcalloc(1, 1000);
    memset(long_name, 'n', 999);
    buf_clear(&again);
    dfuse_file_write(&image, long_name, &again); /* cut to 254 bytes */
    assert_int_equal(again.len, file.len);
    free(long_name);
    image_release(&back);
    assert_ok(dfuse_file_read(again.data, again.len, &back, &err), &err);
}

/* In memory of exactly that size, so that the sanitizer sees a read past the end. */
static bool read_exactly(const void *data, size_t size, struct err **err)
{
    _cleanup_free_ uint8_t *copy = xmalloc(size);
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    memcpy(copy, data, size);
    return dfuse_file_read(copy, size, &image, err);
}

static void cut_anywhere(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    make_image(&image);
    dfuse_file_write(&image, NULL, &file);
    for (size_t len = 0; len < file.len; len++) {
        assert_false(read_exactly(file.data, len, &err));
        assert_error(&err, ERR_FAILED, "DfuSe file");
    }
}

static void any_byte_changed(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    make_image(&image);
    dfuse_file_write(&image, NULL, &file);
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 0x40;
        assert_false(read_exactly(file.data, file.len, &err));
        assert_error(&err, ERR_FAILED, "DfuSe file");
        file.data[i] ^= 0x40;
    }
    assert_ok(read_exactly(file.data, file.len, &err), &err);
}

/* The same with a right checksum: a hostile file, not a damaged one. It may be valid or not. */
static void any_byte_forged(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    make_image(&image);
    dfuse_file_write(&image, NULL, &file);
    for (size_t i = 0; i < file.len - 4; i++) {
        char was = file.data[i];
        for (size_t v = 0; v < sizeof(values); v++) {
            struct err *err = NULL;
            file.data[i] = (char)values[v];
            seal(&file);
            if (!read_exactly(file.data, file.len, &err))
                assert_non_null(err);
            err_free(err);
        }
        file.data[i] = was;
    }
}

static void check_forged(size_t at, uint32_t value, const char *message)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    make_image(&image);
    dfuse_file_write(&image, NULL, &file);
    put_le32(&file, at, value);
    seal(&file);
    assert_false(read_exactly(file.data, file.len, &err));
    assert_error(&err, ERR_FAILED, message);
}

static void forged_fields_are_named(void **state)
{
    (void)state;
    check_forged(6, 5, "the prefix says 5 bytes, the file has");
    check_forged(11 + 266, UINT32_MAX, "the target at offset 11 says 4294967295 bytes, but only");
    check_forged(11 + 270, 3, "an element's header at offset");
    check_forged(11 + 270, 1, "bytes after its 1 elements");
    check_forged(11 + 274 + 4, UINT32_MAX,
                 "an element's data at offset 293 needs 4294967295 bytes, but only");
    check_forged(11 + 274, 0xfffffff8, "run past the end of the address space");
    check_forged(11 + 274, 0x08020001, "overlaps 0x08020000-0x0802012b");
    /* bTargets 1 of 2; the bytes before it are those of the file's size, 916 */
    check_forged(7, 0x01000000 | 916 >> 8, "bytes after the last target");
    check_forged(11, 0x67726100, "no 'Target' at offset 11");
}

/* A file of one target with these elements; those at 0 are empty. */
static void make_elements(struct buf *file, uint8_t targets, const uint32_t *addresses,
                          uint32_t count)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += 8 + (addresses[i] ? 4 : 0);
    buf_add(file, "DfuSe\x01", 6);
    buf_add_le32(file, 11 + targets * (274 + size));
    buf_addc(file, (char)targets);
    for (uint8_t t = 0; t < targets; t++) {
        buf_adds(file, "Target");
        buf_addc(file, (char)t);
        buf_add_le32(file, 1);
        buf_fill(file, 'n', 255); /* no NUL at its end */
        buf_add_le32(file, size);
        buf_add_le32(file, count);
        for (uint32_t i = 0; i < count; i++) {
            buf_add_le32(file, addresses[i]);
            buf_add_le32(file, addresses[i] ? 4 : 0);
            buf_adds(file, addresses[i] ? "data" : "");
        }
    }
    buf_add(file, "\x02\x03\xff\xff\xff\xff\x1a\x01UFD\x10\0\0\0\0", 16);
    seal(file);
}

static void parsing_keeps_what_the_file_says(void **state)
{
    (void)state;
    static const uint32_t addresses[] = {0x20, 0, 0x10, 0x14};
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf bytes = BUF_INIT, again = BUF_INIT;
    _cleanup_(dfuse_file_release) struct dfuse_file file = DFUSE_FILE_INIT;
    struct err *err = NULL;
    make_elements(&bytes, 2, addresses, ARRAY_SIZE(addresses));
    assert_ok(dfuse_file_parse(bytes.data, bytes.len, &file, &err), &err);
    assert_int_equal(file.target_count, 2);
    assert_int_equal(file.targets[1].alt, 1);
    assert_int_equal(strlen(file.targets[1].name), IMAGE_NAME_SIZE - 1);
    assert_int_equal(file.targets[1].first, 4);
    assert_int_equal(file.targets[1].count, 4);
    assert_int_equal(file.element_count, 8);
    assert_int_equal(file.elements[1].size, 0);
    assert_memory_equal(bytes.data + file.elements[7].offset, "data", 4);
    assert_int_equal(file.suffix.device, 0x0302);
    assert_ok(dfuse_file_to_image(&file, bytes.data, &image, &err), &err);
    assert_int_equal(image.count, 4); /* joined, and without the empty one */
    assert_int_equal(image.segments[0].size, 8);
    assert_int_equal(image.usb_device, 0x0302);
    dfuse_file_write(&image, NULL, &again);
    image_release(&image);
    assert_ok(dfuse_file_read(again.data, again.len, &image, &err), &err);
    assert_int_equal(strlen(image_name(&image, 1)), IMAGE_NAME_SIZE - 1);
    assert_int_equal(image.count, 4);
}

static void nothing_in_it(void **state)
{
    (void)state;
    static const uint32_t empty[] = {0, 0};
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    make_elements(&file, 0, NULL, 0);
    assert_false(read_exactly(file.data, file.len, &err));
    assert_error(&err, ERR_FAILED, "no bytes in it (targets: 0, elements: 0)");
    buf_clear(&file);
    make_elements(&file, 1, empty, 2);
    assert_false(read_exactly(file.data, file.len, &err));
    assert_error(&err, ERR_FAILED, "no bytes in it (targets: 1, elements: 2)");
}

/* Elements that go downwards cost no more than others. */
static void many_elements_are_read_quickly(void **state)
{
    (void)state;
    const uint32_t count = 60000, element = 8 + 100;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    buf_add(&file, "DfuSe\x01", 6);
    buf_add_le32(&file, 11 + 274 + count * element);
    buf_add(&file, "\x01Target", 7);
    buf_fill(&file, 0, 1 + 4 + 255);
    buf_add_le32(&file, count * element);
    buf_add_le32(&file, count);
    for (uint32_t i = count; i > 0; i--) {
        buf_add_le32(&file, i * 100);
        buf_add_le32(&file, 100);
        buf_fill(&file, (char)i, 100);
    }
    buf_fill(&file, (char)0xff, 6);
    buf_add(&file, "\x1a\x01UFD\x10\0\0\0\0", 10);
    seal(&file);
    long long begin = clock_ms();
    assert_ok(dfuse_file_read(file.data, file.len, &image, &err), &err);
    assert_int_equal(image.count, 1);
    assert_true(clock_ms() - begin < 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(any_byte_changed),
        cmocka_unit_test(any_byte_forged),
        cmocka_unit_test(forged_fields_are_named),
        cmocka_unit_test(parsing_keeps_what_the_file_says),
        cmocka_unit_test(nothing_in_it),
        cmocka_unit_test(many_elements_are_read_quickly),
    };
    return cmocka_run_group_tests_name("dfuse_file", tests, NULL, NULL);
}
