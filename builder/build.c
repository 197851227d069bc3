#include "builder/build.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "builder/base_build.h"
#include "builder/build_job.h"
#include "builder/last_build.h"
#include "builder/mpy_cross.h"
#include "image/sidecar.h"

#define COMPARE_MAX_BYTES (256u * 1024 * 1024)
#define SHORT_KEY 16 /* digits of the key in the name of the build directory and the log */

/* ---- what is there already ---- */

/* The path of one of the image's files in a directory. */
static char *image_file(const struct build_job *job, const char *dir, const char *suffix)
{
    return xasprintf("%s/%s.%s", dir, job->name, suffix);
}

/* A file that is the same is left alone: its time says when it changed. */
static bool copy_if_changed(const char *from, const char *to, struct err **err)
{
    _cleanup_(buf_release) struct buf a = BUF_INIT;
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (!fs_read(from, COMPARE_MAX_BYTES, &a, err))
        return false;
    if (fs_is_file(to) && fs_read(to, COMPARE_MAX_BYTES, &b, &ignored) && a.len == b.len &&
        !memcmp(a.data, b.data, a.len))
        return true;
    return fs_copy(from, to, err);
}

/* Copy the image's files to where the user wants them, the image itself last: it is never newer
 * than its sidecar. */
static bool deliver(const struct build_job *job, const char *output_dir, struct err **err)
{
    static const char *const suffixes[] = {"json", "map", "hex", "bin", "elf", "dfu"};
    if (!fs_mkdirs(output_dir, err))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        _cleanup_free_ char *from = image_file(job, job->image_dir, suffixes[i]);
        _cleanup_free_ char *to = image_file(job, output_dir, suffixes[i]);
        if (fs_is_file(from) && !copy_if_changed(from, to, err))
            return err_wrap(err, "cannot write the image to %s", output_dir);
    }
    return true;
}

static bool finish(const struct build_job *job, struct build_result *result, struct err **err)
{
    const struct target *t = job->board.target;
    _cleanup_free_ char *kept = image_file(job, job->image_dir, "elf");
    _cleanup_free_ char *fallback = xasprintf("out/%s", job->manifest->product);
    const char *output_dir = job->options->output_dir ? job->options->output_dir : fallback;
    if (!deliver(job, output_dir, err) || !sidecar_load(kept, &result->sidecar, err))
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
static bool get_base(struct build_job *job, const char *mpy_cross, struct base *base,
                     struct err **err)
{
    if (!job->sandbox.on || !mpy_cross || job->options->no_base)
        return true;
    if (!base_get(job, mpy_cross, base, err))
        return false;
    if (!base->usable)
        event_info(job->events, "everything is compiled for this product alone: %s", base->why);
    return true;
}

static bool build_in(struct build_job *job, struct place *place, const char *mpy_cross,
                     struct err **err)
{
    _cleanup_(base_release) struct base base = BASE_INIT;
    return place_open(place, job, job->dir, mpy_cross, err) &&
           build_stage(job, place, STAGE_PRODUCT, err) && phase_check(job, place, err) &&
           get_base(job, mpy_cross, &base, err) && phase_compile(job, &base, place, err) &&
           phase_image(job, place, err);
}

static bool run_phases(struct build_job *job, struct err **err)
{
    _cleanup_(place_release) struct place place = PLACE_INIT;
    _cleanup_free_ char *mpy_cross = NULL;
    if (job->board.port->frozen &&
        !mpy_cross_get(job->config, job->interpreter, &job->source, &job->host, &job->sandbox,
                       job->events, &mpy_cross, err))
        return false;
    return build_in(job, &place, mpy_cross, err);
}

/* Always in an empty directory: make does not notice a module that was taken out, a variable that
 * changed or a source that became older (docs/building.md). */
static bool build_in_fresh_dir(struct build_job *job, struct err **err)
{
    _cleanup_err_ struct err *cleanup = NULL;
    bool ok = run_phases(job, err);
    if (job->options->keep)
        event_info(job->events, "the build directory is kept: %s", job->dir);
    else if (!fs_remove_tree(job->dir, &cleanup))
        event_warning(job->events, "%s", cleanup->message);
    return ok;
}

static void say_waiting(void *data)
{
    event_info(data, "another firn is building the same image; waiting for it");
}

static bool make_dirs(struct build_job *job, struct err **err)
{
    _cleanup_free_ char *build = path_join(job->config->home, "build");
    _cleanup_free_ char *logs = path_join(job->config->home, "logs");
    job->dir = xasprintf("%s/%.*s", build, SHORT_KEY, job->key);
    job->log_path = xasprintf("%s/%s-%.*s.log", logs, job->name, SHORT_KEY, job->key);
    return fs_mkdirs(build, err) && fs_mkdirs(logs, err);
}

static bool build_locked(struct build_job *job, struct build_result *result, struct err **err)
{
    int lock = -1;
    if (!make_dirs(job, err))
        return false;
    _cleanup_free_ char *lock_path = xasprintf("%s.lock", job->dir);
    if (!fs_lock(lock_path, say_waiting, job->events, &lock, err))
        return false;
    /* make and its compilers hold it, too: should this process be killed, nobody else writes to the
     * same directory before they are gone. */
    fcntl(lock, F_SETFD, 0);
    result->unchanged = fs_is_dir(job->image_dir);
    bool ok = result->unchanged || build_in_fresh_dir(job, err);
    fs_unlock(&lock);
    return ok;
}

static bool run(struct build_job *job, const char *manifest_path, struct build_result *result,
                struct err **err)
{
    if (!build_find_inputs(job, manifest_path, err))
        return false;
    result->unchanged = fs_is_dir(job->image_dir);
    if (!result->unchanged && !build_locked(job, result, err))
        return false;
    return finish(job, result, err) && last_build_write(job, manifest_path, err);
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
    if (*err && (*err)->code == ERR_INTERRUPTED)
        err_hint(err, "nothing was written; the same command begins again");
    return ok;
}

void build_result_release(struct build_result *result)
{
    free(result->image_path);
    json_decref(result->sidecar);
    free(result->machine);
    *result = (struct build_result)BUILD_RESULT_INIT;
}
