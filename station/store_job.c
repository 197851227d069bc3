/* Jobs: accepting, listing, claiming, cancelling. */
#include <string.h>

#include "station/store_job.h"

void job_list_release(struct job_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        job_release(&list->items[i]);
    free(list->items);
    *list = (struct job_list)JOB_LIST_INIT;
}

bool store_job_get(struct store *store, int64_t id, struct job *job, struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err, "SELECT " JOB_COLUMNS_IN_FULL " FROM jobs WHERE id = $1",
                  db_int(id)))
        return false;
    bool there = rows.count > 0;
    if (there) {
        store_take_job(&rows, 0, job);
    } else {
        err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
        err_hint(err, "GET /v1/jobs has all of them");
    }
    db_result_release(&rows);
    return there;
}

/* End a transaction with its job as it is then (if it is wanted): were that read afterwards, the
 * call could fail although it was done. */
static bool end_with_job(struct store *store, bool ok, bool wanted, int64_t id, struct job *job,
                         struct err **err)
{
    bool got = ok && wanted && store_job_get(store, id, job, err);
    bool done = store_end(store, ok && (got || !wanted), err);
    if (got && !done)
        job_release(job);
    return done;
}

bool store_jobs_list(struct store *store, const struct job_filter *filter, struct job_list *list,
                     struct err **err)
{
    _cleanup_(buf_release) struct buf sql = BUF_INIT;
    struct db_value values[6];
    struct db_result rows;
    size_t n = 0;
    values[n++] = db_int(filter->before ? filter->before : INT64_MAX);
    values[n++] = db_int(filter->limit);
    buf_adds(&sql, "SELECT " JOB_COLUMNS " FROM jobs WHERE id < $1");
    if (filter->state >= 0) {
        values[n++] = db_text(job_state_name((enum job_state)filter->state));
        buf_addf(&sql, " AND state = $%zu", n);
    }
    if (filter->kind >= 0) {
        values[n++] = db_text(job_kind_name((enum job_kind)filter->kind));
        buf_addf(&sql, " AND kind = $%zu", n);
    }
    if (filter->product) {
        values[n++] = db_text(filter->product);
        buf_addf(&sql, " AND product = $%zu", n);
    }
    if (filter->station) {
        values[n++] = db_text(filter->station);
        buf_addf(&sql, " AND station = $%zu", n);
    }
    buf_adds(&sql, " ORDER BY id DESC LIMIT $2");
    if (!db_query(store->db, sql.data, values, n, &rows, err))
        return false;
    list->items = xcalloc(rows.count + 1, sizeof(*list->items));
    for (list->count = 0; list->count < rows.count; list->count++)
        store_take_job(&rows, list->count, &list->items[list->count]);
    db_result_release(&rows);
    return true;
}

bool store_job_counts(struct store *store, struct job_counts *counts, struct err **err)
{
    struct db_result rows;
    memset(counts, 0, sizeof(*counts));
    if (!db_query(store->db, "SELECT kind, state, count(*) FROM jobs GROUP BY kind, state", NULL, 0,
                  &rows, err))
        return false;
    for (size_t i = 0; i < rows.count; i++) {
        enum job_kind kind;
        enum job_state state;
        if (job_kind_parse(db_get_text(&rows, i, 0), &kind) &&
            job_state_parse(db_get_text(&rows, i, 1), &state))
            counts->of[kind][state] = db_get_int(&rows, i, 2);
    }
    db_result_release(&rows);
    return true;
}

/* ---- accepting ---- */

/* The first column of the first row; *there: there is one. */
static bool find_int(struct store *store, const char *sql, const struct db_value *values,
                     size_t count, bool *there, int64_t *value, struct err **err)
{
    struct db_result rows;
    if (!db_query(store->db, sql, values, count, &rows, err))
        return false;
    *there = rows.count > 0;
    if (*there)
        *value = db_get_int(&rows, 0, 0);
    db_result_release(&rows);
    return true;
}

/* What this caller's key stands for; *how stays JOB_ADDED if it is new. */
static bool look_up_key(struct store *store, const struct job_request *request, enum job_added *how,
                        int64_t *id, struct err **err)
{
    struct db_result rows;
    if (!request->key)
        return true;
    if (!DB_QUERY(store->db, &rows, err,
                  "SELECT job, request_hash FROM keys WHERE caller = $1 AND key = $2",
                  db_text(request->job->submitted_by), db_text(request->key)))
        return false;
    if (rows.count) {
        bool same = strcmp(db_get_text(&rows, 0, 1), request->request_hash) == 0;
        *how = same ? JOB_REPEATED : JOB_KEY_REUSED;
        *id = db_get_int(&rows, 0, 0);
    }
    db_result_release(&rows);
    return true;
}

static bool look_for_same(struct store *store, const struct job *job, enum job_added *how,
                          int64_t *id, struct err **err)
{
    const struct db_value values[] = {db_text(job_kind_name(job->kind)), db_text(job->product),
                                      db_text(job->bundle)};
    bool there = false;
    if (job->kind == JOB_FLASH)
        return true;
    if (!find_int(store,
                  "SELECT id FROM jobs WHERE product = $2 AND kind = $1 AND bundle = $3"
                  " AND state IN ('queued', 'running') AND cancel_requested = 0"
                  " ORDER BY id LIMIT 1",
                  values, ARRAY_SIZE(values), &there, id, err))
        return false;
    if (there)
        *how = JOB_SAME;
    return true;
}

static bool look_for_room(struct store *store, int64_t max, enum job_added *how, struct err **err)
{
    const struct db_value values[] = {db_int(max)};
    int64_t count = 0;
    bool there;
    if (!find_int(store,
                  "SELECT count(*) FROM (SELECT 1 AS one FROM jobs WHERE state = 'queued'"
                  " LIMIT $1) AS waiting",
                  values, 1, &there, &count, err))
        return false;
    if (count >= max)
        *how = JOB_QUEUE_FULL;
    return true;
}

/* A flash of what a build makes: the build may be over already. It does not end between this and
 * the commit: who ends it would not see the flash that waits. */
static bool look_at_build(struct store *store, struct job *job, struct err **err)
{
    struct job build;
    if (!job->waits_for)
        return true;
    if ((store_is_shared(store) &&
         !DB_QUERY(store->db, NULL, err, "SELECT 1 FROM jobs WHERE id = $1 FOR SHARE",
                   db_int(job->waits_for))) ||
        !store_job_get(store, job->waits_for, &build, err))
        return false;
    if (build.state == JOB_DONE && build.image) {
        if (!job->image)
            job->image = xstrdup(build.image);
    } else if (job_has_ended(build.state)) {
        job->state = JOB_FAILED;
        job->ended_ms = job->submitted_ms;
        job->reason = store_dependent_reason(job->waits_for, build.state);
    }
    job_release(&build);
    return true;
}

static bool insert(struct store *store, const struct job *job, int64_t *id, struct err **err)
{
    const struct db_value values[] = {
        db_text(job_kind_name(job->kind)),
        db_text(job_state_name(job->state)),
        db_text(job->product),
        db_text(job->bundle),
        db_text(job->image),
        db_text(job->path),
        db_int(job->waits_for),
        db_int(job->retry_of),
        db_int(job->priority),
        db_int((int64_t)job->need_memory),
        db_int(job->need_cores),
        db_text(job->station),
        db_text(job->submitted_by),
        db_int(job->submitted_ms),
        db_int(job->ended_ms),
        db_text(job->reason),
    };
    bool there;
    return find_int(store,
                    "INSERT INTO jobs (kind, state, product, bundle, image, path, waits_for,"
                    " retry_of, priority, need_memory, need_cores, station, submitted_by, attempt,"
                    " token, lease_until, cancel_requested, submitted_ms, started_ms, ended_ms,"
                    " exit_status, reason, phases) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
                    " $10, $11, $12, $13, 0, 0, 0, 0, $14, 0, $15, -1, $16, '[]') RETURNING id",
                    values, ARRAY_SIZE(values), &there, id, err);
}

static bool add_new(struct store *store, const struct job_request *request, int64_t *id,
                    struct err **err)
{
    struct job job;
    job_copy(&job, request->job);
    job.state = JOB_QUEUED;
    job.ended_ms = 0;
    free(job.reason);
    job.reason = NULL;
    /* A build's image is what it will make; one that is retried has made none. */
    if (job.kind != JOB_FLASH) {
        free(job.image);
        job.image = NULL;
        free(job.station);
        job.station = NULL;
    }
    bool ok = look_at_build(store, &job, err) && insert(store, &job, id, err) &&
              store_lock_order(store, err) && store_add_job_event(store, *id, err);
    job_release(&job);
    return ok;
}

static bool remember_key(struct store *store, const struct job_request *request, int64_t id,
                         struct err **err)
{
    return !request->key ||
           DB_QUERY(store->db, NULL, err, "INSERT INTO keys VALUES ($1, $2, $3, $4, $5)",
                    db_text(request->job->submitted_by), db_text(request->key),
                    db_text(request->request_hash), db_int(id), db_int(now_ms()));
}

static bool add(struct store *store, const struct job_request *request, enum job_added *how,
                int64_t *id, struct err **err)
{
    *how = JOB_ADDED;
    if (!store_lock_queue(store, err) || !look_up_key(store, request, how, id, err))
        return false;
    if (*how != JOB_ADDED)
        return true;
    if (!look_for_same(store, request->job, how, id, err))
        return false;
    if (*how == JOB_SAME)
        return remember_key(store, request, *id, err);
    if (!look_for_room(store, request->queue_max, how, err))
        return false;
    return *how == JOB_QUEUE_FULL ||
           (add_new(store, request, id, err) && remember_key(store, request, *id, err));
}

bool store_job_add(struct store *store, const struct job_request *request, enum job_added *how,
                   struct job *job, struct err **err)
{
    int64_t id = 0;
    if (!db_begin(store->db, err))
        return false;
    bool ok = add(store, request, how, &id, err);
    return end_with_job(store, ok, *how != JOB_KEY_REUSED && *how != JOB_QUEUE_FULL, id, job, err);
}

/* ---- claiming ---- */

#define FIRST " ORDER BY priority DESC, id LIMIT 1"

static const char next_build[] =
    "SELECT " JOB_COLUMNS " FROM jobs WHERE state = 'queued' AND kind = $1" FIRST;
static const char next_flash[] =
    "SELECT " JOB_COLUMNS " FROM jobs WHERE state = 'queued' AND kind = $1 AND station = $2"
    " AND (waits_for = 0 OR image IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM jobs AS other"
    " WHERE other.state = 'running' AND other.kind = 'flash' AND other.station = $2"
    " AND (other.path IS NULL OR jobs.path IS NULL OR other.path = jobs.path))" FIRST;

static bool select_next(struct store *store, enum job_kind kind, bool *there, struct job *job,
                        struct err **err)
{
    const struct db_value values[] = {db_text(job_kind_name(kind)), db_text(store->station)};
    struct db_result rows;
    _cleanup_free_ char *sql =
        xasprintf("%s%s", kind == JOB_FLASH ? next_flash : next_build,
                  store_is_shared(store) ? " FOR UPDATE OF jobs SKIP LOCKED" : "");
    if (!db_query(store->db, sql, values, kind == JOB_FLASH ? 2 : 1, &rows, err))
        return false;
    *there = rows.count > 0;
    if (*there)
        store_take_job(&rows, 0, job);
    db_result_release(&rows);
    return true;
}

static bool set_claimed(struct store *store, int64_t id, int64_t lease_ms, struct err **err)
{
    int64_t clock;
    return store_clock(store, &clock, err) &&
           DB_QUERY(store->db, NULL, err,
                    "UPDATE jobs SET state = 'running', station = $2, attempt = attempt + 1,"
                    " token = token + 1, lease_until = $3, cancel_requested = 0, started_ms = $4"
                    " WHERE id = $1",
                    db_int(id), db_text(store->station), db_int(clock + lease_ms),
                    db_int(now_ms())) &&
           store_lock_order(store, err) && store_add_job_event(store, id, err);
}

bool store_job_claim(struct store *store, enum job_kind kind, int64_t lease_ms,
                     bool (*fits)(void *data, const struct job *job), void *data, bool *got,
                     struct job *job, struct err **err)
{
    struct job next;
    bool there = false;
    *got = false;
    if (!db_begin(store->db, err))
        return false;
    bool ok = select_next(store, kind, &there, &next, err);
    if (!ok || !there) {
        db_rollback(store->db);
        return ok;
    }
    int64_t id = next.id;
    bool fit = !fits || fits(data, &next);
    job_release(&next);
    if (!fit) {
        db_rollback(store->db);
        return true;
    }
    *got = end_with_job(store, set_claimed(store, id, lease_ms, err), true, id, job, err);
    return *got;
}

/* ---- cancelling ---- */

static bool cancel(struct store *store, int64_t id, bool *done, struct err **err)
{
    struct db_result rows;
    *done = false;
    if (!DB_QUERY(store->db, &rows, err,
                  "UPDATE jobs SET cancel_requested = 1,"
                  " state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,"
                  " ended_ms = CASE state WHEN 'queued' THEN $2 ELSE ended_ms END"
                  " WHERE id = $1 AND state IN ('queued', 'running') RETURNING state",
                  db_int(id), db_int(now_ms())))
        return false;
    *done = rows.count > 0;
    bool over = *done && strcmp(db_get_text(&rows, 0, 0), "cancelled") == 0;
    db_result_release(&rows);
    if (over && !store_fail_dependents(store, id, JOB_CANCELLED, err))
        return false;
    return !*done || (store_lock_order(store, err) && store_add_job_event(store, id, err) &&
                      store_tell_dependents(store, id, err));
}

bool store_job_cancel(struct store *store, int64_t id, bool *done, struct job *job,
                      struct err **err)
{
    return db_begin(store->db, err) &&
           end_with_job(store, cancel(store, id, done, err), true, id, job, err);
}
