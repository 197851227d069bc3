/*
 * PostgreSQL behind db.h, by libpq, which is loaded when it is needed: with what it brings
 * (Kerberos, OpenSSL) it is a quarter of the memory of a daemon that has SQLite. A server that does
 * not answer within some seconds is an error: the loop of the daemon waits for it.
 */
#include <dlfcn.h>
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

/* ---- libpq ---- */

#define FUNCTIONS(F)                                                                               \
    F(clear)                                                                                       \
    F(cmdTuples)                                                                                   \
    F(connectdbParams)                                                                             \
    F(consumeInput)                                                                                \
    F(errorMessage)                                                                                \
    F(finish)                                                                                      \
    F(flush)                                                                                       \
    F(ftype)                                                                                       \
    F(getResult)                                                                                   \
    F(getisnull)                                                                                   \
    F(getlength)                                                                                   \
    F(getvalue)                                                                                    \
    F(isBusy)                                                                                      \
    F(nfields)                                                                                     \
    F(ntuples)                                                                                     \
    F(resultErrorMessage)                                                                          \
    F(resultStatus)                                                                                \
    F(sendPrepare)                                                                                 \
    F(sendQuery)                                                                                   \
    F(sendQueryPrepared)                                                                           \
    F(setNoticeReceiver)                                                                           \
    F(setnonblocking)                                                                              \
    F(socket)                                                                                      \
    F(status)

/* Set once, before anything else here is called. */
static struct {
#define MEMBER(name) __typeof__(PQ##name) *(name);
    FUNCTIONS(MEMBER)
#undef MEMBER
} pq;

static bool load(struct err **err)
{
    static const char file[] = "libpq.so.5";
    static const struct {
        const char *name;
        void *at;
    } functions[] = {
#define ENTRY(name) {"PQ" #name, &pq.name},
        FUNCTIONS(ENTRY)
#undef ENTRY
    };
    static bool loaded;
    void *library = loaded ? NULL : dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (loaded)
        return true;
    if (!library) {
        err_set(err, ERR_FAILED, "PostgreSQL: %s", dlerror());
        return err_hint(err, "install it (Debian's package libpq5), or set `store: sqlite`");
    }
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function)
            return err_set(err, ERR_FAILED, "PostgreSQL: %s has no %s", file, functions[i].name);
        memcpy(functions[i].at, &function, sizeof(function));
    }
    loaded = true;
    return true;
}

/* ---- connections ---- */

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
    if (!db->handle || pq.status(db->handle) != CONNECTION_OK)
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
    if (!load(err))
        return false;
    db->handle = pq.connectdbParams(names, values, 1);
    db->statements = xcalloc(1, sizeof(struct statements));
    if (!db->handle || pq.status(db->handle) != CONNECTION_OK)
        return fail(db, db->handle ? pq.errorMessage(db->handle) : "out of memory", err);
    pq.setNoticeReceiver(db->handle, ignore_notice, NULL);
    return pq.setnonblocking(db->handle, 1) == 0 || fail(db, pq.errorMessage(db->handle), err);
}

static void close_connection(struct db *db)
{
    struct statements *statements = db->statements;
    for (size_t i = 0; statements && i < statements->count; i++)
        free(statements->sql[i]);
    free(statements);
    if (db->handle)
        pq.finish(db->handle);
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
    while ((unsent = pq.flush(connection)) > 0 || (unsent == 0 && pq.isBusy(connection))) {
        struct pollfd fd = {pq.socket(connection), (short)(POLLIN | (unsent ? POLLOUT : 0)), 0};
        int64_t left = until - monotonic_ms();
        if (left <= 0)
            return false;
        if (poll(&fd, 1, (int)left) > 0 && !pq.consumeInput(connection))
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
        pq.clear(result);
        result = next;
        *in_time = wait_for_result(db->handle, until);
    } while (*in_time && (next = pq.getResult(db->handle)));
    return result;
}

/* `sent`: what a PQsend...() returned. *answer (may be NULL) is yours on success. */
static bool receive(struct db *db, int sent, PGresult **answer, struct err **err)
{
    bool in_time = true;
    PGresult *result = sent ? take_result(db, &in_time) : NULL;
    ExecStatusType status = pq.resultStatus(result);
    bool ok = in_time && (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
    if (!in_time) {
        db->broken = true;
        fail(db, "the server does not answer", err);
    } else if (!ok) {
        const char *message = pq.resultErrorMessage(result);
        fail(db, *message ? message : pq.errorMessage(db->handle), err);
    }
    if (ok && answer)
        *answer = result;
    else
        pq.clear(result);
    return ok;
}

static bool run_script(struct db *db, const char *sql, struct err **err)
{
    return receive(db, pq.sendQuery(db->handle, sql), NULL, err);
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
    if (!receive(db, pq.sendPrepare(db->handle, name, sql, 0, NULL), NULL, err))
        return -1;
    s->sql[s->count] = xstrdup(sql);
    return (int)s->count++;
}

static void take_cell(struct db_result *result, struct db_value *value, const PGresult *from,
                      int row, int column)
{
    if (pq.getisnull(from, row, column))
        return;
    const char *text = pq.getvalue(from, row, column);
    Oid type = pq.ftype(from, column);
    if (type == INT8_OID || type == INT4_OID) {
        value->type = DB_INT;
        value->integer = strtoll(text, NULL, 10);
        return;
    }
    value->type = DB_TEXT;
    value->len = (size_t)pq.getlength(from, row, column);
    value->data = arena_strndup(&result->arena, text, value->len);
}

static void take_rows(struct db_result *result, const PGresult *from)
{
    int rows = pq.ntuples(from);
    result->columns = (size_t)pq.nfields(from);
    for (int i = 0; i < rows; i++) {
        struct db_value *row = db_result_add(result);
        for (size_t c = 0; c < result->columns; c++)
            take_cell(result, &row[c], from, i, (int)c);
    }
    result->affected = strtoll(pq.cmdTuples((PGresult *)from), NULL, 10);
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
            pq.sendQueryPrepared(db->handle, name, (int)count, count ? texts : NULL, NULL, NULL, 0),
            &answer, err))
        return false;
    take_rows(result, answer);
    pq.clear(answer);
    return true;
}

const struct db_driver db_postgresql = {
    .open = open_connection,
    .close = close_connection,
    .query = run_query,
    .script = run_script,
    .begin = "BEGIN",
};
