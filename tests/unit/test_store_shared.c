/* store.h, what several daemons do on one PostgreSQL. Without FIRN_TEST_POSTGRESQL only what SQLite
 * says. */
#include <signal.h>
#include <sys/wait.h>

#include "store_fixture.h"

#define PROCESSES 8

static size_t expire(struct fixture *f, struct store *store)
{
    size_t count;
    usleep(5000); /* past a lease of a millisecond */
    assert_ok(store_leases_expire(store, &count, &f->err), &f->err);
    return count;
}

static void a_file_is_not_shared(void **state)
{
    struct fixture *f = *state;
    if (on_postgresql())
        return assert_true(store_is_shared(f->store));
    assert_false(store_is_shared(f->store));
    int64_t id = add(f, a_job(JOB_BUILD, "p", "b"));
    claim_by(f, f->store, JOB_BUILD, 1, NULL);
    assert_int_equal(expire(f, f->store), 0);
    assert_int_equal(state_of(f, id, NULL), JOB_RUNNING);
}

static void a_build_is_taken_over_once(void **state)
{
    struct fixture *f = *state;
    int64_t first, second;
    struct store *b = open_store(f, "b"), *c = open_store(f, "c");
    int64_t id = add(f, a_job(JOB_BUILD, "p", "b")), flash = add(f, a_flash("1-1", id, NULL));
    assert_int_equal(claim_by(f, f->store, JOB_BUILD, 1, &first), id);
    assert_int_equal(expire(f, f->store), 0); /* one does not take its own away */
    assert_int_equal(expire(f, b), 1);
    assert_int_equal(state_of(f, id, NULL), JOB_QUEUED);
    assert_int_equal(claim_by(f, b, JOB_BUILD, 1, &second), id);
    assert_false(end_by(f, f->store, id, first, JOB_DONE, "x")); /* the first comes too late */
    assert_int_equal(state_of(f, id, NULL), JOB_RUNNING);
    assert_int_equal(expire(f, c), 1);
    struct job job;
    assert_int_equal(state_of(f, id, &job), JOB_INTERRUPTED);
    assert_contains(job.reason, "station b, which ran it, is gone");
    job_release(&job);
    assert_int_equal(state_of(f, flash, NULL), JOB_FAILED);
    assert_int_equal(claim_by(f, c, JOB_BUILD, 1, NULL), 0);
    store_close(b);
    store_close(c);
}

static void a_flash_is_not_taken_over(void **state)
{
    struct fixture *f = *state;
    struct store *b = open_store(f, "b");
    int64_t id = add(f, a_flash("1-1", 0, "i"));
    assert_int_equal(claim_by(f, f->store, JOB_FLASH, 1, NULL), id);
    assert_int_equal(expire(f, b), 1);
    assert_int_equal(state_of(f, id, NULL), JOB_INTERRUPTED);
    store_close(b);
}

static void a_lease_that_is_renewed_is_kept(void **state)
{
    struct fixture *f = *state;
    struct lease *held;
    size_t count;
    struct store *b = open_store(f, "b");
    int64_t id = add(f, a_job(JOB_BUILD, "p", "b")), token;
    assert_int_equal(claim_by(f, f->store, JOB_BUILD, 1, &token), id);
    assert_ok(store_leases_renew(f->store, 60000, &held, &count, &f->err), &f->err);
    assert_true(count == 1 && held[0].id == id && held[0].token == token);
    free(held);
    assert_int_equal(expire(f, b), 0);
    assert_true(end_by(f, f->store, id, token, JOB_DONE, NULL));
    assert_ok(store_leases_renew(f->store, 60000, &held, &count, &f->err), &f->err);
    assert_int_equal(count, 0);
    free(held);
    store_close(b);
}

/* ---- at the same time ---- */

/* Runs `work` in processes of their own, each with a connection of its own. */
static void in_processes(struct fixture *f,
                         void (*work)(struct fixture *f, struct store *store, int n))
{
    pid_t pids[PROCESSES];
    for (int n = 0; n < PROCESSES; n++) {
        pids[n] = fork();
        if (pids[n] == 0) {
            char name[16];
            snprintf(name, sizeof(name), "s%d", n);
            work(f, open_store(f, name), n);
            _exit(0);
        }
    }
    for (int n = 0; n < PROCESSES; n++) {
        int status;
        assert_int_equal(waitpid(pids[n], &status, 0), pids[n]);
        assert_int_equal(status, 0);
    }
}

static void add_many(struct fixture *f, struct store *store, int n)
{
    for (int i = 0; i < 50; i++) {
        char own[16], both[16];
        enum job_added how;
        snprintf(own, sizeof(own), "%d-%d", n, i);
        snprintf(both, sizeof(both), "same-%d", i); /* of all processes: one job each */
        add_as(f, store, a_job(JOB_BUILD, "p", own), own, "h", 100000, &how);
        add_as(f, store, a_job(JOB_BUILD, "p", both), NULL, NULL, 100000, &how);
    }
}

static void claim_and_end_many(struct fixture *f, struct store *store, int n)
{
    int64_t id, token;
    (void)n;
    while ((id = claim_by(f, store, JOB_BUILD, 60000, &token)))
        if (!end_by(f, store, id, token, JOB_DONE, NULL))
            _exit(1);
}

static void adding_and_claiming_at_the_same_time(void **state)
{
    struct fixture *f = *state;
    struct job_counts counts;
    in_processes(f, add_many);
    assert_ok(store_job_counts(f->store, &counts, &f->err), &f->err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_QUEUED], PROCESSES * 50 + 50);
    in_processes(f, claim_and_end_many);
    assert_ok(store_job_counts(f->store, &counts, &f->err), &f->err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_DONE], PROCESSES * 50 + 50);
    /* Each was claimed once, each end is a record of a chain that is whole. */
    struct job_filter filter = {.state = -1, .kind = -1, .limit = 1000};
    struct job_list list = JOB_LIST_INIT;
    assert_ok(store_jobs_list(f->store, &filter, &list, &f->err), &f->err);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.items[i].attempt, 1);
    job_list_release(&list);
    assert_int_equal(verify_records(f), PROCESSES * 50 + 50);
    assert_int_equal(count_events(f, 0), 3 * (PROCESSES * 50 + 50)); /* queued, running, done */
}

static void add_up_to_ten(struct fixture *f, struct store *store, int n)
{
    for (int i = 0; i < 10; i++) {
        char bundle[16];
        enum job_added how;
        snprintf(bundle, sizeof(bundle), "%d-%d", n, i);
        add_as(f, store, a_job(JOB_BUILD, "p", bundle), NULL, NULL, 10, &how);
    }
}

static void the_limit_of_the_queue_holds(void **state)
{
    struct fixture *f = *state;
    struct job_counts counts;
    in_processes(f, add_up_to_ten);
    assert_ok(store_job_counts(f->store, &counts, &f->err), &f->err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_QUEUED], 10);
}

/* An event never appears behind one that was seen. */
static void add_events(struct fixture *f, struct store *store, int n)
{
    json_t *data = json_pack("{s:i}", "n", n);
    for (int i = 0; i < 100; i++)
        if (!store_event_add(store, "x", data, &f->err))
            _exit(1);
    json_decref(data);
}

static void a_reader_misses_no_event(void **state)
{
    struct fixture *f = *state;
    pid_t writers = fork();
    if (writers == 0) {
        in_processes(f, add_events);
        _exit(0);
    }
    int64_t last = 0, seen = 0;
    while (seen < PROCESSES * 100) {
        struct store_events events = STORE_EVENTS_INIT;
        assert_ok(store_events_after(f->store, last, 50, &events, &f->err), &f->err);
        for (size_t i = 0; i < events.count; i++) {
            assert_int_equal(events.items[i].id, ++last); /* no gap that is filled later */
            seen++;
        }
        store_events_release(&events);
    }
    int status;
    assert_int_equal(waitpid(writers, &status, 0), writers);
    assert_int_equal(status, 0);
}

/* ---- a connection that breaks ---- */

static void a_lost_connection_comes_back(void **state)
{
    struct fixture *f = *state;
    int64_t id = add(f, a_job(JOB_BUILD, "p", "b"));
    assert_true(run_sql(f, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE datname = current_database() AND pid <> pg_backend_pid()"));
    struct job job;
    assert_false(store_job_get(f->store, id, &job, &f->err));
    assert_error(&f->err, ERR_FAILED, "PostgreSQL");
    assert_int_equal(state_of(f, id, NULL), JOB_QUEUED);
    assert_ok(store_probe(f->store, &f->err), &f->err);
}

static void a_server_that_is_not_there_is_told(void **state)
{
    struct fixture *f = *state;
    (void)f;
    struct err *err = NULL;
    assert_null(store_open("postgresql://firn@/none?host=/nonexistent", "a", &err));
    assert_error(&err, ERR_FAILED, "is the server of `store:` in firnd.yaml running?");
}

int main(void)
{
    const struct CMUnitTest anywhere[] = {
        STORE_TEST(a_file_is_not_shared),
        STORE_TEST(a_server_that_is_not_there_is_told),
    };
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_file_is_not_shared),
        STORE_TEST(a_server_that_is_not_there_is_told),
        STORE_TEST(a_build_is_taken_over_once),
        STORE_TEST(a_flash_is_not_taken_over),
        STORE_TEST(a_lease_that_is_renewed_is_kept),
        STORE_TEST(adding_and_claiming_at_the_same_time),
        STORE_TEST(the_limit_of_the_queue_holds),
        STORE_TEST(a_reader_misses_no_event),
        STORE_TEST(a_lost_connection_comes_back),
    };
    if (on_postgresql())
        return cmocka_run_group_tests_name("store_shared", tests, NULL, NULL);
    puts("# what several daemons do is tested by tests/station/postgresql.sh, on a server");
    return cmocka_run_group_tests_name("store_shared", anywhere, NULL, NULL);
}
