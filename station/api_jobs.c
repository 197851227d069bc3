/* /v1/jobs: what there is, and what is to be done. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "station/api.h"
#include "station/catalogue.h"
#include "station/child.h"
#include "station/runner.h"
#include "station/scheduler.h"
#include "station/submit.h"

/* With where it is, if it runs here; or why it waits. */
static json_t *show(struct station *station, const struct job *job, bool in_full)
{
    const json_t *phases = NULL;
    const json_t *phase = runner_phase(station->runner, job->id, &phases);
    json_t *json = job_to_json(job, phase, in_full);
    if (in_full && phases)
        json_object_set_new(json, "phases", json_deep_copy(phases));
    if (job->state == JOB_QUEUED) {
        _cleanup_free_ char *why = scheduler_waits_for(station->scheduler, job);
        json_object_set_new(json, "reason", json_text(why));
    }
    return json;
}

/* ?state=running ... *value is -1 without it. */
static bool take_name(const struct http_request *request, struct http_response *r, const char *key,
                      bool (*parse)(const char *name, int *value), int *value)
{
    const char *given = http_query(request, key);
    *value = -1;
    if (!given || !*given || parse(given, value))
        return true;
    http_problem(r, 400, "unknown-value", "docs/api.md has the values", "%s=%s: there is none", key,
                 given);
    return false;
}

static bool parse_state(const char *name, int *value)
{
    enum job_state state;
    if (!job_state_parse(name, &state))
        return false;
    *value = (int)state;
    return true;
}

static bool parse_kind(const char *name, int *value)
{
    enum job_kind kind;
    if (!job_kind_parse(name, &kind))
        return false;
    *value = (int)kind;
    return true;
}

HANDLER(api_jobs_list)
{
    struct station *station = app;
    struct job_filter filter = {.product = http_query(request, "product")};
    _cleanup_(job_list_release) struct job_list list = JOB_LIST_INIT;
    struct err *err = NULL;
    int64_t limit = 50;
    char next[32];
    if (!take_name(request, r, "state", parse_state, &filter.state) ||
        !take_name(request, r, "kind", parse_kind, &filter.kind) ||
        !http_query_int(request, r, "limit", 1, 500, &limit) ||
        !http_query_int(request, r, "cursor", 1, INT64_MAX, &filter.before))
        return;
    filter.limit = (int)limit;
    if (filter.product && !*filter.product)
        filter.product = NULL;
    if (!store_jobs_list(station->store, &filter, &list, &err)) {
        api_error(app, r, &err);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(items, show(station, &list.items[i], false));
    if (list.count)
        snprintf(next, sizeof(next), "%lld", (long long)list.items[list.count - 1].id);
    api_list(r, items, list.count == (size_t)limit ? next : NULL);
}

static bool get_job(struct station *station, const struct http_request *request,
                    struct http_response *r, struct job *job)
{
    struct err *err = NULL;
    int64_t id;
    if (!api_id(request, r, &id))
        return false;
    if (store_job_get(station->store, id, job, &err))
        return true;
    api_error(station, r, &err);
    return false;
}

HANDLER(api_job_get)
{
    struct job job;
    if (!get_job(app, request, r, &job))
        return;
    http_json_etag(request, r, show(app, &job, true));
    job_release(&job);
}

/* ---- making them ---- */

static bool flash_of_job(struct station *station, int64_t id, struct job *job,
                         struct http_response *r)
{
    struct err *err = NULL;
    struct job build;
    if (!store_job_get(station->store, id, &build, &err)) {
        api_error(station, r, &err);
        return false;
    }
    bool may_come = build.state == JOB_QUEUED || build.state == JOB_RUNNING ||
                    (build.state == JOB_DONE && build.image);
    bool ok = build.kind == JOB_BUILD && may_come;
    if (ok) {
        job->product = build.product ? xstrdup(build.product) : NULL;
        job->waits_for = id;
        if (build.state == JOB_DONE)
            job->image = xstrdup(build.image);
    } else {
        http_problem(r, 409, "no-image", "build it again, and flash that",
                     "job %lld (%s, %s) makes no image", (long long)id, job_kind_name(build.kind),
                     job_state_name(build.state));
    }
    job_release(&build);
    return ok;
}

static bool flash_of_image(struct station *station, const char *digest, struct job *job,
                           struct http_response *r)
{
    struct err *err = NULL;
    struct image_row image;
    if (!store_image_get(station->store, digest, &image, &err)) {
        api_error(station, r, &err);
        return false;
    }
    bool here = image.here && strcmp(image.station, station->settings->name) == 0;
    if (here) {
        job->product = xstrdup(image.product);
        job->image = xstrdup(digest);
    } else {
        http_problem(r, 409, "not-here", "build it again here: the same image comes out",
                     "the files of image %.12s are not at %s", digest, station->settings->name);
    }
    image_row_release(&image);
    return here;
}

static bool make_flash(struct station *station, const struct http_request *request,
                       struct http_response *r, struct job *job)
{
    const char *image, *path;
    int64_t build = 0;
    if (!api_text(request, r, "image", &image) || !api_text(request, r, "path", &path) ||
        !api_int(request, r, "job", 1, INT64_MAX, &build))
        return false;
    if (!image == !build) {
        http_problem(r, 400, "which-image", "send either \"image\" or \"job\"",
                     "a flash is of an image, or of what a build makes");
        return false;
    }
    if (path && (!*path || strspn(path, "0123456789-.") != strlen(path) || strlen(path) > 64)) {
        http_problem(r, 400, "wrong-port", "GET /v1/devices has the ports", "'%s' is no USB port",
                     path);
        return false;
    }
    job->kind = JOB_FLASH;
    job->path = path ? xstrdup(path) : NULL;
    job->station = xstrdup(station->settings->name);
    job->submitted_ms = now_ms();
    return image ? flash_of_image(station, image, job, r) : flash_of_job(station, build, job, r);
}

static bool make_build(struct station *station, const struct http_request *request,
                       struct http_response *r, enum job_kind kind, struct job *job)
{
    const char *product;
    struct err *err = NULL;
    if (!api_text(request, r, "product", &product))
        return false;
    if (!product) {
        http_problem(r, 400, "which-product", "GET /v1/products has all of them",
                     "a build is of a product");
        return false;
    }
    struct job made;
    if (catalogue_job(station->catalogue, product, kind, &made, &err)) {
        job_release(job);
        *job = made;
        return true;
    }
    if (err->code == ERR_MANIFEST) {
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        err_add_message(err, &text);
        http_problem(r, 409, "not-valid", err_get_hint(err), "%s", text.data);
        err_free(err);
    } else {
        api_error(station, r, &err);
    }
    return false;
}

static bool make_job(struct station *station, const struct http_request *request,
                     struct http_response *r, struct job *job)
{
    static const char *const of_build[] = {"kind", "product", "priority", NULL};
    static const char *const of_flash[] = {"kind", "image", "job", "path", "priority", NULL};
    const char *name;
    enum job_kind kind;
    if (!api_text(request, r, "kind", &name))
        return false;
    if (!name || !job_kind_parse(name, &kind)) {
        http_problem(r, 400, "unknown-kind", "\"kind\" is build, flash or follow",
                     "there is no such kind of job");
        return false;
    }
    if (!api_only_keys(request, r, kind == JOB_FLASH ? of_flash : of_build))
        return false;
    return kind == JOB_FLASH ? make_flash(station, request, r, job)
                             : make_build(station, request, r, kind, job);
}

/* What became of it; `how` and the job are store_job_add()'s. */
static void answer_added(struct station *station, struct http_response *r, enum job_added how,
                         const struct job *added)
{
    if (how == JOB_KEY_REUSED) {
        http_problem(r, 422, "key-reused", "choose another Idempotency-Key for another request",
                     "this Idempotency-Key was used for another request");
        return;
    }
    if (how == JOB_QUEUE_FULL) {
        http_add_header(r, "Retry-After", "60");
        http_problem(r, 429, "queue-full", "wait until some are done, or cancel some",
                     "%lld jobs are queued already", (long long)station->settings->queue_max);
        return;
    }
    json_t *json = show(station, added, true);
    if (how == JOB_SAME)
        json_object_set_new(json, "deduplicated", json_true());
    http_add_header(r, "Location", "/v1/jobs/%lld", (long long)added->id);
    http_json(r, 202, json);
}

static bool take_key(const struct http_request *request, struct http_response *r, const char **key)
{
    *key = http_header(request, "Idempotency-Key");
    size_t len = *key ? strlen(*key) : 1;
    bool ok = len >= 1 && len <= 128;
    for (const char *at = *key; ok && at && *at; at++)
        ok = *at >= 0x20 && *at < 0x7f;
    if (!ok)
        http_problem(r, 400, "wrong-key", "send 1 to 128 printable ASCII characters",
                     "this is no Idempotency-Key");
    return ok;
}

/* Adds and answers. */
static void add_job(struct station *station, const struct http_request *request,
                    struct http_response *r, struct job *job)
{
    struct err *err = NULL;
    struct job added;
    enum job_added how;
    const char *key;
    char hash[HASH_HEX_SIZE];
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!take_key(request, r, &key))
        return;
    job->submitted_by = xstrdup(request->who.name);
    buf_addf(&text, "%s\n", request->path);
    buf_add(&text, request->body, request->body_len);
    hash_bytes(text.data, text.len, hash);
    if (!submit_job(station, job, key, hash, &how, &added, &err)) {
        api_error(station, r, &err);
        return;
    }
    answer_added(station, r, how, &added);
    if (how != JOB_KEY_REUSED && how != JOB_QUEUE_FULL)
        job_release(&added);
}

HANDLER(api_job_post)
{
    int64_t priority = 0;
    struct job job;
    if (api_refuses(app, r))
        return;
    job_init(&job);
    if (make_job(app, request, r, &job) &&
        api_int(request, r, "priority", JOB_PRIORITY_MIN, JOB_PRIORITY_MAX, &priority)) {
        job.priority = (int)priority;
        add_job(app, request, r, &job);
    }
    job_release(&job);
}

HANDLER(api_job_retry)
{
    struct job old, job;
    if (api_refuses(app, r) || !get_job(app, request, r, &old))
        return;
    if (!job_has_ended(old.state) || old.state == JOB_DONE) {
        http_problem(r, 409, "not-over",
                     old.state == JOB_DONE ? "to do it once more, submit it as a new job"
                                           : "cancel it first",
                     "job %lld is %s: there is nothing to retry", (long long)old.id,
                     job_state_name(old.state));
        job_release(&old);
        return;
    }
    job_copy(&job, &old);
    job.retry_of = old.id;
    job.submitted_ms = now_ms();
    free(job.submitted_by);
    job.submitted_by = NULL;
    add_job(app, request, r, &job);
    job_release(&job);
    job_release(&old);
}

HANDLER(api_job_cancel)
{
    struct station *station = app;
    struct err *err = NULL;
    struct job job;
    int64_t id;
    bool done;
    if (!api_id(request, r, &id))
        return;
    if (!store_job_cancel(station->store, id, &done, &job, &err)) {
        api_error(app, r, &err);
        return;
    }
    if (done) {
        runner_cancel(station->runner, id);
        station_changed(station);
        scheduler_kick(station->scheduler);
        http_json(r, 202, show(station, &job, true));
    } else {
        http_problem(r, 409, "over", "nothing is to be done", "job %lld is %s already",
                     (long long)id, job_state_name(job.state));
    }
    job_release(&job);
}

/* ---- what they said ---- */

static void send_file(struct station *station, const struct http_request *request,
                      struct http_response *r, const char *name, const char *type)
{
    struct job job;
    if (!get_job(station, request, r, &job))
        return;
    _cleanup_free_ char *dir = runner_dir(station, job.id);
    _cleanup_free_ char *path = path_join(dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        http_file(request, r, fd, type, NULL);
    else if (errno != ENOENT)
        http_problem(r, 500, "unreadable", "look at the daemon's journal", "%s cannot be read",
                     path);
    else if (!job_has_ended(job.state))
        http_text(r, 200, type, "", 0);
    else
        http_problem(r, 404, "log-gone", "its records are kept: GET /v1/records",
                     "the log of job %lld was cleaned away, or is at station %s", (long long)job.id,
                     job.station ? job.station : "none");
    job_release(&job);
}

HANDLER(api_job_log)
{
    send_file(app, request, r, CHILD_LOG, "text/plain; charset=utf-8");
}

HANDLER(api_job_events)
{
    send_file(app, request, r, CHILD_EVENTS, "application/jsonl");
}
