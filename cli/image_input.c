#include "cli/image_input.h"

#include <string.h>

#include "base/text.h"
#include "image/sidecar.h"

static const char *field(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Is this file one of those that the sidecar lists, or does it hold the same bytes at the same
 * addresses? JSON without a digest says nothing of either and contradicts nothing. A raw binary has
 * its gaps filled, so that only the former is to be expected of it, and a plain DFU file is one
 * with a suffix; an ELF file is listed nowhere, as it may name paths of the machine that built it.
 */
static bool describes(const json_t *sidecar, const struct image_input *in)
{
    const char *digest = field(sidecar, "digest"), *format, *hash;
    char payload[HASH_HEX_SIZE];
    json_t *file;
    if (in->file.format == IMAGE_FORMAT_ELF || !digest || strcmp(digest, in->digest) == 0)
        return true;
    hash_bytes(in->image.segments[0].data, in->image.segments[0].size, payload);
    json_object_foreach(json_object_get(sidecar, "files"), format, file)
    {
        hash = field(file, "sha256");
        if (hash && (strcmp(hash, in->file_hash) == 0 ||
                     (in->file.format == IMAGE_FORMAT_DFU && strcmp(hash, payload) == 0)))
            return true;
    }
    return false;
}

static void load_sidecar(struct cli *cli, struct image_input *in)
{
    _cleanup_err_ struct err *err = NULL;
    json_t *sidecar = NULL;
    if (!sidecar_load(in->path, &sidecar, &err)) {
        if (err->code != ERR_NOT_FOUND)
            event_diag(cli->events, "warning", err);
        return;
    }
    in->other_sidecar = !describes(sidecar, in);
    if (in->other_sidecar)
        json_decref(sidecar);
    else
        in->sidecar = sidecar;
}

bool image_input_check_sidecar(const struct image_input *in, struct err **err)
{
    if (!in->other_sidecar)
        return true;
    _cleanup_free_ char *path = sidecar_path(in->path);
    err_set(err, ERR_AUTHENTIC, "'%s' describes another image than '%s'", path, in->path);
    return err_hint(err, "build it again; or move the sidecar away if the image is what you want");
}

static bool first_address(const json_t *sidecar, uint32_t *address)
{
    const char *text = field(json_array_get(json_object_get(sidecar, "segments"), 0), "address");
    return text && text_parse_u32(text, address);
}

static bool sidecar_address(const char *path, uint32_t *address)
{
    _cleanup_err_ struct err *err = NULL;
    json_t *sidecar = NULL;
    if (!text_ends_with(path, ".bin") || !sidecar_load(path, &sidecar, &err))
        return false;
    bool found = first_address(sidecar, address);
    json_decref(sidecar);
    return found;
}

static bool parse_id(const char *digits, size_t len, uint16_t *id)
{
    uint32_t value;
    _cleanup_free_ char *number = xasprintf("0x%.*s", (int)len, digits);
    if (len == 0 || len > 4 || !text_parse_u32(number, &value))
        return false;
    *id = (uint16_t)value;
    return true;
}

bool image_parse_id(const char *text, uint16_t *id)
{
    if (text_starts_with(text, "0x"))
        text += 2;
    return parse_id(text, strlen(text), id);
}

bool image_parse_ids(const char *text, uint16_t *vendor, uint16_t *product)
{
    const char *colon = strchr(text, ':');
    return colon && parse_id(text, (size_t)(colon - text), vendor) &&
           parse_id(colon + 1, strlen(colon + 1), product);
}

static void take_ids(struct image_input *in)
{
    const json_t *usb = json_object_get(in->sidecar, "usb");
    const char *vendor = field(usb, "vendor"), *product = field(usb, "product");
    if (in->image.usb_vendor != IMAGE_ID_ANY || !vendor || !product)
        return;
    _cleanup_free_ char *ids = xasprintf("%s:%s", vendor, product);
    image_parse_ids(ids, &in->image.usb_vendor, &in->image.usb_product);
}

/* A reader of dfu-util's warnings may take this for a fault; it is none. */
static void note_missing_suffix(struct cli *cli, const struct image_input *in)
{
    if (in->file.format == IMAGE_FORMAT_DFU && !in->file.suffix.length)
        event_info(cli->events,
                   "note: '%s' has no DFU suffix: it can be flashed, but nothing in it says for "
                   "which board it is or that it is undamaged",
                   in->path);
}

bool image_input_load(struct cli *cli, const char *path, const uint32_t *address,
                      struct image_input *in, struct err **err)
{
    uint32_t known;
    const uint32_t *bin_address = address;
    if (!address && sidecar_address(path, &known))
        bin_address = &known;
    in->path = path;
    if (!image_load(&in->image, path, bin_address, &in->file, err))
        return cli_input_failed(err);
    if (!hash_file(path, in->file_hash, err))
        return false;
    if (address && in->file.format != IMAGE_FORMAT_BIN && in->file.format != IMAGE_FORMAT_DFU) {
        err_set(err, ERR_USAGE,
                "'%s' holds its own addresses: --address is for raw binaries and plain DFU files",
                path);
        return err_hint(err, "leave --address out");
    }
    image_digest(&in->image, in->digest);
    load_sidecar(cli, in);
    take_ids(in);
    note_missing_suffix(cli, in);
    return true;
}

/* Where a program begins: behind a boot loader, that is not where the image does. */
static bool program_address(const json_t *sidecar, uint32_t *address)
{
    const json_t *program = json_object_get(sidecar, "program");
    return first_address(program ? program : sidecar, address);
}

bool image_input_check_link(const struct image_input *in, struct err **err)
{
    uint32_t address, linked = in->image.segments[0].address;
    if (in->file.format != IMAGE_FORMAT_ELF || !program_address(in->sidecar, &address) ||
        address == linked)
        return true;
    err_set(err, ERR_FAILED, "'%s' is linked to 0x%08x, but the board's flash is at 0x%08x",
            in->path, linked, address);
    return err_hint(err, "use the .dfu, .hex or .bin beside it");
}

const char *image_input_enter(const struct image_input *in)
{
    return field(json_object_get(in->sidecar, "usb"), "enter");
}

void image_input_release(struct image_input *in)
{
    image_release(&in->image);
    image_file_release(&in->file);
    json_decref(in->sidecar);
}
