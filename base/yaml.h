/*
 * YAML with marks kept: a strict, small subset, built from libyaml's events.
 *
 * A document is a tree of nodes, each with its line and column, so that whoever reads it can point
 * at what is wrong. Refused, with a location: aliases, anchors, tags, duplicate keys, keys that are
 * not scalars, several documents, tabs used as indentation (libyaml), more than YAML_MAX_BYTES,
 * YAML_MAX_DEPTH levels (noticed before anything below is read) or YAML_MAX_NODES.
 *
 *     struct ydoc doc = YDOC_INIT;
 *     if (ydoc_load(&doc, "greeter.yaml", &diags)) { ... doc.root ... }
 *     ydoc_release(&doc);            // all nodes and strings go with it
 */
#ifndef FIRN_BASE_YAML_H
#define FIRN_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define YAML_MAX_BYTES (1024 * 1024)
#define YAML_MAX_DEPTH 32
#define YAML_MAX_NODES 50000

enum ynode_type { YNODE_SCALAR, YNODE_SEQUENCE, YNODE_MAPPING };

struct ynode {
    enum ynode_type type;
    unsigned line, column, length; /* from 1; length of what to underline */
    const char *value;             /* scalar: NUL-terminated, without embedded NUL */
    bool quoted;                   /* scalar: '...', "..." or a block: a string, never a number */
    size_t count;                  /* items of a sequence, pairs of a mapping */
    struct ynode **keys;           /* mapping: scalars, in file order */
    struct ynode **items;          /* sequence items, or the mapping's values */
};

struct ydoc {
    struct arena arena; /* owns nodes, strings, file name and lines */
    const char *file;   /* as given by the user */
    const char *text;
    size_t text_len;
    uint32_t *lines; /* offset of each line in text */
    size_t line_count;
    struct ynode *root;
};
#define YDOC_INIT                                                                                  \
    {                                                                                              \
        ARENA_INIT, NULL, NULL, 0, NULL, 0, NULL                                                   \
    }

/* Read and check a file. False: diags holds at least one error. */
bool ydoc_load(struct ydoc *doc, const char *path, struct diags *diags) MUST_CHECK;
/* The same for text in memory; `file` is the name shown in errors. */
bool ydoc_parse(struct ydoc *doc, const char *file, const char *text, size_t len,
                struct diags *diags) MUST_CHECK;
void ydoc_release(struct ydoc *doc);

/* A line of the document's text, from 1; empty behind the last one. The caller frees. */
char *ydoc_line(const struct ydoc *doc, unsigned line);
/* Add an error at any place of the document, with the source line. hint may be NULL. Returns
 * false. */
bool ydoc_error(const struct ydoc *doc, struct loc loc, struct diags *diags, const char *hint,
                const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The value of a key, or NULL. */
struct ynode *ynode_get(const struct ynode *map, const char *key);
/* The key's own node, for errors that point at it, or NULL. */
struct ynode *ynode_get_key(const struct ynode *map, const char *key);
const char *ynode_type_name(enum ynode_type type); /* "a string", "a list", "a mapping" */

/* Add an error (or a warning) at a node, with the source line. hint may be NULL. Returns false. */
bool ynode_error(const struct ydoc *doc, const struct ynode *node, struct diags *diags,
                 const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);
void ynode_warning(const struct ydoc *doc, const struct ynode *node, struct diags *diags,
                   const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Typed readers. A missing key leaves *out and is success unless `required`; a wrong type adds an
 * error that says what is expected and returns false. Strings are borrowed from the document; a
 * plain number is a string, too, as it is written (`version: 1.10`), a key without a value is
 * not. */
bool ymap_string(const struct ydoc *doc, const struct ynode *map, const char *key, bool required,
                 const char **out, struct diags *diags);
bool ymap_integer(const struct ydoc *doc, const struct ynode *map, const char *key, bool required,
                  long min, long max, long *out, struct diags *diags);
bool ymap_bool(const struct ydoc *doc, const struct ynode *map, const char *key, bool required,
               bool *out, struct diags *diags);
/* "384K", 1M, 4096: bytes. */
bool ymap_size(const struct ydoc *doc, const struct ynode *map, const char *key, bool required,
               unsigned long long *out, struct diags *diags);
/* A list of strings: *out is NULL-terminated and lives in the document's arena. */
bool ymap_strings(struct ydoc *doc, const struct ynode *map, const char *key,
                  const char *const **out, struct diags *diags);
/* Is it a mapping with only these keys (NULL-terminated)? Each unknown one is an error with the
 * nearest known name. */
bool ymap_only_keys(const struct ydoc *doc, const struct ynode *node, const char *const *known,
                    struct diags *diags);

#endif
