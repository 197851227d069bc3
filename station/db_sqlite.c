/*
 * SQLite behind db.h: WAL and synchronous=FULL, so that what was committed is on the disk
 * (https://www.sqlite.org/pragma.html#pragma_synchronous); this process is the only writer.
 */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "station/db.h"

#define STATEMENTS_MAX 64
#define BUSY_MS 5000 /* somebody looks at the file with another program */

struct statements {
    struct {
        char *sql;
        sqlite3_stmt *statement;
    } items[STATEMENTS_MAX];
    size_t count, next; /* to be replaced */
};

/* After these the handle is not used again: its memory and the disk may differ. */
static bool is_broken(int code)
{
    switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY: /* opened for reading alone while the disk failed */
        return true;
    default:
        return false;
    }
}

static bool fail(struct db *db, int code, struct err **err)
{
    int errnum = db->handle ? sqlite3_system_errno(db->handle) : 0;
    const char *message = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
    if (is_broken(code))
        db->broken = true;
    if ((code & 0xff) == SQLITE_FULL)
        errnum = ENOSPC;
    if ((code & 0xff) == SQLITE_IOERR && !errnum)
        errnum = EIO;
    if (errnum && (code & 0xff) != SQLITE_CONSTRAINT) {
        err_set_errno(err, ERR_FAILED, errnum, "%s: %s", db->where, message);
        return errnum == EIO ? err_hint(err, "the disk may be broken: see the kernel's log")
                             : false;
    }
    return err_set(err, ERR_FAILED, "%s: %s", db->where, message);
}

static bool run_script(struct db *db, const char *sql, struct err **err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK || fail(db, code, err);
}

static bool open_database(struct db *db, struct err **err)
{
    static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                   "PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 1000;";
    sqlite3 *handle = NULL;
    mode_t mask = umask(077);
    int code = sqlite3_open_v2(
        db->where, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    umask(mask);
    db->handle = handle;
    db->statements = xcalloc(1, sizeof(struct statements));
    if (code != SQLITE_OK)
        return fail(db, code, err);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, BUSY_MS);
    mask = umask(077);
    bool ok = run_script(db, settings, err);
    umask(mask);
    return ok;
}

static void close_database(struct db *db)
{
    struct statements *statements = db->statements;
    for (size_t i = 0; statements && i < statements->count; i++) {
        sqlite3_finalize(statements->items[i].statement);
        free(statements->items[i].sql);
    }
    free(statements);
    sqlite3_close_v2(db->handle);
    db->statements = NULL;
    db->handle = NULL;
}

/* ---- statements ---- */

static sqlite3_stmt *prepare(struct db *db, const char *sql, struct err **err)
{
    struct statements *s = db->statements;
    sqlite3_stmt *statement = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->items[i].sql, sql) == 0)
            return s->items[i].statement;
    int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (code != SQLITE_OK) {
        fail(db, code, err);
        return NULL;
    }
    size_t at = s->count;
    if (at == STATEMENTS_MAX) {
        at = s->next++ % STATEMENTS_MAX;
        sqlite3_finalize(s->items[at].statement);
        free(s->items[at].sql);
    } else {
        s->count++;
    }
    s->items[at].sql = xstrdup(sql);
    s->items[at].statement = statement;
    return statement;
}

/* "$2" is a name for SQLite, whose number depends on where it first stands. */
static void bind(sqlite3_stmt *statement, size_t number, const struct db_value *value)
{
    char name[24];
    sqlite3_snprintf(sizeof(name), name, "$%d", (int)number);
    int at = sqlite3_bind_parameter_index(statement, name);
    switch (value->type) {
    case DB_NULL:
        sqlite3_bind_null(statement, at);
        break;
    case DB_INT:
        sqlite3_bind_int64(statement, at, value->integer);
        break;
    case DB_TEXT:
        sqlite3_bind_text64(statement, at, value->data, value->len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    }
}

static void take_cell(struct db_result *result, struct db_value *value, sqlite3_stmt *statement,
                      int column)
{
    int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL)
        return;
    if (type == SQLITE_INTEGER) {
        value->type = DB_INT;
        value->integer = sqlite3_column_int64(statement, column);
        return;
    }
    const char *text = (const char *)sqlite3_column_text(statement, column);
    value->type = DB_TEXT;
    value->len = (size_t)sqlite3_column_bytes(statement, column);
    value->data = arena_strndup(&result->arena, text ? text : "", value->len);
}

static bool run_query(struct db *db, const char *sql, const struct db_value *values, size_t count,
                      struct db_result *result, struct err **err)
{
    sqlite3_stmt *statement = prepare(db, sql, err);
    if (!statement)
        return false;
    for (size_t i = 0; i < count; i++)
        bind(statement, i + 1, &values[i]);
    result->columns = (size_t)sqlite3_column_count(statement);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct db_value *row = db_result_add(result);
        for (size_t i = 0; i < result->columns; i++)
            take_cell(result, &row[i], statement, (int)i);
    }
    result->affected = sqlite3_changes(db->handle);
    bool ok = code == SQLITE_DONE || fail(db, code, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return ok;
}

const struct db_driver db_sqlite = {
    .open = open_database,
    .close = close_database,
    .query = run_query,
    .script = run_script,
    .begin = "BEGIN IMMEDIATE",
};
