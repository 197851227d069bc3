/*
 * What `firn boards` prints: a table of boards, a page about one, and the same as JSON.
 */
#ifndef FIRN_CLI_BOARD_SHOW_H
#define FIRN_CLI_BOARD_SHOW_H

#include "builder/board_list.h"

#define BOARD_SHOW_COLUMNS 100

/* Where the boards come from: as a manifest's firmware: says it. */
struct board_origin {
    const char *interpreter;
    const char *git, *ref;        /* or both NULL, and */
    const char *path;             /* a working copy, or else */
    const char *archive, *sha256; /* the latter as it is in the manifest, or NULL */
    const char *version;          /* of an archive, as its directory's name tells */
    const char *commit;           /* NULL for a working copy */
};

/* At most BOARD_SHOW_COLUMNS wide, whatever is in a board.json. */
void board_show_table(const struct board_list *list, const struct board_origin *origin,
                      struct buf *out);
/* Everything about one board, and the lines of a manifest for it. */
void board_show_page(const struct board_entry *board, const struct board_origin *origin,
                     struct buf *out);
/* An array, as docs/events.md has it. Yours. */
json_t *board_show_fields(const struct board_list *list);

#endif
