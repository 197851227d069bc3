/*
 * What a board that is kept outside the source has to have: files in its directory, and files that
 * its makefile names. Which ones is the interpreter's definition's to say (board_files,
 * board_file_vars). Without this a board that lacks one fails late, with a message that does not
 * name it, or not at all.
 *
 * Also the board's variants, which are files of its directory.
 */
#ifndef FIRN_BUILDER_BOARD_FILES_H
#define FIRN_BUILDER_BOARD_FILES_H

#include "builder/interpreter.h"
#include "builder/manifest.h"

/* Has the board in `dir`, the manifest's board.dir, all it needs? source_dir NULL: what its
 * makefile names relative to the port is not looked for. Each thing that is missing is named in an
 * error at the manifest's line. What depends on conditions in the makefile is an error only if
 * every one of them leads to a file that is not there. */
bool board_files_check(const struct port *port, const char *dir, const char *source_dir,
                       const struct manifest *manifest, struct diags *diags) MUST_CHECK;

/* Add the names of the variants of the board in `dir`, sorted; none when it has none or is not
 * there. */
void board_files_variants(const struct port *port, const char *dir, struct strv *names);

#endif
