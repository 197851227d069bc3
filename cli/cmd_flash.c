/* firn flash: an image into a board. */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "builder/build.h"
#include "cli/command.h"
#include "cli/device_options.h"
#include "cli/flash_report.h"

static const char help[] =
    "Flashes IMAGE (DfuSe or plain DFU .dfu, Intel HEX, ELF, raw binary) into the board that it is\n"
    "for: compares, erases and writes what differs, reads it back, starts the program and waits\n"
    "until the board is back. Other data in sectors that are erased is kept. MANIFEST (.yaml) is\n"
    "built first. A flash that was interrupted is mended by running it again.\n"
    "\n" DEVICE_OPTIONS_HELP
    "      --alt=N|NAME      the memory to write, instead of the one in the image\n"
    "      --address=A       where a raw binary or a plain DFU file goes (0x08000000)\n"
    "      --erase=WHAT      needed (default), all (every sector that the image touches), mass (the\n"
    "                        whole memory: nothing is kept)\n"
    "      --discard         do not keep other data in sectors that are erased\n"
    "      --no-verify       do not read back\n"
    "      --no-leave        stay in the bootloader at the end\n"
    "      --return=SECONDS  how long to wait until the board is back (5); 0 = do not\n"
    "      --with=dfu-util   let dfu-util write\n"
    "  -n, --dry-run         print what would be erased and written, and how long that takes\n"
    "\n"
    "Examples:\n"
    "  firn flash out/greeter/greeter-1.4.0.dfu\n"
    "  firn flash firmware.bin --address 0x08000000 --path 1-1.4\n"
    "  firn flash out/greeter/greeter-1.4.0.dfu --all --wait\n";

enum {
    OPT_ADDRESS = OPT_OWN,
    OPT_ERASE,
    OPT_DISCARD,
    OPT_NO_VERIFY,
    OPT_NO_LEAVE,
    OPT_RETURN,
    OPT_WITH,
};

static const struct option long_options[] = {
    DEVICE_LONG_OPTIONS,
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"erase", required_argument, NULL, OPT_ERASE},
    {"discard", no_argument, NULL, OPT_DISCARD},
    {"no-verify", no_argument, NULL, OPT_NO_VERIFY},
    {"no-leave", no_argument, NULL, OPT_NO_LEAVE},
    {"return", required_argument, NULL, OPT_RETURN},
    {"with", required_argument, NULL, OPT_WITH},
    {"dry-run", no_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

#define RETURN_MAX_S 600

struct arguments {
    const char *input;
    struct device_options device;
    struct flash_options flash;
    bool has_address;
    uint32_t address;
};

static int take_erase(struct cli *cli, enum flash_erase *erase)
{
    static const char *const names[] = {"needed", "all", "mass"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(optarg, names[i]) == 0) {
            *erase = (enum flash_erase)i;
            return 0;
        }
    }
    return cli_usage(cli, &cmd_flash, "--erase: '%s' is none of needed, all, mass", optarg);
}

static int take_return(struct cli *cli, unsigned *return_ms)
{
    uint32_t seconds;
    if (!text_parse_u32(optarg, &seconds) || seconds > RETURN_MAX_S)
        return cli_usage(cli, &cmd_flash, "--return: '%s' is not a number of seconds up to %d",
                         optarg, RETURN_MAX_S);
    *return_ms = seconds * 1000;
    return 0;
}

/* One of the options that only this command has; 0 or the exit status of a wrong one. */
static int take_own(struct cli *cli, struct arguments *args, int option, const char *given)
{
    switch (option) {
    case OPT_ADDRESS:
        args->has_address = true;
        if (!text_parse_u32(optarg, &args->address))
            return cli_usage(cli, &cmd_flash, "--address: '%s' is not like 0x08000000", optarg);
        return 0;
    case OPT_ERASE:
        return take_erase(cli, &args->flash.erase);
    case OPT_DISCARD:
        args->flash.discard = true;
        return 0;
    case OPT_NO_VERIFY:
        args->flash.verify = false;
        return 0;
    case OPT_NO_LEAVE:
        args->flash.leave = false;
        return 0;
    case OPT_RETURN:
        return take_return(cli, &args->flash.return_ms);
    case OPT_WITH:
        args->flash.with_dfu_util = true;
        if (strcmp(optarg, "dfu-util") != 0)
            return cli_usage(cli, &cmd_flash, "--with: there is dfu-util, not '%s'", optarg);
        return 0;
    case 'n':
        args->flash.dry_run = true;
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
    while ((option = getopt_long(argc, argv, ":n", long_options, NULL)) != -1) {
        if (!device_option_take(cli, &cmd_flash, option, &args->device, &status))
            status = take_own(cli, args, option, argv[optind - 1]);
        if (status != 0)
            return status;
    }
    if (optind == argc)
        return cli_usage(cli, &cmd_flash, "which image or manifest?");
    if (optind + 1 < argc)
        return cli_usage(cli, &cmd_flash, "one image at a time: what is '%s'?", argv[optind + 1]);
    args->input = argv[optind];
    args->flash.alt = args->device.alt;
    /* A dry run stops no program, unless it was told to. */
    if (args->flash.dry_run && args->device.fleet.enter == ENTER_AUTO)
        args->device.fleet.enter = ENTER_NONE;
    return 0;
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
    return image_input_check_link(in, err);
}

/* What the image says of the boards that it is for. */
static void match_image(struct choose_match *match, const struct image_input *in)
{
    const struct image *image = &in->image;
    const char *enter = image_input_enter(in);
    if (enter && !enter_method_parse(enter, &match->image_enter))
        match->image_enter = ENTER_AUTO;
    if (image->usb_vendor != IMAGE_ID_ANY)
        match->image_vendor = image->usb_vendor;
    if (image->usb_product != IMAGE_ID_ANY)
        match->image_product = image->usb_product;
}

/* What the boards of a fleet get. */
struct work {
    const struct image *image;
    const struct flash_options *options;
};

static bool flash_one(void *data, struct fleet_board *board, struct err **err)
{
    const struct work *work = data;
    return flash_board(board, work->image, work->options, err);
}

/* $FIRN_HOME/rescue; NULL where there is no place for it: then the flash does without. */
static char *find_rescue_dir(void)
{
    _cleanup_(diags_release) struct diags ignored = DIAGS_INIT;
    _cleanup_(config_release) struct config config = CONFIG_INIT;
    return config_load(&config, &ignored) ? path_join(config.home, "rescue") : NULL;
}

static int flash(struct cli *cli, const char *path, struct arguments *args)
{
    struct err *err = NULL;
    _cleanup_(image_input_release) struct image_input in = IMAGE_INPUT_INIT;
    _cleanup_(fleet_result_release) struct fleet_result result = FLEET_RESULT_INIT;
    _cleanup_free_ char *rescue_dir = find_rescue_dir();
    args->flash.rescue_dir = rescue_dir;
    if (!load(cli, path, args, &in, &err))
        return cli_fail(cli, err);
    match_image(&args->device.fleet.match, &in);
    if (args->flash.with_dfu_util)
        args->device.fleet.jobs = 1; /* it blocks us: no other board would be answered */
    struct work work = {&in.image, &args->flash};
    bool ok = fleet_run(&args->device.fleet, flash_one, &work, cli->events, &result, &err);
    if (!cli->json && !cli->quiet)
        flash_report_print(&result, &in, &args->flash);
    json_t *fields = result.count ? flash_report_fields(&result, &in, &args->flash) : NULL;
    if (!ok)
        return device_fail(cli, &result, err, fields);
    event_result(cli->events, true, 0, fields);
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
        .device = DEVICE_OPTIONS_INIT,
        .flash = FLASH_OPTIONS_INIT,
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
    .arguments = "IMAGE|MANIFEST [--path PORT | --all] [--wait] [--dry-run]",
    .summary = "write an image into a board, and prove it",
    .help = help,
    .run = run,
};
