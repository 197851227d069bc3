#include "station/store_internal.h"

#include <string.h>

struct store *store_open(const char *url, const char *station, struct err **err)
{
    struct store *store = xcalloc(1, sizeof(*store));
    store->station = xstrdup(station);
    store->db = db_open(url, err);
    if (store->db && store_schema_prepare(store->db, err))
        return store;
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    db_close(store->db);
    free(store->station);
    free(store);
}

bool store_is_shared(const struct store *store)
{
    return db_is_postgresql(store->db);
}

const char *store_kind(const struct store *store)
{
    return db_is_postgresql(store->db) ? "postgresql" : "sqlite";
}

bool store_probe(struct store *store, struct err **err)
{
    return db_begin(store->db, err) &&
           store_end(store,
                     DB_QUERY(store->db, NULL, err,
                              "INSERT INTO meta VALUES ('probe', $1) ON CONFLICT (key)"
                              " DO UPDATE SET value = excluded.value",
                              db_text(store->station)),
                     err);
}

/* ---- transactions ---- */

bool store_end(struct store *store, bool ok, struct err **err)
{
    if (ok)
        return db_commit(store->db, err);
    db_rollback(store->db);
    return false;
}

static bool lock(struct store *store, const char *sql, struct err **err)
{
    return !store_is_shared(store) || db_query(store->db, sql, NULL, 0, NULL, err);
}

bool store_lock_order(struct store *store, struct err **err)
{
    return lock(store, "SELECT pg_advisory_xact_lock(7011)", err);
}

bool store_lock_queue(struct store *store, struct err **err)
{
    return lock(store, "SELECT pg_advisory_xact_lock(7012)", err);
}

bool store_clock(struct store *store, int64_t *ms, struct err **err)
{
    struct db_result rows;
    *ms = now_ms();
    if (!store_is_shared(store))
        return true;
    if (!db_query(store->db, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", NULL,
                  0, &rows, err))
        return false;
    *ms = db_get_int(&rows, 0, 0);
    db_result_release(&rows);
    return true;
}

/* ---- columns ---- */

json_t *store_get_json(const struct db_result *rows, size_t row, size_t column)
{
    const char *text = db_get_text(rows, row, column);
    return text ? json_loads(text, 0, NULL) : NULL;
}

char *store_json_text(const json_t *json)
{
    return json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
}

static char *text_of(const struct db_result *rows, size_t row, size_t column)
{
    const char *text = db_get_text(rows, row, column);
    return text ? xstrdup(text) : NULL;
}

void store_take_job(const struct db_result *rows, size_t row, struct job *job)
{
    job_init(job);
    job->id = db_get_int(rows, row, 0);
    /* A name that we do not know is a newer firnd's, whose schema we would have refused. */
    if (!job_kind_parse(db_get_text(rows, row, 1), &job->kind) ||
        !job_state_parse(db_get_text(rows, row, 2), &job->state))
        job->state = JOB_INTERRUPTED;
    job->product = text_of(rows, row, 3);
    job->bundle = text_of(rows, row, 4);
    job->image = text_of(rows, row, 5);
    job->path = text_of(rows, row, 6);
    job->waits_for = db_get_int(rows, row, 7);
    job->retry_of = db_get_int(rows, row, 8);
    job->priority = (int)db_get_int(rows, row, 9);
    job->need_memory = (uint64_t)db_get_int(rows, row, 10);
    job->need_cores = (int)db_get_int(rows, row, 11);
    job->station = text_of(rows, row, 12);
    job->submitted_by = text_of(rows, row, 13);
    job->attempt = (int)db_get_int(rows, row, 14);
    job->token = db_get_int(rows, row, 15);
    job->cancel_requested = db_get_int(rows, row, 16) != 0;
    job->submitted_ms = db_get_int(rows, row, 17);
    job->started_ms = db_get_int(rows, row, 18);
    job->ended_ms = db_get_int(rows, row, 19);
    job->exit_status = (int)db_get_int(rows, row, 20);
    job->reason = text_of(rows, row, 21);
    job->hint = text_of(rows, row, 22);
    if (rows->columns <= 23)
        return;
    json_t *phases = store_get_json(rows, row, 23);
    if (phases) {
        json_decref(job->phases);
        job->phases = phases;
    }
    job->result = store_get_json(rows, row, 24);
}
