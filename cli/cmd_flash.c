/* firn flash: an image into a board. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "builder/build.h"
#include "cli/command.h"
#include "cli/image_input.h"
#include "flasher/fleet.h"

static const char help[] =
    "Flashes IMAGE (DfuSe .dfu, Intel HEX, ELF or raw binary) into the board in DFU mode that it is\n"
    "for: erases the sectors that it needs, writes, reads everything back and compares, starts the\n"
    "program. Other data in those sectors is kept. MANIFEST (.yaml) is built first.\n"
    "A flash that was interrupted is mended by running it again.\n"
    "\n"
    "      --usb=VID:PID   the board's ids, instead of those in the image\n"
    "      --path=PATH     the board on this USB port, as firn devices shows it (1-1.4)\n"
    "      --serial=TEXT   the board with this serial\n"
    "      --alt=N         write to alternate setting N instead of the one in the image\n"
    "      --address=A     where a raw binary or a plain DFU file goes (0x08000000)\n"
    "      --no-verify     do not read back\n"
    "      --no-leave      stay in the bootloader at the end\n"
    "  -n, --dry-run       print what would be erased and written; change nothing\n"
    "\n"
    "Examples:\n"
    "  firn flash out/greeter/greeter-1.4.0.dfu\n"
    "  firn flash firmware.bin --address 0x08000000 --path 1-1.4\n";

enum {
    OPT_USB = 256,
    OPT_PATH,
    OPT_SERIAL,
    OPT_ALT,
    OPT_ADDRESS,
    OPT_NO_VERIFY,
    OPT_NO_LEAVE,
};

static const struct option long_options[] = {
    {"usb", required_argument, NULL, OPT_USB},
    {"path", required_argument, NULL, OPT_PATH},
    {"serial", required_argument, NULL, OPT_SERIAL},
    {"alt", required_argument, NULL, OPT_ALT},
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"no-verify", no_argument, NULL, OPT_NO_VERIFY},
    {"no-leave", no_argument, NULL, OPT_NO_LEAVE},
    {"dry-run", no_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

struct arguments {
    const char *input;
    struct fleet_options fleet;
    bool has_ids, has_alt, has_address;
    uint32_t alt, address;
};

/* One option; 0 or the exit status of a wrong one. */
static int take_option(struct cli *cli, struct arguments *args, int option, const char *given)
{
    uint16_t vendor, product;
    switch (option) {
    case OPT_USB:
        if (!image_parse_ids(optarg, &vendor, &product))
            return cli_usage(cli, &cmd_flash, "--usb: '%s' is not like 0483:df11", optarg);
        args->fleet.match.vendor = vendor;
        args->fleet.match.product = product;
        args->has_ids = true;
        return 0;
    case OPT_PATH:
        args->fleet.match.path = optarg;
        return 0;
    case OPT_SERIAL:
        args->fleet.match.serial = optarg;
        return 0;
    case OPT_ALT:
        args->has_alt = true;
        if (!text_parse_u32(optarg, &args->alt) || args->alt > 255)
            return cli_usage(cli, &cmd_flash, "--alt: '%s' is not a number up to 255", optarg);
        return 0;
    case OPT_ADDRESS:
        args->has_address = true;
        if (!text_parse_u32(optarg, &args->address))
            return cli_usage(cli, &cmd_flash, "--address: '%s' is not like 0x08000000", optarg);
        return 0;
    case OPT_NO_VERIFY:
        args->fleet.flash.verify = false;
        return 0;
    case OPT_NO_LEAVE:
        args->fleet.flash.leave = false;
        return 0;
    case 'n':
        args->fleet.flash.dry_run = true;
        return 0;
    case ':':
        return cli_usage(cli, &cmd_flash, "%s needs a value", given);
    default:
        return cli_usage(cli, &cmd_flash, "unknown option '%s'", given);
    }
}

static int parse(struct cli *cli, struct arguments *args, int argc, char **argv)
{
    int option, status;
    optind = 0;
    while ((option = getopt_long(argc, argv, ":n", long_options, NULL)) != -1)
        if ((status = take_option(cli, args, option, argv[optind - 1])) != 0)
            return status;
    if (optind == argc)
        return cli_usage(cli, &cmd_flash, "which image or manifest?");
    if (optind + 1 < argc)
        return cli_usage(cli, &cmd_flash, "one image at a time: what is '%s'?", argv[optind + 1]);
    args->input = argv[optind];
    return 0;
}

/* Write all of it to another alternate setting than the image says. */
static bool move_to_alt(struct image *image, const struct arguments *args, struct err **err)
{
    if (image->segments[0].alt != image->segments[image->count - 1].alt) { /* they are sorted */
        err_set(err, ERR_USAGE, "'%s' has data for several alternate settings", args->input);
        return err_hint(err, "leave --alt out");
    }
    for (size_t i = 0; i < image->count; i++)
        image->segments[i].alt = (uint8_t)args->alt;
    return true;
}

/* The ids that the image is for, unless the user said which. */
static void match_image(struct device_match *match, const struct image *image)
{
    if (image->usb_vendor != IMAGE_ID_ANY)
        match->vendor = image->usb_vendor;
    if (image->usb_product != IMAGE_ID_ANY)
        match->product = image->usb_product;
}

static json_t *span_fields(uint8_t alt, uint32_t address, size_t size, bool keep)
{
    char text[11];
    snprintf(text, sizeof(text), "0x%08x", (unsigned)address);
    return json_pack("{s:i, s:s, s:I, s:b}", "alt", alt, "address", text, "size", (json_int_t)size,
                     "keeps_data", keep);
}

static json_t *plan_fields(const struct plan *plan)
{
    json_t *erase = json_array(), *write = json_array();
    for (size_t i = 0; i < plan->sector_count; i++) {
        const struct plan_sector *sector = &plan->sectors[i];
        json_array_append_new(
            erase, span_fields(sector->alt, sector->address, sector->size, sector->keep));
    }
    for (size_t i = 0; i <= plan->run_count; i++) {
        const struct plan_run *run = i < plan->run_count ? &plan->runs[i] : &plan->vector;
        json_array_append_new(write, span_fields(run->alt, run->address, run->size, run->keep));
    }
    return json_pack("{s:o, s:o}", "erase", erase, "write", write);
}

static json_t *result_fields(const struct fleet_result *all, const struct arguments *args)
{
    const struct flash_result *r = &all->boards[0];
    json_t *fields =
        json_pack("{s:s, s:s?, s:s, s:f, s:b}", "path", r->path, "serial", r->serial, "digest",
                  all->digest, "seconds", r->seconds, "dry_run", args->fleet.flash.dry_run);
    if (args->fleet.flash.dry_run) {
        json_object_set_new(fields, "plan", plan_fields(&r->plan));
        return fields;
    }
    json_object_update_new(fields, json_pack("{s:I, s:I, s:I, s:b, s:b}", "bytes_written",
                                             (json_int_t)r->bytes_written, "bytes_kept",
                                             (json_int_t)plan_kept_bytes(&r->plan),
                                             "sectors_erased", (json_int_t)r->sectors_erased,
                                             "verified", r->verified, "left", r->left));
    return fields;
}

static void print_result(const struct fleet_result *all, const struct image *image,
                         const struct arguments *args)
{
    const struct flash_result *r = &all->boards[0];
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    if (args->fleet.flash.dry_run) {
        plan_format(&r->plan, &out);
        buf_adds(&out, "nothing was changed (--dry-run)\n");
    } else {
        buf_adds(&out, r->verified ? "flashed and verified " : "flashed, NOT verified: ");
        text_add_size(&out, image_size(image));
        buf_addf(&out, " on %s in ", r->path);
        text_add_duration(&out, (int64_t)(r->seconds * 1000));
        buf_addf(&out, "\n  digest  sha256 %s\n", all->digest);
    }
    fputs(out.data, stdout);
}

/* The path of the image that a manifest makes, yours; NULL with diags or *err filled. */
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

static bool load(struct cli *cli, const char *path, const struct arguments *args,
                 struct image_input *in, struct err **err)
{
    if (!image_input_load(cli, path, args->has_address ? &args->address : NULL, in, err) ||
        !image_input_check_sidecar(in, err))
        return false;
    if (!in->image.count)
        return err_set(err, ERR_FAILED, "'%s' holds no data", path);
    return image_check_plain(&in->image, err) && image_input_check_address(in, err) &&
           image_input_check_link(in, err) &&
           (!args->has_alt || move_to_alt(&in->image, args, err));
}

static int flash(struct cli *cli, const char *path, struct arguments *args)
{
    struct err *err = NULL;
    _cleanup_(image_input_release) struct image_input in = IMAGE_INPUT_INIT;
    _cleanup_(fleet_result_release) struct fleet_result result = FLEET_RESULT_INIT;
    if (!load(cli, path, args, &in, &err))
        return cli_fail(cli, err);
    if (!args->has_ids)
        match_image(&args->fleet.match, &in.image);
    if (!fleet_flash(&in.image, &args->fleet, cli->events, &result, &err))
        return cli_fail(cli, err);
    if (!cli->json && !cli->quiet)
        print_result(&result, &in.image, args);
    event_result(cli->events, true, 0, result_fields(&result, args));
    return 0;
}

static int build_and_flash(struct cli *cli, struct arguments *args)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct err *err = NULL;
    _cleanup_free_ char *path = build_image(cli, args->input, &diags, &err);
    if (!path && !err)
        return cli_fail_diags(cli, &diags);
    cli_warnings(cli, &diags);
    return path ? flash(cli, path, args) : cli_fail(cli, err);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct arguments args = {
        .fleet = FLEET_OPTIONS_INIT,
    };
    int status = parse(cli, &args, argc, argv);
    if (status)
        return status;
    if (text_ends_with(args.input, ".yaml") || text_ends_with(args.input, ".yml"))
        return build_and_flash(cli, &args);
    return flash(cli, args.input, &args);
}

const struct command cmd_flash = {
    .name = "flash",
    .arguments = "IMAGE|MANIFEST [--usb VID:PID] [--path PORT] [--serial TEXT] [--dry-run]",
    .summary = "write an image into a board, and prove it",
    .help = help,
    .run = run,
};
