/*
 * PostgreSQL behind db.h, by libpq. A server that does not answer within some seconds is an error:
 * the loop of the daemon waits for it.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "station/db.h"

#define INT8_OID 20 /* pg_type.dat */
#define INT4_OID 23
#define STATEMENTS_MAX 128
#define VALUES_MAX 32

/* What was prepared on this connection; the statement's name is "s" and its index. */
struct statements {
    char *sql[STATEMENTS_MAX];
    size_t count;
};

/* libpq's messages end with a newline, and may have several lines. */
static void add_first_line(struct buf *out, const char *message)
{
    buf_add(out, message, strcspn(message, "\n"));
}

static bool fail(struct db *db, const char *message, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    add_first_line(&text, message);
    if (!db->handle || PQstatus(db->handle) != CONNECTION_OK)
        db->broken = true;
    err_set(err, ERR_FAILED, "PostgreSQL: %s", text.len ? text.data : "no reason was given");
    return db->broken ? err_hint(err, "is the server of `store:` in firnd.yaml running?") : false;
}

static void ignore_notice(void *data, const PGresult *result)
{
    (void)data, (void)result;
}

static bool open_connection(struct db *db, struct err **err)
{
    static const char *const names[] = {"dbname",  "connect_timeout",  "tcp_user_timeout",
                                        "options", "application_name", "client_encoding",
                                        NULL};
    const char *const values[] = {db->where,
                                  "5",
                                  "5000",
                                  "-c statement_timeout=5000 -c lock_timeout=5000 "
                                  "-c idle_in_transaction_session_timeout=30000",
                                  "firnd",
                                  "UTF8",
                                  NULL};
    db->handle = PQconnectdbParams(names, values, 1);
    db->statements = xcalloc(1, sizeof(struct statements));
    if (!db->handle || PQstatus(db->handle) != CONNECTION_OK)
        return fail(db, db->handle ? PQerrorMessage(db->handle) : "out of memory", err);
    PQsetNoticeReceiver(db->handle, ignore_notice, NULL);
    return true;
}

static void close_connection(struct db *db)
{
    struct statements *statements = db->statements;
    for (size_t i = 0; statements && i < statements->count; i++)
        free(statements->sql[i]);
    free(statements);
    PQfinish(db->handle);
    db->statements = NULL;
    db->handle = NULL;
}

static bool check(struct db *db, PGresult *result, struct err **err)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return true;
    const char *message = PQresultErrorMessage(result);
    return fail(db, *message ? message : PQerrorMessage(db->handle), err);
}

static bool run_script(struct db *db, const char *sql, struct err **err)
{
    PGresult *result = PQexec(db->handle, sql);
    bool ok = check(db, result, err);
    PQclear(result);
    return ok;
}

/* The number of a prepared statement, or -1. */
static int prepare(struct db *db, const char *sql, struct err **err)
{
    struct statements *s = db->statements;
    char name[24];
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->sql[i], sql) == 0)
            return (int)i;
    if (s->count == STATEMENTS_MAX) {
        err_set(err, ERR_FAILED, "more than %d statements are prepared", STATEMENTS_MAX);
        return -1;
    }
    snprintf(name, sizeof(name), "s%zu", s->count);
    PGresult *result = PQprepare(db->handle, name, sql, 0, NULL);
    bool ok = check(db, result, err);
    PQclear(result);
    if (!ok)
        return -1;
    s->sql[s->count] = xstrdup(sql);
    return (int)s->count++;
}

static void take_cell(struct db_result *result, struct db_value *value, const PGresult *from,
                      int row, int column)
{
    if (PQgetisnull(from, row, column))
        return;
    const char *text = PQgetvalue(from, row, column);
    Oid type = PQftype(from, column);
    if (type == INT8_OID || type == INT4_OID) {
        value->type = DB_INT;
        value->integer = strtoll(text, NULL, 10);
        return;
    }
    value->type = DB_TEXT;
    value->len = (size_t)PQgetlength(from, row, column);
    value->data = arena_strndup(&result->arena, text, value->len);
}

static void take_rows(struct db_result *result, const PGresult *from)
{
    int rows = PQntuples(from);
    result->columns = (size_t)PQnfields(from);
    for (int i = 0; i < rows; i++) {
        struct db_value *row = db_result_add(result);
        for (size_t c = 0; c < result->columns; c++)
            take_cell(result, &row[c], from, i, (int)c);
    }
    result->affected = strtoll(PQcmdTuples((PGresult *)from), NULL, 10);
}

static bool run_query(struct db *db, const char *sql, const struct db_value *values, size_t count,
                      struct db_result *result, struct err **err)
{
    char numbers[VALUES_MAX][24], name[24];
    const char *texts[VALUES_MAX];
    int statement = prepare(db, sql, err);
    if (statement < 0)
        return false;
    if (count > VALUES_MAX)
        return err_set(err, ERR_FAILED, "a statement with more than %d values", VALUES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (values[i].type == DB_INT)
            snprintf(numbers[i], sizeof(numbers[i]), "%lld", (long long)values[i].integer);
        texts[i] = values[i].type == DB_INT ? numbers[i] : values[i].data;
    }
    snprintf(name, sizeof(name), "s%d", statement);
    PGresult *answer =
        PQexecPrepared(db->handle, name, (int)count, count ? texts : NULL, NULL, NULL, 0);
    bool ok = check(db, answer, err);
    if (ok)
        take_rows(result, answer);
    PQclear(answer);
    return ok;
}

const struct db_driver db_postgresql = {
    .open = open_connection,
    .close = close_connection,
    .query = run_query,
    .script = run_script,
    .begin = "BEGIN",
};
