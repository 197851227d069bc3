/* firn read: what a board holds, into a file. */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/device_options.h"
#include "cli/image_output.h"
#include "flasher/readout.h"

static const char help[] =
    "Reads a board's memory into FILE: raw (.bin), Intel HEX (.hex) or DfuSe (.dfu), told by its\n"
    "name. Without a span the whole memory. A plain DFU device sends what it has. The board stays\n"
    "in its bootloader.\n"
    "\n" DEVICE_OPTIONS_HELP "      --alt=N|NAME      the memory to read (the first one)\n"
    "      --address=A       from here (the memory's begin)\n"
    "      --size=N          so many bytes (to the memory's end); K and M are understood\n"
    "  -f, --force           overwrite FILE\n"
    "\n"
    "Examples:\n"
    "  firn read backup.bin\n"
    "  firn read filesystem.bin --address 0x08004000 --size 112K --path 1-1.4\n";

enum {
    OPT_ADDRESS = OPT_OWN,
    OPT_SIZE,
};

static const struct option long_options[] = {
    DEVICE_LONG_OPTIONS,
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"size", required_argument, NULL, OPT_SIZE},
    {"force", no_argument, NULL, 'f'},
    {NULL, 0, NULL, 0},
};

struct arguments {
    const char *output;
    struct device_options device;
    struct readout_options readout;
    enum image_format format;
    bool force;
};

static int take_own(struct cli *cli, struct arguments *args, int option, const char *given)
{
    switch (option) {
    case OPT_ADDRESS:
        args->readout.has_address = true;
        if (!text_parse_u32(optarg, &args->readout.address))
            return cli_usage(cli, &cmd_read, "--address: '%s' is not like 0x08000000", optarg);
        return 0;
    case OPT_SIZE:
        args->readout.has_size = true;
        if (!device_parse_size(optarg, &args->readout.size))
            return cli_usage(cli, &cmd_read, "--size: '%s' is not a number of bytes", optarg);
        return 0;
    case 'f':
        args->force = true;
        return 0;
    case ':':
        return cli_usage(cli, &cmd_read, "%s needs a value", given);
    default:
        return cli_usage(cli, &cmd_read, "unknown option '%s'", given);
    }
}

static int parse(struct cli *cli, struct arguments *args, int argc, char **argv)
{
    int option, status;
    optind = 0;
    while ((option = getopt_long(argc, argv, ":f", long_options, NULL)) != -1) {
        if (!device_option_take(cli, &cmd_read, option, &args->device, &status))
            status = take_own(cli, args, option, argv[optind - 1]);
        if (status != 0)
            return status;
    }
    if (optind == argc)
        return cli_usage(cli, &cmd_read, "into which file?");
    if (optind + 1 < argc)
        return cli_usage(cli, &cmd_read, "one file at a time: what is '%s'?", argv[optind + 1]);
    if (args->device.fleet.all)
        return cli_usage(cli, &cmd_read, "--all: one board is read at a time");
    args->output = argv[optind];
    args->readout.alt = args->device.alt;
    return 0;
}

/* Before anything is read: is there something to lose, and is the name one of a format? */
static bool check_output(struct arguments *args, struct err **err)
{
    if (!image_output_format(args->output, &args->format))
        return err_set(err, ERR_USAGE, "the name '%s' must end with .bin, .hex or .dfu",
                       args->output);
    if (args->force || !fs_exists(args->output))
        return true;
    err_set(err, ERR_USAGE, "'%s' exists", args->output);
    return err_hint(err, "--force overwrites it");
}

struct work {
    const struct arguments *args;
    struct image image;
};

/* What a plain DFU device sent has no addresses: as .dfu it is a plain DFU file. */
static bool write_file(const struct work *work, struct err **err)
{
    const struct arguments *args = work->args;
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    enum image_format format = args->format;
    if (format == IMAGE_FORMAT_DFUSE && work->image.addressless)
        format = IMAGE_FORMAT_DFU;
    return image_output_encode(&work->image, format, NULL, &bytes, err) &&
           image_output_write(args->output, &bytes, err);
}

static bool read_one(void *data, struct fleet_board *board, struct err **err)
{
    struct work *work = data;
    return readout_board(board, &work->args->readout, &work->image, err);
}

static json_t *fields_of(const struct fleet_result *result, const struct work *work)
{
    const struct segment *first = &work->image.segments[0];
    json_t *fields = json_pack("{s:s, s:s, s:I, s:f}", "path", result->boards[0].path, "file",
                               work->args->output, "size", (json_int_t)image_size(&work->image),
                               "seconds", result->seconds);
    if (work->image.addressless)
        return fields;
    char address[11];
    snprintf(address, sizeof(address), "0x%08x", (unsigned)first->address);
    json_object_set_new(fields, "address", json_string(address));
    return fields;
}

static void print_result(const struct fleet_result *result, const struct work *work)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    buf_adds(&out, "read ");
    text_add_size(&out, image_size(&work->image));
    buf_addf(&out, " from %s into %s in ", result->boards[0].path, work->args->output);
    text_add_duration(&out, (int64_t)(result->seconds * 1000));
    buf_addc(&out, '\n');
    fputs(out.data, stdout);
}

static int read_board(struct cli *cli, struct arguments *args)
{
    struct err *err = NULL;
    struct work work = {args, IMAGE_INIT};
    _cleanup_(fleet_result_release) struct fleet_result result = FLEET_RESULT_INIT;
    bool ok = check_output(args, &err) &&
              fleet_run(&args->device.fleet, read_one, &work, cli->events, &result, &err) &&
              write_file(&work, &err);
    if (ok && !cli->json && !cli->quiet)
        print_result(&result, &work);
    if (ok)
        event_result(cli->events, true, 0, fields_of(&result, &work));
    image_release(&work.image);
    return ok ? 0 : cli_fail(cli, err);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct arguments args = {.device = DEVICE_OPTIONS_INIT};
    int status = parse(cli, &args, argc, argv);
    return status ? status : read_board(cli, &args);
}

const struct command cmd_read = {
    .name = "read",
    .arguments = "FILE [--address A] [--size N] [--path PORT]",
    .summary = "read a board's memory into a file",
    .help = help,
    .run = run,
};
