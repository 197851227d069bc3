/*
 * PostgreSQL behind db.h, by libpq. A server that does not answer within some seconds is an error:
 * the loop of the daemon waits for it.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "station/db.h"

#define INT8_OID 20 /* pg_type.dat */
#define INT4_OID 23
#define STATEMENTS_MAX 128
#define VALUES_MAX 32
#define ANSWER_MS 5000 /* the server itself gives up before: statement_timeout */

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
                                  "-c statement_timeout=4000 -c lock_timeout=4000 "
                                  "-c idle_in_transaction_session_timeout=30000",
                                  "firnd",
                                  "UTF8",
                                  NULL};
    db->handle = PQconnectdbParams(names, values, 1);
    db->statements = xcalloc(1, sizeof(struct statements));
    if (!db->handle || PQstatus(db->handle) != CONNECTION_OK)
        return fail(db, db->handle ? PQerrorMessage(db->handle) : "out of memory", err);
    PQsetNoticeReceiver(db->handle, ignore_notice, NULL);
    return PQsetnonblocking(db->handle, 1) == 0 || fail(db, PQerrorMessage(db->handle), err);
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

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until there is a result, or the connection is lost; false: neither, in time. */
static bool wait_for_result(PGconn *connection, int64_t until)
{
    int unsent;
    while ((unsent = PQflush(connection)) > 0 || (unsent == 0 && PQisBusy(connection))) {
        struct pollfd fd = {PQsocket(connection), (short)(POLLIN | (unsent ? POLLOUT : 0)), 0};
        int64_t left = until - monotonic_ms();
        if (left <= 0)
            return false;
        if (poll(&fd, 1, (int)left) > 0 && !PQconsumeInput(connection))
            return true;
    }
    return true;
}

/* The last result of what was sent; NULL: there is none. */
static PGresult *take_result(struct db *db, bool *in_time)
{
    int64_t until = monotonic_ms() + ANSWER_MS;
    PGresult *result = NULL, *next = NULL;
    do {
        PQclear(result);
        result = next;
        *in_time = wait_for_result(db->handle, until);
    } while (*in_time && (next = PQgetResult(db->handle)));
    return result;
}

/* `sent`: what a PQsend...() returned. *answer (may be NULL) is yours on success. */
static bool receive(struct db *db, int sent, PGresult **answer, struct err **err)
{
    bool in_time = true;
    PGresult *result = sent ? take_result(db, &in_time) : NULL;
    ExecStatusType status = PQresultStatus(result);
    bool ok = in_time && (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
    if (!in_time) {
        db->broken = true;
        fail(db, "the server does not answer", err);
    } else if (!ok) {
        const char *message = PQresultErrorMessage(result);
        fail(db, *message ? message : PQerrorMessage(db->handle), err);
    }
    if (ok && answer)
        *answer = result;
    else
        PQclear(result);
    return ok;
}

static bool run_script(struct db *db, const char *sql, struct err **err)
{
    return receive(db, PQsendQuery(db->handle, sql), NULL, err);
}

/* Each combination of a list's filters is a statement: more than are worth keeping. */
static bool forget_all(struct db *db, struct err **err)
{
    struct statements *s = db->statements;
    if (!run_script(db, "DEALLOCATE ALL", err))
        return false;
    while (s->count)
        free(s->sql[--s->count]);
    return true;
}

/* The number of a prepared statement, or -1. */
static int prepare(struct db *db, const char *sql, struct err **err)
{
    struct statements *s = db->statements;
    char name[24];
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->sql[i], sql) == 0)
            return (int)i;
    if (s->count == STATEMENTS_MAX && !forget_all(db, err))
        return -1;
    snprintf(name, sizeof(name), "s%zu", s->count);
    if (!receive(db, PQsendPrepare(db->handle, name, sql, 0, NULL), NULL, err))
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
    PGresult *answer = NULL;
    if (!receive(
            db,
            PQsendQueryPrepared(db->handle, name, (int)count, count ? texts : NULL, NULL, NULL, 0),
            &answer, err))
        return false;
    take_rows(result, answer);
    PQclear(answer);
    return true;
}

const struct db_driver db_postgresql = {
    .open = open_connection,
    .close = close_connection,
    .query = run_query,
    .script = run_script,
    .begin = "BEGIN",
};
