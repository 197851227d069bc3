/*
 * The cross compiler, built once per source commit and host compiler and kept in
 * $FIRN_HOME/mpy-cross/<key>/mpy-cross.
 */
#ifndef FIRN_BUILDER_MPY_CROSS_H
#define FIRN_BUILDER_MPY_CROSS_H

#include "base/event.h"
#include "builder/interpreter.h"
#include "builder/sandbox.h"
#include "builder/source.h"
#include "builder/toolchain.h"

/* *path is yours: on this machine; it is part of a source, and is to be run in the sandbox only.
 * host: the compiler that builds it. Concurrent callers wait for the one that builds. */
bool mpy_cross_get(const struct config *config, const struct interpreter *interpreter,
                   const struct source *source, const struct toolchain *host,
                   const struct sandbox *sandbox, struct events *events, char **path,
                   struct err **err) MUST_CHECK;

#endif
