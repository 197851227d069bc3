/*
 * ccache below a build: objects that were compiled before, in whatever base.
 *
 * A build writes into the cache that it reads, so a makefile could leave wrong objects there for
 * others. Each set of sources that can run code of its own (a commit with its submodules, C
 * modules, a board outside the source, make variables that are more than a plain value) therefore
 * has a cache of its own, $FIRN_HOME/ccache/<hash of that set>/: it can only harm itself.
 */
#ifndef FIRN_BUILDER_CCACHE_H
#define FIRN_BUILDER_CCACHE_H

#include "builder/build_job.h"

/* Is it wanted and installed? */
bool ccache_usable(const struct build_job *job);
/* Is it worth using in this build? Filling an empty cache takes a sixth of a build's time, and
 * whoever builds for one board has nothing of it. So the first build of a set of sources only makes
 * the place, and one that comes later fills it. Remote storage is used at once: others fill it. */
bool ccache_choose(const struct build_job *job, bool *use, struct err **err) MUST_CHECK;
/* Bind the cache of this job's sources into the place, and add what make and its compilers need:
 * CC=... to vars, CCACHE_... to env. */
bool ccache_add(const struct build_job *job, struct place *place, struct strv *vars,
                struct strv *env, struct err **err) MUST_CHECK;

#endif
