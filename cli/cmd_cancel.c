/* firn cancel: ends jobs of a daemon. */
#include "cli/job_action.h"
#include "cli/server_options.h"

static const char help[] =
    "Ends jobs of a firnd: one that waits is taken from the queue, one that runs is ended. A flash is\n"
    "ended only where the board stays recoverable. Nothing is lost that `firn retry` cannot do again.\n"
    "\n" SERVER_OPTIONS_HELP "\n"
    "Examples:\n"
    "  firn cancel 42\n"
    "  firn cancel 42 43 44 --server=https://firn.example.org\n"
    "docs/client.md explains how a daemon is found.\n";

static int run(struct cli *cli, int argc, char **argv)
{
    return job_action_run(cli, &cmd_cancel, argc, argv);
}

const struct command cmd_cancel = {
    .name = "cancel",
    .arguments = "ID...",
    .summary = "end jobs of a daemon",
    .help = help,
    .run = run,
};
