/* Images: what was built, where its files are, how large it is. */
#include <string.h>

#include "base/json_get.h"
#include "station/store_internal.h"

#define IMAGE_COLUMNS                                                                              \
    "digest, product, name, version, board, bundle, station, job, bytes, flash, ram, built_ms, "   \
    "used_ms, released, here, on_disk"
#define IMAGE_COLUMNS_IN_FULL IMAGE_COLUMNS ", files, sidecar"

void image_row_release(struct image_row *image)
{
    free(image->digest);
    free(image->product);
    free(image->name);
    free(image->version);
    free(image->board);
    free(image->bundle);
    free(image->station);
    json_decref(image->files);
    json_decref(image->sidecar);
}

void image_list_release(struct image_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        image_row_release(&list->items[i]);
    free(list->items);
    *list = (struct image_list)IMAGE_LIST_INIT;
}

static char *text_of(const struct db_result *rows, size_t row, size_t column)
{
    const char *text = db_get_text(rows, row, column);
    return text ? xstrdup(text) : NULL;
}

static void take(const struct db_result *rows, size_t row, struct image_row *image)
{
    *image = (struct image_row){
        .digest = text_of(rows, row, 0),
        .product = text_of(rows, row, 1),
        .name = text_of(rows, row, 2),
        .version = text_of(rows, row, 3),
        .board = text_of(rows, row, 4),
        .bundle = text_of(rows, row, 5),
        .station = text_of(rows, row, 6),
        .job = db_get_int(rows, row, 7),
        .bytes = db_get_int(rows, row, 8),
        .flash = db_get_int(rows, row, 9),
        .ram = db_get_int(rows, row, 10),
        .built_ms = db_get_int(rows, row, 11),
        .used_ms = db_get_int(rows, row, 12),
        .released = db_get_int(rows, row, 13) != 0,
        .here = db_get_int(rows, row, 14) != 0,
        .on_disk = db_get_int(rows, row, 15),
    };
    if (rows->columns <= 16)
        return;
    image->files = store_get_json(rows, row, 16);
    image->sidecar = store_get_json(rows, row, 17);
}

json_t *image_to_json(const struct image_row *image, bool in_full)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:b, s:b}", "digest",
        image->digest, "product", image->product, "name", image->name, "version", image->version,
        "board", image->board, "bytes", (json_int_t)image->bytes, "flash", (json_int_t)image->flash,
        "ram", (json_int_t)image->ram, "built_at", json_time(image->built_ms), "job",
        (json_int_t)image->job, "bundle", json_text(image->bundle), "station",
        json_text(image->station), "released", image->released, "here", image->here);
    if (in_full) {
        json_t *size = json_object_get(image->sidecar, "size");
        json_object_set_new(json, "files", image->files ? json_incref(image->files) : json_array());
        json_object_set_new(json, "size", size ? json_incref(size) : json_null());
        json_object_set_new(json, "sidecar",
                            image->sidecar ? json_incref(image->sidecar) : json_null());
    }
    return json;
}

/* ---- writing ---- */

bool store_put_image(struct store *store, const struct image_row *image, struct err **err)
{
    _cleanup_free_ char *files = store_json_text(image->files);
    _cleanup_free_ char *sidecar = store_json_text(image->sidecar);
    const struct db_value values[] = {
        db_text(image->digest),  db_text(image->product), db_text(image->name),
        db_text(image->version), db_text(image->board),   db_text(image->bundle),
        db_text(image->station), db_int(image->job),      db_int(image->bytes),
        db_int(image->flash),    db_int(image->ram),      db_int(image->built_ms),
        db_int(image->used_ms),  db_int(image->on_disk),  db_text(files ? files : "[]"),
        db_text(sidecar),
    };
    /* Built again it is the same image: it stays released, and as old as it was. */
    return db_query(store->db,
                    "INSERT INTO images (" IMAGE_COLUMNS_IN_FULL ")"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 1, $14,"
                    " $15, $16) ON CONFLICT (digest) DO UPDATE SET used_ms = excluded.used_ms,"
                    " station = excluded.station, here = 1, on_disk = excluded.on_disk,"
                    " files = excluded.files, sidecar = excluded.sidecar",
                    values, ARRAY_SIZE(values), NULL, err);
}

bool store_add_image_event(struct store *store, const char *digest, struct err **err)
{
    struct image_row image;
    if (!store_image_get(store, digest, &image, err))
        return false;
    json_t *json = image_to_json(&image, false);
    bool ok = store_add_event(store, "image", json, err);
    json_decref(json);
    image_row_release(&image);
    return ok;
}

bool store_image_release(struct store *store, const char *digest, bool released,
                         const struct record_new *record, struct err **err)
{
    if (!db_begin(store->db, err))
        return false;
    bool ok = DB_QUERY(store->db, NULL, err, "UPDATE images SET released = $2 WHERE digest = $1",
                       db_text(digest), db_int(released)) &&
              store_lock_order(store, err) && store_add_records(store, record, 1, err) &&
              store_add_image_event(store, digest, err);
    return store_end(store, ok, err);
}

bool store_image_used(struct store *store, const char *digest, struct err **err)
{
    return DB_QUERY(store->db, NULL, err, "UPDATE images SET used_ms = $2 WHERE digest = $1",
                    db_text(digest), db_int(now_ms()));
}

bool store_image_gone(struct store *store, const char *digest, struct err **err)
{
    if (!db_begin(store->db, err))
        return false;
    bool ok =
        DB_QUERY(store->db, NULL, err, "UPDATE images SET here = 0, on_disk = 0 WHERE digest = $1",
                 db_text(digest)) &&
        store_lock_order(store, err) && store_add_image_event(store, digest, err);
    return store_end(store, ok, err);
}

/* ---- reading ---- */

bool store_image_get(struct store *store, const char *digest, struct image_row *image,
                     struct err **err)
{
    struct db_result rows;
    if (!DB_QUERY(store->db, &rows, err,
                  "SELECT " IMAGE_COLUMNS_IN_FULL " FROM images WHERE digest = $1",
                  db_text(digest)))
        return false;
    bool there = rows.count > 0;
    if (there) {
        take(&rows, 0, image);
    } else {
        err_set(err, ERR_NOT_FOUND, "there is no image %.12s", digest);
        err_hint(err, "GET /v1/images has all of them");
    }
    db_result_release(&rows);
    return there;
}

static void add_conditions(const struct image_filter *filter, struct buf *sql,
                           struct db_value *values, size_t *n, const char *pattern,
                           const char *prefix)
{
    if (filter->product) {
        values[(*n)++] = db_text(filter->product);
        buf_addf(sql, " AND product = $%zu", *n);
    }
    if (filter->station) {
        values[(*n)++] = db_text(filter->station);
        buf_addf(sql, " AND station = $%zu", *n);
    }
    if (filter->text) {
        values[(*n)++] = db_text(pattern);
        values[(*n)++] = db_text(prefix);
        buf_addf(sql,
                 " AND (lower(name) LIKE $%zu ESCAPE '\\' OR lower(version) LIKE $%zu ESCAPE '\\'"
                 " OR lower(board) LIKE $%zu ESCAPE '\\' OR lower(product) LIKE $%zu ESCAPE '\\'"
                 " OR digest LIKE $%zu ESCAPE '\\')",
                 *n - 1, *n - 1, *n - 1, *n - 1, *n);
    }
    if (filter->here_only)
        buf_adds(sql, " AND here = 1");
    if (filter->before) {
        values[(*n)++] = db_int(filter->before_ms);
        values[(*n)++] = db_text(filter->before);
        buf_addf(sql, " AND (built_ms, digest) < ($%zu, $%zu)", *n - 1, *n);
    }
}

static void add_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("%_\\", *text))
            buf_addc(out, '\\');
        buf_addc(out, *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text);
    }
}

bool store_images_list(struct store *store, const struct image_filter *filter,
                       struct image_list *list, struct err **err)
{
    _cleanup_(buf_release) struct buf sql = BUF_INIT, pattern = BUF_INIT, prefix = BUF_INIT;
    struct db_value values[8];
    struct db_result rows;
    size_t n = 0;
    if (filter->text) {
        add_escaped(&prefix, filter->text);
        buf_addf(&pattern, "%%%s%%", prefix.data);
        buf_addc(&prefix, '%');
    }
    values[n++] = db_int(filter->limit);
    buf_adds(&sql, "SELECT " IMAGE_COLUMNS " FROM images WHERE 1 = 1");
    add_conditions(filter, &sql, values, &n, pattern.data, prefix.data);
    buf_adds(&sql, filter->by_use ? " ORDER BY used_ms, digest LIMIT $1"
                                  : " ORDER BY built_ms DESC, digest DESC LIMIT $1");
    if (!db_query(store->db, sql.data, values, n, &rows, err))
        return false;
    list->items = xcalloc(rows.count + 1, sizeof(*list->items));
    for (list->count = 0; list->count < rows.count; list->count++)
        take(&rows, list->count, &list->items[list->count]);
    db_result_release(&rows);
    return true;
}
