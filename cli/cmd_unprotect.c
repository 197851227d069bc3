/* firn unprotect: remove a board's read protection, which erases it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/device_options.h"
#include "flasher/wipe.h"

static const char help[] =
    "Removes the read protection of a DfuSe board. The microcontroller then erases its WHOLE flash\n"
    "by itself: firmware, settings, file system, keys. Asks before it does that. A board that is\n"
    "not protected is left as it is.\n"
    "\n" DEVICE_OPTIONS_HELP "  -y, --yes             do not ask\n"
    "\n"
    "Example:\n"
    "  firn unprotect --path 1-1.4\n";

static const struct option long_options[] = {
    DEVICE_LONG_OPTIONS,
    {"yes", no_argument, NULL, 'y'},
    {NULL, 0, NULL, 0},
};

struct arguments {
    struct device_options device;
    bool yes;
};

static int parse(struct cli *cli, struct arguments *args, int argc, char **argv)
{
    int option, status;
    optind = 0;
    while ((option = getopt_long(argc, argv, ":y", long_options, NULL)) != -1) {
        if (device_option_take(cli, &cmd_unprotect, option, &args->device, &status)) {
            if (status != 0)
                return status;
        } else if (option == 'y') {
            args->yes = true;
        } else {
            return cli_usage(cli, &cmd_unprotect,
                             option == ':' ? "%s needs a value" : "unknown option '%s'",
                             argv[optind - 1]);
        }
    }
    if (optind < argc)
        return cli_usage(cli, &cmd_unprotect, "what is '%s'?", argv[optind]);
    if (args->device.fleet.all && !args->yes)
        return cli_usage(cli, &cmd_unprotect, "--all: several boards only with --yes");
    if (args->device.alt)
        return cli_usage(cli, &cmd_unprotect, "--alt: the protection is of the whole chip");
    return 0;
}

/* Only the word "yes" is consent. */
static bool asked_and_agreed(const char *path, struct err **err)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO)) {
        err_set(err, ERR_USAGE,
                "removing the protection erases the whole flash, and there is nobody "
                "to ask");
        return err_hint(err, "with --yes it is done without asking");
    }
    fprintf(stderr,
            "The board on %s is protected against reading. Removing that erases its WHOLE flash:\n"
            "firmware, settings, file system, keys. Nothing of it can be read before.\n"
            "Type \"yes\" to go on: ",
            path);
    fflush(stderr);
    if (fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0)
        return true;
    err_set(err, ERR_USAGE, "not unprotected, as you did not say yes");
    return err_hint(err, "nothing was changed");
}

static bool unprotect_one(void *data, struct fleet_board *board, struct err **err)
{
    const struct arguments *args = data;
    bool is_protected;
    if (!wipe_is_protected(board, &is_protected, err))
        return false;
    if (!is_protected) {
        board->result->summary = xstrdup("not protected: nothing was changed");
        return true;
    }
    return (args->yes || asked_and_agreed(board->result->path, err)) && wipe_unprotect(board, err);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct arguments args = {.device = DEVICE_OPTIONS_INIT};
    int status = parse(cli, &args, argc, argv);
    return status ? status : device_run(cli, &args.device, unprotect_one, &args);
}

const struct command cmd_unprotect = {
    .name = "unprotect",
    .arguments = "[--path PORT] [--yes]",
    .summary = "remove a board's read protection, which erases it",
    .help = help,
    .run = run,
};
