/* firn erase: sectors of a board, or all of it. */
#include <stdio.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/device_options.h"
#include "flasher/wipe.h"

static const char help[] =
    "Erases part of a board's flash (whole sectors) or, with --mass, all of it, and reads back that\n"
    "it is erased. What was there is lost. The board stays in its bootloader.\n"
    "\n" DEVICE_OPTIONS_HELP "      --alt=N|NAME      the memory to erase in (the first one)\n"
    "      --address=A       from here, where a sector begins\n"
    "      --size=N          so many bytes, to where a sector ends; K and M are understood\n"
    "      --mass            the whole flash, by one command\n"
    "  -n, --dry-run         only say what would be erased\n"
    "\n"
    "Examples:\n"
    "  firn erase --address 0x08004000 --size 112K    # the file system of a PYBV11\n"
    "  firn erase --mass --path 1-1.4\n";

enum {
    OPT_ADDRESS = OPT_OWN,
    OPT_SIZE,
    OPT_MASS,
};

static const struct option long_options[] = {
    DEVICE_LONG_OPTIONS,
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"size", required_argument, NULL, OPT_SIZE},
    {"mass", no_argument, NULL, OPT_MASS},
    {"dry-run", no_argument, NULL, 'n'},
    {NULL, 0, NULL, 0},
};

struct arguments {
    struct device_options device;
    struct wipe_options wipe;
    bool has_address, has_size;
};

static int take_own(struct cli *cli, struct arguments *args, int option, const char *given)
{
    switch (option) {
    case OPT_ADDRESS:
        args->has_address = true;
        if (!text_parse_u32(optarg, &args->wipe.address))
            return cli_usage(cli, &cmd_erase, "--address: '%s' is not like 0x08000000", optarg);
        return 0;
    case OPT_SIZE:
        args->has_size = true;
        if (!device_parse_size(optarg, &args->wipe.size))
            return cli_usage(cli, &cmd_erase, "--size: '%s' is not a number of bytes", optarg);
        return 0;
    case OPT_MASS:
        args->wipe.mass = true;
        return 0;
    case 'n':
        args->wipe.dry_run = true;
        return 0;
    case ':':
        return cli_usage(cli, &cmd_erase, "%s needs a value", given);
    default:
        return cli_usage(cli, &cmd_erase, "unknown option '%s'", given);
    }
}

/* What is to be erased has to be said: there is no default that could hit the wrong thing. */
static int check(struct cli *cli, const struct arguments *args)
{
    bool span = args->has_address || args->has_size;
    if (args->wipe.mass && span)
        return cli_usage(cli, &cmd_erase,
                         "--mass erases everything: leave --address and --size out");
    if (args->wipe.mass)
        return 0;
    if (!args->has_address || !args->has_size)
        return cli_usage(cli, &cmd_erase, "erase what? --address and --size, or --mass");
    return 0;
}

static int parse(struct cli *cli, struct arguments *args, int argc, char **argv)
{
    int option, status;
    optind = 0;
    while ((option = getopt_long(argc, argv, ":n", long_options, NULL)) != -1) {
        if (!device_option_take(cli, &cmd_erase, option, &args->device, &status))
            status = take_own(cli, args, option, argv[optind - 1]);
        if (status != 0)
            return status;
    }
    if (optind < argc)
        return cli_usage(cli, &cmd_erase, "what is '%s'?", argv[optind]);
    args->wipe.alt = args->device.alt;
    return check(cli, args);
}

static bool erase_one(void *data, struct fleet_board *board, struct err **err)
{
    const struct wipe_options *options = data;
    return wipe_board(board, options, err);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct arguments args = {.device = DEVICE_OPTIONS_INIT};
    int status = parse(cli, &args, argc, argv);
    if (status)
        return status;
    return device_run(cli, &args.device, erase_one, &args.wipe);
}

const struct command cmd_erase = {
    .name = "erase",
    .arguments = "--address A --size N | --mass [--path PORT]",
    .summary = "erase a board's flash, in part or all of it",
    .help = help,
    .run = run,
};
