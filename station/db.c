#include "station/db.h"

#include <string.h>

#include "base/text.h"

struct db_value db_text(const char *text)
{
    if (!text)
        return (struct db_value){DB_NULL, 0, NULL, 0};
    return (struct db_value){DB_TEXT, 0, text, strlen(text)};
}

/* ---- results ---- */

struct db_value *db_result_add(struct db_result *result)
{
    size_t columns = result->columns ? result->columns : 1;
    /* Doubled whenever it is full: at 1, 2, 4 ... rows. */
    if ((result->count & (result->count - 1)) == 0)
        result->cells =
            xreallocarray(result->cells, (result->count ? result->count * 2 : 1) * columns,
                          sizeof(*result->cells));
    struct db_value *row = result->cells + result->count++ * columns;
    memset(row, 0, columns * sizeof(*row));
    return row;
}

void db_result_release(struct db_result *result)
{
    free(result->cells);
    arena_release(&result->arena);
}

static const struct db_value *cell(const struct db_result *result, size_t row, size_t column)
{
    return &result->cells[row * result->columns + column];
}

int64_t db_get_int(const struct db_result *result, size_t row, size_t column)
{
    return cell(result, row, column)->integer;
}

const char *db_get_text(const struct db_result *result, size_t row, size_t column)
{
    return cell(result, row, column)->data;
}

/* ---- opening ---- */

struct db *db_open(const char *url, struct err **err)
{
    static const char sqlite[] = "sqlite:";
    struct db *db = xcalloc(1, sizeof(*db));
    bool is_sqlite = text_starts_with(url, sqlite);
    db->driver = is_sqlite ? &db_sqlite : &db_postgresql;
    db->where = xstrdup(is_sqlite ? url + strlen(sqlite) : url);
    if (db->driver->open(db, err))
        return db;
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db->driver->close(db);
    free(db->where);
    free(db);
}

bool db_is_postgresql(const struct db *db)
{
    return db->driver == &db_postgresql;
}

/* ---- statements ---- */

static bool ensure_open(struct db *db, struct err **err)
{
    if (db->broken && !db->in_transaction)
        db->driver->close(db);
    if (db->handle && !db->broken)
        return true;
    if (db->in_transaction)
        return err_set(err, ERR_FAILED, "the transaction was lost");
    /* One that was opened by halves (without its settings) is not used. */
    db->broken = !db->driver->open(db, err);
    return !db->broken;
}

bool db_query(struct db *db, const char *sql, const struct db_value *values, size_t count,
              struct db_result *result, struct err **err)
{
    struct db_result ignored = {.arena = ARENA_INIT};
    if (!ensure_open(db, err))
        return false;
    if (result)
        *result = ignored;
    struct db_result *to = result ? result : &ignored;
    bool ok = db->driver->query(db, sql, values, count, to, err);
    if (!ok || !result)
        db_result_release(to);
    return ok;
}

bool db_script(struct db *db, const char *sql, struct err **err)
{
    return ensure_open(db, err) && db->driver->script(db, sql, err);
}

bool db_begin(struct db *db, struct err **err)
{
    if (!db_script(db, db->driver->begin, err))
        return false;
    db->in_transaction = true;
    return true;
}

bool db_commit(struct db *db, struct err **err)
{
    bool ok = db_script(db, "COMMIT", err);
    if (ok)
        db->in_transaction = false;
    else
        db_rollback(db);
    return ok;
}

void db_rollback(struct db *db)
{
    struct err *ignored = NULL;
    if (db->in_transaction && db->handle && !db->broken &&
        !db->driver->script(db, "ROLLBACK", &ignored)) {
        err_free(ignored);
        db->broken = true;
    }
    db->in_transaction = false;
}
