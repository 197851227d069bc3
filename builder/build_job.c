/* A build's life: its inputs are found, phase by phase; what is then done with them is build.c's.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "builder/build_job.h"
#include "builder/cache.h"
#include "builder/lock.h"

struct build_job build_job_init(const struct config *config, const struct build_options *options,
                                struct events *events, struct diags *diags)
{
    return (struct build_job){
        .config = config,
        .options = options,
        .events = events,
        .diags = diags,
        .source = SOURCE_INIT,
        .board = BOARD_CHOICE_INIT,
        .make_vars = STRV_INIT,
        .env = STRV_INIT,
        .facts = PORT_FACTS_INIT,
        .toolchain = TOOLCHAIN_INIT,
        .host = TOOLCHAIN_INIT,
        .evaluation = EVALUATION_INIT,
        .frozen = FROZEN_INIT,
        .qstrs = QSTR_LIST_INIT,
        .qstrs_removed = STRV_INIT,
        .qstr_mpy = BUF_INIT,
        .sandbox = SANDBOX_INIT,
        .parts = KEY_PARTS_INIT,
        .lock = KEY_PARTS_INIT,
        .bootloader = BOOTLOADER_INIT,
    };
}

bool build_hold(struct build_job *job, const char *path)
{
    assert(job->held_count < BUILD_MAX_HELD);
    if (!cache_hold(path, &job->held[job->held_count]))
        return false;
    job->held_count++;
    return true;
}

bool build_removed(const char *path, struct err **err)
{
    err_set(err, ERR_FAILED, "%s was removed while it was about to be used", path);
    return err_hint(err, "build again");
}

void build_job_release(struct build_job *job)
{
    for (size_t i = 0; i < job->held_count; i++)
        fs_unlock(&job->held[i]);
    qstr_list_release(&job->qstrs);
    strv_release(&job->qstrs_removed);
    buf_release(&job->qstr_mpy);
    free(job->qstr_defs);
    for (size_t i = 0; i < job->copied_count; i++) {
        free(job->copied[i].label);
        free(job->copied[i].path);
        strv_release(&job->copied[i].files);
        strv_release(&job->copied[i].digests);
    }
    free(job->copied);
    frozen_release(&job->frozen);
    evaluation_release(&job->evaluation);
    toolchain_release(&job->toolchain);
    toolchain_release(&job->host);
    port_facts_release(&job->facts);
    strv_release(&job->make_vars);
    strv_release(&job->env);
    board_choice_release(&job->board);
    source_release(&job->source);
    interpreter_free(job->interpreter);
    manifest_free(job->manifest);
    sandbox_release(&job->sandbox);
    key_parts_release(&job->parts);
    key_parts_release(&job->lock);
    mboot_keys_release(&job->keys);
    bootloader_release(&job->bootloader);
    free(job->name);
    free(job->image_dir);
    free(job->dir);
    free(job->work);
    free(job->log_path);
}

static bool load(struct build_job *job, const char *manifest_path)
{
    job->manifest = manifest_load(manifest_path, job->diags);
    if (!job->manifest)
        return false;
    job->name = xasprintf("%s-%s", job->manifest->product, job->manifest->version);
    job->interpreter =
        interpreter_load(job->config->data, job->manifest->firmware.interpreter, job->diags);
    return job->interpreter != NULL;
}

/* ---- phases ---- */

static bool phase_source(struct build_job *job, struct err **err)
{
    event_phase_begin(job->events, "source", "Getting the sources");
    bool ok = build_find_source(job, err);
    _cleanup_free_ char *detail =
        ok ? xasprintf("%s, %.10s", job->source.describe, job->source.commit) : NULL;
    event_phase_end(job->events, "source", ok, detail);
    return ok;
}

static bool phase_toolchain(struct build_job *job)
{
    event_phase_begin(job->events, "toolchain", "Finding the toolchain");
    bool ok = build_find_toolchain(job);
    _cleanup_free_ char *detail =
        ok ? xasprintf("%s %s", job->toolchain.name, job->toolchain.version) : NULL;
    event_phase_end(job->events, "toolchain", ok, detail);
    return ok;
}

static bool phase_frozen(struct build_job *job, struct err **err)
{
    event_phase_begin(job->events, "frozen", "Collecting frozen modules");
    bool ok = build_expand(job, err);
    _cleanup_free_ char *detail =
        ok ? xasprintf("%zu modules, %zu qstrs", job->frozen.count, job->qstrs.names.count) : NULL;
    event_phase_end(job->events, "frozen", ok, detail);
    return ok;
}

static bool check_home(const struct build_job *job, struct err **err)
{
    if (make_can_name(job->config->home))
        return true;
    err_set(err, ERR_FAILED, "MicroPython's makefiles cannot work in %s", job->config->home);
    return err_hint(err, "set FIRN_HOME to a path of letters, digits and /._+-@, alone");
}

/* Without --locked it still says which commit a ref is, until somebody asks anew. */
static bool load_lock(struct build_job *job, const char *manifest_path, struct err **err)
{
    const struct build_options *options = job->options;
    _cleanup_free_ char *path = lock_path(manifest_path);
    if (!options->locked && (options->relock || options->source.refresh))
        return true;
    if (fs_exists(path))
        return lock_read(path, &job->lock, job->diags);
    if (!options->locked)
        return true;
    err_set(err, ERR_FETCH, "there is no lock %s", path);
    return err_hint(err, "firn lock %s writes it", manifest_path);
}

bool build_find_inputs(struct build_job *job, const char *manifest_path, struct err **err)
{
    if (!load(job, manifest_path) || !load_lock(job, manifest_path, err) || !check_home(job, err) ||
        !sandbox_init(&job->sandbox, !job->options->unsandboxed, &job->config->build.limits, err))
        return false;
    if (!phase_source(job, err) || !phase_toolchain(job) || !phase_frozen(job, err))
        return false;
    build_make_key(job);
    if (job->options->locked && !lock_check(&job->lock, &job->parts, manifest_path, err))
        return false;
    job->image_dir = xasprintf("%s/images/%s", job->config->home, job->key);
    return true;
}
