/* firn image: what is in an image file, and the same image in another format. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/image_input.h"
#include "image/dfuse_file.h"
#include "image/hex_file.h"
#include "image/sidecar.h"

static const char help[] =
    "Shows what is inside an image: the product that its sidecar (FILE's name with .json) names,\n"
    "the boards that it is for by USB id, and its segments. FILE may be DfuSe (.dfu), Intel HEX\n"
    "(.hex), a raw binary (.bin) or an ELF program. With -o the image is written in the format of\n"
    "OUT's extension instead.\n"
    "\n"
    "  -o, --output=OUT        write OUT.dfu, OUT.hex or OUT.bin\n"
    "      --address=ADDRESS   where a raw binary's first byte belongs, for instance 0x08000000\n"
    "      --usb=VID:PID       USB id for a .dfu, for instance 0483:df11; ffff:ffff is any\n"
    "\n"
    "Examples:\n"
    "  firn image out/greeter/greeter-1.4.0.dfu\n"
    "  firn image firmware.bin --address 0x08000000 --usb 0483:df11 -o firmware.dfu\n"
    "  firn image greeter.dfu --json | jq '.segments[].address'\n";

enum { OPT_ADDRESS = 256, OPT_USB };

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"usb", required_argument, NULL, OPT_USB},
    {NULL, 0, NULL, 0},
};

static const char *const format_ids[] = {
    [IMAGE_FORMAT_DFUSE] = "dfuse",
    [IMAGE_FORMAT_HEX] = "hex",
    [IMAGE_FORMAT_BIN] = "bin",
    [IMAGE_FORMAT_ELF] = "elf",
};
static const char *const format_titles[] = {
    [IMAGE_FORMAT_DFUSE] = "DfuSe file",
    [IMAGE_FORMAT_HEX] = "Intel HEX file",
    [IMAGE_FORMAT_BIN] = "raw binary",
    [IMAGE_FORMAT_ELF] = "ELF program",
};

struct options {
    const char *path;
    const char *output; /* NULL = show */
    enum image_format output_format;
    uint32_t address;
    bool has_address;
    uint16_t vendor, product;
    bool has_usb;
};

static bool parse_output(const char *path, enum image_format *format)
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

static int parse_option(struct cli *cli, int option, char **argv, struct options *o)
{
    switch (option) {
    case 'o':
        o->output = optarg;
        if (!parse_output(optarg, &o->output_format))
            return cli_usage(cli, &cmd_image, "the output '%s' must end with .dfu, .hex or .bin",
                             optarg);
        return 0;
    case OPT_ADDRESS:
        o->has_address = true;
        if (!text_parse_u32(optarg, &o->address))
            return cli_usage(cli, &cmd_image, "'%s' is no address such as 0x08000000", optarg);
        return 0;
    case OPT_USB:
        o->has_usb = true;
        if (!image_parse_ids(optarg, &o->vendor, &o->product))
            return cli_usage(cli, &cmd_image, "'%s' is no USB id such as 0483:df11", optarg);
        return 0;
    case ':':
        return cli_usage(cli, &cmd_image, "%s needs a value", argv[optind - 1]);
    default:
        return cli_usage(cli, &cmd_image, "unknown option '%s'", argv[optind - 1]);
    }
}

static int parse(struct cli *cli, int argc, char **argv, struct options *o)
{
    int option, status = 0;
    optind = 0;
    while (!status && (option = getopt_long(argc, argv, ":o:", long_options, NULL)) != -1)
        status = parse_option(cli, option, argv, o);
    if (status)
        return status;
    if (optind == argc)
        return cli_usage(cli, &cmd_image, "which file?");
    if (argc - optind > 1)
        return cli_usage(cli, &cmd_image, "one file at a time, not '%s', too", argv[optind + 1]);
    if (o->has_usb && (!o->output || o->output_format != IMAGE_FORMAT_DFUSE))
        return cli_usage(cli, &cmd_image, "--usb needs -o OUT.dfu: only that format holds an id");
    o->path = argv[optind];
    return 0;
}

static const char *field(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
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
        add_rowf(out, "frozen", "%zu module%s, %zu listed qstr%s", frozen, frozen == 1 ? "" : "s",
                 names, names == 1 ? "" : "s");
}

static void add_segments(struct buf *out, const struct image *image)
{
    buf_addf(out, "\n  %3s  %-21s  %10s  %s\n", "ALT", "ADDRESSES", "SIZE", "SHA-256");
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        _cleanup_(buf_release) struct buf size = BUF_INIT;
        char hex[HASH_HEX_SIZE];
        hash_bytes(s->data, s->size, hex);
        text_add_size(&size, s->size);
        buf_addf(out, "  %3u  0x%08x-0x%08x  %10s  %.16s...\n", s->alt, s->address,
                 s->address + (uint32_t)(s->size - 1), size.data, hex);
    }
}

static void print_input(const struct image_input *in)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    const struct image *image = &in->image;
    text_add_printable(&out, in->path, strlen(in->path));
    buf_addf(&out, ": %s\n", format_titles[in->format]);
    add_origin(&out, in->sidecar);
    if (image->usb_vendor != IMAGE_ID_ANY)
        add_rowf(&out, "usb", "%04x:%04x", image->usb_vendor, image->usb_product);
    add_rowf(&out, "file", "sha256 %s", in->file_hash);
    add_rowf(&out, "digest", "sha256 %s", in->digest);
    add_segments(&out, image);
    buf_addf(&out, "\n  %zu segment%s, %zu bytes (", image->count, image->count == 1 ? "" : "s",
             image_size(image));
    text_add_size(&out, image_size(image));
    buf_adds(&out, ")\n");
    fputs(out.data, stdout);
}

static json_t *input_fields(const struct image_input *in)
{
    static const char *const copied[] = {"product", "version", "board", "interpreter", "source"};
    json_t *fields =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "path", in->path, "format",
                  format_ids[in->format], "sha256", in->file_hash, "digest", in->digest, "size",
                  (json_int_t)image_size(&in->image), "segments", sidecar_segments(&in->image));
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

/* The name in a DfuSe target as `firn build` writes it, so that the same image gives the same
 * file. */
static char *target_name(const struct image_input *in)
{
    const char *product = field(in->sidecar, "product"), *version = field(in->sidecar, "version");
    return product && version ? xasprintf("%s %s", product, version) : NULL;
}

static bool encode(const struct image_input *in, enum image_format format, struct buf *out,
                   struct err **err)
{
    uint32_t address;
    if (format == IMAGE_FORMAT_HEX)
        return hex_write(&in->image, out, err);
    if (format == IMAGE_FORMAT_BIN)
        return image_to_bin(&in->image, out, &address, err);
    _cleanup_free_ char *name = target_name(in);
    dfuse_file_write(&in->image, name, out);
    return true;
}

static int convert(struct cli *cli, const struct options *o, const struct image_input *in)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT, size = BUF_INIT;
    struct err *err = NULL;
    char hex[HASH_HEX_SIZE];
    if (!image_input_check_link(in, &err))
        return cli_fail(cli, err);
    if (!encode(in, o->output_format, &out, &err)) {
        err_wrap(&err, "cannot write '%s'", o->output);
        return cli_fail(cli, err);
    }
    if (!fs_write(o->output, out.data, out.len, 0644, &err))
        return cli_fail(cli, err);
    hash_bytes(out.data, out.len, hex);
    text_add_size(&size, out.len);
    if (!cli->json && !cli->quiet)
        printf("wrote %s: %s, %s\n", o->output, format_titles[o->output_format], size.data);
    json_t *fields = input_fields(in);
    json_object_set_new(fields, "output",
                        json_pack("{s:s, s:s, s:I, s:s}", "path", o->output, "format",
                                  format_ids[o->output_format], "size", (json_int_t)out.len,
                                  "sha256", hex));
    event_result(cli->events, true, 0, fields);
    return 0;
}

/* What would keep the image from being flashed does not keep it from being looked at. */
static void warn(struct cli *cli, struct err **err)
{
    event_diag(cli->events, "warning", *err);
    err_free_ptr(err);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct options o = {0};
    _cleanup_(image_input_release) struct image_input in = IMAGE_INPUT_INIT;
    struct err *err = NULL;
    int status = parse(cli, argc, argv, &o);
    if (status)
        return status;
    if (!image_input_load(cli, o.path, o.has_address ? &o.address : NULL, &in, &err))
        return cli_fail(cli, err);
    if (!image_input_check_sidecar(&in, &err))
        warn(cli, &err);
    if (o.has_usb) {
        in.image.usb_vendor = o.vendor;
        in.image.usb_product = o.product;
    }
    if (o.output)
        return convert(cli, &o, &in);
    if (!image_input_check_link(&in, &err))
        warn(cli, &err);
    if (!cli->json)
        print_input(&in);
    event_result(cli->events, true, 0, input_fields(&in));
    return 0;
}

const struct command cmd_image = {
    .name = "image",
    .arguments = "FILE [-o OUT] [--address ADDRESS] [--usb VID:PID]",
    .summary = "show what is inside an image, or convert it",
    .help = help,
    .run = run,
};
