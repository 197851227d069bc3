#include "builder/explain.h"

#include <stdlib.h>

#include "builder/base_build.h"
#include "builder/bootloader_build.h"

/* What making a base took; 0 = it is not there. */
static double seconds_of(const struct config *config, const char *key)
{
    _cleanup_(base_release) struct base base = BASE_INIT;
    _cleanup_free_ char *dir = xasprintf("%s/bases/%s", config->home, key);
    return key[0] && base_load(dir, &base) ? base.seconds : 0;
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
    x->cost = build_cost_of(&job);
    x->base_seconds = seconds_of(config, job.base_key);
    if (x->base_seconds == 0)
        x->base_seconds = seconds_of(config, x->last.base_key);
    if (build_lacks_bootloader(&job))
        x->bootloader = xstrdup(job.board.port->bootloader->name);
    x->bootloader_seconds = bootloader_seconds(config, x->last.bootloader_key);
    x->parts = job.parts;
    job.parts = (struct key_parts)KEY_PARTS_INIT;
    if (x->built_before)
        key_compare(&x->last.parts, &x->parts, &x->changes, &x->change_count);
    return true;
}

void explanation_release(struct explanation *x)
{
    free(x->product);
    free(x->bootloader);
    free(x->changes);
    last_build_release(&x->last);
    key_parts_release(&x->parts);
    *x = (struct explanation)EXPLANATION_INIT;
}
