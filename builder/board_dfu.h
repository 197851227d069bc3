/*
 * Can a board of the source be flashed over USB DFU? Read from the source, as nothing there says so
 * in a field of its own.
 */
#ifndef FIRN_BUILDER_BOARD_DFU_H
#define FIRN_BUILDER_BOARD_DFU_H

#include "builder/board_json.h"
#include "builder/interpreter.h"

/* board_path: the board's directory, relative to the source; NULL for one that has none. json may
 * be empty. The rule (board_dfu.c says why): firn knows the boot loader's USB id, the board's
 * header says that its USB is in use, and one of the pages that tell how it is flashed mentions
 * DFU. What cannot be read counts for what is missing. */
bool board_dfu(const struct port *port, const char *name, const char *source_dir,
               const char *board_path, const struct board_json *json);

/* What a header defines a macro to, following what it includes by #include "...", from the header's
 * directory or from `dir`: 1 for "1" and "(1)", 0 for anything else, -1 when it does not define it.
 * The last definition counts; conditions do not. For tests. */
int board_dfu_macro(const char *source_dir, const char *header, const char *dir, const char *macro);

#endif
