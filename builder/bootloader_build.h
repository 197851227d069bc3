/*
 * Building a boot loader: the port's second makefile, in a sandbox and a directory of its own, once
 * for a source, board, compiler, configuration and keys (build_key.c). Every product that needs it
 * takes it from $FIRN_HOME/bases/ then.
 */
#ifndef FIRN_BUILDER_BOOTLOADER_BUILD_H
#define FIRN_BUILDER_BOOTLOADER_BUILD_H

#include "builder/build_job.h"

/* Into job->bootloader: loaded, waited for if another process makes it, or made. */
bool bootloader_get(struct build_job *job, struct err **err) MUST_CHECK;
/* Is it there? */
bool bootloader_is_there(const struct build_job *job);
/* What making the one of this key took; 0 = it is not there. */
double bootloader_seconds(const struct config *config, const char *key);

#endif
