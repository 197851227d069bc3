/* What a build would have to do, for whoever schedules many of them. */
#include <string.h>

#include "base/fs.h"
#include "builder/base_build.h"
#include "builder/bootloader_build.h"
#include "builder/build_job.h"

enum build_cost build_cost_on_base(const struct config *config, const char *base_key)
{
    _cleanup_(base_release) struct base base = BASE_INIT;
    _cleanup_free_ char *dir = xasprintf("%s/bases/%s", config->home, base_key);
    if (!base_load(dir, &base))
        return BUILD_COST_BASE;
    return base.usable ? BUILD_COST_PRODUCT : BUILD_COST_ALONE;
}

/* As build.c decides it. */
enum build_cost build_cost_of(const struct build_job *job)
{
    if (fs_is_dir(job->image_dir))
        return BUILD_COST_NOTHING;
    if (!job->sandbox.on || !job->board.port->frozen || job->options->no_base)
        return BUILD_COST_ALONE;
    return build_cost_on_base(job->config, job->base_key);
}

bool build_lacks_bootloader(const struct build_job *job)
{
    return manifest_has_bootloader(job->manifest) && !fs_is_dir(job->image_dir) &&
           !bootloader_is_there(job);
}

bool build_plan(const char *manifest_path, const struct config *config,
                const struct build_options *options, struct events *events, struct build_plan *plan,
                struct diags *diags, struct err **err)
{
    _cleanup_(build_job_release) struct build_job job =
        build_job_init(config, options, events, diags);
    bool ok = build_find_inputs(&job, manifest_path, err);
    if (options->inputs)
        input_list_collect(options->inputs, &job, manifest_path);
    if (!ok)
        return false;
    memcpy(plan->key, job.key, sizeof(plan->key));
    memcpy(plan->base_key, job.base_key, sizeof(plan->base_key));
    plan->cost = build_cost_of(&job);
    plan->bootloader = build_lacks_bootloader(&job);
    return true;
}
