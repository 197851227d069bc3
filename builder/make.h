/*
 * Running a port's make: the command line, the environment and progress from its output. What a
 * failure means is make_output.h's to say.
 *
 * Progress: `make -n` first counts the steps of a cold build ("CC file", "GEN file", "LINK file"),
 * then each such line of the real one is a step. Everything that make prints goes to a log file.
 */
#ifndef FIRN_BUILDER_MAKE_H
#define FIRN_BUILDER_MAKE_H

#include "base/event.h"
#include "builder/make_output.h"
#include "builder/sandbox.h"

struct make_job {
    const char *phase;              /* event id, "compile" */
    const struct sandbox *sandbox;  /* where it runs; NULL = in none */
    const char *script;             /* run this shell script instead of make; NULL = make */
    const char *dir;                /* -C; this and all paths in vars as the sandbox has them */
    const char *log_path;           /* everything it prints; replaced */
    const char *const *vars;        /* "NAME=value", BUILD among them; NULL-ended */
    const char *const *env;         /* complete, NULL-ended */
    const char *rules;              /* make_rules()' text; may be NULL */
    const char *target;             /* or NULL */
    int jobs;                       /* -j; 0 = cores */
    size_t extra_steps;             /* steps that `make -n` cannot see: frozen modules */
    const struct make_blame *blame; /* to name what the user wrote; may be NULL */
};

/* What a run's output told besides. */
struct make_sizes {
    size_t steps;
    bool known;                    /* did `size` run at its end? */
    unsigned long text, data, bss; /* bytes, as `size` gives them for the program */
};

/* ERR_FAILED with what make_output_error() found, and the log's path as a hint.
 * *sizes may be NULL. */
bool make_run(const struct make_job *job, struct events *events, struct make_sizes *sizes,
              struct err **err) MUST_CHECK;

/* Ask the makefile in `dir` for the values of variables (names: NULL-ended): a target of our own is
 * read beside its rules and prints them; nothing is built. values[i] is the caller's to release. */
bool make_ask(const struct make_job *job, const char *const *names, struct strv *values,
              struct err **err) MUST_CHECK;
/* What make would run, one line of its recipes an item; a makefile's own recursive makes are run
 * (with -n). dir, vars, env, target and sandbox of the job count. */
bool make_dry_run(const struct make_job *job, const char *const *options, struct strv *lines,
                  struct err **err) MUST_CHECK;

/* The environment of every build: PATH, HOME=/nonexistent, LC_ALL=C, TZ=UTC, SOURCE_DATE_EPOCH,
 * PYTHONHASHSEED=0, PYTHONDONTWRITEBYTECODE=1, MICROPY_GIT_TAG, MICROPY_GIT_HASH, nothing else.
 * sandbox may be NULL. */
void make_environment(struct strv *env, const struct sandbox *sandbox, long long source_date_epoch,
                      const char *git_tag, const char *git_hash);

/* Can a path stand in a makefile? GNU make takes no spaces in file names, and has its own ideas
 * about
 * '$', '#', '%', ':', ';', '=' and '~'. */
bool make_can_name(const char *path);

/* Is it the command's line for a step ("CC main.c")? *detail (may be NULL) is what follows the
 * verb. */
bool make_is_step(const char *line, const char **detail);

#endif
