#include "image/image_file.h"

#include <ctype.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "image/dfu_file.h"
#include "image/elf_file.h"
#include "image/hex_file.h"

/* ':', the count, the offset and the type of a first record. */
#define HEX_START_LEN 9
#define HEX_LEN_MIN 11

/* A name that promises something else than the content is: a damaged file, or no firmware at all.
 * Read as a raw binary it would be flashed as garbage. */
static bool check_name(const char *path, struct err **err)
{
    static const char damaged[] = "is it damaged, or no firmware? A raw binary must be named .bin";
    static const char other[] = "name the image: the .dfu, .hex or .bin file";
    static const struct {
        const char *extension, *reason, *hint;
    } formats[] = {
        {".hex", "not an Intel HEX file: it does not start with ':'", damaged},
        {".elf", "not an ELF file: no ELF magic at its start", damaged},
        {".json", "a sidecar is not an image", other},
        {".map", "a linker's map is not an image", other},
        {".yaml", "a manifest is not an image", "firn build makes one of it"},
        {".py", "a Python file is not an image", "name it in a manifest's 'frozen'"},
        {".mpy", "a compiled module is not an image", "name it in a manifest's 'frozen'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (text_ends_with(path, formats[i].extension)) {
            err_set(err, ERR_FAILED, "%s", formats[i].reason);
            return err_hint(err, "%s", formats[i].hint);
        }
    }
    return true;
}

static bool load_bin(struct image *image, const char *path, const struct buf *bytes,
                     const uint32_t *address, struct err **err)
{
    if (!check_name(path, err) ||
        !image_add(image, 0, address ? *address : 0, bytes->data, bytes->len, err))
        return false;
    image->addressless = !address;
    return true;
}

static bool load_dfuse(struct image *image, const struct buf *bytes, struct image_file *file,
                       struct err **err)
{
    if (!dfuse_file_parse(bytes->data, bytes->len, &file->dfuse, err))
        return false;
    file->suffix = file->dfuse.suffix;
    return dfuse_file_to_image(&file->dfuse, bytes->data, image, err);
}

static bool load_as(struct image *image, const char *path, const struct buf *bytes,
                    const uint32_t *address, struct image_file *file, struct err **err)
{
    switch (file->format) {
    case IMAGE_FORMAT_DFUSE:
        return load_dfuse(image, bytes, file, err);
    case IMAGE_FORMAT_DFU:
        return dfu_file_read(bytes->data, bytes->len, address, image, &file->suffix, err);
    case IMAGE_FORMAT_ELF:
        return elf_read(bytes->data, bytes->len, NULL, 0, image, err);
    case IMAGE_FORMAT_HEX:
        return hex_read(bytes->data, bytes->len, image, err);
    case IMAGE_FORMAT_BIN:
        break;
    }
    return load_bin(image, path, bytes, address, err);
}

static bool starts_as_hex(const struct buf *bytes)
{
    if (bytes->len < HEX_LEN_MIN || bytes->data[0] != ':')
        return false;
    for (size_t i = 1; i < HEX_START_LEN; i++)
        if (!isxdigit((unsigned char)bytes->data[i]))
            return false;
    return true;
}

static enum image_format detect_format(const char *path, const struct buf *bytes)
{
    if (bytes->len >= 5 && memcmp(bytes->data, "DfuSe", 5) == 0)
        return IMAGE_FORMAT_DFUSE;
    if (elf_is(bytes->data, bytes->len))
        return IMAGE_FORMAT_ELF;
    if (starts_as_hex(bytes))
        return IMAGE_FORMAT_HEX;
    if (dfu_suffix_is(bytes->data, bytes->len))
        return IMAGE_FORMAT_DFU; /* even when the suffix is damaged: reading it says so */
    if (bytes->data[0] == ':' && !text_ends_with(path, ".bin"))
        return IMAGE_FORMAT_HEX; /* damaged in its first record, most likely */
    return text_ends_with(path, ".dfu") ? IMAGE_FORMAT_DFU : IMAGE_FORMAT_BIN;
}

/* Readers say what is wrong; here is what to do about it, where they do not know better. */
static void explain(const char *path, enum image_format format, struct err **err)
{
    err_wrap(err, "cannot read '%s'", path);
    if (!err_get_hint(*err) && format != IMAGE_FORMAT_ELF && format != IMAGE_FORMAT_BIN)
        err_hint(err, "the file is damaged, or was not made properly: get it again");
}

bool image_load(struct image *image, const char *path, const uint32_t *address,
                struct image_file *file, struct err **err)
{
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    if (!fs_read(path, IMAGE_MAX_BYTES, &bytes, err))
        return false;
    if (bytes.len == 0) {
        err_set(err, ERR_FAILED, "'%s' is empty", path);
        return err_hint(err, "something has gone wrong where it was made: get it again");
    }
    struct image loaded = IMAGE_INIT;
    struct image_file found = {.format = detect_format(path, &bytes)};
    if (!load_as(&loaded, path, &bytes, address, &found, err)) {
        explain(path, found.format, err);
        image_release(&loaded);
        image_file_release(&found);
        return false;
    }
    *image = loaded;
    *file = found;
    return true;
}

void image_file_release(struct image_file *file)
{
    dfuse_file_release(&file->dfuse);
    *file = (struct image_file)IMAGE_FILE_INIT;
}
