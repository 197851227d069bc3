/*
 * Replay: from what make would run to finish a product on its base, to a shell script that does the
 * same without make.
 *
 * make spends most of a relink on finding out that nothing else is to be done. The base knows: its
 * key covers everything that make would have to look at. So the commands are taken from `make -n`
 * once, when the base is made, and every product on it runs them at the same paths.
 */
#ifndef FIRN_BUILDER_REPLAY_H
#define FIRN_BUILDER_REPLAY_H

#include "base/buf.h"
#include "base/err.h"

struct replay {
    const char *dir;                  /* where the recipes run */
    const char *build;                /* BUILD */
    const char *elf;                  /* the program, relative to BUILD */
    const char *const *objects;       /* those that each product compiles, relative to BUILD */
    const char *const *exported_vars; /* make gives its recipes the command line's variables */
};

/* lines: make_dry_run()'s. Appends the script: the objects are compiled beside the frozen modules,
 * then what links the program follows, and any failure ends it. ERR_FAILED when the lines do not
 * link the program or compile every object. */
bool replay_write(const struct replay *replay, const struct strv *lines, struct buf *script,
                  struct err **err) MUST_CHECK;

#endif
