#include "station/submit.h"

#include <syslog.h>

#include "station/catalogue.h"
#include "station/scheduler.h"

bool submit_job(struct station *station, const struct job *job, const char *key,
                const char *request_hash, enum job_added *how, struct job *added, struct err **err)
{
    _cleanup_free_ char *refusal = station_refuses(station);
    struct job_request request = {job, key, request_hash, station->settings->queue_max};
    if (refusal)
        return err_set(err, ERR_FAILED, "no new work is taken: %s", refusal);
    if (!store_job_add(station->store, &request, how, added, err))
        return false;
    if (*how == JOB_ADDED) {
        station_changed(station);
        scheduler_kick(station->scheduler);
    }
    return true;
}

static void submit_by_itself(struct station *station, const char *product, enum job_kind kind,
                             const char *by)
{
    struct err *err = NULL;
    struct job job, added;
    enum job_added how = JOB_QUEUE_FULL;
    if (!catalogue_job(station->catalogue, product, kind, &job, &err)) {
        err_free(err);
        return;
    }
    job.submitted_by = xstrdup(by);
    if (!submit_job(station, &job, NULL, NULL, &how, &added, &err)) {
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        err_add_message(err, &text);
        station_log(LOG_WARNING, "%s of %s is not queued: %s", job_kind_name(kind), product,
                    text.data);
        err_free(err);
    } else if (how == JOB_QUEUE_FULL) {
        station_log(LOG_WARNING, "%s of %s is not queued: the queue is full", job_kind_name(kind),
                    product);
    } else {
        job_release(&added);
    }
    job_release(&job);
}

void submit_build(struct station *station, const char *product, const char *by)
{
    submit_by_itself(station, product, JOB_BUILD, by);
}

void submit_follow(struct station *station, const char *product)
{
    submit_by_itself(station, product, JOB_FOLLOW, "follow");
}
