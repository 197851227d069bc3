/*
 * The source that boards are of, for people and for a manifest.
 */
#ifndef FIRN_CLI_BOARD_ORIGIN_H
#define FIRN_CLI_BOARD_ORIGIN_H

#include "builder/board_list.h"

/* Where the boards come from: as a manifest's firmware: says it. */
struct board_origin {
    const char *interpreter;
    const char *git, *ref;        /* or both NULL, and */
    const char *path;             /* a working copy, or else */
    const char *archive, *sha256; /* the latter as it is in the manifest, or NULL */
    const char *version;          /* of an archive, as its directory's name tells */
    const char *commit;           /* NULL for a working copy */
};

/* "micropython v1.25.0 (f498a16c7d)" */
void board_origin_add(const struct board_origin *origin, struct buf *out);
/* The lines of a manifest for a board of it. */
void board_origin_add_snippet(const struct board_origin *origin, const struct board_entry *board,
                              struct buf *out);

#endif
