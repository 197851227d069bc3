/*
 * firn build --watch: build, wait until something that went into it is saved, build again.
 */
#ifndef FIRN_CLI_BUILD_WATCH_H
#define FIRN_CLI_BUILD_WATCH_H

#include "builder/build.h"
#include "cli/command.h"

/* Until a signal asks to stop: returns 130. A build that fails says why and is tried again when
 * something is saved. What an editor does to save one file, or several at once, is one change. */
int build_watch(struct cli *cli, char **paths, int count, const struct config *config,
                const struct build_options *options);

#endif
