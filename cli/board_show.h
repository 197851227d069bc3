/*
 * What `firn boards` prints: a table of boards, a page about one, and the same as JSON.
 */
#ifndef FIRN_CLI_BOARD_SHOW_H
#define FIRN_CLI_BOARD_SHOW_H

#include "cli/board_origin.h"

#define BOARD_SHOW_COLUMNS 100

/* At most BOARD_SHOW_COLUMNS wide, whatever is in a board.json. */
void board_show_table(const struct board_list *list, const struct board_origin *origin,
                      struct buf *out);
/* Everything about one board, and the lines of a manifest for it. */
void board_show_page(const struct board_entry *board, const struct board_origin *origin,
                     struct buf *out);
/* An array, as docs/events.md has it. Yours. */
json_t *board_show_fields(const struct board_list *list);

#endif
