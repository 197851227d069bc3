/*
 * The cross compiler, built once per source commit and host compiler and kept in
 * $FIRN_HOME/mpy-cross/<key>/mpy-cross.
 */
#ifndef FIRN_BUILDER_MPY_CROSS_H
#define FIRN_BUILDER_MPY_CROSS_H

#include "base/event.h"
#include "builder/interpreter.h"
#include "builder/source.h"

/* *path is yours. Concurrent callers wait for the one that builds. */
bool mpy_cross_get(const struct config *config, const struct interpreter *interpreter,
                   const struct source *source, struct events *events, char **path,
                   struct err **err) MUST_CHECK;

#endif
