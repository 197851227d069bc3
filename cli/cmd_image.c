/* firn image: what is in an image file, and the same image in another format. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/image_output.h"
#include "cli/image_show.h"

static const char help[] =
    "Shows what is inside an image: the product that its sidecar (FILE's name with .json) names,\n"
    "the boards that it is for by USB id, its targets and segments. FILE may be DfuSe (.dfu, also\n"
    "packed for mboot), plain DFU (.dfu), Intel HEX (.hex), a raw binary (.bin) or an ELF program.\n"
    "With -o the image is written in another format instead.\n"
    "\n"
    "  -o, --output=OUT        write OUT, in the format of its extension: .dfu, .hex or .bin\n"
    "      --format=FORMAT     ... or in this one: dfuse (what .dfu means, unless FILE is plain DFU),\n"
    "                          dfu (plain, without addresses), hex or bin\n"
    "      --address=ADDRESS   where the first byte of a raw binary or of a plain DFU file belongs,\n"
    "                          for instance 0x08000000\n"
    "      --usb=VID:PID       USB id for a .dfu, for instance 0483:df11; ffff:ffff is any\n"
    "      --device=BCD        bcdDevice for a .dfu, for instance 0200; ffff is any\n"
    "\n"
    "Examples:\n"
    "  firn image out/greeter/greeter-1.4.0.dfu\n"
    "  firn image firmware.bin --address 0x08000000 --usb 0483:df11 -o firmware.dfu\n"
    "  firn image firmware.bin --format dfu --usb 1d50:6017 -o plain.dfu\n"
    "  firn image greeter.dfu --json | jq '.segments[].address'\n";

enum { OPT_ADDRESS = 256, OPT_USB, OPT_DEVICE, OPT_FORMAT };

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"usb", required_argument, NULL, OPT_USB},
    {"device", required_argument, NULL, OPT_DEVICE},
    {NULL, 0, NULL, 0},
};

/* ELF is read only. */
static const enum image_format written[] = {IMAGE_FORMAT_DFUSE, IMAGE_FORMAT_DFU, IMAGE_FORMAT_HEX,
                                            IMAGE_FORMAT_BIN};

struct options {
    const char *path;
    const char *output; /* NULL = show */
    enum image_format format;
    bool has_format; /* given by name; otherwise it is that of the extension */
    uint32_t address;
    bool has_address;
    uint16_t vendor, product, device;
    bool has_usb, has_device;
};

static bool parse_format(const char *id, enum image_format *format)
{
    for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
        if (strcmp(image_format_id(written[i]), id) == 0) {
            *format = written[i];
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
        return 0;
    case OPT_FORMAT:
        o->has_format = true;
        if (!parse_format(optarg, &o->format))
            return cli_usage(cli, &cmd_image, "'%s' is not a format: dfuse, dfu, hex or bin",
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
    case OPT_DEVICE:
        o->has_device = true;
        if (!image_parse_id(optarg, &o->device))
            return cli_usage(cli, &cmd_image, "'%s' is no bcdDevice such as 0200", optarg);
        return 0;
    case ':':
        return cli_usage(cli, &cmd_image, "%s needs a value", argv[optind - 1]);
    default:
        return cli_usage(cli, &cmd_image, "unknown option '%s'", argv[optind - 1]);
    }
}

/* What the options mean together. */
static int check_options(struct cli *cli, struct options *o)
{
    if (o->output && !o->has_format && !image_output_format(o->output, &o->format))
        return cli_usage(cli, &cmd_image,
                         "the output '%s' must end with .dfu, .hex or .bin, or --format say what "
                         "it is",
                         o->output);
    if (o->has_format && !o->output)
        return cli_usage(cli, &cmd_image, "--format needs -o OUT");
    bool holds_ids =
        o->output && (o->format == IMAGE_FORMAT_DFUSE || o->format == IMAGE_FORMAT_DFU);
    if ((o->has_usb || o->has_device) && !holds_ids)
        return cli_usage(cli, &cmd_image, "%s needs -o OUT.dfu: only that format holds an id",
                         o->has_usb ? "--usb" : "--device");
    return 0;
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
    o->path = argv[optind];
    return check_options(cli, o);
}

/* The name in a DfuSe target as `firn build` writes it, so that the same image gives the same
 * file. */
static char *target_name(const struct image_input *in)
{
    const char *product = json_string_value(json_object_get(in->sidecar, "product"));
    const char *version = json_string_value(json_object_get(in->sidecar, "version"));
    return product && version ? xasprintf("%s %s", product, version) : NULL;
}

/* A .dfu of a plain DFU file stays one, unless it was given an address. */
static enum image_format output_format(const struct options *o, const struct image_input *in)
{
    bool stays_plain = in->file.format == IMAGE_FORMAT_DFU && in->image.addressless;
    if (!o->has_format && o->format == IMAGE_FORMAT_DFUSE && stays_plain)
        return IMAGE_FORMAT_DFU;
    return o->format;
}

static bool encode(const struct image_input *in, const struct options *o, struct buf *out,
                   struct err **err)
{
    _cleanup_free_ char *name = target_name(in);
    enum image_format format = output_format(o, in);
    if (image_output_encode(&in->image, format, name, out, err))
        return true;
    if (format != IMAGE_FORMAT_DFUSE || !in->image.addressless || o->has_format)
        return false;
    return err_hint(err, "give the first byte's address: --address 0x08000000; or make a plain DFU "
                         "file, without addresses: --format dfu");
}

static int convert(struct cli *cli, const struct options *o, const struct image_input *in)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT, size = BUF_INIT;
    enum image_format format = output_format(o, in);
    struct err *err = NULL;
    char hex[HASH_HEX_SIZE];
    if (!image_input_check_link(in, &err))
        return cli_fail(cli, err);
    if (!encode(in, o, &out, &err)) {
        err_wrap(&err, "cannot write '%s'", o->output);
        return cli_fail(cli, err);
    }
    if (!image_output_write(o->output, &out, &err))
        return cli_fail(cli, err);
    hash_bytes(out.data, out.len, hex);
    text_add_size(&size, out.len);
    if (!cli->json && !cli->quiet)
        printf("wrote %s: %s, %s\n", o->output, image_format_title(format), size.data);
    json_t *fields = image_show_fields(in);
    json_object_set_new(fields, "output",
                        json_pack("{s:s, s:s, s:I, s:s}", "path", o->output, "format",
                                  image_format_id(format), "size", (json_int_t)out.len, "sha256",
                                  hex));
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
    if (o.has_device)
        in.image.usb_device = o.device;
    if (o.output)
        return convert(cli, &o, &in);
    if (!image_input_check_link(&in, &err))
        warn(cli, &err);
    if (!cli->json)
        image_show(&in);
    event_result(cli->events, true, 0, image_show_fields(&in));
    return 0;
}

const struct command cmd_image = {
    .name = "image",
    .arguments = "FILE [-o OUT] [--format FORMAT] [--address ADDRESS] [--usb VID:PID]",
    .summary = "show what is inside an image, or convert it",
    .help = help,
    .run = run,
};
