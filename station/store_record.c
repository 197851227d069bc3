/* Records: each holds the hash of the one before it. */
#include <string.h>

#include "base/chain.h"
#include "station/store_internal.h"

static bool last_record(struct store *store, struct chain *chain, struct err **err)
{
    struct db_result rows;
    chain_init(chain);
    if (!db_query(store->db, "SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1", NULL, 0,
                  &rows, err))
        return false;
    if (rows.count) {
        chain->seq = db_get_int(&rows, 0, 0);
        snprintf(chain->hash, sizeof(chain->hash), "%s", db_get_text(&rows, 0, 1));
    }
    db_result_release(&rows);
    return true;
}

static bool add(struct store *store, struct chain *chain, const struct record_new *record,
                struct err **err)
{
    char hash[HASH_HEX_SIZE];
    json_t *json = json_pack("{s:I, s:o, s:s, s:O, s:s}", "seq", (json_int_t)++chain->seq, "at",
                             json_time(now_ms()), "kind", record->kind, "body", record->body,
                             "previous", chain->hash);
    _cleanup_free_ char *body = store_json_text(record->body);
    chain_hash(json, hash);
    bool ok = DB_QUERY(store->db, NULL, err,
                       "INSERT INTO records (seq, at, kind, body, previous, hash)"
                       " VALUES ($1, $2, $3, $4, $5, $6)",
                       db_int(chain->seq), db_text(json_string_value(json_object_get(json, "at"))),
                       db_text(record->kind), db_text(body), db_text(chain->hash), db_text(hash));
    json_decref(json);
    memcpy(chain->hash, hash, sizeof(hash));
    return ok;
}

bool store_add_records(struct store *store, const struct record_new *records, size_t count,
                       struct err **err)
{
    struct chain chain;
    if (count == 0)
        return true;
    if (!last_record(store, &chain, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!add(store, &chain, &records[i], err))
            return false;
    return true;
}

bool store_record_add(struct store *store, const struct record_new *record, struct err **err)
{
    if (!db_begin(store->db, err))
        return false;
    bool ok = store_lock_order(store, err) && store_add_records(store, record, 1, err);
    return store_end(store, ok, err);
}

static json_t *take(const struct db_result *rows, size_t row)
{
    json_t *body = store_get_json(rows, row, 3);
    return json_pack("{s:I, s:s, s:s, s:o, s:s, s:s}", "seq", (json_int_t)db_get_int(rows, row, 0),
                     "at", db_get_text(rows, row, 1), "kind", db_get_text(rows, row, 2), "body",
                     body ? body : json_null(), "previous", db_get_text(rows, row, 4), "hash",
                     db_get_text(rows, row, 5));
}

/* LIKE's own characters stand for themselves. */
static void add_pattern(struct buf *out, const char *text)
{
    buf_addc(out, '%');
    for (; *text; text++) {
        if (strchr("%_\\", *text))
            buf_addc(out, '\\');
        buf_addc(out, *text);
    }
    buf_addc(out, '%');
}

bool store_records_list(struct store *store, const struct record_filter *filter, json_t **records,
                        struct err **err)
{
    _cleanup_(buf_release) struct buf sql = BUF_INIT;
    _cleanup_(buf_release) struct buf pattern = BUF_INIT;
    struct db_value values[4];
    struct db_result rows;
    size_t n = 0;
    bool forwards = filter->oldest_first || filter->after > 0;
    buf_adds(&sql, "SELECT seq, at, kind, body, previous, hash FROM records WHERE ");
    values[n++] = db_int(forwards ? filter->after : filter->before ? filter->before : INT64_MAX);
    buf_adds(&sql, forwards ? "seq > $1" : "seq < $1");
    values[n++] = db_int(filter->limit);
    if (filter->kind) {
        values[n++] = db_text(filter->kind);
        buf_addf(&sql, " AND kind = $%zu", n);
    }
    if (filter->text) {
        add_pattern(&pattern, filter->text);
        values[n++] = db_text(pattern.data);
        buf_addf(&sql, " AND lower(body) LIKE lower($%zu) ESCAPE '\\'", n);
    }
    buf_addf(&sql, " ORDER BY seq %s LIMIT $2", forwards ? "" : "DESC");
    if (!db_query(store->db, sql.data, values, n, &rows, err))
        return false;
    *records = json_array();
    for (size_t i = 0; i < rows.count; i++)
        json_array_append_new(*records, take(&rows, i));
    db_result_release(&rows);
    return true;
}
