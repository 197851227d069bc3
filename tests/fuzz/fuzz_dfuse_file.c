/* DfuSe files: read as they are and with length and CRC mended, which no fuzzer guesses; what was
 * read is written and read again as the same image. */
#include "tests/fuzz/fuzz_image.h"

#include "image/dfuse_file.h"
#include "image/mboot_pack.h"

#define PREFIX_SIZE 11

/* Do the elements lie in the file, one after the other, each in one target? */
static void check_parts(const struct dfuse_file *file, size_t size)
{
    size_t next = 0, end = PREFIX_SIZE;
    for (size_t t = 0; t < file->target_count; t++) {
        const struct dfuse_target *target = &file->targets[t];
        CHECK(target->first == next && target->count <= file->element_count - next);
        CHECK(memchr(target->name, 0, sizeof(target->name)));
        next += target->count;
        for (size_t i = target->first; i < next; i++) {
            const struct dfuse_element *element = &file->elements[i];
            CHECK(element->offset > end && element->size <= size - element->offset);
            end = element->offset + element->size;
        }
    }
    CHECK(next == file->element_count && end + file->suffix.length <= size);
}

static void check_again(const struct image *image)
{
    _cleanup_(image_release) struct image again = IMAGE_INIT;
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    dfuse_file_write(image, "name", &file);
    CHECK(dfuse_file_read(file.data, file.len, &again, &err));
    fuzz_check_same(image, &again);
    CHECK(again.usb_vendor == image->usb_vendor && again.usb_product == image->usb_product &&
          again.usb_device == image->usb_device);
    for (size_t i = 0; i < image->count; i++) {
        const char *name = image_name(image, image->segments[i].alt);
        CHECK(strcmp(image_name(&again, image->segments[i].alt), name ? name : "name") == 0);
    }
}

static void check_packed(const struct image *image)
{
    _cleanup_(mboot_pack_release) struct mboot_pack pack = MBOOT_PACK_INIT;
    struct err *err = NULL;
    CHECK(mboot_pack_read(image, &pack, &err));
    CHECK(pack.region_count > 0 && pack.firmware_chunks < image->count);
}

static void read_and_write(const uint8_t *data, size_t size)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(dfuse_file_release) struct dfuse_file file = DFUSE_FILE_INIT;
    struct err *err = NULL;
    if (!fuzz_check_result(dfuse_file_parse(data, size, &file, &err), &err))
        return;
    check_parts(&file, size);
    bool ok = dfuse_file_to_image(&file, data, &image, &err);
    fuzz_check_image(&image);
    if (!fuzz_check_result(ok, &err))
        return;
    CHECK(image.count > 0 && image_size(&image) < size && !image.addressless);
    check_again(&image);
    if (image.packed)
        check_packed(&image);
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
    uint8_t suffix_size = data[size - 5];
    put_le32(mended + 6, (uint32_t)size - suffix_size);
    put_le32(mended + size - 4, dfu_crc32(mended, size - 4));
    read_and_write(mended, size);
    return 0;
}
