/*
 * Reading firmware-src/<name>.yaml: what interpreter_read.c and interpreter_target.c share.
 * interpreter.h is the interface. Each false means an error in diags.
 */
#ifndef FIRN_BUILDER_INTERPRETER_INTERNAL_H
#define FIRN_BUILDER_INTERPRETER_INTERNAL_H

#include "builder/interpreter.h"

/* What every reading function needs. */
struct interpreter_reader {
    struct interpreter *interpreter;
    struct ydoc *doc;
    struct diags *diags;
};

extern const char *const INTERPRETER_TARGET_KEYS[];

bool interpreter_is_type(struct interpreter_reader *r, const struct ynode *node,
                         enum ynode_type type);
bool interpreter_string(struct interpreter_reader *r, const struct ynode *map, const char *key,
                        bool required, const char **out);
/* A mapping of strings; *vars has `count` entries, which stay in front, and room for all. */
bool interpreter_vars(struct interpreter_reader *r, const struct ynode *node, struct make_var *vars,
                      size_t *count);
/* What the map says over what the target has already. */
bool interpreter_read_target(struct interpreter_reader *r, const struct ynode *map,
                             struct target *target);

#endif
