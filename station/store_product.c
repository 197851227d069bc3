/* Products and the bundles of their files. */
#include "station/store_internal.h"

bool store_bundle_put(struct store *store, const char *digest, const char *json, size_t len,
                      struct err **err)
{
    (void)len;
    return DB_QUERY(store->db, NULL, err,
                    "INSERT INTO bundles (digest, json) VALUES ($1, $2)"
                    " ON CONFLICT (digest) DO NOTHING",
                    db_text(digest), db_text(json));
}

bool store_bundle_get(struct store *store, const char *digest, struct buf *json, struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err, "SELECT json FROM bundles WHERE digest = $1",
                  db_text(digest)))
        return false;
    bool there = rows.count > 0;
    if (there)
        buf_adds(json, db_get_text(&rows, 0, 0));
    else
        err_set(err, ERR_NOT_FOUND, "there is no bundle %.12s", digest);
    db_result_release(&rows);
    return there;
}

static bool put(struct store *store, const char *name, const json_t *product, const json_t *shown,
                const struct record_new *records, size_t record_count, struct err **err)
{
    _cleanup_free_ char *text = store_json_text(product);
    return DB_QUERY(store->db, NULL, err,
                    "INSERT INTO products (name, json) VALUES ($1, $2)"
                    " ON CONFLICT (name) DO UPDATE SET json = excluded.json",
                    db_text(name), db_text(text)) &&
           store_lock_order(store, err) && store_add_records(store, records, record_count, err) &&
           store_add_event(store, "product", shown, err);
}

bool store_product_put(struct store *store, const char *name, const json_t *product,
                       const json_t *shown, const struct record_new *records, size_t record_count,
                       struct err **err)
{
    return db_begin(store->db, err) &&
           store_end(store, put(store, name, product, shown, records, record_count, err), err);
}

bool store_product_get(struct store *store, const char *name, json_t **product, struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err, "SELECT json FROM products WHERE name = $1",
                  db_text(name)))
        return false;
    *product = rows.count ? store_get_json(&rows, 0, 0) : NULL;
    db_result_release(&rows);
    return *product || err_set(err, ERR_NOT_FOUND, "there is no product '%s'", name);
}

bool store_products_list(struct store *store, json_t **products, struct err **err)
{
    struct db_result rows;
    if (!db_query(store->db, "SELECT json FROM products ORDER BY name", NULL, 0, &rows, err))
        return false;
    *products = json_array();
    for (size_t i = 0; i < rows.count; i++) {
        json_t *product = store_get_json(&rows, i, 0);
        if (product)
            json_array_append_new(*products, product);
    }
    db_result_release(&rows);
    return true;
}

static bool remove_product(struct store *store, const char *name, struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err, "DELETE FROM products WHERE name = $1", db_text(name)))
        return false;
    bool there = rows.affected > 0;
    db_result_release(&rows);
    if (!there)
        return err_set(err, ERR_NOT_FOUND, "there is no product '%s'", name);
    json_t *event = json_pack("{s:s, s:s}", "name", name, "state", "removed");
    bool ok = store_lock_order(store, err) && store_add_event(store, "product", event, err);
    json_decref(event);
    return ok;
}

bool store_product_remove(struct store *store, const char *name, struct err **err)
{
    return db_begin(store->db, err) && store_end(store, remove_product(store, name, err), err);
}

bool store_product_job(struct store *store, const char *name, bool *found, struct job *job,
                       struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err,
                  "SELECT " JOB_COLUMNS " FROM jobs WHERE product = $1 AND kind = 'build'"
                  " ORDER BY id DESC LIMIT 1",
                  db_text(name)))
        return false;
    *found = rows.count > 0;
    if (*found)
        store_take_job(&rows, 0, job);
    db_result_release(&rows);
    return true;
}
