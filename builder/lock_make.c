#include "builder/lock_make.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "builder/last_build.h"
#include "builder/lock_name.h"

static bool is_covered(const char *part, const char *name)
{
    return !name || lock_name_covers(name, part);
}

static void describe(const struct key_change *change, struct strv *changes)
{
    _cleanup_free_ char *before = change->before ? key_shown(change->before) : NULL;
    _cleanup_free_ char *now = change->now ? key_shown(change->now) : NULL;
    if (!before)
        strv_addf(changes, "%s: new, %s", change->name, now);
    else if (!now)
        strv_addf(changes, "%s: gone", change->name);
    else
        strv_addf(changes, "%s: %s -> %s", change->name, before, now);
}

/* May the old lock be replaced by this? */
static bool check_changes(const struct key_change *changes, size_t count,
                          const struct lock_update *update, const char *manifest_path,
                          struct lock_result *result, struct err **err)
{
    for (size_t i = 0; i < count; i++) {
        const struct key_change *change = &changes[i];
        if (change->scope == KEY_HOST)
            continue;
        describe(change, &result->changes);
        if (update->update && is_covered(change->name, update->name))
            continue;
        err_set(err, ERR_FETCH, "%s differs: %s", result->path,
                result->changes.items[result->changes.count - 1]);
        return lock_hint(change->name, manifest_path, err);
    }
    result->unchanged = result->changes.count == 0;
    return true;
}

static bool any_named(const struct key_parts *parts, const char *name)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->items[i].scope != KEY_HOST && is_covered(parts->items[i].name, name))
            return true;
    }
    return false;
}

static bool compare_with_old(const struct build_job *job, const struct lock_update *update,
                             const char *manifest_path, struct lock_result *result,
                             struct err **err)
{
    _cleanup_(key_parts_release) struct key_parts old = KEY_PARTS_INIT;
    _cleanup_free_ struct key_change *changes = NULL;
    size_t count;
    if (!fs_exists(result->path))
        return true;
    if (!lock_read(result->path, &old, job->diags))
        return false;
    if (update->name && !any_named(&old, update->name) && !any_named(&job->parts, update->name))
        return err_set(err, ERR_USAGE, "nothing that is locked is called '%s'", update->name);
    key_compare(&old, &job->parts, &changes, &count);
    return check_changes(changes, count, update, manifest_path, result, err);
}

bool lock_make(const char *manifest_path, const struct config *config,
               const struct build_options *options, const struct lock_update *update,
               struct events *events, struct lock_result *result, struct diags *diags,
               struct err **err)
{
    struct build_options asked = *options;
    asked.relock = update->update && is_covered("source commit", update->name);
    asked.source.refresh = asked.relock && !asked.source.offline;
    _cleanup_(build_job_release) struct build_job job =
        build_job_init(config, &asked, events, diags);
    if (!build_find_inputs(&job, manifest_path, err))
        return false;
    result->path = lock_path(manifest_path);
    result->commit = xstrdup(job.source.commit);
    for (size_t i = 0; i < job.parts.count; i++)
        result->inputs += job.parts.items[i].scope != KEY_HOST;
    return compare_with_old(&job, update, manifest_path, result, err) &&
           (result->unchanged || lock_write(manifest_path, &job.parts, err));
}

void lock_result_release(struct lock_result *result)
{
    free(result->path);
    free(result->commit);
    strv_release(&result->changes);
    *result = (struct lock_result)LOCK_RESULT_INIT;
}
