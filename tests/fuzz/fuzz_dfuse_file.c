/* DfuSe files: read as they are and with length and CRC mended, which no fuzzer guesses; what was
 * read is written and read again as the same image. */
#include "tests/fuzz/fuzz_image.h"

#include "image/dfuse_file.h"

#define PREFIX_SIZE 11

static void read_and_write(const uint8_t *data, size_t size)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(image_release) struct image again = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    bool ok = dfuse_file_read(data, size, &image, &err);
    fuzz_check_image(&image);
    if (!fuzz_check_result(ok, &err))
        return;
    CHECK(image_size(&image) < size);
    dfuse_file_write(&image, "name", &file);
    CHECK(dfuse_file_read(file.data, file.len, &again, &err));
    CHECK(image_equal(&image, &again));
    CHECK(again.usb_vendor == image.usb_vendor && again.usb_product == image.usb_product &&
          again.usb_device == image.usb_device);
}

static void put_le32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_and_write(data, size);
    if (size < PREFIX_SIZE + DFU_SUFFIX_SIZE)
        return 0;
    _cleanup_free_ uint8_t *mended = xmalloc(size);
    memcpy(mended, data, size);
    put_le32(mended + 6, (uint32_t)(size - DFU_SUFFIX_SIZE));
    put_le32(mended + size - 4, dfu_crc32(mended, size - 4));
    read_and_write(mended, size);
    return 0;
}
