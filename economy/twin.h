/*
 * A twin: the same modules on another board, one that there is an emulator for, where the product's
 * own has none (stm32's boards do not boot in QEMU). firmware-src/ names it, and the modules that
 * only the board has: those are stubs there (firmware-src/stubs/), and what is taken of them is
 * reported.
 *
 * The twin is a product of its own, below $FIRN_HOME/twins/, with a heap as large as the board's.
 */
#ifndef FIRN_ECONOMY_TWIN_H
#define FIRN_ECONOMY_TWIN_H

#include "builder/build.h"

struct twin {
    char *dir;            /* where its manifest is */
    struct strv stubs;    /* modules that are stubs */
    struct strv left_out; /* the product's modules that it cannot have: native code of the board */
};
#define TWIN_INIT                                                                                  \
    {                                                                                              \
        NULL, STRV_INIT, STRV_INIT                                                                 \
    }

/* Does the product need one, and is one named for its port? */
bool twin_is_needed(const struct build_result *product);
/* Write its manifest, <dir>/twin.yaml, and its files. */
bool twin_write(struct twin *twin, const struct build_result *product, const struct config *config,
                struct err **err) MUST_CHECK;
void twin_release(struct twin *twin);

#endif
