/*
 * What only a port's makefile knows about a board: which submodules it needs, which manifest.py is
 * its own and which flags it gives mpy-cross.
 *
 * make is asked once per commit, board and variables; the answer is kept in
 * $FIRN_HOME/facts/<key>.json, so that an unchanged build starts no process.
 */
#ifndef FIRN_BUILDER_PORT_FACTS_H
#define FIRN_BUILDER_PORT_FACTS_H

#include "builder/board_choice.h"
#include "builder/config.h"
#include "builder/sandbox.h"

struct port_facts {
    char *manifest;         /* FROZEN_MANIFEST: a path relative to the port, or Python; "" = none */
    char *mpy_cross_flags;  /* "-march=armv7m" or "" */
    struct strv submodules; /* paths in the tree, sorted, the YAML's among them */
};
#define PORT_FACTS_INIT                                                                            \
    {                                                                                              \
        NULL, NULL, STRV_INIT                                                                      \
    }

/* The key of a board's facts. vars: board_choice_vars(). */
char *port_facts_key(const struct board_choice *board, const struct interpreter *interpreter,
                     const char *commit, const struct strv *vars);
/* Read what was kept; false when there is nothing (or nothing usable). */
bool port_facts_load(struct port_facts *facts, const struct config *config, const char *key);
/* Ask make in the checkout source_dir (without submodules is enough) and keep the answer. env:
 * make_environment(). The makefile runs in a fork of `sandbox`. */
bool port_facts_ask(struct port_facts *facts, const struct config *config, const char *key,
                    const struct board_choice *board, const char *source_dir,
                    const struct strv *vars, const struct strv *env, const struct sandbox *sandbox,
                    struct err **err) MUST_CHECK;
void port_facts_release(struct port_facts *facts);

#endif
