/*
 * From one directive of `frozen:` to the files that it names: the one place that lists directories.
 *
 * It covers the directives that need nothing but the files beside the manifest (module, package,
 * freeze_as_str, freeze_as_mpy, freeze_mpy); the others (board, require, include, add_library) are
 * Python or need the interpreter's sources and list nothing here. The rules of names are those of
 * MicroPython's tools/manifestfile.py:
 *
 *     module: main.py, base_path: src       src/main.py          is  main.py
 *     package: acme, base_path: src         src/acme/io/spi.py   is  acme/io/spi.py
 *     freeze_as_mpy: lib                    lib/acme/io.py       is  acme/io.py
 *     freeze_as_mpy: lib, script: acme      lib/acme/io.py       is  acme/io.py
 *     freeze_mpy: vendor/filter.mpy         vendor/filter.mpy    is  filter.mpy
 *
 * Unlike there, nothing found is an error, the order is fixed, and a symbolic link is followed only
 * to a place that the manifest may use.
 *
 *     _cleanup_(freeze_files_release) struct freeze_files files = FREEZE_FILES_INIT;
 *     if (!freeze_files_list(&files, manifest, entry, diags))
 *         return false;
 */
#ifndef FIRN_BUILDER_FROZEN_FILES_H
#define FIRN_BUILDER_FROZEN_FILES_H

#include "builder/manifest.h"

#define FREEZE_FILES_MAX 10000 /* files, and directories walked, of one directive */
#define FREEZE_DEPTH_MAX 32    /* directories within directories: also what ends a link's circle */

struct freeze_file {
    char *path;   /* absolute, as the manifest leads to it (links are not replaced) */
    char *target; /* "acme/io.py": what the interpreter calls it; never "", absolute or with ".." */
};

struct freeze_files {
    struct freeze_file *items; /* sorted by target */
    size_t count, size;
};
#define FREEZE_FILES_INIT                                                                          \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Can this directive be listed here, without the interpreter's sources? */
bool freeze_kind_is_local(enum freeze_kind kind);
/* The directive's own name: "module", "freeze_as_str". */
const char *freeze_kind_name(enum freeze_kind kind);

/* Append the entry's files to `files` and sort them; an entry that is not local adds none. False:
 * diags has errors at the entry (missing, no match, out of the manifest's directory, too many). */
bool freeze_files_list(struct freeze_files *files, const struct manifest *manifest,
                       const struct freeze_entry *entry, struct diags *diags) MUST_CHECK;
void freeze_files_release(struct freeze_files *files);

#endif
