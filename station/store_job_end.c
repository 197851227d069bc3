/* How jobs end, and what becomes of those that waited for them. */
#include "station/store_job.h"

char *store_dependent_reason(int64_t build, enum job_state state)
{
    return state == JOB_DONE
               ? xasprintf("build %lld made no image", (long long)build)
               : xasprintf("build %lld, whose image it was to flash, %s%s", (long long)build,
                           state == JOB_FAILED ? "" : "was ", job_state_name(state));
}

bool store_fail_dependents(struct store *store, int64_t build, enum job_state state,
                           struct err **err)
{
    _cleanup_free_ char *reason = store_dependent_reason(build, state);
    return DB_QUERY(store->db, NULL, err,
                    "UPDATE jobs SET state = 'failed', ended_ms = $2, reason = $3,"
                    " hint = 'build it again, and flash that'"
                    " WHERE waits_for = $1 AND state = 'queued' AND waits_for > 0",
                    db_int(build), db_int(now_ms()), db_text(reason));
}

bool store_tell_dependents(struct store *store, int64_t build, struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err,
                  "SELECT id FROM jobs WHERE waits_for = $1 AND waits_for > 0", db_int(build)))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < rows.count; i++)
        ok = store_add_job_event(store, db_get_int(&rows, i, 0), err);
    db_result_release(&rows);
    return ok;
}

static bool settle_dependents(struct store *store, int64_t build, const struct job_end *end,
                              struct err **err)
{
    if (end->state != JOB_DONE || !end->image)
        return store_fail_dependents(store, build, end->state, err);
    return DB_QUERY(store->db, NULL, err,
                    "UPDATE jobs SET image = $2 WHERE waits_for = $1 AND state = 'queued'"
                    " AND waits_for > 0",
                    db_int(build), db_text(end->image));
}

static bool set_ended(struct store *store, int64_t id, int64_t token, const struct job_end *end,
                      bool *lost, struct err **err)
{
    _cleanup_free_ char *phases = store_json_text(end->phases);
    _cleanup_free_ char *result = store_json_text(end->result);
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err,
                  "UPDATE jobs SET state = $4, exit_status = $5, reason = $6, hint = $7,"
                  " image = coalesce($8, image), phases = coalesce($9, phases), result = $10,"
                  " ended_ms = $11, lease_until = 0"
                  " WHERE id = $1 AND token = $2 AND station = $3 AND state = 'running'",
                  db_int(id), db_int(token), db_text(store->station),
                  db_text(job_state_name(end->state)), db_int(end->exit_status),
                  db_text(end->reason), db_text(end->hint), db_text(end->image), db_text(phases),
                  db_text(result), db_int(now_ms())))
        return false;
    *lost = rows.affected == 0;
    db_result_release(&rows);
    return true;
}

static bool end_job(struct store *store, int64_t id, int64_t token, const struct job_end *end,
                    bool *lost, struct err **err)
{
    if (!set_ended(store, id, token, end, lost, err))
        return false;
    if (*lost)
        return true;
    if (!settle_dependents(store, id, end, err) ||
        (end->image_row && !store_put_image(store, end->image_row, err)) ||
        !store_lock_order(store, err) ||
        !store_add_records(store, end->records, end->record_count, err) ||
        !store_add_job_event(store, id, err) || !store_tell_dependents(store, id, err))
        return false;
    return !end->image_row || store_add_image_event(store, end->image_row->digest, err);
}

bool store_job_end(struct store *store, int64_t id, int64_t token, const struct job_end *end,
                   bool *lost, struct err **err)
{
    return db_begin(store->db, err) &&
           store_end(store, end_job(store, id, token, end, lost, err), err);
}
