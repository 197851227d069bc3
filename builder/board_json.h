/*
 * A board.json of MicroPython's boards: what its makers say about a board, for the download page.
 *
 * MicroPython reads them with tools/autobuild; nothing in a build depends on them. A key that is
 * missing is empty here, one that is not known is passed over; one of another type than upstream's
 * is an error. All strings are UTF-8 without NUL, as they stand in the file: control characters
 * among them, so whoever prints one uses text_add_printable(). Everything lives in the arena.
 *
 *     _cleanup_(board_json_release) struct board_json board = BOARD_JSON_INIT;
 *     if (!board_json_load(&board, ".../PYBV11/board.json", err)) ...
 *     puts(board.product);            // "Pyboard v1.1"
 */
#ifndef FIRN_BUILDER_BOARD_JSON_H
#define FIRN_BUILDER_BOARD_JSON_H

#include <jansson.h>

#include "base/err.h"

#define BOARD_JSON_MAX_BYTES (64 * 1024)

/* A variant and its description, or an option of deploy_options and its value. */
struct board_pair {
    const char *name, *text;
};

struct board_json {
    struct arena arena;
    const char *id; /* where it is not the directory's name */
    const char *mcu, *product, *vendor, *url, *docs, *thumbnail; /* "" when missing, as id */
    const char *const *deploy;   /* pages that tell how it is flashed, relative to the board */
    const char *const *features; /* "USB-C", "WiFi" ... */
    const char *const *images;   /* these three end with NULL and are never NULL */
    const struct board_pair *variants, *deploy_options; /* each sorted by name */
    size_t variant_count, deploy_option_count;
};
extern const char *const board_json_none[];
#define BOARD_JSON_INIT                                                                            \
    {                                                                                              \
        ARENA_INIT, "", "", "", "", "", "", "", board_json_none, board_json_none, board_json_none, \
            NULL, NULL, 0, 0                                                                       \
    }

/* Parse text; `file` is its name in errors. ERR_FAILED: it is larger than BOARD_JSON_MAX_BYTES, no
 * JSON (with line and column), or a value has the wrong type; the board is as initialised then. */
bool board_json_parse(struct board_json *board, const char *file, const char *text, size_t len,
                      struct err **err) MUST_CHECK;
/* The same for a file; ERR_NOT_FOUND when there is none. */
bool board_json_load(struct board_json *board, const char *path, struct err **err) MUST_CHECK;
void board_json_release(struct board_json *board);

/* As JSON again, every key there. The caller owns it. */
json_t *board_json_fields(const struct board_json *board);

#endif
