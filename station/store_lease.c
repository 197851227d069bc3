/* Leases: who runs a job, and until when that is believed. */
#include <string.h>

#include "station/store_job.h"

#define ATTEMPTS_MAX 2 /* a build that took two daemons down does not get a third */

bool store_leases_renew(struct store *store, int64_t lease_ms, struct lease **held, size_t *count,
                        struct err **err)
{
    struct db_result rows;
    int64_t clock;
    if (!store_clock(store, &clock, err) ||
        !DB_QUERY(store->db, &rows, err,
                  "UPDATE jobs SET lease_until = $1 WHERE state = 'running' AND station = $2"
                  " RETURNING id, token, cancel_requested",
                  db_int(clock + lease_ms), db_text(store->station)))
        return false;
    *held = xcalloc(rows.count + 1, sizeof(**held));
    *count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*held)[i] = (struct lease){db_get_int(&rows, i, 0), db_get_int(&rows, i, 1),
                                    db_get_int(&rows, i, 2) != 0};
    db_result_release(&rows);
    return true;
}

/* ---- of daemons that are gone ---- */

/* What becomes of one of them. */
static enum job_state fate(const struct db_result *rows, size_t row)
{
    bool flash = strcmp(db_get_text(rows, row, 1), "flash") == 0;
    if (flash)
        return JOB_INTERRUPTED; /* nobody knows how much of the board was written */
    if (db_get_int(rows, row, 4))
        return JOB_CANCELLED;
    return db_get_int(rows, row, 2) < ATTEMPTS_MAX ? JOB_QUEUED : JOB_INTERRUPTED;
}

static bool take_back(struct store *store, int64_t id, enum job_state state, const char *station,
                      struct err **err)
{
    _cleanup_free_ char *reason = xasprintf("station %s, which ran it, is gone", station);
    if (state == JOB_QUEUED)
        return DB_QUERY(store->db, NULL, err,
                        "UPDATE jobs SET state = 'queued', station = NULL, lease_until = 0,"
                        " started_ms = 0 WHERE id = $1",
                        db_int(id));
    return DB_QUERY(store->db, NULL, err,
                    "UPDATE jobs SET state = $4, ended_ms = $2, lease_until = 0, reason = $3,"
                    " hint = $5 WHERE id = $1",
                    db_int(id), db_int(now_ms()), db_text(reason), db_text(job_state_name(state)),
                    db_text(state == JOB_CANCELLED
                                ? NULL
                                : "start it again if it is not what brought it down")) &&
           store_fail_dependents(store, id, state, err);
}

static bool take_back_all(struct store *store, const struct db_result *rows, struct err **err)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!take_back(store, db_get_int(rows, i, 0), fate(rows, i), db_get_text(rows, i, 3), err))
            return false;
    if (!store_lock_order(store, err))
        return false;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t id = db_get_int(rows, i, 0);
        if (!store_add_job_event(store, id, err) ||
            (fate(rows, i) != JOB_QUEUED && !store_tell_dependents(store, id, err)))
            return false;
    }
    return true;
}

bool store_leases_expire(struct store *store, size_t *count, struct err **err)
{
    struct db_result rows;
    int64_t clock;
    *count = 0;
    if (!store_is_shared(store))
        return true;
    if (!db_begin(store->db, err))
        return false;
    bool ok =
        store_clock(store, &clock, err) &&
        DB_QUERY(
            store->db, &rows, err,
            "SELECT id, kind, attempt, station, cancel_requested FROM jobs WHERE state = 'running'"
            " AND lease_until < $1 AND station <> $2 ORDER BY id LIMIT 1000"
            " FOR UPDATE SKIP LOCKED",
            db_int(clock), db_text(store->station));
    if (!ok || !rows.count) {
        db_rollback(store->db);
        if (ok)
            db_result_release(&rows);
        return ok;
    }
    *count = rows.count;
    ok = take_back_all(store, &rows, err);
    db_result_release(&rows);
    return store_end(store, ok, err);
}

/* ---- of a running job ---- */

static bool set_phases(struct store *store, int64_t id, int64_t token, const json_t *phases,
                       bool *lost, struct err **err)
{
    _cleanup_free_ char *text = store_json_text(phases);
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err,
                  "UPDATE jobs SET phases = $4 WHERE id = $1 AND token = $2 AND station = $3"
                  " AND state = 'running'",
                  db_int(id), db_int(token), db_text(store->station), db_text(text)))
        return false;
    *lost = rows.affected == 0;
    db_result_release(&rows);
    return *lost || (store_lock_order(store, err) && store_add_job_event(store, id, err));
}

bool store_job_phases(struct store *store, int64_t id, int64_t token, const json_t *phases,
                      bool *lost, struct err **err)
{
    return db_begin(store->db, err) &&
           store_end(store, set_phases(store, id, token, phases, lost, err), err);
}

/* A flash stays its station's: the board hangs there. What is to be cancelled is not started again,
 * whoever asked for that. */
static bool requeue(struct store *store, int64_t id, int64_t token, bool *lost, struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err,
                  "UPDATE jobs SET state = CASE cancel_requested WHEN 0 THEN 'queued'"
                  " ELSE 'cancelled' END, ended_ms = CASE cancel_requested WHEN 0 THEN ended_ms"
                  " ELSE $4 END, attempt = attempt - 1, lease_until = 0, started_ms = 0,"
                  " station = CASE kind WHEN 'flash' THEN station END"
                  " WHERE id = $1 AND token = $2 AND station = $3 AND state = 'running'"
                  " RETURNING cancel_requested",
                  db_int(id), db_int(token), db_text(store->station), db_int(now_ms())))
        return false;
    *lost = rows.count == 0;
    bool cancelled = !*lost && db_get_int(&rows, 0, 0);
    db_result_release(&rows);
    if (*lost)
        return true;
    if (cancelled && !store_fail_dependents(store, id, JOB_CANCELLED, err))
        return false;
    return store_lock_order(store, err) && store_add_job_event(store, id, err) &&
           (!cancelled || store_tell_dependents(store, id, err));
}

bool store_job_requeue(struct store *store, int64_t id, int64_t token, bool *lost, struct err **err)
{
    return db_begin(store->db, err) && store_end(store, requeue(store, id, token, lost, err), err);
}
