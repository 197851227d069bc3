/* firn retry: does jobs of a daemon again. */
#include "cli/job_action.h"
#include "cli/server_options.h"

static const char help[] =
    "Does jobs of a firnd again that failed, were cancelled or interrupted: each as a new job, with\n"
    "the files that the old one had.\n"
    "\n" SERVER_OPTIONS_HELP "\n"
    "Examples:\n"
    "  firn retry 42\n"
    "docs/client.md explains how a daemon is found.\n";

static int run(struct cli *cli, int argc, char **argv)
{
    return job_action_run(cli, &cmd_retry, argc, argv);
}

const struct command cmd_retry = {
    .name = "retry",
    .arguments = "ID...",
    .summary = "do jobs of a daemon again that did not go well",
    .help = help,
    .run = run,
};
