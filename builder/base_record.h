/*
 * base.json: what a base says of itself. base_build.c and whoever lists bases use this.
 */
#ifndef FIRN_BUILDER_BASE_RECORD_H
#define FIRN_BUILDER_BASE_RECORD_H

#include "builder/base_build.h"

/* Which board, commit and compiler something was compiled for. Yours. */
json_t *base_record_identity(const struct build_job *job);
/* Into base->dir. Written last of all: a base without it is none. */
bool base_record_write(const struct base *base, const struct build_job *job,
                       struct err **err) MUST_CHECK;

#endif
