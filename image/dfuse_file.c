#include "image/dfuse_file.h"

#include <string.h>

#include "image/mboot_pack.h"
#include "image/pieces.h"

#define PREFIX_SIZE 11
#define TARGET_SIZE 274
#define TARGET_NAME_SIZE 255
#define ELEMENT_SIZE 8
#define DFUSE_VERSION 0x01

/* The number of segments from `first` on with the same alt. */
static size_t target_count(const struct image *image, size_t first)
{
    size_t n = 1;
    while (first + n < image->count && image->segments[first + n].alt == image->segments[first].alt)
        n++;
    return n;
}

static void add_name(const char *name, struct buf *out)
{
    size_t len = name ? strnlen(name, TARGET_NAME_SIZE - 1) : 0;
    buf_add_le32(out, len > 0);
    buf_add(out, name, len);
    buf_fill(out, 0, TARGET_NAME_SIZE - len);
}

static void add_target(const struct image *image, size_t first, size_t count, const char *name,
                       struct buf *out)
{
    size_t size = 0;
    for (size_t i = first; i < first + count; i++)
        size += ELEMENT_SIZE + image->segments[i].size;
    uint8_t alt = image->segments[first].alt;
    const char *own = image_name(image, alt);
    buf_adds(out, "Target");
    buf_addc(out, (char)alt);
    add_name(own ? own : name, out);
    buf_add_le32(out, (uint32_t)size);
    buf_add_le32(out, (uint32_t)count);
    for (size_t i = first; i < first + count; i++) {
        const struct segment *s = &image->segments[i];
        buf_add_le32(out, s->address);
        buf_add_le32(out, (uint32_t)s->size);
        buf_add(out, s->data, s->size);
    }
}

static void put_le32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(value >> (8 * i));
}

void dfuse_file_write(const struct image *image, const char *name, struct buf *out)
{
    const struct dfu_suffix suffix = {
        .device = image->usb_device,
        .product = image->usb_product,
        .vendor = image->usb_vendor,
        .bcd_dfu = DFU_BCD_DFUSE,
    };
    size_t start = out->len;
    uint8_t targets = 0;
    buf_adds(out, "DfuSe");
    buf_addc(out, DFUSE_VERSION);
    buf_add_le32(out, 0); /* DFUImageSize: known at the end */
    buf_addc(out, 0);     /* bTargets */
    for (size_t i = 0; i < image->count;) {
        size_t count = target_count(image, i);
        add_target(image, i, count, name, out);
        targets++;
        i += count;
    }
    put_le32(out->data + start + 6, (uint32_t)(out->len - start));
    out->data[start + 10] = (char)targets;
    dfu_suffix_write(&suffix, start, out);
}

/* What is left to read; at counts from the start of the file. */
struct cursor {
    const uint8_t *data;
    size_t at, end;
};

static const uint8_t *take(struct cursor *c, size_t size, const char *what, struct err **err)
{
    if (size > c->end - c->at) {
        err_set(err, ERR_FAILED,
                "DfuSe file: %s at offset %zu needs %zu bytes, but only %zu are left", what, c->at,
                size, c->end - c->at);
        return NULL;
    }
    const uint8_t *p = c->data + c->at;
    c->at += size;
    return p;
}

/* Of these there are up to DFUSE_MAX_ELEMENTS: the array doubles. */
static struct dfuse_element *new_element(struct dfuse_file *file, struct err **err)
{
    size_t n = file->element_count;
    if (n == DFUSE_MAX_ELEMENTS) {
        err_set(err, ERR_FAILED, "DfuSe file: more than %d elements", DFUSE_MAX_ELEMENTS);
        return NULL;
    }
    if ((n & (n - 1)) == 0)
        file->elements = xreallocarray(file->elements, n ? 2 * n : 1, sizeof(*file->elements));
    return &file->elements[file->element_count++];
}

static bool parse_element(struct cursor *c, struct dfuse_file *file, struct err **err)
{
    const uint8_t *head = take(c, ELEMENT_SIZE, "an element's header", err);
    if (!head)
        return false;
    uint32_t address = load_le32(head), size = load_le32(head + 4);
    size_t offset = c->at;
    if (!take(c, size, "an element's data", err))
        return false;
    struct dfuse_element *element = new_element(file, err);
    if (!element)
        return false;
    *element = (struct dfuse_element){address, size, offset};
    return true;
}

/* The header and a new target made of it; *size is what it says its elements take. */
static struct dfuse_target *parse_target_header(struct cursor *c, struct dfuse_file *file,
                                                uint32_t *size, struct err **err)
{
    size_t offset = c->at;
    const uint8_t *head = take(c, TARGET_SIZE, "a target's header", err);
    if (!head)
        return NULL;
    if (memcmp(head, "Target", 6) != 0) {
        err_set(err, ERR_FAILED, "DfuSe file: no 'Target' at offset %zu", offset);
        return NULL;
    }
    *size = load_le32(head + 266);
    if (*size > c->end - c->at) {
        err_set(err, ERR_FAILED,
                "DfuSe file: the target at offset %zu says %u bytes, but only %zu are left", offset,
                *size, c->end - c->at);
        return NULL;
    }
    struct dfuse_target *target = &file->targets[file->target_count++];
    *target = (struct dfuse_target){
        .alt = head[6], .first = file->element_count, .count = load_le32(head + 270)};
    if (load_le32(head + 7) != 0)
        memcpy(target->name, head + 11, strnlen((const char *)head + 11, IMAGE_NAME_SIZE - 1));
    return target;
}

static bool parse_target(struct cursor *c, struct dfuse_file *file, struct err **err)
{
    size_t offset = c->at;
    uint32_t size;
    struct dfuse_target *target = parse_target_header(c, file, &size, err);
    if (!target)
        return false;
    struct cursor elements = {c->data, c->at, c->at + size};
    for (size_t i = 0; i < target->count; i++)
        if (!parse_element(&elements, file, err))
            return false;
    if (elements.at != elements.end)
        return err_set(err, ERR_FAILED,
                       "DfuSe file: the target at offset %zu has %zu bytes after its %zu elements",
                       offset, elements.end - elements.at, target->count);
    c->at = elements.end;
    return true;
}

static bool parse_targets(struct cursor *c, unsigned count, struct dfuse_file *file,
                          struct err **err)
{
    file->targets = xcalloc(count ? count : 1, sizeof(*file->targets));
    for (unsigned i = 0; i < count; i++)
        if (!parse_target(c, file, err))
            return false;
    if (c->at != c->end)
        return err_set(err, ERR_FAILED, "DfuSe file: %zu bytes after the last target",
                       c->end - c->at);
    return true;
}

static bool check_prefix(const uint8_t *bytes, size_t size, struct err **err)
{
    if (size < PREFIX_SIZE || memcmp(bytes, "DfuSe", 5) != 0)
        return err_set(err, ERR_FAILED, "not a DfuSe file: it does not start with 'DfuSe'");
    if (bytes[5] != DFUSE_VERSION)
        return err_set(err, ERR_FAILED, "DfuSe file: version %u is not known, only 1 is", bytes[5]);
    return true;
}

/* Its suffix, which a DfuSe file always has, and the size that the prefix says. */
static bool check_suffix(const uint8_t *bytes, size_t size, struct dfu_suffix *suffix,
                         struct err **err)
{
    if (!dfu_suffix_read(bytes, size, suffix, err))
        return err_wrap(err, "DfuSe file");
    if (!suffix->length) {
        err_set(err, ERR_FAILED, "DfuSe file: no DFU suffix at the end");
        return err_hint(err, "the file is cut short or damaged: get it again");
    }
    if (size < (size_t)PREFIX_SIZE + suffix->length ||
        load_le32(bytes + 6) != size - suffix->length)
        return err_set(err, ERR_FAILED,
                       "DfuSe file: the prefix says %u bytes, the file has %zu and a suffix of %u",
                       load_le32(bytes + 6), size, suffix->length);
    return true;
}

bool dfuse_file_parse(const void *data, size_t size, struct dfuse_file *file, struct err **err)
{
    const uint8_t *bytes = data;
    *file = (struct dfuse_file)DFUSE_FILE_INIT;
    if (!check_prefix(bytes, size, err) || !check_suffix(bytes, size, &file->suffix, err))
        return false;
    struct cursor c = {bytes, PREFIX_SIZE, size - file->suffix.length};
    if (parse_targets(&c, bytes[10], file, err))
        return true;
    dfuse_file_release(file);
    return false;
}

void dfuse_file_release(struct dfuse_file *file)
{
    free(file->targets);
    free(file->elements);
    *file = (struct dfuse_file)DFUSE_FILE_INIT;
}

static bool add_target_bytes(const struct dfuse_file *file, const struct dfuse_target *target,
                             const uint8_t *bytes, struct pieces *pieces, struct err **err)
{
    for (size_t i = target->first; i < target->first + target->count; i++) {
        const struct dfuse_element *e = &file->elements[i];
        if (e->size &&
            !pieces_add(pieces, target->alt, e->address, bytes + e->offset, e->size, err))
            return false;
    }
    return true;
}

static bool add_bytes(const struct dfuse_file *file, const uint8_t *bytes, struct image *image,
                      struct err **err)
{
    _cleanup_(pieces_release) struct pieces pieces = PIECES_INIT;
    for (size_t i = 0; i < file->target_count; i++)
        if (!add_target_bytes(file, &file->targets[i], bytes, &pieces, err))
            return false;
    return pieces_move(&pieces, image, err);
}

static bool add_chunks(const struct dfuse_file *file, const uint8_t *bytes, struct image *image,
                       struct err **err)
{
    _cleanup_(mboot_pack_release) struct mboot_pack pack = MBOOT_PACK_INIT;
    for (size_t t = 0; t < file->target_count; t++) {
        const struct dfuse_target *target = &file->targets[t];
        for (size_t i = target->first; i < target->first + target->count; i++) {
            const struct dfuse_element *e = &file->elements[i];
            if (!image_add_chunk(image, target->alt, e->address, bytes + e->offset, e->size, err))
                return false;
        }
    }
    return mboot_pack_read(image, &pack, err);
}

/* One chunk tells: no program has, at its own address, that address and its own size. */
static bool is_packed(const struct dfuse_file *file, const uint8_t *bytes)
{
    for (size_t i = 0; i < file->element_count; i++) {
        const struct dfuse_element *e = &file->elements[i];
        if (mboot_pack_is_chunk(bytes + e->offset, e->size, e->address))
            return true;
    }
    return false;
}

bool dfuse_file_to_image(const struct dfuse_file *file, const void *data, struct image *image,
                         struct err **err)
{
    if (!(is_packed(file, data) ? add_chunks : add_bytes)(file, data, image, err))
        return err_wrap(err, "DfuSe file");
    if (image->count == 0)
        return err_set(err, ERR_FAILED,
                       "DfuSe file: there are no bytes in it (targets: %zu, elements: %zu)",
                       file->target_count, file->element_count);
    image->usb_device = file->suffix.device;
    image->usb_product = file->suffix.product;
    image->usb_vendor = file->suffix.vendor;
    for (size_t i = 0; i < file->target_count; i++)
        if (*file->targets[i].name)
            image_set_name(image, file->targets[i].alt, file->targets[i].name);
    return true;
}

bool dfuse_file_read(const void *data, size_t size, struct image *image, struct err **err)
{
    _cleanup_(dfuse_file_release) struct dfuse_file file = DFUSE_FILE_INIT;
    return dfuse_file_parse(data, size, &file, err) && dfuse_file_to_image(&file, data, image, err);
}
