/*
 * The options that choose boards, the same for every command that talks to one: --usb, --path,
 * --serial, --alt, --wait, --all, --enter, --jobs, --jobs-per-hub.
 */
#ifndef FIRN_CLI_DEVICE_OPTIONS_H
#define FIRN_CLI_DEVICE_OPTIONS_H

#include <getopt.h>

#include "cli/command.h"
#include "flasher/fleet.h"

struct device_options {
    struct fleet_options fleet;
    const char *alt; /* number or name; NULL = not given */
};
#define DEVICE_OPTIONS_INIT                                                                        \
    {                                                                                              \
        FLEET_OPTIONS_INIT, NULL                                                                   \
    }

/* Values of the long options below; a command's own begin at OPT_OWN. */
enum device_option {
    OPT_USB = 256,
    OPT_PATH,
    OPT_SERIAL,
    OPT_ALT,
    OPT_WAIT,
    OPT_ALL,
    OPT_ENTER,
    OPT_JOBS,
    OPT_JOBS_PER_HUB,
    OPT_OWN,
};

/* For a command's table of long options. */
#define DEVICE_LONG_OPTIONS                                                                        \
    {"usb", required_argument, NULL, OPT_USB}, {"path", required_argument, NULL, OPT_PATH},        \
        {"serial", required_argument, NULL, OPT_SERIAL},                                           \
        {"alt", required_argument, NULL, OPT_ALT}, {"wait", optional_argument, NULL, OPT_WAIT},    \
        {"all", no_argument, NULL, OPT_ALL}, {"enter", required_argument, NULL, OPT_ENTER},        \
        {"jobs", required_argument, NULL, OPT_JOBS},                                               \
    {                                                                                              \
        "jobs-per-hub", required_argument, NULL, OPT_JOBS_PER_HUB                                  \
    }

/* For a command's help. */
#define DEVICE_OPTIONS_HELP                                                                         \
    "      --usb=VID:PID     boards with these ids\n"                                               \
    "      --path=PATH       the board on this USB port, as firn devices shows it (1-1.4)\n"        \
    "      --serial=TEXT     the board with this serial\n"                                          \
    "      --all             every board that matches, at the same time\n"                          \
    "      --wait[=SECONDS]  wait until a board is there; without a number for ever\n"              \
    "      --enter=HOW       how a running board gets into its bootloader: auto (only if none is\n" \
    "                        in it already), detach, repl, touch1200, none\n"                       \
    "      --jobs=N          at most N boards at the same time\n"                                   \
    "      --jobs-per-hub=N  at most N of those behind one hub\n"

/* Take an option that getopt_long returned. True: it was one of these, and *status is 0 or the exit
 * status of a wrong one. */
bool device_option_take(struct cli *cli, const struct command *command, int option,
                        struct device_options *options, int *status);

/* Bytes: "4096", "0x1000", "112K", "1M"; at least 1. */
bool device_parse_size(const char *text, uint32_t *size);

/* Run fn on the boards, print what its results' summaries say, and the result event; returns the
 * exit status. For commands whose result is no more than that. */
int device_run(struct cli *cli, const struct device_options *options, fleet_fn fn, void *data);
/* As cli_fail(), with the error of each of several boards before it. fields may be NULL. */
int device_fail(struct cli *cli, const struct fleet_result *result, struct err *err,
                json_t *fields);

#endif
