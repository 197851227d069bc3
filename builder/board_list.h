/*
 * The boards of a checkout, with what the source and the interpreter's definition say about each.
 *
 *     _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
 *     board_list_read(&list, interpreter, source_dir, NULL, false, &diags);
 *     for (size_t i = 0; i < list.count; i++) ...
 *
 * Everything is read anew each time: a checkout belongs to one commit, a working copy changes.
 */
#ifndef FIRN_BUILDER_BOARD_LIST_H
#define FIRN_BUILDER_BOARD_LIST_H

#include "builder/board_json.h"
#include "builder/interpreter.h"

#define BOARD_LIST_MAX_PORTS 200 /* directories of ports/ that are looked at */

struct board_entry {
    char *name;
    char *port_name;
    char *path;                  /* its directory, relative to the source; NULL: it has none */
    const struct port *port;     /* borrowed; NULL: firn cannot build for this port */
    const struct target *target; /* NULL when port is */
    struct board_json json;      /* empty when it has none, or one that cannot be read */
    struct strv variants;        /* names, sorted; json.variants describes some of them */
    bool dfu;                    /* it can be flashed over USB DFU (board_dfu.h) */
};

struct board_list {
    struct board_entry *items; /* sorted by port, then name */
    size_t count;
};
#define BOARD_LIST_INIT                                                                            \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* Add the boards of all ports, or of one. `all`: those of ports that the definition does not know,
 * too. A board.json that cannot be read is a warning. */
void board_list_read(struct board_list *list, const struct interpreter *interpreter,
                     const char *source_dir, const char *port, bool all, struct diags *diags);
void board_list_release(struct board_list *list);

/* Keep those that have the text, whatever the case, in name, product, vendor, MCU or a feature; or
 * only those of exactly that name ("PYBV11" or "stm32/PYBV11"), if there are any. */
void board_list_search(struct board_list *list, const char *text);
/* Of what can be searched for, the nearest to a text that nothing matches, as text_nearest(). */
const char *board_list_nearest(const struct board_list *list, const char *text);

/* What board.json says about a variant; "" when nothing. */
const char *board_entry_variant_text(const struct board_entry *board, const char *variant);

#endif
