/*
 * SQL, the same for SQLite and PostgreSQL: statements with $1, $2 ..., results as rows in memory.
 *
 *     struct db_result rows;
 *     if (!DB_QUERY(db, &rows, err, "SELECT id FROM jobs WHERE state = $1", db_text("queued")))
 *         return false;
 *     for (size_t i = 0; i < rows.count; i++)
 *         use(db_get_int(&rows, i, 0));
 *     db_result_release(&rows);
 *
 * Statements are prepared once and kept. Every result is bounded by its statement (LIMIT). After
 * an I/O error of SQLite, and after a lost connection to PostgreSQL, the database is opened anew by
 * the next statement outside a transaction: what a failed fsync has left in memory is not trusted.
 * A commit that failed may have been done (PostgreSQL) and is not repeated. Single-threaded.
 */
#ifndef FIRN_STATION_DB_H
#define FIRN_STATION_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum db_type { DB_NULL, DB_INT, DB_TEXT };

struct db_value {
    enum db_type type;
    int64_t integer;
    const char *data; /* borrowed, NUL-terminated */
    size_t len;
};

static inline struct db_value db_int(int64_t value)
{
    return (struct db_value){DB_INT, value, NULL, 0};
}
/* NULL becomes SQL's. */
struct db_value db_text(const char *text);

struct db_result {
    size_t count, columns;
    struct db_value *cells; /* row by row */
    int64_t affected;       /* rows that were inserted, updated or deleted */
    struct arena arena;     /* owns what cells point to */
};
void db_result_release(struct db_result *result);
/* 0 for NULL. */
int64_t db_get_int(const struct db_result *result, size_t row, size_t column);
/* NULL for NULL; borrowed from the result. */
const char *db_get_text(const struct db_result *result, size_t row, size_t column);

struct db;

/* "sqlite:PATH" or "postgresql://...". */
struct db *db_open(const char *url, struct err **err) MUST_CHECK;
void db_close(struct db *db);
bool db_is_postgresql(const struct db *db);

/* `result` is uninitialised before, to be released on success; NULL where nothing is wanted of
 * it. */
bool db_query(struct db *db, const char *sql, const struct db_value *values, size_t count,
              struct db_result *result, struct err **err) MUST_CHECK;
#define DB_QUERY(db, result, err, sql, ...)                                                        \
    db_query(db, sql, (const struct db_value[]){__VA_ARGS__},                                      \
             sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value), result,     \
             err)
/* Statements without values and results, separated by ';'. */
bool db_script(struct db *db, const char *sql, struct err **err) MUST_CHECK;

/* A transaction: of SQLite one that will write. Within it, after an error nothing but
 * db_rollback(). */
bool db_begin(struct db *db, struct err **err) MUST_CHECK;
bool db_commit(struct db *db, struct err **err) MUST_CHECK;
/* Nothing is left of it; also of one that failed to begin or to commit. */
void db_rollback(struct db *db);

/* ---- for the two behind it ---- */

struct db_driver {
    bool (*open)(struct db *db, struct err **err);
    void (*close)(struct db *db);
    bool (*query)(struct db *db, const char *sql, const struct db_value *values, size_t count,
                  struct db_result *result, struct err **err);
    bool (*script)(struct db *db, const char *sql, struct err **err);
    const char *begin;
};
struct db {
    const struct db_driver *driver;
    char *where;  /* path or URL */
    void *handle; /* NULL: to be opened by the next statement */
    void *statements;
    bool in_transaction;
    bool broken; /* to be closed when the transaction is over */
};
extern const struct db_driver db_sqlite, db_postgresql;
/* Room for a row more; its cells are DB_NULL. Borrowed. */
struct db_value *db_result_add(struct db_result *result);

#endif
