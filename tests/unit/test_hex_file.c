#include "image/hex_file.h"

#include "tests/unit/unit.h"

static void write_golden(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct err *err = NULL;
    assert_ok(image_add(&image, 0, 0x0800fffe, "abcd", 4, &err), &err);
    assert_ok(image_add(&image, 0, 0x08020000, "0123456789abcdefXY", 18, &err), &err);
    assert_ok(hex_write(&image, &out, &err), &err);
    assert_string_equal(out.data, ":020000040800F2\n"
                                  ":02FFFE0061623E\n"
                                  ":020000040801F1\n"
                                  ":02000000636437\n"
                                  ":020000040802F0\n"
                                  ":1000000030313233343536373839616263646566"
                                  "8E\n"
                                  ":02001000585"
                                  "93D\n"
                                  ":00000001FF\n");
    assert_ok(image_add(&image, 1, 0, "x", 1, &err), &err);
    assert_false(hex_write(&image, &out, &err));
    assert_error(&err, ERR_FAILED, "alternate setting 1, which Intel HEX cannot hold");
}

static void round_trip(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT, back = IMAGE_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_free_ uint8_t *bytes = xmalloc(200000);
    struct err *err = NULL;
    for (size_t i = 0; i < 200000; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    assert_ok(image_add(&image, 0, 0x08000003, bytes, 200000, &err), &err);
    assert_ok(image_add(&image, 0, 0x5, bytes, 1, &err), &err);
    assert_ok(image_add(&image, 0, 0xfffffff0, bytes, 16, &err), &err);
    assert_ok(hex_write(&image, &out, &err), &err);
    assert_ok(hex_read(out.data, out.len, &back, &err), &err);
    assert_true(image_equal(&image, &back));
}

static bool read_text(const char *text, struct image *image, struct err **err)
{
    return hex_read(text, strlen(text), image, err);
}

static void other_records_and_line_ends(void **state)
{
    (void)state;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct err *err = NULL;
    /* records downwards, lower case, CRLF, an empty line, types 02, 03 and 05, text after the end
     */
    assert_ok(read_text(":0100100042ad\r\n:0100000041BE\r\n\r\n:020000021000EC\r\n:0100000043BC\r\n"
                        ":0400000300003800C1\r\n:04000005000000CD2A\r\n:00000001FF\r\nnoise",
                        &image, &err),
              &err);
    assert_int_equal(image.count, 3);
    assert_int_equal(image.segments[0].address, 0);
    assert_int_equal(image.segments[1].address, 0x10);
    assert_int_equal(image.segments[2].address, 0x10000);
}

static void refused(const char *text, const char *message)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct err *err = NULL;
    assert_false(read_text(text, &image, &err));
    assert_error(&err, ERR_FAILED, message);
}

static void bad_records_are_named_by_line(void **state)
{
    (void)state;
    refused(":0100000041BE\nx\n", "Intel HEX, line 2: a record starts with ':'");
    refused(":0100000041BE\n:01000000", "Intel HEX, line 2: a record of 9 characters");
    refused(":0100000041BF\n", "line 1: wrong checksum: the file is damaged");
    refused(":0200000041BD\n", "line 1: the record says 2 data bytes and has 1");
    refused(":01000000g1BE\n", "line 1: column 10 is not a hexadecimal digit");
    refused(":010000001\x01"
            "BE\n",
            "line 1: column 11 is not a hexadecimal digit");
    refused(":00000006FA\n", "line 1: record type 06 is not known");
    refused(":0100000401FA\n", "line 1: an address record of 1 bytes, expected 2");
    refused(":0100000041BE\n", "no end record: the file is cut short");
    refused(":00000001FF\n", "no data in the file");
    refused(":0100000041BE\n:0100000042BD\n:00000001FF\n",
            "Intel HEX: 0x00000000-0x00000000 overlaps 0x00000000-0x00000000");
    refused(":02000004FFFFFC\n:02FFFF0041427D\n:00000001FF\n", "past the end of the address space");
    refused("", "no end record");
    _cleanup_(buf_release) struct buf line = BUF_INIT;
    buf_addc(&line, ':');
    buf_fill(&line, '0', 100000);
    refused(line.data, "line 1: a record of 100001 characters");
}

/* In memory of exactly that size, so that the sanitizer sees a read past the end. */
static void cut_or_changed_anywhere(void **state)
{
    (void)state;
    static const char text[] = ":020000040800F2\n:04000000616263646E\r\n:00000001FF";
    struct err *err = NULL;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        _cleanup_(image_release) struct image image = IMAGE_INIT;
        _cleanup_free_ char *copy = xmalloc(len);
        memcpy(copy, text, len);
        assert_false(hex_read(copy, len, &image, &err));
        assert_error(&err, ERR_FAILED, "Intel HEX");
    }
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        _cleanup_(image_release) struct image image = IMAGE_INIT;
        _cleanup_free_ char *copy = xstrdup(text);
        copy[i] ^= 1;
        if (!hex_read(copy, sizeof(text) - 1, &image, &err))
            assert_error(&err, ERR_FAILED, "Intel HEX");
        else
            assert_int_equal(text[i], '\r'); /* all but a line end is under a checksum */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_golden),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(other_records_and_line_ends),
        cmocka_unit_test(bad_records_are_named_by_line),
        cmocka_unit_test(cut_or_changed_anywhere),
    };
    return cmocka_run_group_tests_name("hex_file", tests, NULL, NULL);
}
