/*
 * A source that is an archive (firmware.archive): downloaded (fetch.h), unpacked once.
 *
 *   $FIRN_HOME/src/<40 digits of its sha256>-archive/tree/         what its one directory holds
 *   $FIRN_HOME/src/<40 digits of its sha256>-archive/source.json   what that directory was called
 *
 * In place of a commit stand the first 40 digits of the archive's SHA-256; the version is taken
 * from the directory's name ("micropython-1.25.0" is v1.25.0); the time is that of its newest file.
 * Submodules are what the archive has of them. An archive that is there costs one small file.
 */
#ifndef FIRN_BUILDER_ARCHIVE_SOURCE_H
#define FIRN_BUILDER_ARCHIVE_SOURCE_H

#include "builder/source.h"

/* sha256: NULL = what comes first is recorded and has to stay the same. Fills source, `dir`
 * included. Progress in phase "source". ERR_FETCH as fetch.h and unpack.h have it. */
bool archive_source_open(const struct config *config, const char *url, const char *sha256,
                         const struct source_options *options, struct events *events,
                         struct source *source, struct err **err) MUST_CHECK;

/* The directory of one that an earlier build unpacked, or NULL. The caller frees. */
char *archive_source_find(const struct config *config, const char *url, const char *sha256);

/* The version that a directory's name tells, "v1.25.0" of "micropython-1.25.0"; "archive-" and ten
 * digits of the id where it tells none. The caller frees. */
char *archive_source_describe(const char *dir_name, const char *id);

#endif
