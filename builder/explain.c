#include "builder/explain.h"

#include <stdlib.h>

#include "base/fs.h"
#include "builder/base_build.h"

/* The base's own time if it is there, else that of the last one. */
static bool look_at_base(const struct build_job *job, const char *key, struct explanation *x)
{
    _cleanup_(base_release) struct base base = BASE_INIT;
    _cleanup_free_ char *dir = xasprintf("%s/bases/%s", job->config->home, key);
    if (!key[0] || !base_load(dir, &base))
        return false;
    x->base_seconds = base.seconds;
    return base.usable;
}

static enum explain_cost cost_of(const struct build_job *job, struct explanation *x)
{
    bool usable = look_at_base(job, job->base_key, x);
    if (!x->base_seconds && x->built_before)
        (void)look_at_base(job, x->last.base_key, x);
    if (fs_is_dir(job->image_dir))
        return EXPLAIN_NOTHING;
    return usable && job->sandbox.on ? EXPLAIN_PRODUCT : EXPLAIN_BASE;
}

bool explain_build(const char *manifest_path, const struct config *config,
                   const struct build_options *options, struct events *events,
                   struct explanation *x, struct diags *diags, struct err **err)
{
    _cleanup_(build_job_release) struct build_job job =
        build_job_init(config, options, events, diags);
    if (!build_find_inputs(&job, manifest_path, err))
        return false;
    x->product = xasprintf("%s %s", job.manifest->product, job.manifest->version);
    x->built_before = last_build_read(config, manifest_path, &x->last);
    x->cost = cost_of(&job, x);
    x->parts = job.parts;
    job.parts = (struct key_parts)KEY_PARTS_INIT;
    if (x->built_before)
        key_compare(&x->last.parts, &x->parts, &x->changes, &x->change_count);
    return true;
}

void explanation_release(struct explanation *x)
{
    free(x->product);
    free(x->changes);
    last_build_release(&x->last);
    key_parts_release(&x->parts);
    *x = (struct explanation)EXPLANATION_INIT;
}
