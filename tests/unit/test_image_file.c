#include "image/image_file.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "image/dfu_file.h"
#include "tests/unit/unit.h"

#define WITH_IMAGE                                                                                 \
    _cleanup_(image_release) struct image image = IMAGE_INIT;                                      \
    _cleanup_(image_file_release) struct image_file file = IMAGE_FILE_INIT;                        \
    struct err *err = NULL;                                                                        \
    (void)state

static const uint32_t ADDRESS = 0x08000000;
static char path[64];

static void put(const char *name, const void *data, size_t size)
{
    struct err *err = NULL;
    snprintf(path, sizeof(path), "/tmp/firn-test-image.%d.%s", getpid(), name);
    assert_ok(fs_write(path, data, size, 0644, &err), &err);
}

/* The content under that name has this format and this one segment. */
static void assert_loads(const char *name, const void *data, size_t size, const uint32_t *address,
                         enum image_format format, uint32_t at, const char *bytes)
{
    void *state = NULL;
    WITH_IMAGE;
    put(name, data, size);
    bool ok = image_load(&image, path, address, &file, &err);
    unlink(path);
    assert_ok(ok, &err);
    assert_int_equal(file.format, format);
    assert_int_equal(image.count, 1);
    assert_int_equal(image.segments[0].address, at);
    assert_int_equal(image.segments[0].size, strlen(bytes));
    assert_memory_equal(image.segments[0].data, bytes, strlen(bytes));
    assert_int_equal(image.addressless,
                     (format == IMAGE_FORMAT_BIN || format == IMAGE_FORMAT_DFU) && !address);
}

static void check_refused(const char *name, const void *data, size_t size, const char *message)
{
    void *state = NULL;
    WITH_IMAGE;
    put(name, data, size);
    assert_false(image_load(&image, path, &ADDRESS, &file, &err));
    unlink(path);
    assert_error(&err, ERR_FAILED, message);
    assert_int_equal(image.count, 0);
}

static void raw_binaries(void **state)
{
    (void)state;
    assert_loads("x.bin",
                 "\x7f"
                 "EL",
                 3, &ADDRESS, IMAGE_FORMAT_BIN, ADDRESS,
                 "\x7f"
                 "EL");
    assert_loads("x.bin",
                 "\x7f"
                 "EL",
                 3, NULL, IMAGE_FORMAT_BIN, 0,
                 "\x7f"
                 "EL");
    assert_loads("x.bin", ":23", 3, NULL, IMAGE_FORMAT_BIN, 0, ":23");
}

static void formats_are_told_apart_by_content(void **state)
{
    (void)state;
    static const char hex[] = ":0100000041BE\n:00000001FF\n";
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf dfuse = BUF_INIT, plain = BUF_INIT;
    struct err *err = NULL;
    assert_ok(image_add(&image, 0, ADDRESS, ":23", 3, &err), &err);
    dfuse_file_write(&image, NULL, &dfuse);
    assert_ok(dfu_file_write(&image, &plain, &err), &err);
    for (size_t i = 0; i < 2; i++) { /* whatever they are called */
        const char *name = i ? "x.bin" : "any";
        assert_loads(name, hex, sizeof(hex) - 1, NULL, IMAGE_FORMAT_HEX, 0, "A");
        assert_loads(name, dfuse.data, dfuse.len, NULL, IMAGE_FORMAT_DFUSE, ADDRESS, ":23");
        assert_loads(name, plain.data, plain.len, NULL, IMAGE_FORMAT_DFU, 0, ":23");
        assert_loads(name, plain.data, plain.len, &ADDRESS, IMAGE_FORMAT_DFU, ADDRESS, ":23");
    }
}

static void a_dfu_file_needs_no_suffix(void **state)
{
    WITH_IMAGE;
    assert_loads("x.dfu", "abc", 3, NULL, IMAGE_FORMAT_DFU, 0, "abc");
    put("x.dfu", "abc", 3);
    assert_ok(image_load(&image, path, NULL, &file, &err), &err);
    unlink(path);
    assert_int_equal(file.suffix.length, 0);
    assert_int_equal(file.dfuse.target_count, 0);
}

static void dfuse_files_keep_their_targets(void **state)
{
    WITH_IMAGE;
    _cleanup_(buf_release) struct buf dfuse = BUF_INIT;
    assert_ok(image_add(&image, 0, ADDRESS, "abc", 3, &err), &err);
    assert_ok(image_add(&image, 7, ADDRESS, "def", 3, &err), &err);
    image_set_name(&image, 7, "seven");
    dfuse_file_write(&image, "other", &dfuse);
    image_release(&image);
    put("x.dfu", dfuse.data, dfuse.len);
    assert_ok(image_load(&image, path, NULL, &file, &err), &err);
    unlink(path);
    assert_int_equal(file.suffix.bcd_dfu, DFU_BCD_DFUSE);
    assert_int_equal(file.dfuse.target_count, 2);
    assert_string_equal(file.dfuse.targets[0].name, "other");
    assert_int_equal(file.dfuse.targets[1].alt, 7);
    assert_string_equal(image_name(&image, 7), "seven");
}

/* With an address it would be a raw binary, and its bytes would go into flash. */
static void damaged_files_are_no_raw_binaries(void **state)
{
    (void)state;
    static const char *const others[] = {"x.json", "x.map", "x.yaml", "x.py", "x.mpy"};
    check_refused("x.hex", "damaged", 7, "is it damaged, or no firmware?");
    check_refused("x.elf", "damaged", 7, "is it damaged, or no firmware?");
    check_refused("x.txt", ":01?0000041BE\n", 14, "line 1");
    check_refused("x.bin",
                  "abc0123456UFD\x10"
                  "0123",
                  18, "the DFU suffix says CRC 0x33323130");
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        check_refused(others[i], "text", 4, " is not an image");
    check_refused("x.bin", "", 0, "is empty");
}

static void no_file(void **state)
{
    WITH_IMAGE;
    assert_false(image_load(&image, "/nonexistent/x.dfu", NULL, &file, &err));
    assert_error(&err, ERR_NOT_FOUND, "/nonexistent/x.dfu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_binaries),
        cmocka_unit_test(formats_are_told_apart_by_content),
        cmocka_unit_test(a_dfu_file_needs_no_suffix),
        cmocka_unit_test(dfuse_files_keep_their_targets),
        cmocka_unit_test(damaged_files_are_no_raw_binaries),
        cmocka_unit_test(no_file),
    };
    return cmocka_run_group_tests_name("image_file", tests, NULL, NULL);
}
