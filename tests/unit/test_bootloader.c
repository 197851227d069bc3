/* One image of a boot loader and a program, and what is said of the two. */
#include "builder/bootloader.h"

#include "image/sidecar.h"
#include "tests/unit/unit.h"

#define PROGRAM 0x08008000

static void add(struct image *image, uint32_t address, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xcalloc(size, 1);
    data[0] = (uint8_t)(address >> 12);
    assert_ok(image_add(image, 0, address, data, size, &err), &err);
}

/* 12 KiB of code and its version at the end of 32 KiB. */
static struct bootloader make_loader(void)
{
    struct bootloader loader = BOOTLOADER_INIT;
    loader.name = xstrdup("mboot");
    loader.version = xstrdup("mboot-v1.25.0");
    loader.program_address = PROGRAM;
    loader.chunk_size = 16384;
    loader.usb_vendor = 0xf055;
    loader.usb_product = 0x9800;
    loader.seconds = 3.5;
    add(&loader.image, 0x08000000, 0x3000);
    add(&loader.image, 0x08007fc0, 13);
    return loader;
}

static const char *part(const json_t *segments, size_t i)
{
    return json_string_value(json_object_get(json_array_get(segments, i), "part"));
}

static void both_are_in_the_image(void **state)
{
    (void)state;
    _cleanup_(bootloader_release) struct bootloader loader = make_loader();
    _cleanup_(image_release) struct image program = IMAGE_INIT, image = IMAGE_INIT;
    struct err *err = NULL;
    add(&program, 0x90000000, 100);
    add(&program, PROGRAM, 0x5000);
    assert_ok(bootloader_join(&loader, &program, &image, &err), &err);
    assert_int_equal(image.count, 4);
    assert_int_equal(image.segments[2].address, PROGRAM);
    assert_int_equal(image_size(&image), 0x3000 + 13 + 0x5000 + 100);
    json_t *segments = sidecar_segments(&image);
    bootloader_mark_parts(&loader, &program, &image, segments);
    assert_string_equal(part(segments, 0), "bootloader");
    assert_string_equal(part(segments, 1), "bootloader");
    assert_string_equal(part(segments, 2), "program");
    assert_string_equal(part(segments, 3), "program");
    json_decref(segments);
}

/* Segments that touch are one. */
static void a_segment_of_both(void **state)
{
    (void)state;
    _cleanup_(bootloader_release) struct bootloader loader = make_loader();
    _cleanup_(image_release) struct image program = IMAGE_INIT, image = IMAGE_INIT;
    struct err *err = NULL;
    add(&loader.image, 0x08007fc0 + 13, 64 - 13);
    add(&program, PROGRAM, 16);
    assert_ok(bootloader_join(&loader, &program, &image, &err), &err);
    assert_int_equal(image.count, 2);
    json_t *segments = sidecar_segments(&image);
    bootloader_mark_parts(&loader, &program, &image, segments);
    assert_string_equal(part(segments, 0), "bootloader");
    assert_string_equal(part(segments, 1), "bootloader, program");
    json_decref(segments);
}

static void an_overlap_names_both(void **state)
{
    (void)state;
    _cleanup_(bootloader_release) struct bootloader loader = make_loader();
    _cleanup_(image_release) struct image program = IMAGE_INIT, image = IMAGE_INIT;
    struct err *err = NULL;
    add(&program, 0x08002000, 0x7000);
    assert_false(bootloader_join(&loader, &program, &image, &err));
    assert_error(&err, ERR_FAILED,
                 "the program and mboot overlap: 0x08002000-0x08008fff overlaps "
                 "0x08000000-0x08002fff, which is there already");
}

static void a_program_that_would_not_be_started(void **state)
{
    (void)state;
    _cleanup_(bootloader_release) struct bootloader loader = make_loader();
    _cleanup_(image_release) struct image program = IMAGE_INIT, image = IMAGE_INIT;
    struct err *err = NULL;
    add(&program, PROGRAM + 0x4000, 16);
    assert_false(bootloader_join(&loader, &program, &image, &err));
    assert_error(&err, ERR_FAILED,
                 "mboot starts a program at 0x08008000, but this one begins at 0x0800c000");
}

static void what_lies_in_a_range(void **state)
{
    (void)state;
    _cleanup_(bootloader_release) struct bootloader loader = make_loader();
    const struct segment *segments = loader.image.segments;
    assert_ptr_equal(bootloader_in(&loader, 0x08002fff, 0x08004000), &segments[0]);
    assert_ptr_equal(bootloader_in(&loader, 0x08003000, 0x08020000), &segments[1]);
    assert_null(bootloader_in(&loader, 0x08003000, 0x08007fc0));
    assert_ptr_equal(bootloader_in(&loader, 0x08003000, 0x08007fc1), &segments[1]);
    assert_null(bootloader_in(&loader, 0x08007fc0 + 13, 0x08020000));
}

static void its_record_is_read_again(void **state)
{
    (void)state;
    _cleanup_(bootloader_release) struct bootloader loader = make_loader(), back = BOOTLOADER_INIT;
    json_t *record = bootloader_to_json(&loader);
    assert_true(bootloader_from_json(record, &back));
    assert_string_equal(back.name, "mboot");
    assert_string_equal(back.version, "mboot-v1.25.0");
    assert_int_equal(back.program_address, PROGRAM);
    assert_int_equal(back.chunk_size, 16384);
    assert_int_equal(back.usb_vendor, 0xf055);
    assert_int_equal(back.usb_product, 0x9800);
    json_object_del(record, "chunk_size");
    bootloader_release(&back);
    assert_false(bootloader_from_json(record, &back));
    assert_false(bootloader_from_json(NULL, &back));
    json_decref(record);
}

static void what_the_sidecar_says(void **state)
{
    (void)state;
    _cleanup_(bootloader_release) struct bootloader loader = make_loader();
    char digest[65];
    json_t *fields = bootloader_fields(&loader);
    image_digest(&loader.image, digest);
    assert_string_equal(json_string_value(json_object_get(fields, "digest")), digest);
    assert_string_equal(json_string_value(json_object_get(fields, "version")), "mboot-v1.25.0");
    assert_string_equal(json_string_value(json_object_get(fields, "program_address")),
                        "0x08008000");
    assert_int_equal(json_integer_value(json_object_get(fields, "size")), 0x3000 + 13);
    assert_int_equal(json_array_size(json_object_get(fields, "segments")), 2);
    json_decref(fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_are_in_the_image),
        cmocka_unit_test(a_segment_of_both),
        cmocka_unit_test(an_overlap_names_both),
        cmocka_unit_test(a_program_that_would_not_be_started),
        cmocka_unit_test(what_lies_in_a_range),
        cmocka_unit_test(its_record_is_read_again),
        cmocka_unit_test(what_the_sidecar_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
