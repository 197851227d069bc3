/*
 * `firn sim boot`: a board's flash file in an emulator, and Python at its REPL.
 */
#ifndef FIRN_CLI_CMD_SIM_BOOT_H
#define FIRN_CLI_CMD_SIM_BOOT_H

#include "cli/command.h"

/* A part of `firn help sim`. */
#define SIM_BOOT_HELP                                                                              \
    "  firn sim boot FLASH      boots it: an interactive REPL, or with\n"                          \
    "    -e, --exec=FILE        runs a Python program there and prints its output; a traceback\n"  \
    "                           goes to standard error, and the exit status is 1\n"                \
    "    -c, --code=CODE        the same with the program on the command line\n"                   \
    "    -m, --machine=NAME     netduino2 (the default), netduinoplus2, or native: FLASH is\n"     \
    "                           then the unix port's program\n"                                    \
    "    -t, --timeout=SECONDS  for boot and program together (30)\n"

/* argv[0] is "boot"; returns the exit status. */
int cmd_sim_boot(struct cli *cli, int argc, char **argv);

#endif
