#include "station/work.h"

#include <limits.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fs.h"
#include "station/runner.h"

#define WORK "work" /* in the job's directory: a link to where it works */

bool work_prepare(struct station *station, const struct job *job, const char *dir,
                  struct strv *argv, char **cwd, struct err **err)
{
    strv_add(argv, station->settings->firn);
    if (job->kind == JOB_FLASH)
        return work_flash_prepare(station, job, dir, argv, cwd, err);
    return work_build_prepare(station, job, dir, argv, cwd, err);
}

bool work_finish(struct station *station, const struct work_end *end, struct work_outcome *outcome,
                 struct err **err)
{
    return end->job->kind != JOB_BUILD || work_build_finish(station, end, outcome, err);
}

/* ---- records ---- */

static json_t *common_record(const struct work_end *end, const struct job_end *how)
{
    const struct job *job = end->job;
    json_t *body = json_object();
    json_object_set_new(body, "job", json_integer((json_int_t)job->id));
    json_object_set_new(body, "product", json_text(job->product));
    json_object_set_new(body, "state", json_string(job_state_name(how->state)));
    json_object_set_new(body, "exit",
                        how->exit_status < 0 ? json_null() : json_integer(how->exit_status));
    json_object_set_new(body, "reason", json_text(how->reason));
    json_object_set_new(body, "submitted_by", json_text(job->submitted_by));
    json_object_set_new(body, "submitted_at", json_time(job->submitted_ms));
    json_object_set_new(body, "started_at", json_time(job->started_ms));
    json_object_set_new(body, "station", json_text(job->station));
    json_object_set_new(body, "attempt", json_integer(job->attempt));
    json_object_set_new(body, "image", json_text(how->image ? how->image : job->image));
    json_object_set_new(body, "phases", json_deep_copy(end->phases));
    return body;
}

void work_record(const struct work_end *end, const struct job_end *how,
                 struct work_outcome *outcome)
{
    if (end->job->kind == JOB_FOLLOW)
        return;
    json_t *body = common_record(end, how);
    if (end->job->kind == JOB_FLASH) {
        work_flash_record(end, body);
    } else {
        json_object_set_new(body, "bundle", json_text(end->job->bundle));
        json_object_set_new(body, "log", json_sprintf("jobs/%lld", (long long)end->job->id));
        work_build_record(outcome, body);
    }
    outcome->records[outcome->record_count++] =
        (struct record_new){job_kind_name(end->job->kind), body};
}

void work_outcome_release(struct work_outcome *outcome)
{
    for (size_t i = 0; i < outcome->record_count; i++)
        json_decref(outcome->records[i].body);
    if (outcome->has_image)
        image_row_release(&outcome->image);
}

char *work_image_dir(const struct station *station, const char *digest)
{
    return xasprintf("%s/images/%s", station->dir, digest);
}

/* ---- cleaning ---- */

/* Where a job works: what its link leads to; yours, or NULL. */
static char *work_of(const char *dir)
{
    char target[PATH_MAX];
    _cleanup_free_ char *link = path_join(dir, WORK);
    ssize_t len = readlink(link, target, sizeof(target) - 1);
    if (len <= 0)
        return NULL;
    target[len] = '\0';
    return xstrdup(target);
}

static void remove_quietly(const char *path)
{
    struct err *err = NULL;
    if (!fs_remove_tree(path, &err))
        station_log(LOG_WARNING, "cannot remove %s", path);
    err_free(err);
}

void work_clean(const char *dir)
{
    _cleanup_free_ char *work = work_of(dir);
    _cleanup_free_ char *link = path_join(dir, WORK);
    _cleanup_free_ char *out = path_join(dir, "out");
    if (work)
        remove_quietly(work);
    unlink(link);
    remove_quietly(out);
}

static bool is_used(const struct strv *used, const char *parent, const char *name)
{
    _cleanup_free_ char *path = path_join(parent, name);
    return strv_contains(used, path);
}

void work_clean_leftovers(const struct station *station)
{
    _cleanup_free_ char *parent = path_join(station->dir, WORK);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(strv_release) struct strv used = STRV_INIT;
    struct err *err = NULL;
    if (!fs_is_dir(parent) || !fs_list(parent, &names, &err)) {
        err_free(err);
        return;
    }
    runner_each_dir(station->runner, &used);
    for (size_t i = 0; i < used.count; i++) {
        char *work = work_of(used.items[i]);
        free(used.items[i]);
        used.items[i] = work ? work : xstrdup("");
    }
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(parent, names.items[i]);
        if (!is_used(&used, parent, names.items[i]))
            remove_quietly(path);
    }
}
