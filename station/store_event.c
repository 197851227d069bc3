/* Events: what clients are told, in the order in which it was committed. */
#include <string.h>

#include "station/store_internal.h"

#define KEYS_KEPT_MS (24ll * 3600 * 1000)

void store_events_release(struct store_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        free(events->items[i].type);
        free(events->items[i].data);
    }
    free(events->items);
    *events = (struct store_events)STORE_EVENTS_INIT;
}

bool store_add_event(struct store *store, const char *type, const json_t *data, struct err **err)
{
    _cleanup_free_ char *text = store_json_text(data);
    return DB_QUERY(store->db, NULL, err, "INSERT INTO events (type, data) VALUES ($1, $2)",
                    db_text(type), db_text(text));
}

bool store_add_job_event(struct store *store, int64_t id, struct err **err)
{
    struct db_result rows;
    struct job job;
    if (!DB_QUERY(store->db, &rows, err, "SELECT " JOB_COLUMNS " FROM jobs WHERE id = $1",
                  db_int(id)))
        return false;
    if (rows.count == 0) {
        db_result_release(&rows);
        return err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
    }
    store_take_job(&rows, 0, &job);
    db_result_release(&rows);
    json_t *json = job_to_json(&job, NULL, false);
    bool ok = store_add_event(store, "job", json, err);
    json_decref(json);
    job_release(&job);
    return ok;
}

bool store_event_add(struct store *store, const char *type, const json_t *data, struct err **err)
{
    if (!db_begin(store->db, err))
        return false;
    bool ok = store_lock_order(store, err) && store_add_event(store, type, data, err);
    return store_end(store, ok, err);
}

bool store_events_after(struct store *store, int64_t id, int limit, struct store_events *events,
                        struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err,
                  "SELECT id, type, data FROM events WHERE id > $1 ORDER BY id LIMIT $2",
                  db_int(id), db_int(limit)))
        return false;
    events->items = xcalloc(rows.count + 1, sizeof(*events->items));
    events->count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        events->items[i] =
            (struct store_event){db_get_int(&rows, i, 0), xstrdup(db_get_text(&rows, i, 1)),
                                 xstrdup(db_get_text(&rows, i, 2))};
    db_result_release(&rows);
    return true;
}

bool store_events_range(struct store *store, int64_t *oldest, int64_t *latest, struct err **err)
{
    struct db_result rows;
    if (!db_query(store->db, "SELECT min(id), max(id) FROM events", NULL, 0, &rows, err))
        return false;
    *oldest = db_get_int(&rows, 0, 0);
    *latest = db_get_int(&rows, 0, 1);
    db_result_release(&rows);
    return true;
}

bool store_prune(struct store *store, int64_t keep, struct err **err)
{
    if (!db_begin(store->db, err))
        return false;
    bool ok = DB_QUERY(store->db, NULL, err,
                       "DELETE FROM events WHERE id <= (SELECT id FROM events ORDER BY id DESC"
                       " LIMIT 1 OFFSET $1)",
                       db_int(keep)) &&
              DB_QUERY(store->db, NULL, err, "DELETE FROM keys WHERE added_ms < $1",
                       db_int(now_ms() - KEYS_KEPT_MS));
    return store_end(store, ok, err);
}
