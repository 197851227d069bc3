/* Intel HEX files: read; what was read is written and read again as the same image. */
#include "tests/fuzz/fuzz_image.h"

#include "image/hex_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(image_release) struct image again = IMAGE_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;
    bool ok = hex_read((const char *)data, size, &image, &err);
    fuzz_check_image(&image);
    if (!fuzz_check_result(ok, &err))
        return 0;
    CHECK(image.count > 0 && image.segments[image.count - 1].alt == 0);
    CHECK(hex_write(&image, &text, &err) && hex_read(text.data, text.len, &again, &err));
    fuzz_check_same(&image, &again);
    return 0;
}
