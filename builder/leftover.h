/*
 * What a run that was killed left of its work: a directory that is made under a lock, beside what
 * comes out of it. Whoever makes the same thing again removes it first; this is for who finds the
 * thing made already, because the kill came between its publication and the end.
 */
#ifndef FIRN_BUILDER_LEFTOVER_H
#define FIRN_BUILDER_LEFTOVER_H

#include "base/event.h"

/* Remove `dir` once nobody holds the lock; nothing there costs one look. Whoever holds it is about
 * to remove it himself. Not being able to is a warning: what is needed is there. */
void leftover_remove(const char *dir, const char *lock_path, struct events *events);

#endif
