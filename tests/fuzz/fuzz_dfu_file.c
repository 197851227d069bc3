/* Plain DFU files: read as they are and with the CRC mended; what was read is written and read
 * again as the same image. */
#include "tests/fuzz/fuzz_image.h"

#include "image/dfu_file.h"

static void check_again(const struct image *image, const uint32_t *address)
{
    _cleanup_(image_release) struct image again = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct dfu_suffix suffix;
    struct err *err = NULL;
    CHECK(dfu_file_write(image, &file, &err));
    CHECK(dfu_file_read(file.data, file.len, address, &again, &suffix, &err));
    CHECK(suffix.length == DFU_SUFFIX_SIZE && suffix.bcd_dfu == DFU_BCD_1_0);
    fuzz_check_same(image, &again);
    CHECK(again.usb_vendor == image->usb_vendor && again.usb_product == image->usb_product &&
          again.usb_device == image->usb_device);
}

static void read_and_write(const uint8_t *data, size_t size, const uint32_t *address)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct dfu_suffix suffix;
    struct err *err = NULL;
    bool ok = dfu_file_read(data, size, address, &image, &suffix, &err);
    fuzz_check_image(&image);
    if (!fuzz_check_result(ok, &err))
        return;
    CHECK(image.count == 1 && image.segments[0].size == size - suffix.length);
    CHECK(memcmp(image.segments[0].data, data, size - suffix.length) == 0);
    CHECK(image.addressless == !address && image.segments[0].address == (address ? *address : 0));
    CHECK(dfu_suffix_is(data, size) == (suffix.length > 0));
    check_again(&image, address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Room for 64 bytes behind it. */
    static const uint32_t address = UINT32_MAX - 63;
    read_and_write(data, size, NULL);
    read_and_write(data, size, &address);
    if (size < DFU_SUFFIX_SIZE)
        return 0;
    _cleanup_free_ uint8_t *mended = xmalloc(size);
    memcpy(mended, data, size);
    uint32_t crc = dfu_crc32(mended, size - 4);
    for (size_t i = 0; i < 4; i++)
        mended[size - 4 + i] = (uint8_t)(crc >> (8 * i));
    read_and_write(mended, size, NULL);
    return 0;
}
