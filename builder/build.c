#include "builder/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "builder/base_build.h"
#include "builder/bootloader_build.h"
#include "builder/build_job.h"
#include "builder/cache_clean.h"
#include "builder/ccache.h"
#include "builder/deliver.h"
#include "builder/last_build.h"
#include "builder/leftover.h"
#include "builder/mpy_cross.h"
#include "builder/size_history.h"
#include "image/sidecar.h"

#define SHORT_KEY 16 /* digits of the key in the name of the build directory and the log */

/* ---- what is there already ---- */

/* The path of one of the image's files in a directory. */
static char *image_file(const struct build_job *job, const char *dir, const char *suffix)
{
    return xasprintf("%s/%s.%s", dir, job->name, suffix);
}

/* The job keeps nothing of what the result takes. */
static void hand_over(struct build_job *job, struct build_result *result)
{
    result->dir = xstrdup(job->image_dir);
    result->name = xstrdup(job->name);
    result->target = job->board.target;
    result->manifest = job->manifest;
    result->interpreter = job->interpreter;
    result->frozen = job->frozen;
    result->sandbox = sandbox_fork(&job->sandbox);
    job->manifest = NULL;
    job->interpreter = NULL;
    job->frozen = (struct frozen)FROZEN_INIT;
}

static bool finish(const struct build_job *job, struct build_result *result, struct err **err)
{
    const struct target *t = job->board.target;
    _cleanup_free_ char *kept = image_file(job, job->image_dir, "elf");
    _cleanup_free_ char *fallback = xasprintf("out/%s", job->manifest->product);
    const char *output_dir = job->options->output_dir ? job->options->output_dir : fallback;
    if (!deliver(job->image_dir, job->name, output_dir, err) ||
        !sidecar_load(kept, &result->sidecar, err))
        return false;
    result->image_path = image_file(job, output_dir, t->has_image ? "dfu" : "elf");
    result->machine = t->machine ? xstrdup(t->machine) : NULL;
    return true;
}

/* ---- phases ---- */

/* Compile the frozen modules, before anything else is: a mistake in them is the likeliest. */
static bool phase_check(struct build_job *job, const struct place *place, struct err **err)
{
    event_phase_begin(job->events, "check", "Checking frozen modules");
    bool ok = build_check(job, place, err);
    event_phase_end(job->events, "check", ok, ok ? "frozen modules are right" : NULL);
    return ok;
}

/* On its base if it has one, else from the beginning. */
static bool phase_compile(struct build_job *job, const struct base *base, struct place *place,
                          struct err **err)
{
    event_phase_begin(job->events, "compile", base->usable ? "Linking" : "Compiling");
    bool ok = base->usable ? base_finish(job, base, place, err)
                           : build_compile(job, place, "compile", err);
    _cleanup_free_ char *detail = ok ? xasprintf("%zu steps", job->sizes.steps) : NULL;
    event_phase_end(job->events, "compile", ok, detail);
    return ok;
}

static bool phase_image(struct build_job *job, const struct place *place, struct err **err)
{
    event_phase_begin(job->events, "image", "Writing the image");
    bool ok = build_image(job, place, err);
    event_phase_end(job->events, "image", ok, ok ? "written" : NULL);
    return ok;
}

/* ---- building ---- */

/* A base has its paths from the sandbox, and its use is in freezing modules onto it. */
static bool has_base(const struct build_job *job)
{
    return job->sandbox.on && job->board.port->frozen && !job->options->no_base;
}

static bool get_base(struct build_job *job, struct base *base, struct err **err)
{
    if (!has_base(job))
        return true;
    if (!base_get(job, base, err))
        return false;
    if (!base->usable)
        event_info(job->events, "everything is compiled for this product alone: %s", base->why);
    return true;
}

static bool build_in(struct build_job *job, struct place *place, const char *mpy_cross,
                     struct err **err)
{
    _cleanup_(base_release) struct base base = BASE_INIT;
    return place_open(place, job, job->work, mpy_cross, err) &&
           build_stage(job, place, STAGE_PRODUCT, err) && phase_check(job, place, err) &&
           (!manifest_has_bootloader(job->manifest) || bootloader_get(job, err)) &&
           get_base(job, &base, err) && phase_compile(job, &base, place, err) &&
           phase_image(job, place, err);
}

static bool get_mpy_cross(struct build_job *job, struct mpy_cross *cross, char **program,
                          struct err **err)
{
    if (!mpy_cross_get(cross, program, err))
        return false;
    _cleanup_free_ char *dir = path_dirname(*program);
    if (build_hold(job, dir)) {
        cache_enforce(job->config, CACHE_MPY_CROSS, path_basename(dir), job->events);
        return true;
    }
    return build_removed(dir, err);
}

/* Where there is neither cross compiler nor base, one is built while the other is: each has steps
 * that only one core can do. Otherwise the frozen modules are checked before a base is compiled. */
static bool make_both(struct build_job *job, struct mpy_cross *cross, struct err **err)
{
    if (!has_base(job) || job->options->jobs == 1 || mpy_cross_is_there(cross) ||
        base_is_there(job))
        return true;
    _cleanup_(base_release) struct base base = BASE_INIT;
    mpy_cross_begin(cross);
    if (base_get(job, &base, err))
        return true;
    mpy_cross_end(cross);
    return false;
}

static bool run_phases(struct build_job *job, struct err **err)
{
    _cleanup_(place_release) struct place place = PLACE_INIT;
    _cleanup_free_ char *program = NULL;
    struct mpy_cross cross = {.config = job->config,
                              .interpreter = job->interpreter,
                              .source = &job->source,
                              .host = &job->host,
                              .sandbox = &job->sandbox,
                              .events = job->events,
                              .jobs = job->options->jobs};
    if (!ccache_choose(job, &job->ccache, err))
        return false;
    if (job->board.port->frozen &&
        (!make_both(job, &cross, err) || !get_mpy_cross(job, &cross, &program, err)))
        return false;
    return build_in(job, &place, program, err);
}

/* What a killed run left goes first. In the sandbox each run has a directory of its own name: a
 * program of the killed one that has not ended yet cannot come to this one. Outside it the name is
 * the same each time, as it is in the linker's map, and such a program holds the lock. */
static bool make_work(struct build_job *job, struct err **err)
{
    if (!fs_remove_tree(job->dir, err) || !fs_mkdirs(job->dir, err))
        return false;
    if (job->sandbox.on)
        return fs_temp_dir(job->dir, &job->work, err);
    job->work = path_join(job->dir, "work");
    return true;
}

/* Under another name, because the next build of the same removes what it takes for left over. */
static bool keep_work(struct build_job *job, struct err **err)
{
    _cleanup_free_ char *kept = xasprintf("%s.kept", job->dir);
    if (!fs_remove_tree(kept, err))
        return false;
    if (rename(job->work, kept) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot keep %s", job->work);
    event_info(job->events, "the build directory is kept: %s", kept);
    return true;
}

/* Always in an empty directory: make does not notice a module that was taken out, a variable that
 * changed or a source that became older (docs/building.md). */
static bool build_in_fresh_dir(struct build_job *job, struct err **err)
{
    _cleanup_err_ struct err *unkept = NULL, *cleanup = NULL;
    bool ok = make_work(job, err) && run_phases(job, err);
    if (job->options->keep && job->work && !keep_work(job, &unkept))
        event_warning(job->events, "%s", unkept->message);
    if (!fs_remove_tree(job->dir, &cleanup))
        event_warning(job->events, "%s", cleanup->message);
    return ok;
}

static void say_waiting(void *data)
{
    event_info(data, "another firn is building the same image; waiting for it");
}

static bool make_dirs(struct build_job *job, struct err **err)
{
    _cleanup_free_ char *build = path_dirname(job->dir);
    _cleanup_free_ char *logs = path_join(job->config->home, "logs");
    job->log_path = xasprintf("%s/%s-%.*s.log", logs, job->name, SHORT_KEY, job->key);
    return fs_mkdirs(build, err) && fs_mkdirs(logs, err);
}

static bool build_locked(struct build_job *job, const char *lock_path, struct build_result *result,
                         struct err **err)
{
    int lock = -1;
    if (!make_dirs(job, err) || !fs_lock(lock_path, say_waiting, job->events, &lock, err))
        return false;
    /* Outside the sandbox make and its compilers hold it, too: should this process be killed,
     * nobody else writes to the same directory before they are gone. */
    if (!job->sandbox.on)
        fcntl(lock, F_SETFD, 0);
    result->unchanged = build_hold(job, job->image_dir);
    bool ok = result->unchanged || build_in_fresh_dir(job, err);
    fs_unlock(&lock);
    return ok;
}

/* Its size is written first: once the record is there, nobody comes back for it. Not being able to
 * remember that is no failure. */
static bool remember(const struct build_job *job, const char *manifest_path,
                     const struct build_result *result, struct err **err)
{
    _cleanup_err_ struct err *forgotten = NULL;
    if (last_build_is(job, manifest_path))
        return true;
    if (!size_history_add(job->config, manifest_path, result->sidecar, &forgotten))
        event_warning(job->events, "the image's size is not remembered: %s", forgotten->message);
    return last_build_write(job, manifest_path, err);
}

static bool run(struct build_job *job, const char *manifest_path, struct build_result *result,
                struct err **err)
{
    if (!build_find_inputs(job, manifest_path, err))
        return false;
    job->dir = xasprintf("%s/build/%.*s", job->config->home, SHORT_KEY, job->key);
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", job->dir);
    result->unchanged = build_hold(job, job->image_dir);
    if (!result->unchanged && !build_locked(job, lock_path, result, err))
        return false;
    if (result->unchanged)
        leftover_remove(job->dir, lock_path, job->events);
    return finish(job, result, err) && remember(job, manifest_path, result, err);
}

bool build_run(const char *manifest_path, const struct config *config,
               const struct build_options *options, struct events *events,
               struct build_result *result, struct diags *diags, struct err **err)
{
    _cleanup_(build_job_release) struct build_job job =
        build_job_init(config, options, events, diags);
    bool ok = run(&job, manifest_path, result, err);
    if (options->inputs)
        input_list_collect(options->inputs, &job, manifest_path);
    if (ok)
        hand_over(&job, result);
    if (*err && (*err)->code == ERR_INTERRUPTED)
        err_hint(err, "nothing was written; the same command begins again");
    return ok;
}

void build_result_release(struct build_result *result)
{
    free(result->image_path);
    json_decref(result->sidecar);
    free(result->machine);
    free(result->dir);
    free(result->name);
    frozen_release(&result->frozen);
    sandbox_release(&result->sandbox);
    manifest_free(result->manifest);
    interpreter_free(result->interpreter);
    *result = (struct build_result)BUILD_RESULT_INIT;
}
