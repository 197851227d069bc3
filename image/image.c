#include "image/image.h"

#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/text.h"
#include "image/dfuse_file.h"
#include "image/elf_file.h"
#include "image/hex_file.h"

static uint64_t segment_end(const struct segment *s)
{
    return (uint64_t)s->address + s->size;
}

/* Where (alt, address) belongs in the sorted array. Searched from the end: readers add upwards. */
static size_t find_place(const struct image *image, uint8_t alt, uint32_t address)
{
    size_t i = image->count;
    while (i > 0 &&
           (image->segments[i - 1].alt > alt ||
            (image->segments[i - 1].alt == alt && image->segments[i - 1].address > address)))
        i--;
    return i;
}

static bool overlaps(const struct segment *s, uint8_t alt, uint32_t address, size_t size)
{
    return s->alt == alt && address < segment_end(s) && s->address < (uint64_t)address + size;
}

/* Will it be joined with a neighbour rather than be a segment of its own? */
static bool touches(const struct image *image, size_t place, uint8_t alt, uint32_t address,
                    size_t size)
{
    const struct segment *before = place ? &image->segments[place - 1] : NULL;
    const struct segment *after = place < image->count ? &image->segments[place] : NULL;
    return (before && before->alt == alt && segment_end(before) == address) ||
           (after && after->alt == alt && (uint64_t)address + size == after->address);
}

static bool check_new(const struct image *image, size_t place, uint8_t alt, uint32_t address,
                      size_t size, struct err **err)
{
    if (size == 0)
        return err_set(err, ERR_FAILED, "a segment at 0x%08x has no bytes", address);
    if (address + (uint64_t)size > (uint64_t)UINT32_MAX + 1)
        return err_set(err, ERR_FAILED, "%zu bytes at 0x%08x run past the end of the address space",
                       size, address);
    if (size > IMAGE_MAX_BYTES || image_size(image) + size > IMAGE_MAX_BYTES)
        return err_set(err, ERR_FAILED, "the image is larger than %u MiB",
                       IMAGE_MAX_BYTES / (1024 * 1024));
    for (size_t i = place ? place - 1 : 0; i < image->count && i <= place; i++) {
        const struct segment *s = &image->segments[i];
        if (overlaps(s, alt, address, size))
            return err_set(err, ERR_FAILED,
                           "0x%08x-0x%08llx overlaps 0x%08x-0x%08llx, which is there already",
                           address, (unsigned long long)address + size - 1, s->address,
                           (unsigned long long)segment_end(s) - 1);
    }
    if (image->count >= IMAGE_MAX_SEGMENTS && !touches(image, place, alt, address, size))
        return err_set(err, ERR_FAILED, "the image has more than %d separate segments",
                       IMAGE_MAX_SEGMENTS);
    return true;
}

static void insert_segment(struct image *image, size_t place, struct segment segment)
{
    image->segments = xreallocarray(image->segments, image->count + 1, sizeof(*image->segments));
    memmove(&image->segments[place + 1], &image->segments[place],
            (image->count - place) * sizeof(*image->segments));
    image->segments[place] = segment;
    image->count++;
}

/* Join segment i with the next one if they touch. */
static void join_next(struct image *image, size_t i)
{
    if (i + 1 >= image->count)
        return;
    struct segment *a = &image->segments[i], *b = &image->segments[i + 1];
    if (a->alt != b->alt || segment_end(a) != b->address)
        return;
    a->data = xrealloc(a->data, a->size + b->size);
    memcpy(a->data + a->size, b->data, b->size);
    a->size += b->size;
    free(b->data);
    memmove(b, b + 1, (image->count - i - 2) * sizeof(*b));
    image->count--;
}

bool image_add(struct image *image, uint8_t alt, uint32_t address, const void *data, size_t size,
               struct err **err)
{
    size_t place = find_place(image, alt, address);
    if (!check_new(image, place, alt, address, size, err))
        return false;
    struct segment segment = {.alt = alt, .address = address, .data = xmalloc(size), .size = size};
    memcpy(segment.data, data, size);
    insert_segment(image, place, segment);
    join_next(image, place);
    if (place > 0)
        join_next(image, place - 1);
    return true;
}

size_t image_size(const struct image *image)
{
    size_t size = 0;
    for (size_t i = 0; i < image->count; i++)
        size += image->segments[i].size;
    return size;
}

void image_digest(const struct image *image, char hex[65])
{
    struct hash hash;
    hash_init(&hash);
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        uint8_t place[5] = {s->alt, (uint8_t)s->address, (uint8_t)(s->address >> 8),
                            (uint8_t)(s->address >> 16), (uint8_t)(s->address >> 24)};
        hash_field(&hash, "place", place, sizeof(place));
        hash_field(&hash, "data", s->data, s->size);
    }
    hash_final(&hash, hex);
}

bool image_equal(const struct image *a, const struct image *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct segment *s = &a->segments[i], *t = &b->segments[i];
        if (s->alt != t->alt || s->address != t->address || s->size != t->size ||
            memcmp(s->data, t->data, s->size) != 0)
            return false;
    }
    return true;
}

void image_release(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->segments[i].data);
    free(image->segments);
    *image = (struct image)IMAGE_INIT;
}

bool image_to_bin(const struct image *image, struct buf *out, uint32_t *address, struct err **err)
{
    if (image->count == 0)
        return err_set(err, ERR_FAILED, "the image is empty: there is nothing to write");
    const struct segment *first = &image->segments[0];
    const struct segment *last = &image->segments[image->count - 1];
    if (last->alt != 0)
        return err_set(
            err, ERR_FAILED,
            "the image has data for alternate setting %u, which a raw binary cannot hold",
            last->alt);
    uint64_t span = segment_end(last) - first->address;
    if (span > IMAGE_MAX_BYTES)
        return err_set(err, ERR_FAILED,
                       "the image spans %llu bytes from 0x%08x; a raw binary of it would be larger "
                       "than %u MiB",
                       (unsigned long long)span, first->address, IMAGE_MAX_BYTES / (1024 * 1024));
    *address = first->address;
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        if (i > 0)
            buf_fill(out, (char)0xff, s->address - segment_end(&image->segments[i - 1]));
        buf_add(out, s->data, s->size);
    }
    return true;
}

/* A name that promises something else than the content is: a damaged file, a plain DFU file, whose
 * suffix must not end up in flash, or no firmware at all. Read as a raw binary it would be flashed
 * as garbage. */
static bool check_name(const char *path, struct err **err)
{
    static const char damaged[] = "is it damaged, or no firmware? A raw binary must be named .bin";
    static const char other[] = "name the image: the .dfu, .hex or .bin file";
    static const struct {
        const char *extension, *reason, *hint;
    } formats[] = {
        {".dfu", "not a DfuSe file: it does not start with 'DfuSe'", damaged},
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

static bool load_bin(struct image *image, const char *path, const struct buf *file,
                     const uint32_t *address, struct err **err)
{
    if (!check_name(path, err))
        return false;
    if (!address) {
        err_set(err, ERR_USAGE, "a raw binary does not say where it belongs");
        return err_hint(err, "give its first byte's address: --address 0x08000000");
    }
    return image_add(image, 0, *address, file->data, file->len, err);
}

static bool load_as(struct image *image, const char *path, const struct buf *file,
                    enum image_format format, const uint32_t *bin_address, struct err **err)
{
    switch (format) {
    case IMAGE_FORMAT_DFUSE:
        return dfuse_file_read(file->data, file->len, image, err);
    case IMAGE_FORMAT_ELF:
        return elf_read(file->data, file->len, NULL, 0, image, err);
    case IMAGE_FORMAT_HEX:
        return hex_read(file->data, file->len, image, err);
    case IMAGE_FORMAT_BIN:
        break;
    }
    return load_bin(image, path, file, bin_address, err);
}

static enum image_format detect_format(const struct buf *file)
{
    if (file->len >= 5 && memcmp(file->data, "DfuSe", 5) == 0)
        return IMAGE_FORMAT_DFUSE;
    if (elf_is(file->data, file->len))
        return IMAGE_FORMAT_ELF;
    if (file->len >= 11 && file->data[0] == ':')
        return IMAGE_FORMAT_HEX;
    return IMAGE_FORMAT_BIN;
}

bool image_load(struct image *image, const char *path, const uint32_t *bin_address,
                enum image_format *format, struct err **err)
{
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    if (!fs_read(path, IMAGE_MAX_BYTES, &file, err))
        return false;
    if (file.len == 0)
        return err_set(err, ERR_FAILED, "'%s' is empty", path);
    *format = detect_format(&file);
    struct image loaded = IMAGE_INIT;
    if (!load_as(&loaded, path, &file, *format, bin_address, err)) {
        image_release(&loaded);
        return err_wrap(err, "cannot read '%s'", path);
    }
    *image = loaded;
    return true;
}
