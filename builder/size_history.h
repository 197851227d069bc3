/*
 * How large a manifest's images were: $FIRN_HOME/history/, a line of JSON for each build that made
 * another image than the one before it.
 *
 *     {"time": 1764345600, "version": "1.4.0", "key": "...", "board": "NETDUINO2", "size": {...}}
 *
 * "size" is size_report()'s. A file that grows over SIZE_HISTORY_MAX_BYTES loses its older half.
 */
#ifndef FIRN_BUILDER_SIZE_HISTORY_H
#define FIRN_BUILDER_SIZE_HISTORY_H

#include <jansson.h>

#include "builder/config.h"

#define SIZE_HISTORY_MAX_BYTES ((size_t)4 * 1024 * 1024)

/* Add the image of this sidecar, built now. Nothing when the last line is about the same image. */
bool size_history_add(const struct config *config, const char *manifest_path, const json_t *sidecar,
                      struct err **err) MUST_CHECK;
/* An array of all lines that can be read, the oldest first; yours. */
json_t *size_history_load(const struct config *config, const char *manifest_path);

#endif
