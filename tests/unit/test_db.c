/* SQL of two databases behind one interface. */
#include <signal.h>
#include <time.h>

#include "tests/unit/store_fixture.h"

static struct db *open_with_table(const struct store_fixture *f)
{
    struct err *err = NULL;
    struct db *db = store_database(f);
    assert_ok(db_script(db, "CREATE TABLE t (n BIGINT PRIMARY KEY, text TEXT)", &err), &err);
    return db;
}

static int64_t count_rows(struct db *db)
{
    struct err *err = NULL;
    struct db_result rows;
    assert_ok(db_query(db, "SELECT count(*) FROM t", NULL, 0, &rows, &err), &err);
    int64_t count = db_get_int(&rows, 0, 0);
    db_result_release(&rows);
    return count;
}

static void insert(struct db *db, int64_t number, const char *text)
{
    struct err *err = NULL;
    assert_ok(
        DB_QUERY(db, NULL, &err, "INSERT INTO t VALUES ($1, $2)", db_int(number), db_text(text)),
        &err);
}

static void values_there_and_back(void **state)
{
    static const char *const texts[] = {"", NULL, "a'b\"c\\d$1\n\t", "\u00e4\u20ac\U0001F600"};
    static const int64_t numbers[] = {0, -1, INT64_MAX, INT64_MIN};
    struct err *err = NULL;
    struct db_result rows;
    struct db *db = open_with_table(*state);
    for (size_t i = 0; i < 4; i++) {
        insert(db, numbers[i], texts[i]);
        assert_ok(
            DB_QUERY(db, &rows, &err, "SELECT n, text FROM t WHERE n = $1", db_int(numbers[i])),
            &err);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.columns, 2);
        assert_true(db_get_int(&rows, 0, 0) == numbers[i]);
        if (texts[i])
            assert_string_equal(db_get_text(&rows, 0, 1), texts[i]);
        else
            assert_null(db_get_text(&rows, 0, 1));
        assert_int_equal(db_get_int(&rows, 0, 1), 0);
        db_result_release(&rows);
    }
    db_close(db);
}

/* $2 before $1, and each twice. */
static void values_by_their_number(void **state)
{
    struct err *err = NULL;
    struct db_result rows;
    struct db *db = open_with_table(*state);
    insert(db, 1, "one");
    assert_ok(DB_QUERY(db, &rows, &err,
                       "SELECT n FROM t WHERE text = $2 AND n = $1 AND n <= $1 AND text >= $2",
                       db_int(1), db_text("one")),
              &err);
    assert_int_equal(rows.count, 1);
    db_result_release(&rows);
    db_close(db);
}

static void rows_and_affected(void **state)
{
    struct err *err = NULL;
    struct db_result rows;
    struct db *db = open_with_table(*state);
    for (int i = 0; i < 100; i++)
        insert(db, i, "x");
    assert_ok(db_query(db, "SELECT n FROM t ORDER BY n", NULL, 0, &rows, &err), &err);
    assert_int_equal(rows.count, 100);
    for (size_t i = 0; i < rows.count; i++)
        assert_int_equal(db_get_int(&rows, i, 0), i);
    db_result_release(&rows);
    assert_ok(DB_QUERY(db, &rows, &err, "UPDATE t SET text = 'y' WHERE n < $1", db_int(7)), &err);
    assert_int_equal(rows.affected, 7);
    db_result_release(&rows);
    assert_ok(DB_QUERY(db, &rows, &err, "DELETE FROM t WHERE n = $1", db_int(-5)), &err);
    assert_int_equal(rows.affected, 0);
    db_result_release(&rows);
    db_close(db);
}

static void an_error_leaves_the_rest(void **state)
{
    struct err *err = NULL;
    struct db *db = open_with_table(*state);
    insert(db, 1, "x");
    assert_false(db_script(db, "SELECT n FROM nowhere", &err));
    assert_error(&err, ERR_FAILED, "nowhere");
    assert_false(
        DB_QUERY(db, NULL, &err, "INSERT INTO t VALUES ($1, $2)", db_int(1), db_text("again")));
    assert_error(&err, ERR_FAILED, "");
    assert_int_equal(count_rows(db), 1);
    db_close(db);
}

static void transactions(void **state)
{
    const struct store_fixture *f = *state;
    struct err *err = NULL;
    struct db *db = open_with_table(f), *other = store_database(f);
    assert_ok(db_begin(db, &err), &err);
    insert(db, 1, "x");
    assert_int_equal(count_rows(other), 0);
    assert_ok(db_commit(db, &err), &err);
    assert_int_equal(count_rows(other), 1);
    assert_ok(db_begin(db, &err), &err);
    insert(db, 2, "x");
    db_rollback(db);
    assert_int_equal(count_rows(db), 1);
    /* after an error in it nothing of it is left */
    assert_ok(db_begin(db, &err), &err);
    insert(db, 3, "x");
    assert_false(DB_QUERY(db, NULL, &err, "INSERT INTO t VALUES ($1, NULL)", db_int(1)));
    err_free_ptr(&err);
    db_rollback(db);
    assert_int_equal(count_rows(db), 1);
    db_rollback(db);
    insert(db, 2, "x");
    assert_int_equal(count_rows(other), 2);
    db_close(other);
    db_close(db);
}

static void more_statements_than_are_kept(void **state)
{
    struct err *err = NULL;
    struct db *db = open_with_table(*state);
    for (int i = 0; i < 600; i++) {
        struct db_result rows;
        _cleanup_free_ char *sql = xasprintf("SELECT CAST($1 AS BIGINT) + %d", i % 300);
        if (i % 50 == 0)
            assert_ok(db_begin(db, &err), &err);
        assert_ok(DB_QUERY(db, &rows, &err, sql, db_int(1000)), &err);
        assert_int_equal(db_get_int(&rows, 0, 0), 1000 + i % 300);
        db_result_release(&rows);
        if (i % 50 == 49)
            assert_ok(db_commit(db, &err), &err);
    }
    db_close(db);
}

static void what_cannot_be_opened(void **state)
{
    static const char *const urls[] = {
        "sqlite:/nowhere/at/all/firn.db",
        "sqlite:/",
        "postgresql:///postgres?host=/nowhere",
        "postgresql://%zz",
        "",
    };
    struct err *err = NULL;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        assert_null(db_open(urls[i], &err));
        assert_non_null(err);
        err_free_ptr(&err);
    }
}

static int64_t elapsed_ms(int64_t since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - since;
}

static pid_t backend_of(struct db *db)
{
    struct err *err = NULL;
    struct db_result rows;
    assert_ok(db_query(db, "SELECT pg_backend_pid()", NULL, 0, &rows, &err), &err);
    pid_t pid = (pid_t)db_get_int(&rows, 0, 0);
    db_result_release(&rows);
    return pid;
}

/* A server that hangs is an error after 5 s; large values do not wait for it either. */
static void a_server_that_hangs(void **state)
{
    struct err *err = NULL;
    for (int large = 0; large < 2; large++) {
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        struct db *db = store_database(*state);
        assert_ok(
            db_script(db, "DROP TABLE IF EXISTS t; CREATE TABLE t (n BIGINT, text TEXT)", &err),
            &err);
        insert(db, 1, "x");
        buf_fill(&text, 'x', large ? 8 * 1024 * 1024 : 1);
        pid_t backend = backend_of(db);
        assert_int_equal(kill(backend, SIGSTOP), 0);
        int64_t since = elapsed_ms(0);
        assert_false(DB_QUERY(db, NULL, &err, "INSERT INTO t VALUES ($1, $2)", db_int(2),
                              db_text(text.data)));
        int64_t took = elapsed_ms(since);
        assert_int_equal(kill(backend, SIGCONT), 0);
        assert_error(&err, ERR_FAILED, "does not answer");
        assert_in_range(took, 4900, 6500);
        insert(db, 3, "y"); /* by a new connection */
        assert_true(backend_of(db) != backend);
        db_close(db);
    }
}

/* A statement that takes too long, and one that waits for a lock. */
static void a_statement_that_takes_too_long(void **state)
{
    struct err *err = NULL;
    struct db *db = store_database(*state), *other = store_database(*state);
    assert_false(db_script(db, "SELECT pg_sleep(30)", &err));
    assert_error(&err, ERR_FAILED, "timeout");
    assert_ok(db_begin(other, &err), &err);
    assert_ok(db_script(other, "SELECT pg_advisory_xact_lock(1)", &err), &err);
    assert_ok(db_begin(db, &err), &err);
    assert_false(db_script(db, "SELECT pg_advisory_xact_lock(1)", &err));
    assert_error(&err, ERR_FAILED, "timeout");
    db_rollback(db);
    assert_ok(db_commit(other, &err), &err);
    assert_ok(db_script(db, "SELECT 1", &err), &err);
    db_close(other);
    db_close(db);
}

/* The connection is lost in a transaction: nothing of it is there, and the next statement has
 * another connection. */
static void a_connection_that_is_lost(void **state)
{
    struct err *err = NULL;
    struct db *db = open_with_table(*state), *other = store_database(*state);
    assert_ok(db_begin(db, &err), &err);
    insert(db, 1, "x");
    _cleanup_free_ char *sql = xasprintf("SELECT pg_terminate_backend(%d)", (int)backend_of(db));
    assert_ok(db_script(other, sql, &err), &err);
    assert_false(DB_QUERY(db, NULL, &err, "INSERT INTO t VALUES ($1, NULL)", db_int(2)));
    assert_error(&err, ERR_FAILED, "PostgreSQL: ");
    /* it is no transaction any more, and does not go on as single statements */
    assert_false(DB_QUERY(db, NULL, &err, "INSERT INTO t VALUES ($1, NULL)", db_int(3)));
    assert_error(&err, ERR_FAILED, "the transaction was lost");
    assert_false(db_commit(db, &err));
    assert_error(&err, ERR_FAILED, "the transaction was lost");
    assert_int_equal(count_rows(db), 0);
    insert(db, 4, "x");
    assert_int_equal(count_rows(other), 1);
    db_close(other);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(values_there_and_back), STORE_TEST(values_by_their_number),
        STORE_TEST(rows_and_affected),     STORE_TEST(an_error_leaves_the_rest),
        STORE_TEST(transactions),          STORE_TEST(more_statements_than_are_kept),
        STORE_TEST(what_cannot_be_opened),
    };
    const struct CMUnitTest of_a_server[] = {
        STORE_TEST(a_server_that_hangs),
        STORE_TEST(a_statement_that_takes_too_long),
        STORE_TEST(a_connection_that_is_lost),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + (store_server() ? cmocka_run_group_tests(of_a_server, NULL, NULL) : 0);
}
