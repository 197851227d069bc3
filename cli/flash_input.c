#include "cli/flash_input.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "builder/build.h"
#include "image/sidecar.h"

static bool parse_id(const char *digits, size_t len, uint16_t *id)
{
    uint32_t value;
    _cleanup_free_ char *number = xasprintf("0x%.*s", (int)len, digits);
    if (len == 0 || len > 4 || !text_parse_u32(number, &value))
        return false;
    *id = (uint16_t)value;
    return true;
}

bool flash_parse_ids(const char *text, uint16_t *vendor, uint16_t *product)
{
    const char *colon = strchr(text, ':');
    return colon && parse_id(text, (size_t)(colon - text), vendor) &&
           parse_id(colon + 1, strlen(colon + 1), product);
}

static const char *field(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

/* A raw binary or an ELF file holds the image's bytes in other pieces, so that their digest is
 * another one. */
static bool check_digest(const struct image *image, enum image_format format, const char *path,
                         const json_t *sidecar, struct err **err)
{
    char digest[HASH_HEX_SIZE];
    const char *expected = field(sidecar, "digest");
    if (!*expected || (format != IMAGE_FORMAT_DFUSE && format != IMAGE_FORMAT_HEX))
        return true;
    image_digest(image, digest);
    if (strcmp(digest, expected) == 0)
        return true;
    _cleanup_free_ char *sidecar_name = sidecar_path(path);
    err_set(err, ERR_AUTHENTIC,
            "%s is not the image that %s describes (sha256 %.12s..., not %.12s...)", path,
            sidecar_name, digest, expected);
    return err_hint(err, "build it again; or move the sidecar away to flash the file as it is");
}

static void take_ids(struct image *image, const json_t *sidecar)
{
    const json_t *usb = json_object_get(sidecar, "usb");
    const char *vendor = field(usb, "vendor"), *product = field(usb, "product");
    uint16_t ids[2];
    if (parse_id(vendor, strlen(vendor), &ids[0]) && parse_id(product, strlen(product), &ids[1])) {
        image->usb_vendor = ids[0];
        image->usb_product = ids[1];
    }
}

static bool apply_sidecar(struct cli *cli, struct image *image, enum image_format format,
                          const char *path, struct err **err)
{
    json_t *sidecar = NULL;
    _cleanup_err_ struct err *problem = NULL;
    if (!sidecar_load(path, &sidecar, &problem)) {
        if (problem->code != ERR_NOT_FOUND)
            event_diag(cli->events, "warning", problem);
        return true;
    }
    bool ok = check_digest(image, format, path, sidecar, err);
    if (ok)
        take_ids(image, sidecar);
    json_decref(sidecar);
    return ok;
}

static bool load_image(struct cli *cli, const char *path, const uint32_t *bin_address,
                       struct flash_input *input, struct err **err)
{
    enum image_format format;
    struct image *image = &input->image;
    if (!image_load(image, path, bin_address, &format, err))
        return false;
    if (bin_address && format != IMAGE_FORMAT_BIN) {
        err_set(err, ERR_USAGE, "%s holds its own addresses: --address is for raw binaries", path);
        return err_hint(err, "leave --address out");
    }
    if (!image->count)
        return err_set(err, ERR_FAILED, "%s holds no data", path);
    input->alt = image->segments[0].alt;
    input->one_alt = input->alt == image->segments[image->count - 1].alt; /* sorted */
    return apply_sidecar(cli, image, format, path, err);
}

/* The path of the image that was built, yours; NULL with diags or *err filled. */
static char *build_image(struct cli *cli, const char *manifest, struct diags *diags,
                         struct err **err)
{
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    struct build_options options = {.output_dir = NULL};
    if (!config_load(&config, diags) ||
        !build_run(manifest, &config, &options, cli->events, &result, diags, err))
        return NULL;
    return xstrdup(result.image_path);
}

bool flash_input_load(struct cli *cli, const char *path, const uint32_t *bin_address,
                      struct flash_input *input, struct diags *diags, struct err **err)
{
    if (!text_ends_with(path, ".yaml") && !text_ends_with(path, ".yml"))
        return load_image(cli, path, bin_address, input, err);
    _cleanup_free_ char *image = build_image(cli, path, diags, err);
    return image && load_image(cli, image, bin_address, input, err);
}

void flash_input_release(struct flash_input *input)
{
    image_release(&input->image);
}
