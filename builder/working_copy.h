/*
 * A source that is a directory of the user's (firmware.path), for work on the interpreter itself.
 *
 * Nothing is fetched or checked out: the directory is built as it is, uncommitted changes included,
 * with the submodules that are there. In place of a commit stands a hash over its files, so that a
 * change is built and no change is not. Build directories (build, build-*) and .git do not count.
 */
#ifndef FIRN_BUILDER_WORKING_COPY_H
#define FIRN_BUILDER_WORKING_COPY_H

#include "builder/source.h"

#define WORKING_COPY_MAX_FILES 200000

/* dir: absolute; name: as the manifest has it, for the sidecar. Fills source, `dir` included. */
bool working_copy_open(const char *dir, const char *name, struct events *events,
                       struct source *source, struct err **err) MUST_CHECK;

/* Is it the name of a directory that does not count? */
bool working_copy_skips(const char *name);

#endif
