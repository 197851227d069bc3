#include "cli/image_output.h"

#include "base/fs.h"
#include "base/text.h"
#include "image/dfu_file.h"
#include "image/hex_file.h"

bool image_output_format(const char *path, enum image_format *format)
{
    static const struct {
        const char *extension;
        enum image_format format;
    } known[] = {
        {".dfu", IMAGE_FORMAT_DFUSE}, {".hex", IMAGE_FORMAT_HEX}, {".bin", IMAGE_FORMAT_BIN}};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (text_ends_with(path, known[i].extension)) {
            *format = known[i].format;
            return true;
        }
    }
    return false;
}

bool image_output_encode(const struct image *image, enum image_format format, const char *name,
                         struct buf *out, struct err **err)
{
    uint32_t address;
    switch (format) {
    case IMAGE_FORMAT_HEX:
        return hex_write(image, out, err);
    case IMAGE_FORMAT_BIN:
        return image_to_bin(image, out, &address, err);
    case IMAGE_FORMAT_DFU:
        return dfu_file_write(image, out, err);
    default:
        if (!image_check_address(image, err))
            return false;
        dfuse_file_write(image, name, out);
        return true;
    }
}

bool image_output_write(const char *path, const struct buf *bytes, struct err **err)
{
    if (fs_write(path, bytes->data, bytes->len, 0644, err))
        return true;
    return (*err)->code == ERR_NOT_FOUND ? err_hint(err, "make its directory first") : false;
}
