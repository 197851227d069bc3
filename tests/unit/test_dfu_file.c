#include "image/dfu_file.h"

#include "tests/unit/unit.h"

#define WITH_FILE                                                                                  \
    _cleanup_(image_release) struct image image = IMAGE_INIT;                                      \
    _cleanup_(buf_release) struct buf file = BUF_INIT;                                             \
    struct dfu_suffix suffix = {0};                                                                \
    struct err *err = NULL;                                                                        \
    (void)state

/* "abc" with a suffix of `length` bytes. */
static void make(struct buf *file, uint16_t bcd_dfu, uint8_t length)
{
    buf_adds(file, "abc");
    buf_fill(file, '.', length - DFU_SUFFIX_SIZE);
    buf_add(file, "\x34\x12\x11\xdf\x83\x04", 6);
    buf_add_le16(file, bcd_dfu);
    buf_adds(file, "UFD");
    buf_addc(file, (char)length);
    buf_add_le32(file, dfu_crc32(file->data, file->len));
}

static void assert_abc(const struct image *image, uint32_t address)
{
    assert_int_equal(image->count, 1);
    assert_int_equal(image->segments[0].alt, 0);
    assert_int_equal(image->segments[0].address, address);
    assert_int_equal(image->segments[0].size, 3);
    assert_memory_equal(image->segments[0].data, "abc", 3);
}

static void without_an_address(void **state)
{
    WITH_FILE;
    make(&file, 0x0110, 16);
    assert_ok(dfu_file_read(file.data, file.len, NULL, &image, &suffix, &err), &err);
    assert_abc(&image, 0);
    assert_true(image.addressless);
    assert_int_equal(image.usb_vendor, 0x0483);
    assert_int_equal(image.usb_product, 0xdf11);
    assert_int_equal(image.usb_device, 0x1234);
    assert_int_equal(suffix.bcd_dfu, 0x0110);
}

static void with_an_address(void **state)
{
    const uint32_t address = 0x08000000;
    WITH_FILE;
    make(&file, 0x0100, 16);
    assert_ok(dfu_file_read(file.data, file.len, &address, &image, &suffix, &err), &err);
    assert_abc(&image, address);
    assert_false(image.addressless);
}

static void a_longer_suffix_is_no_payload(void **state)
{
    WITH_FILE;
    make(&file, 0x0100, 21);
    assert_ok(dfu_file_read(file.data, file.len, NULL, &image, &suffix, &err), &err);
    assert_abc(&image, 0);
    assert_int_equal(suffix.length, 21);
}

static void without_a_suffix(void **state)
{
    WITH_FILE;
    assert_ok(dfu_file_read("abc", 3, NULL, &image, &suffix, &err), &err);
    assert_abc(&image, 0);
    assert_int_equal(suffix.length, 0);
    assert_int_equal(image.usb_vendor, IMAGE_ID_ANY);
}

static void what_is_refused(void **state)
{
    WITH_FILE;
    make(&file, DFU_BCD_DFUSE, 16);
    assert_false(dfu_file_read(file.data, file.len, NULL, &image, &suffix, &err));
    assert_error(&err, ERR_FAILED, "that of a DfuSe file (bcdDFU 0x011a), but the file does not");
    buf_clear(&file);
    make(&file, 0x0100, 16);
    file.data[0] = 'A';
    assert_false(dfu_file_read(file.data, file.len, NULL, &image, &suffix, &err));
    assert_error(&err, ERR_FAILED, "the DFU suffix says CRC 0x");
    buf_clear(&file);
    dfu_suffix_write(&suffix, 0, &file);
    assert_false(dfu_file_read(file.data, file.len, NULL, &image, &suffix, &err));
    assert_error(&err, ERR_FAILED, "a DFU file of 16 bytes holds nothing but its suffix");
    assert_int_equal(image.count, 0);
}

static void round_trip(void **state)
{
    WITH_FILE;
    _cleanup_(image_release) struct image back = IMAGE_INIT;
    assert_ok(image_add(&image, 2, 0x08000000, "abc", 3, &err), &err);
    image.usb_vendor = 0x1d50;
    image.usb_product = 0x6017;
    image.usb_device = 0x0200;
    assert_ok(dfu_file_write(&image, &file, &err), &err);
    assert_int_equal(file.len, 3 + 16);
    assert_memory_equal(file.data, "abc\x00\x02\x17\x60\x50\x1d\x00\x01UFD\x10", 15);
    assert_ok(dfu_file_read(file.data, file.len, NULL, &back, &suffix, &err), &err);
    assert_abc(&back, 0);
    assert_int_equal(back.usb_vendor, 0x1d50);
    assert_int_equal(back.usb_device, 0x0200);
    assert_ok(image_add(&image, 2, 0x08000010, "d", 1, &err), &err);
    assert_false(dfu_file_write(&image, &file, &err));
    assert_error(&err, ERR_FAILED, "the image has 2 segments");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_address),
        cmocka_unit_test(with_an_address),
        cmocka_unit_test(a_longer_suffix_is_no_payload),
        cmocka_unit_test(without_a_suffix),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(round_trip),
    };
    return cmocka_run_group_tests_name("dfu_file", tests, NULL, NULL);
}
