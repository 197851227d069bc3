/*
 * The list of qstrs that firn qstrs keeps: a file of the manifest's qstrs: (builder/qstr.h reads
 * it).
 *
 * What a person wrote in it stays as it is. Behind it, from a line that says so, comes what was
 * found, which the next run replaces: by module, each module's names sorted.
 */
#ifndef FIRN_ECONOMY_QSTR_FILE_H
#define FIRN_ECONOMY_QSTR_FILE_H

#include "economy/qstrs.h"

/* The file's new text; before: its text so far, "" for a new file. Names that stand in the manifest
 * itself or in a person's part are left out, so are those with a reason against them. *listed: how
 * many names of ours there are. */
void qstr_file_update(const char *before, const struct manifest *manifest,
                      const struct qstrs_found *found, struct buf *out, size_t *listed);

/* The first file that the manifest's qstrs: names, as written there; NULL: none. */
const char *qstr_file_of(const struct manifest *manifest);

/* The manifest's text with this file in its qstrs:, everything else as it is. False: its qstrs: is
 * written in a way that this does not know. */
bool qstr_file_add_to_manifest(const struct manifest *manifest, const char *file, struct buf *out);

#endif
