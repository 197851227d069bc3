/*
 * Running a port's make: the command line, the environment, progress from its output, and what its
 * failure means.
 *
 * Progress: `make -n` first counts the compile lines of a cold build (cached per base), then each
 * "CC file", "AS file", "GEN", "MPY", "LINK" line of the real one is a step.
 */
#ifndef FIRN_BUILDER_MAKE_H
#define FIRN_BUILDER_MAKE_H

#include "base/event.h"
#include "builder/frozen.h"

struct make_job {
    const char *phase;     /* event id, "compile" */
    const char *dir;       /* -C */
    const char *build_dir; /* BUILD= */
    const char *log_path;  /* everything it prints */
    const char *const *vars; /* "NAME=value", NULL-ended */
    const char *const *env;  /* NULL-ended, complete */
    const char *target;      /* or NULL */
    int jobs;                /* 0 = cores */
    const struct frozen *frozen; /* to blame a user's file; may be NULL */
};

/* ERR_FAILED: the first compiler error with the user's file if one is to blame, or "region FLASH
 * overflowed by 13084 bytes" with the largest frozen modules, and the log's path. */
bool make_run(const struct make_job *job, struct events *events, struct err **err) MUST_CHECK;

/* The environment of every build: PATH, HOME=/nonexistent, LC_ALL=C, TZ=UTC, SOURCE_DATE_EPOCH,
 * PYTHONHASHSEED=0, PYTHONDONTWRITEBYTECODE=1, MICROPY_GIT_TAG, MICROPY_GIT_HASH, nothing else. */
void make_environment(struct strv *env, long long source_date_epoch, const char *git_tag,
                      const char *git_hash);

#endif
