/*
 * `firn build --watch`: build, wait until something that was read changes, build again.
 */
#ifndef FIRN_CLI_BUILD_WATCH_H
#define FIRN_CLI_BUILD_WATCH_H

#include "builder/build.h"
#include "cli/command.h"

/* The whole command. Errors are told and waited out. Exit status 130, as it ends by an interrupt
 * only; or that of the error for which it cannot wait. */
int build_watch(struct cli *cli, char **paths, int count, const struct config *config,
                const struct build_options *options);

#endif
