/*
 * What SQLite's store promises of its file: nobody else reads it, what was acknowledged is on the
 * disk, and a daemon that is killed at any moment leaves it whole. FIRN_STORE_KILLS: how many times
 * (20).
 */
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

static void nobody_else_may_read_it(void **state)
{
    struct store_fixture *f = *state;
    static const char *const names[] = {"firn.db", "firn.db-wal", "firn.db-shm"};
    struct stat st;
    add_build(f->store);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        _cleanup_free_ char *path = path_join(f->dir, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

static void assert_pragma(struct db *db, const char *pragma, const char *want)
{
    struct err *err = NULL;
    struct db_result rows;
    _cleanup_free_ char *sql = xasprintf("PRAGMA %s", pragma);
    assert_ok(db_query(db, sql, NULL, 0, &rows, &err), &err);
    assert_int_equal(rows.count, 1);
    const char *text = db_get_text(&rows, 0, 0);
    _cleanup_free_ char *number = xasprintf("%lld", (long long)db_get_int(&rows, 0, 0));
    assert_string_equal(text ? text : number, want);
    db_result_release(&rows);
}

static void written_ahead_and_in_full(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    add_build(f->store);
    for (int i = 0; i < 2; i++) {
        struct db *db = store_database(f);
        assert_pragma(db, "journal_mode", "wal");
        assert_pragma(db, "synchronous", "2");
        /* and after it was opened anew, too */
        db->broken = true;
        assert_ok(db_script(db, "SELECT 1", &err), &err);
        assert_pragma(db, "journal_mode", "wal");
        assert_pragma(db, "synchronous", "2");
        db_close(db);
        store_reopen(f);
    }
}

static void a_file_that_is_no_database(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(f->dir, "other"), *url = xasprintf("sqlite:%s", path);
    _cleanup_(buf_release) struct buf text = BUF_INIT, after = BUF_INIT;
    buf_fill(&text, 'x', 5000);
    assert_ok(fs_write(path, text.data, text.len, 0600, &err), &err);
    assert_null(store_open(url, "a", &err));
    assert_error(&err, ERR_FAILED, "other: file is not a database");
    assert_ok(fs_read(path, 10000, &after, &err), &err);
    assert_string_equal(after.data, text.data);
}

/* ---- how it looks things up ---- */

static struct strv asked; /* every statement that a connection was given */

static int on_statement(unsigned event, void *data, void *statement, void *text)
{
    const char *sql = sqlite3_sql(statement);
    (void)event, (void)data, (void)text;
    if (sql && !strv_contains(&asked, sql))
        strv_add(&asked, sql);
    return 0;
}

static int on_connection(sqlite3 *connection, char **message, const void *routines)
{
    (void)message, (void)routines;
    return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, on_statement, NULL);
}

static void list_by_every_filter(struct store *store)
{
    struct err *err = NULL;
    for (unsigned i = 0; i < 64; i++) {
        const struct job_filter jobs = {i & 1 ? JOB_QUEUED : -1,
                                        i & 2 ? JOB_BUILD : -1,
                                        i & 4 ? "greeter" : NULL,
                                        i & 8 ? "a" : NULL,
                                        0,
                                        5};
        const struct image_filter images = {.product = i & 1 ? "greeter" : NULL,
                                            .text = i & 2 ? "gree" : NULL,
                                            .station = i & 4 ? "a" : NULL,
                                            .here_only = i & 8,
                                            .by_use = i & 16,
                                            .before = i & 32 ? "d" : NULL,
                                            .limit = 5};
        const struct record_filter records = {
            .kind = i & 1 ? "x" : NULL, .oldest_first = i & 2, .limit = 5};
        struct image_list image_list = IMAGE_LIST_INIT;
        struct job_list job_list = JOB_LIST_INIT;
        json_t *array;
        assert_ok(store_jobs_list(store, &jobs, &job_list, &err), &err);
        job_list_release(&job_list);
        assert_ok(store_images_list(store, &images, &image_list, &err), &err);
        image_list_release(&image_list);
        assert_ok(store_records_list(store, &records, &array, &err), &err);
        json_decref(array);
    }
}

/* Everything that a daemon does all day. */
static void work(struct store *store)
{
    struct err *err = NULL;
    struct job_counts counts;
    struct lease *held;
    struct job job;
    size_t count;
    int64_t token, oldest, latest;
    bool lost, found;
    int64_t id = add_image(store, an_image("d1", 1));
    add_job(store, a_flash(id, NULL, "1-1"));
    claim(store, JOB_FLASH, NULL);
    id = add_build(store);
    add_job(store, a_flash(id, NULL, "1-1"));
    claim(store, JOB_BUILD, &token);
    assert_ok(store_job_requeue(store, id, token, &lost, &err), &err);
    assert_ok(store_job_cancel(store, id, &found, &job, &err), &err);
    job_release(&job);
    assert_ok(store_leases_renew(store, 1000, &held, &count, &err), &err);
    free(held);
    assert_ok(store_product_job(store, "greeter", &found, &job, &err) && found, &err);
    job_release(&job);
    count_events(store);
    assert_ok(store_events_range(store, &oldest, &latest, &err), &err);
    assert_ok(store_prune(store, 5, &err), &err);
    assert_ok(store_job_counts(store, &counts, &err), &err);
}

/* Whatever is asked of the tables that grow, an index answers. */
static void no_statement_reads_a_whole_table(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    size_t looked_at = 0;
    asked = (struct strv)STRV_INIT;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))on_connection), SQLITE_OK);
    store_reopen(f);
    sqlite3_reset_auto_extension();
    work(f->store);
    list_by_every_filter(f->store);
    struct db *db = store_database(f);
    for (size_t i = 0; i < asked.count; i++) {
        static const char *const large[] = {"SCAN jobs",   "SCAN other",   "SCAN events",
                                            "SCAN images", "SCAN records", "SCAN keys",
                                            "SCAN bundles"};
        _cleanup_free_ char *sql = xasprintf("EXPLAIN QUERY PLAN %s", asked.items[i]);
        struct db_result rows;
        /* The last ones by their id are a scan that ends early. */
        if (!strstr(asked.items[i], " WHERE ") || strstr(asked.items[i], "CREATE ") ||
            strstr(asked.items[i], "ORDER BY id DESC LIMIT 1 OFFSET"))
            continue;
        assert_ok(db_query(db, sql, NULL, 0, &rows, &err), &err);
        for (size_t r = 0; r < rows.count; r++) {
            const char *plan = db_get_text(&rows, r, 3);
            if (strstr(asked.items[i], "FROM jobs WHERE id < $1 AND") &&
                strstr(plan, "PRIMARY KEY (rowid<?)"))
                fail_msg("a filter without an index: %s: %s", plan, asked.items[i]);
            for (size_t k = 0; k < ARRAY_SIZE(large); k++)
                if (strstr(plan, large[k]) && !strstr(plan, "USING"))
                    fail_msg("%s: %s", plan, asked.items[i]);
        }
        db_result_release(&rows);
        looked_at++;
    }
    db_close(db);
    strv_release(&asked);
    assert_true(looked_at > 80);
}

/* ---- killed ---- */

/* What a writer has been told, as it tells it. */
struct ack {
    enum { ACK_ADDED, ACK_ENDED, ACK_RECORD } what;
    int64_t number;
};

static void acknowledge(int fd, int what, int64_t number)
{
    const struct ack ack = {what, number};
    if (write(fd, &ack, sizeof(ack)) != (ssize_t)sizeof(ack))
        _exit(4);
}

/* Adds, claims and ends until it is killed. */
static void write_for_ever(struct store *store, int round, int fd)
{
    struct err *err = NULL;
    for (int i = 0;; i++) {
        _cleanup_free_ char *bundle = xasprintf("b%d.%d", round, i),
                            *image = xasprintf("i%d.%d", round, i);
        struct job job = a_build("greeter", bundle), got;
        const struct job_request request = {&job, bundle, "h", 1 << 30};
        struct record_new record = a_record("build", i);
        const struct image_row row = an_image(image, i + 1);
        const struct job_end end = {.state = JOB_DONE,
                                    .image = image,
                                    .image_row = &row,
                                    .records = &record,
                                    .record_count = 1};
        enum job_added how;
        bool there, lost;
        if (!store_job_add(store, &request, &how, &got, &err))
            _exit(5);
        acknowledge(fd, ACK_ADDED, got.id);
        job_release(&got);
        if (!store_job_claim(store, JOB_BUILD, 1000, NULL, NULL, &there, &got, &err) || !there)
            _exit(6);
        if (!store_job_end(store, got.id, got.token, &end, &lost, &err) || lost)
            _exit(7);
        acknowledge(fd, ACK_ENDED, got.id);
        job_release(&got);
        if (!store_record_add(store, &record, &err))
            _exit(8);
        acknowledge(fd, ACK_RECORD, 0);
        json_decref(record.body);
    }
}

/* Its acknowledgements, until it is killed after `usec`. */
static struct buf run_and_kill(const struct store_fixture *f, int round, unsigned usec)
{
    struct buf acks = BUF_INIT;
    int out[2], status;
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err *err = NULL;
        close(out[0]);
        struct store *store = store_open(f->url, "a", &err);
        if (!store)
            _exit(3);
        write_for_ever(store, round, out[1]);
    }
    close(out[1]);
    pid_t killer = fork();
    assert_true(killer >= 0);
    if (killer == 0) {
        usleep(usec);
        kill(child, SIGKILL);
        _exit(0);
    }
    char chunk[4096];
    ssize_t n;
    while ((n = read(out[0], chunk, sizeof(chunk))) > 0)
        buf_add(&acks, chunk, (size_t)n);
    close(out[0]);
    assert_int_equal(waitpid(killer, &status, 0), killer);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return acks;
}

static void assert_none(struct db *db, const char *what, const char *sql)
{
    struct err *err = NULL;
    struct db_result rows;
    assert_ok(db_query(db, sql, NULL, 0, &rows, &err), &err);
    if (rows.count)
        fail_msg("%s: %zu", what, rows.count);
    db_result_release(&rows);
}

/* No part of a transaction without the others. */
static void assert_nothing_by_halves(const struct store_fixture *f)
{
    struct db *db = store_database(f);
    assert_pragma(db, "integrity_check", "ok");
    assert_none(db, "jobs that are done without their image",
                "SELECT 1 FROM jobs WHERE state = 'done'"
                " AND image NOT IN (SELECT digest FROM images)");
    assert_none(db, "images without their job",
                "SELECT 1 FROM images WHERE digest NOT IN"
                " (SELECT image FROM jobs WHERE state = 'done')");
    assert_none(db, "jobs without the event of their state",
                "SELECT 1 FROM jobs WHERE id || state NOT IN (SELECT json_extract(data, '$.id') ||"
                " json_extract(data, '$.state') FROM events WHERE type = 'job')");
    assert_none(db, "events of what is not so",
                "SELECT 1 FROM events WHERE type = 'job' AND"
                " json_extract(data, '$.state') = 'done' AND json_extract(data, '$.id') NOT IN"
                " (SELECT id FROM jobs WHERE state = 'done')");
    assert_none(db, "jobs without their key",
                "SELECT 1 FROM jobs WHERE id NOT IN (SELECT job FROM keys)");
    db_close(db);
}

/* What is running was claimed by the one that was killed: it is ended by the next. */
static void settle(struct store_fixture *f)
{
    struct err *err = NULL;
    struct job_list list = JOB_LIST_INIT;
    const struct job_filter filter = {.state = JOB_RUNNING, .kind = -1, .limit = 10};
    assert_ok(store_jobs_list(f->store, &filter, &list, &err), &err);
    assert_true(list.count <= 1);
    for (size_t i = 0; i < list.count; i++)
        assert_true(
            end_job(f->store, list.items[i].id, list.items[i].token, JOB_INTERRUPTED, NULL));
    job_list_release(&list);
}

static void killed_at_any_moment(void **state)
{
    struct store_fixture *f = *state;
    const char *wanted = getenv("FIRN_STORE_KILLS");
    int kills = wanted ? atoi(wanted) : 20;
    size_t told = 0, records = 0;
    unsigned seed = (unsigned)getpid();
    for (int round = 0; round < kills; round++) {
        store_close(f->store);
        f->store = NULL;
        struct buf acks = run_and_kill(f, round, 1000 + (unsigned)rand_r(&seed) % 150000);
        f->store = store_open_as(f, "a");
        const struct ack *all = (const struct ack *)acks.data;
        for (size_t i = 0; i < acks.len / sizeof(*all); i++, told++) {
            records += all[i].what != ACK_ADDED;
            if (all[i].what == ACK_ADDED)
                assert_true(job_state(f->store, all[i].number) <= JOB_DONE);
            else if (all[i].what == ACK_ENDED)
                assert_int_equal(job_state(f->store, all[i].number), JOB_DONE);
        }
        buf_release(&acks);
        size_t there = assert_chain(f->store);
        assert_in_range(there, records, records + (size_t)round + 1);
        assert_nothing_by_halves(f);
        settle(f);
    }
    print_message("# seed %d: killed %d times, %zu acknowledged, none lost\n", (int)getpid(), kills,
                  told);
    assert_true(told > (size_t)kills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(nobody_else_may_read_it),    STORE_TEST(written_ahead_and_in_full),
        STORE_TEST(a_file_that_is_no_database), STORE_TEST(no_statement_reads_a_whole_table),
        STORE_TEST(killed_at_any_moment),
    };
    unsetenv("FIRN_TEST_POSTGRESQL");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
