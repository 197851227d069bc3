#include "image/image.h"

#include "tests/unit/unit.h"

#define WITH_IMAGE                                                                                 \
    _cleanup_(image_release) struct image image = IMAGE_INIT;                                      \
    struct err *err = NULL;                                                                        \
    (void)state

static void add(struct image *image, uint8_t alt, uint32_t address, const char *data)
{
    struct err *err = NULL;
    assert_ok(image_add(image, alt, address, data, strlen(data), &err), &err);
}

/* "alt:address:bytes " of every segment. */
static void assert_segments(const struct image *image, const char *expected)
{
    _cleanup_(buf_release) struct buf got = BUF_INIT;
    for (size_t i = 0; i < image->count; i++)
        buf_addf(&got, "%u:%x:%.*s ", image->segments[i].alt, image->segments[i].address,
                 (int)image->segments[i].size, (const char *)image->segments[i].data);
    assert_string_equal(got.data, expected);
}

static void segments_are_sorted_and_joined(void **state)
{
    WITH_IMAGE;
    add(&image, 1, 0x10, "one");
    add(&image, 0, 0x30, "cc");
    add(&image, 0, 0x10, "aa");
    add(&image, 0, 0x20, "bb");
    assert_segments(&image, "0:10:aa 0:20:bb 0:30:cc 1:10:one ");
    add(&image, 0, 0x12, "--------------"); /* fills the gap exactly */
    assert_segments(&image, "0:10:aa--------------bb 0:30:cc 1:10:one ");
    add(&image, 0, 0x2f, "c");
    assert_segments(&image, "0:10:aa--------------bb 0:2f:ccc 1:10:one ");
    assert_int_equal(image_size(&image), 18 + 3 + 3);
    assert_null(err);
}

static void overlaps_are_refused_with_both_ranges(void **state)
{
    WITH_IMAGE;
    add(&image, 0, 0x10, "aaaa");
    add(&image, 0, 0x20, "bbbb");
    const uint32_t bad[] = {0x0d, 0x10, 0x11, 0x13, 0x1d, 0x23};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(image_add(&image, 0, bad[i], "xxxx", 4, &err));
        assert_error(&err, ERR_FAILED, "overlaps");
    }
    assert_false(image_add(&image, 0, 0x0d, "xxxx", 4, &err));
    assert_error(&err, ERR_FAILED,
                 "0x0000000d-0x00000010 overlaps 0x00000010-0x00000013, which is there already");
    assert_false(image_add(&image, 0, 0, "0123456789abcdef0123456789abcdef0123456789", 42, &err));
    assert_error(&err, ERR_FAILED, "overlaps");
    add(&image, 1, 0x21, "other"); /* another memory */
    assert_segments(&image, "0:10:aaaa 0:20:bbbb 1:21:other ");
}

static void limits(void **state)
{
    WITH_IMAGE;
    assert_false(image_add(&image, 0, 0, "", 0, &err));
    assert_error(&err, ERR_FAILED, "has no bytes");
    assert_false(image_add(&image, 0, 0xfffffffe, "abc", 3, &err));
    assert_error(&err, ERR_FAILED, "past the end of the address space");
    add(&image, 0, 0xfffffffe, "ab"); /* up to the last byte */
    uint8_t *large = xcalloc(1, IMAGE_MAX_BYTES);
    assert_false(image_add(&image, 0, 0, large, IMAGE_MAX_BYTES - 1, &err));
    assert_error(&err, ERR_FAILED, "larger than 64 MiB");
    assert_ok(image_add(&image, 0, 0, large, IMAGE_MAX_BYTES - 2, &err), &err);
    free(large);
}

static void too_many_segments(void **state)
{
    WITH_IMAGE;
    for (uint32_t i = 0; i < IMAGE_MAX_SEGMENTS; i++)
        add(&image, 0, 4 * i, "ab");
    assert_false(image_add(&image, 0, 4 * IMAGE_MAX_SEGMENTS, "ab", 2, &err));
    assert_error(&err, ERR_FAILED, "more than 4096 separate segments");
    assert_int_equal(image.count, IMAGE_MAX_SEGMENTS);
    add(&image, 0, 2, "cd"); /* joins two */
    assert_int_equal(image.count, IMAGE_MAX_SEGMENTS - 1);
}

static void digests_depend_on_place_and_bytes_only(void **state)
{
    WITH_IMAGE;
    _cleanup_(image_release) struct image other = IMAGE_INIT;
    char a[65], b[65];
    add(&image, 0, 0x10, "aabb");
    add(&other, 0, 0x12, "bb");
    add(&other, 0, 0x10, "aa");
    other.usb_vendor = 1; /* not part of what is in flash */
    image_digest(&image, a);
    image_digest(&other, b);
    assert_string_equal(a, b);
    assert_true(image_equal(&image, &other));
    add(&other, 0, 0x20, "c");
    add(&image, 1, 0x20, "c");
    image_digest(&image, a);
    image_digest(&other, b);
    assert_string_not_equal(a, b);
    assert_false(image_equal(&image, &other));
    assert_null(err);
}

static void flat_binaries_fill_gaps(void **state)
{
    WITH_IMAGE;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    uint32_t address = 0;
    assert_false(image_to_bin(&image, &out, &address, &err));
    assert_error(&err, ERR_FAILED, "the image is empty");
    add(&image, 0, 0x100, "ab");
    add(&image, 0, 0x104, "c");
    assert_ok(image_to_bin(&image, &out, &address, &err), &err);
    assert_int_equal(address, 0x100);
    assert_string_equal(out.data, "ab\xff\xff"
                                  "c");
    add(&image, 0, 0x100 + IMAGE_MAX_BYTES, "x");
    assert_false(image_to_bin(&image, &out, &address, &err));
    assert_error(&err, ERR_FAILED, "spans 67108865 bytes from 0x00000100");
    add(&image, 1, 0, "x");
    assert_false(image_to_bin(&image, &out, &address, &err));
    assert_error(&err, ERR_FAILED, "alternate setting 1");
}

static void addressless_images_name_the_option(void **state)
{
    WITH_IMAGE;
    add(&image, 0, 0x08000000, "x");
    assert_ok(image_check_address(&image, &err), &err);
    image.addressless = true;
    assert_false(image_check_address(&image, &err));
    assert_error(&err, ERR_USAGE, "give the first byte's address: --address 0x08000000");
}

static void the_payload_is_the_only_segment(void **state)
{
    WITH_IMAGE;
    assert_null(image_payload(&image, &err));
    assert_error(&err, ERR_FAILED, "the image is empty");
    add(&image, 3, 0x08000000, "x");
    assert_ptr_equal(image_payload(&image, &err), &image.segments[0]);
    add(&image, 3, 0x08000002, "y");
    assert_null(image_payload(&image, &err));
    assert_error(&err, ERR_FAILED, "the image has 2 segments, which plain DFU has no addresses");
}

static void chunks_keep_their_order_and_may_overlap(void **state)
{
    WITH_IMAGE;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    uint32_t address;
    assert_ok(image_add_chunk(&image, 0, 0x100, "later", 5, &err), &err);
    assert_ok(image_add_chunk(&image, 0, 0x0fe, "first", 5, &err), &err);
    assert_ok(image_add_chunk(&image, 0, 0x103, "touches", 7, &err), &err);
    assert_segments(&image, "0:100:later 0:fe:first 0:103:touches ");
    assert_true(image.packed);
    assert_false(image_add_chunk(&image, 0, 0, "", 0, &err));
    assert_error(&err, ERR_FAILED, "has no bytes");
    assert_false(image_to_bin(&image, &out, &address, &err));
    assert_error(&err, ERR_FAILED, "packed for mboot: encrypted");
    assert_null(image_payload(&image, &err));
    assert_error(&err, ERR_FAILED, "packed for mboot: encrypted");
    while (image.count < IMAGE_MAX_SEGMENTS)
        assert_ok(image_add_chunk(&image, 0, 0, "x", 1, &err), &err);
    assert_false(image_add_chunk(&image, 0, 0, "x", 1, &err));
    assert_error(&err, ERR_FAILED, "more than 4096 chunks");
}

static void settings_have_names(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    char long_name[2 * IMAGE_NAME_SIZE];
    memset(long_name, 'n', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    assert_null(image_name(&image, 0));
    image_set_name(&image, 0, "");
    assert_null(image_name(&image, 0));
    image_set_name(&image, 0, "flash");
    image_set_name(&image, 200, "options");
    image_set_name(&image, 1, long_name);
    assert_string_equal(image_name(&image, 0), "flash");
    assert_string_equal(image_name(&image, 200), "options");
    assert_int_equal(strlen(image_name(&image, 1)), IMAGE_NAME_SIZE - 1);
    image_set_name(&image, 0, "other");
    assert_string_equal(image_name(&image, 0), "other");
    image_set_name(&image, 0, NULL);
    assert_null(image_name(&image, 0));
    assert_string_equal(image_name(&image, 200), "options");
    assert_int_equal(image.name_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_sorted_and_joined),
        cmocka_unit_test(overlaps_are_refused_with_both_ranges),
        cmocka_unit_test(limits),
        cmocka_unit_test(too_many_segments),
        cmocka_unit_test(digests_depend_on_place_and_bytes_only),
        cmocka_unit_test(flat_binaries_fill_gaps),
        cmocka_unit_test(addressless_images_name_the_option),
        cmocka_unit_test(the_payload_is_the_only_segment),
        cmocka_unit_test(chunks_keep_their_order_and_may_overlap),
        cmocka_unit_test(settings_have_names),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
