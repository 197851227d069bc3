/*
 * The cross compiler, built once per source commit and host compiler and kept in
 * $FIRN_HOME/mpy-cross/<key>/mpy-cross.
 *
 *     struct mpy_cross cross = {config, interpreter, ...};
 *     mpy_cross_begin(&cross);            optional: build it beside what is done meanwhile
 *     ...
 *     mpy_cross_get(&cross, &path, err);  or mpy_cross_end(&cross), when it is not needed after all
 */
#ifndef FIRN_BUILDER_MPY_CROSS_H
#define FIRN_BUILDER_MPY_CROSS_H

#include <sys/types.h>

#include "base/event.h"
#include "builder/interpreter.h"
#include "builder/sandbox.h"
#include "builder/source.h"
#include "builder/toolchain.h"

/* All borrowed. */
struct mpy_cross {
    const struct config *config;
    const struct interpreter *interpreter;
    const struct source *source;
    const struct toolchain *host; /* the compiler that builds it */
    const struct sandbox *sandbox;
    struct events *events;
    int jobs;    /* make's -j; 0: one for each core */
    pid_t child; /* 0, or mpy_cross_begin()'s */
};

bool mpy_cross_is_there(const struct mpy_cross *cross);
/* *path is yours: on this machine; it is part of a source, and is to be run in the sandbox only.
 * Concurrent callers wait for the one that builds. */
bool mpy_cross_get(struct mpy_cross *cross, char **path, struct err **err) MUST_CHECK;

/* Build it in a process of its own, until mpy_cross_get() or mpy_cross_end(). The process is no
 * more than one that has begun early: if it cannot be started, or fails, mpy_cross_get() does all
 * of the work and says what is wrong. */
void mpy_cross_begin(struct mpy_cross *cross);
/* Stop that process, if it has not ended by itself. */
void mpy_cross_end(struct mpy_cross *cross);

#endif
