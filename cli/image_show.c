#include "cli/image_show.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "image/mboot_pack.h"
#include "image/sidecar.h"

const char *image_format_id(enum image_format format)
{
    static const char *const ids[] = {
        [IMAGE_FORMAT_DFUSE] = "dfuse", [IMAGE_FORMAT_DFU] = "dfu", [IMAGE_FORMAT_HEX] = "hex",
        [IMAGE_FORMAT_BIN] = "bin",     [IMAGE_FORMAT_ELF] = "elf",
    };
    return ids[format];
}

const char *image_format_title(enum image_format format)
{
    static const char *const titles[] = {
        [IMAGE_FORMAT_DFUSE] = "DfuSe file",   [IMAGE_FORMAT_DFU] = "plain DFU file",
        [IMAGE_FORMAT_HEX] = "Intel HEX file", [IMAGE_FORMAT_BIN] = "raw binary",
        [IMAGE_FORMAT_ELF] = "ELF program",
    };
    return titles[format];
}

static const char *field(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void add_row(struct buf *out, const char *title, const char *value)
{
    buf_addf(out, "  %-8s ", title);
    text_add_printable(out, value, strlen(value));
    buf_addc(out, '\n');
}

static void PRINTF_LIKE(3, 4) add_rowf(struct buf *out, const char *title, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *value = xvasprintf(fmt, ap);
    va_end(ap);
    add_row(out, title, value);
}

/* What the sidecar knows; each row only if it does. */
static void add_origin(struct buf *out, const json_t *sidecar)
{
    const json_t *board = json_object_get(sidecar, "board");
    const json_t *source = json_object_get(sidecar, "source");
    const char *product = field(sidecar, "product"), *version = field(sidecar, "version");
    const char *port = field(board, "port"), *name = field(board, "name");
    const char *variant = field(board, "variant"), *commit = field(source, "commit");
    const json_t *qstrs = json_object_get(sidecar, "qstrs");
    size_t frozen = json_array_size(json_object_get(sidecar, "frozen"));
    size_t names = json_array_size(json_object_get(qstrs, "pool")) +
                   json_array_size(json_object_get(qstrs, "defs"));
    if (product)
        add_rowf(out, "product", "%s %s", product, version ? version : "");
    if (port && name)
        add_rowf(out, "board", "%s (%s)%s%s", name, port, variant ? ", variant " : "",
                 variant ? variant : "");
    if (commit)
        add_rowf(out, "source", "%s %s, commit %.12s",
                 field(sidecar, "interpreter") ? field(sidecar, "interpreter") : "",
                 field(source, "ref") ? field(source, "ref") : "", commit);
    if (frozen || names)
        add_rowf(out, "frozen", "%zu module%s, %zu listed qstr%s", frozen, plural(frozen), names,
                 plural(names));
}

static void add_suffix(struct buf *out, const struct dfu_suffix *suffix)
{
    if (suffix->length)
        add_rowf(out, "suffix", "bcdDFU %04x, bcdDevice %04x%s, CRC 0x%08x (right)",
                 suffix->bcd_dfu, suffix->device, suffix->device == IMAGE_ID_ANY ? " (any)" : "",
                 suffix->crc);
}

static size_t empty_elements(const struct dfuse_file *file, const struct dfuse_target *target)
{
    size_t count = 0;
    for (size_t i = 0; i < target->count; i++)
        count += file->elements[target->first + i].size == 0;
    return count;
}

static void add_targets(struct buf *out, const struct dfuse_file *file)
{
    for (size_t i = 0; i < file->target_count; i++) {
        const struct dfuse_target *t = &file->targets[i];
        size_t empty = empty_elements(file, t);
        _cleanup_(buf_release) struct buf more = BUF_INIT;
        if (empty)
            buf_addf(&more, ", %zu of them empty", empty);
        add_rowf(out, "target", "alt %u, %s%s%s, %zu element%s%s", t->alt, *t->name ? "'" : "",
                 *t->name ? t->name : "no name", *t->name ? "'" : "", t->count, plural(t->count),
                 more.data);
    }
}

/* The image was read before, so that reading its headers cannot fail. */
static void read_pack(const struct image *image, struct mboot_pack *pack)
{
    _cleanup_err_ struct err *err = NULL;
    bool ok = mboot_pack_read(image, pack, &err);
    assert(ok);
    (void)ok;
}

static void add_pack(struct buf *out, const struct image *image)
{
    _cleanup_(mboot_pack_release) struct mboot_pack pack = MBOOT_PACK_INIT;
    if (!image->packed)
        return;
    read_pack(image, &pack);
    add_rowf(out, "packed", "for mboot: encrypted and signed%s, %zu chunk%s of firmware",
             pack.compressed ? ", compressed" : "", pack.firmware_chunks,
             plural(pack.firmware_chunks));
    for (size_t i = 0; i < pack.region_count; i++) {
        const struct mboot_region *r = &pack.regions[i];
        add_rowf(out, "", "the whole of 0x%08x-0x%08x is signed", r->address,
                 r->address + r->size - (r->size > 0));
    }
}

static void add_segments(struct buf *out, const struct image *image)
{
    buf_addf(out, "\n  %3s  %-21s  %10s  %s\n", "ALT", "ADDRESSES", "SIZE", "SHA-256");
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        _cleanup_(buf_release) struct buf place = BUF_INIT, size = BUF_INIT;
        char hex[HASH_HEX_SIZE];
        hash_bytes(s->data, s->size, hex);
        text_add_size(&size, s->size);
        if (image->addressless)
            buf_adds(&place, "none");
        else if (image->packed)
            buf_addf(&place, "0x%08x", s->address);
        else
            buf_addf(&place, "0x%08x-0x%08x", s->address, s->address + (uint32_t)(s->size - 1));
        buf_addf(out, "  %3u  %-21s  %10s  %.16s...\n", s->alt, place.data, size.data, hex);
    }
}

static void add_total(struct buf *out, const struct image *image)
{
    const char *unit = image->packed ? "chunk" : "segment";
    buf_addf(out, "\n  %zu %s%s, %zu bytes (", image->count, unit, plural(image->count),
             image_size(image));
    text_add_size(out, image_size(image));
    buf_adds(out, ")\n");
}

void image_show(const struct image_input *in)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    const struct image *image = &in->image;
    text_add_printable(&out, in->path, strlen(in->path));
    buf_addf(&out, ": %s\n", image_format_title(in->file.format));
    add_origin(&out, in->sidecar);
    if (image->usb_vendor != IMAGE_ID_ANY)
        add_rowf(&out, "usb", "%04x:%04x", image->usb_vendor, image->usb_product);
    add_suffix(&out, &in->file.suffix);
    add_targets(&out, &in->file.dfuse);
    add_pack(&out, image);
    add_rowf(&out, "file", "sha256 %s", in->file_hash);
    add_rowf(&out, "digest", "sha256 %s", in->digest);
    if (image->addressless)
        add_row(&out, "address",
                "none: for a plain DFU board; for others, give --address 0x08000000");
    add_segments(&out, image);
    add_total(&out, image);
    fputs(out.data, stdout);
}

/* JSON is UTF-8; names in files and of files need not be. */
static json_t *text_field(const char *text)
{
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    text_add_printable(&printable, text, strlen(text));
    return json_string(printable.data);
}

static json_t *id_field(uint16_t id)
{
    char text[5];
    snprintf(text, sizeof(text), "%04x", id);
    return json_string(text);
}

static json_t *word_field(uint32_t word)
{
    char text[11];
    snprintf(text, sizeof(text), "0x%08x", word);
    return json_string(text);
}

static json_t *range_fields(uint32_t address, uint32_t size)
{
    return json_pack("{s:o, s:I}", "address", word_field(address), "size", (json_int_t)size);
}

static json_t *suffix_fields(const struct dfu_suffix *suffix)
{
    if (!suffix->length)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i}", "bcd_dfu", id_field(suffix->bcd_dfu),
                     "vendor", id_field(suffix->vendor), "product", id_field(suffix->product),
                     "device", id_field(suffix->device), "crc", word_field(suffix->crc), "length",
                     suffix->length);
}

static json_t *target_fields(const struct dfuse_file *file)
{
    json_t *targets = json_array();
    for (size_t i = 0; i < file->target_count; i++) {
        const struct dfuse_target *t = &file->targets[i];
        json_t *elements = json_array();
        for (size_t k = t->first; k < t->first + t->count; k++)
            json_array_append_new(elements,
                                  range_fields(file->elements[k].address, file->elements[k].size));
        json_array_append_new(targets, json_pack("{s:i, s:o, s:o}", "alt", t->alt, "name",
                                                 *t->name ? text_field(t->name) : json_null(),
                                                 "elements", elements));
    }
    return targets;
}

static json_t *pack_fields(const struct image *image)
{
    _cleanup_(mboot_pack_release) struct mboot_pack pack = MBOOT_PACK_INIT;
    if (!image->packed)
        return json_null();
    read_pack(image, &pack);
    json_t *regions = json_array();
    for (size_t i = 0; i < pack.region_count; i++)
        json_array_append_new(regions, range_fields(pack.regions[i].address, pack.regions[i].size));
    return json_pack("{s:I, s:b, s:o}", "chunks", (json_int_t)pack.firmware_chunks, "compressed",
                     pack.compressed, "regions", regions);
}

static json_t *segment_fields(const struct image *image)
{
    json_t *segments = sidecar_segments(image);
    if (image->addressless)
        json_object_set_new(json_array_get(segments, 0), "address", json_null());
    return segments;
}

json_t *image_show_fields(const struct image_input *in)
{
    static const char *const copied[] = {"product", "version", "board", "interpreter", "source"};
    json_t *fields = json_pack(
        "{s:o, s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "path", text_field(in->path), "format",
        image_format_id(in->file.format), "sha256", in->file_hash, "digest", in->digest, "size",
        (json_int_t)image_size(&in->image), "segments", segment_fields(&in->image), "suffix",
        suffix_fields(&in->file.suffix), "packed", pack_fields(&in->image));
    if (in->file.format == IMAGE_FORMAT_DFUSE)
        json_object_set_new(fields, "targets", target_fields(&in->file.dfuse));
    if (in->image.usb_vendor != IMAGE_ID_ANY) {
        _cleanup_free_ char *usb =
            xasprintf("%04x:%04x", in->image.usb_vendor, in->image.usb_product);
        json_object_set_new(fields, "usb", json_string(usb));
    }
    for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
        json_t *value = json_object_get(in->sidecar, copied[i]);
        if (value)
            json_object_set(fields, copied[i], value);
    }
    return fields;
}
