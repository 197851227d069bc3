/*
 * The manifest: one product, as its author wrote it (DESIGN.md "The manifest").
 *
 * manifest_load() reads and checks everything that needs nothing but the manifest and the files
 * beside it: types, unknown and duplicate keys, the existence of files, paths that leave the
 * manifest's directory, duplicate frozen targets. qstr.h reads the qstr lists; names of ports,
 * boards and toolchains are checked against their definitions later (manifest_names.h,
 * board_choice.h, toolchain.h), where a suggestion can be made.
 *
 * All strings and arrays live in the manifest's arena and die with manifest_free(). Every entry
 * keeps its node, so that a later stage can still point at it (manifest_error()). Nothing here is
 * changed after loading: a manifest may be shared by readers.
 */
#ifndef FIRN_BUILDER_MANIFEST_H
#define FIRN_BUILDER_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/yaml.h"

enum freeze_kind {
    FREEZE_BOARD,       /* the board's own default manifest */
    FREEZE_MODULE,      /* one .py, compiled to bytecode */
    FREEZE_PACKAGE,     /* a directory of .py */
    FREEZE_AS_STR,      /* a directory (or .py file) frozen as source */
    FREEZE_AS_MPY,      /* a directory (or .py file), compiled to bytecode */
    FREEZE_MPY,         /* a directory (or .mpy file) compiled elsewhere */
    FREEZE_REQUIRE,     /* a package of micropython-lib or of a library added below */
    FREEZE_INCLUDE,     /* another manifest.py */
    FREEZE_ADD_LIBRARY, /* name a directory for require */
};

struct freeze_entry {
    enum freeze_kind kind;
    const struct ynode *node; /* where it stands: the value that names the thing */
    const char *name;         /* module file, package, path, library or package name */
    const char *base_path; /* module, package: the directory that holds it; "" = the manifest's */
    const char *library;   /* require: of this library; add_library: its path */
    const struct ynode *library_node;
    const char *const *files; /* package: files, freeze_as_mpy, freeze_mpy: script: only these files
                                 or directories in it, NULL-terminated; NULL = all */
    int opt;                  /* mpy-cross -O level 0..3, -1 = default */
    bool prepend;             /* add_library */
};

/* A list of qstr names: one inline name or a file of lines (qstr.h reads them). */
struct qstr_entry {
    const struct ynode *node;
    const char *name; /* inline, or NULL */
    const char *file; /* relative to the manifest, or NULL */
};

/* NAME=value for config.defines and config.make, in file order. */
struct config_entry {
    const struct ynode *node;
    const char *name;
    const char *value;
};

enum budget_kind {
    BUDGET_FLASH,
    BUDGET_RAM_AFTER_IMPORT,
    BUDGET_HEAP_FREE,
    BUDGET_IMPORT_MS,
    BUDGET_QSTRS_IN_RAM,
    BUDGET_COUNT
};

/* Limits, of the product or of one module: bytes, milliseconds or a number of qstrs. */
struct budget {
    bool given[BUDGET_COUNT];
    uint64_t value[BUDGET_COUNT];
    const struct ynode *node[BUDGET_COUNT];
};

struct module_budget {
    const struct ynode *node;
    const char *name; /* "acme.drv" */
    struct budget limits;
};

struct manifest {
    struct ydoc doc;
    const char *path; /* as given */
    const char *dir;  /* absolute directory of the manifest */
    const char *product;
    const char *version;
    struct {
        const struct ynode *node, *git_node, *ref_node, *archive_node;
        const char *interpreter; /* "micropython" */
        /* One of git, archive and path; the others are NULL. */
        const char *git;     /* URL */
        const char *ref;     /* tag, branch or commit; with git */
        const char *archive; /* URL */
        const char *sha256;  /* of the archive, or NULL */
        const char *path;    /* a working copy, relative to the manifest */
    } firmware;
    struct {
        const struct ynode *node, *port_node, *name_node, *variant_node, *dir_node;
        const char *port; /* NULL: the one port that has a board of this name */
        const char *name;
        const char *variant; /* or NULL */
        const char *dir;     /* an out-of-tree board, relative to the manifest; or NULL */
    } board;
    struct {
        const struct ynode *node;
        const char *name;    /* NULL = the port's default */
        const char *version; /* ">=12" or NULL */
        const char *from;    /* "path" or "download" alone; NULL = the first, else the second */
    } toolchain;
    struct {
        const struct ynode *node, *keys_node;
        bool given, build; /* of "build"; see manifest_has_bootloader() */
        const char *keys;  /* relative to the manifest, or NULL */
    } mboot;
    const char *const *roots; /* further directories that paths may enter; absolute, NULL-ended */
    struct freeze_entry *frozen;
    size_t frozen_count;
    struct qstr_entry *qstrs;
    size_t qstr_count;
    struct config_entry *defines, *make;
    size_t define_count, make_count;
    const char *const *c_modules; /* relative to the manifest; NULL-ended */
    struct budget budget;
    struct module_budget *module_budgets;
    size_t module_budget_count;
    struct {
        const char *const *imports; /* NULL-ended, may be empty */
        const char *const *skip;    /* NULL-ended, may be empty */
        const char *expect;         /* or NULL */
    } check;
    struct {
        uint16_t vendor, product; /* 0 = the board's own */
        const char *enter;        /* "auto", "detach", "repl", "touch1200", "none" */
    } flash;
    struct {
        bool auto_build_given, auto_build;
        const char *follow; /* "never", "hourly", "daily"; NULL = not given */
        uint64_t memory;    /* bytes that a build needs; 0 = not given */
        int cores;          /* 0 = not given */
    } firnd;                /* for the daemon; no image changes by it */
};

/* Load and check. Returns NULL when there are errors (up to DIAGS_MAX in diags); warnings may be
 * there in any case. */
struct manifest *manifest_load(const char *path, struct diags *diags) MUST_CHECK;
void manifest_free(struct manifest *manifest);
static inline void manifest_free_ptr(struct manifest **m)
{
    manifest_free(*m);
}

/* A path of the manifest as an absolute one; the caller frees. It must exist and lie beneath dir or
 * a root, as written and with symbolic links resolved. NULL: diags has the error, at node. */
char *manifest_path(const struct manifest *manifest, const struct ynode *node, const char *path,
                    struct diags *diags) MUST_CHECK;
/* Does an existing absolute path, with symbolic links resolved, lie beneath dir or a root? */
bool manifest_path_allowed(const struct manifest *manifest, const char *path);
/* Is a boot loader to be built beside the program? */
bool manifest_has_bootloader(const struct manifest *manifest);
/* What config.make sets a variable to, or NULL. Borrowed. */
const char *manifest_make_value(const struct manifest *manifest, const char *name);
/* Add an error at a node of the manifest; returns false. */
bool manifest_error(const struct manifest *manifest, const struct ynode *node, struct diags *diags,
                    const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The JSON schema (draft 2020-12) of what manifest_load() accepts, generated from the reader's own
 * key tables; manifests/manifest.schema.json is this, byte for byte (a test holds them equal). */
void manifest_schema(struct buf *out);

#endif
