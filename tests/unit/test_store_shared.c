/* Several daemons on one PostgreSQL: leases that run out, races, and a server that dies. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/store_fixture.h"

#define PROCESSES 8

/* ---- leases that run out ---- */

static size_t expire(struct store *store)
{
    struct err *err = NULL;
    size_t count;
    usleep(5000); /* a lease of 1 ms is over */
    assert_ok(store_leases_expire(store, &count, &err), &err);
    return count;
}

static void a_build_is_taken_over_once(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct lease *held;
    size_t count;
    int64_t first, second, id = add_build(f->store);
    struct store *b = store_open_as(f, "b"), *c = store_open_as(f, "c");
    claim_for(f->store, JOB_BUILD, 1, &first);
    assert_int_equal(expire(f->store), 0); /* what is ours is ours */
    assert_int_equal(expire(b), 1);
    assert_int_equal(expire(c), 0);
    assert_last_event(b, "job", "\"state\":\"queued\"");
    struct job job = get_job(b, id);
    assert_int_equal(job.attempt, 1);
    assert_int_equal(job.started_ms, 0);
    assert_null(job.station);
    job_release(&job);
    /* the first learns that it was lost */
    assert_ok(store_leases_renew(f->store, 1000, &held, &count, &err), &err);
    assert_int_equal(count, 0);
    free(held);
    assert_int_equal(claim_for(b, JOB_BUILD, 1, &second), id);
    assert_false(end_job(f->store, id, first, JOB_DONE, "d1"));
    /* a build that took two daemons down does not get a third */
    int64_t flash = add_job(f->store, a_flash(id, NULL, NULL));
    assert_int_equal(expire(c), 1);
    job = get_job(c, id);
    assert_int_equal(job.state, JOB_INTERRUPTED);
    assert_contains(job.reason, "station b, which ran it, is gone");
    assert_non_null(job.hint);
    assert_true(job.ended_ms > 0);
    job_release(&job);
    assert_int_equal(job_state(c, flash), JOB_FAILED);
    assert_last_event(c, "job", "was interrupted");
    assert_false(end_job(b, id, second, JOB_DONE, "d1"));
    assert_int_equal(claim(c, JOB_BUILD, NULL), 0);
    store_close(b);
    store_close(c);
}

static void a_flash_is_never_taken_over(void **state)
{
    struct store_fixture *f = *state;
    int64_t token, id = add_job(f->store, a_flash(0, "d1", "1-1"));
    struct store *b = store_open_as(f, "b");
    claim_for(f->store, JOB_FLASH, 1, &token);
    assert_int_equal(expire(b), 1);
    struct job job = get_job(b, id);
    assert_int_equal(job.state, JOB_INTERRUPTED);
    assert_string_equal(job.station, "a");
    job_release(&job);
    assert_false(end_job(f->store, id, token, JOB_DONE, NULL));
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    store_close(b);
}

static void a_build_to_be_cancelled_is_not_started_again(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job job;
    bool done;
    int64_t id = add_build(f->store), flash = add_job(f->store, a_flash(id, NULL, NULL));
    struct store *b = store_open_as(f, "b");
    claim_for(f->store, JOB_BUILD, 1, NULL);
    assert_ok(store_job_cancel(b, id, &done, &job, &err), &err);
    job_release(&job);
    assert_int_equal(expire(b), 1);
    assert_int_equal(job_state(b, id), JOB_CANCELLED);
    assert_int_equal(job_state(b, flash), JOB_FAILED);
    store_close(b);
}

static void one_that_renews_keeps_its_jobs(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct lease *held;
    size_t count;
    int64_t token, id = add_build(f->store);
    struct store *b = store_open_as(f, "b");
    claim_for(f->store, JOB_BUILD, 1, &token);
    usleep(5000);
    assert_ok(store_leases_renew(f->store, 60000, &held, &count, &err), &err);
    assert_int_equal(count, 1);
    free(held);
    assert_int_equal(expire(b), 0);
    assert_true(end_job(f->store, id, token, JOB_DONE, "d1"));
    store_close(b);
}

/* ---- races ---- */

/* Runs the function in PROCESSES processes at once, each with a store of its own ("s0" ...); true:
 * all came to their end. */
static bool all_at_once(const struct store_fixture *f,
                        void (*run)(struct store *store, int number, FILE *out), const char *log)
{
    int gate[2];
    bool ok = true;
    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child)
            continue;
        char byte, name[8];
        struct err *err = NULL;
        snprintf(name, sizeof(name), "s%d", i);
        struct store *store = store_open(f->url, name, &err);
        FILE *out = fopen(log, "a");
        close(gate[1]);
        if (!store || !out || read(gate[0], &byte, 1) != 0)
            _exit(9);
        run(store, i, out);
        fclose(out);
        store_close(store);
        _exit(0);
    }
    usleep(300000);
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_true(wait(&status) > 0);
        ok &= status == 0;
    }
    return ok;
}

/* In a child: what fails ends it. */
static void must(bool ok, struct err *err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (ok)
        return;
    err_format(err, &text);
    fprintf(stderr, "# %s", text.data);
    _exit(1);
}

/* Claims builds and ends them until there are no more; a line for each. */
static void claim_all(struct store *store, int number, FILE *out)
{
    struct err *err = NULL;
    for (;;) {
        struct job job;
        bool got, lost = true;
        must(store_job_claim(store, JOB_BUILD, 60000, NULL, NULL, &got, &job, &err), err);
        if (!got)
            break;
        struct record_new record = a_record("build", number);
        const struct job_end end = {
            .state = JOB_DONE, .image = "d1", .records = &record, .record_count = 1};
        must(store_job_end(store, job.id, job.token, &end, &lost, &err) && !lost, err);
        json_decref(record.body);
        fprintf(out, "%lld\n", (long long)job.id);
        job_release(&job);
    }
}

/* The numbers in a file, each counted. */
static size_t count_lines(const char *path, int64_t max, int *times)
{
    char line[64];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fgets(line, sizeof(line), file); count++) {
        long long number = strtoll(line, NULL, 10);
        assert_in_range(number, 1, max);
        times[number]++;
    }
    fclose(file);
    return count;
}

static void each_job_is_claimed_once(void **state)
{
    enum { JOBS = 400 };
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job_counts counts;
    int times[JOBS + 1] = {0};
    _cleanup_free_ char *dir = NULL;
    assert_ok(fs_temp_dir_anywhere(&dir, &err), &err);
    _cleanup_free_ char *log = path_join(dir, "claimed");
    for (int i = 0; i < JOBS; i++)
        add_build(f->store);
    assert_true(all_at_once(f, claim_all, log));
    assert_int_equal(count_lines(log, JOBS, times), JOBS);
    for (int i = 1; i <= JOBS; i++)
        assert_int_equal(times[i], 1);
    assert_ok(store_job_counts(f->store, &counts, &err), &err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_DONE], JOBS);
    assert_int_equal(assert_chain(f->store), JOBS);
    assert_int_equal(count_events(f->store), 3 * JOBS);
    assert_ok(fs_remove_tree(dir, &err), &err);
}

/* Each process submits the same 50 builds, two of three with the same key; a line for each that was
 * new. */
static void submit_the_same(struct store *store, int number, FILE *out)
{
    struct err *err = NULL;
    (void)number;
    for (int i = 0; i < 50; i++) {
        _cleanup_free_ char *bundle = xasprintf("b%d", i);
        struct job job = a_build("greeter", bundle), got;
        const struct job_request request = {&job, i % 3 ? bundle : NULL, "h", 1000};
        enum job_added how;
        must(store_job_add(store, &request, &how, &got, &err), err);
        if (how == JOB_ADDED)
            fprintf(out, "%lld\n", (long long)got.id);
        else if (how != JOB_SAME && how != JOB_REPEATED)
            _exit(2);
        job_release(&got);
    }
}

static void the_same_is_added_once(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job_counts counts;
    int times[1000] = {0};
    _cleanup_free_ char *dir = NULL;
    assert_ok(fs_temp_dir_anywhere(&dir, &err), &err);
    _cleanup_free_ char *log = path_join(dir, "added");
    assert_true(all_at_once(f, submit_the_same, log));
    assert_int_equal(count_lines(log, 999, times), 50);
    assert_ok(store_job_counts(f->store, &counts, &err), &err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_QUEUED], 50);
    assert_int_equal(count_events(f->store), 50);
    assert_ok(fs_remove_tree(dir, &err), &err);
}

static void fill_the_queue(struct store *store, int number, FILE *out)
{
    struct err *err = NULL;
    for (int i = 0; i < 50; i++) {
        _cleanup_free_ char *bundle = xasprintf("b%d.%d", number, i);
        struct job job = a_build("greeter", bundle), got;
        const struct job_request request = {.job = &job, .queue_max = 100};
        enum job_added how;
        must(store_job_add(store, &request, &how, &got, &err), err);
        if (how != JOB_ADDED)
            continue;
        fprintf(out, "%lld\n", (long long)got.id);
        job_release(&got);
    }
}

static void the_queue_never_has_more_than_its_limit(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job_counts counts;
    int times[1000] = {0};
    _cleanup_free_ char *dir = NULL;
    assert_ok(fs_temp_dir_anywhere(&dir, &err), &err);
    _cleanup_free_ char *log = path_join(dir, "added");
    assert_true(all_at_once(f, fill_the_queue, log));
    assert_int_equal(count_lines(log, 999, times), 100);
    assert_ok(store_job_counts(f->store, &counts, &err), &err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_QUEUED], 100);
    assert_ok(fs_remove_tree(dir, &err), &err);
}

/* Everything at the same time: add, claim, end, cancel, requeue, phases, expire, renew, flashes of
 * builds that are just ending, products, images, records, tokens. */
static void everything(struct store *store, int number, FILE *out)
{
    struct err *err = NULL;
    unsigned seed = (unsigned)number;
    (void)out;
    for (int i = 0; i < 60; i++) {
        _cleanup_free_ char *bundle = xasprintf("b%d", rand_r(&seed) % 20);
        struct job build = a_build("greeter", bundle), job, flash;
        struct job_request request = {.job = &build, .queue_max = 1000};
        struct record_new record = a_record("x", i);
        struct lease *held;
        enum job_added how;
        bool got, done, lost;
        size_t count;
        must(store_job_add(store, &request, &how, &job, &err), err);
        flash = a_flash(job.id, NULL, "1-1");
        job_release(&job);
        request.job = &flash;
        must(store_job_add(store, &request, &how, &job, &err), err);
        job_release(&job);
        must(store_leases_renew(store, 2, &held, &count, &err), err);
        free(held);
        must(store_job_claim(store, JOB_BUILD, 2, NULL, NULL, &got, &job, &err), err);
        if (got) {
            int64_t id = job.id, token = job.token;
            const struct image_row image = an_image(bundle, i);
            const struct job_end end = {.state = i % 4 ? JOB_DONE : JOB_FAILED,
                                        .image = i % 4 ? bundle : NULL,
                                        .image_row = i % 4 ? &image : NULL,
                                        .records = &record,
                                        .record_count = 1};
            must(store_job_phases(store, id, token, job.phases, &lost, &err), err);
            job_release(&job);
            if (i % 7 == 0)
                must(store_job_requeue(store, id, token, &lost, &err), err);
            else
                must(store_job_end(store, id, token, &end, &lost, &err), err);
        }
        must(store_job_cancel(store, 1 + rand_r(&seed) % (i + 1), &done, &job, &err), err);
        job_release(&job);
        must(store_leases_expire(store, &count, &err), err);
        must(store_product_put(store, "greeter", record.body, record.body, &record, 1, &err), err);
        json_decref(record.body);
    }
}

/* What a client would make of the events it saw, one page after the other, while they came. */
static void no_deadlock_and_nothing_by_halves(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ char *dir = NULL;
    assert_ok(fs_temp_dir_anywhere(&dir, &err), &err);
    _cleanup_free_ char *log = path_join(dir, "log");
    pid_t reader = fork();
    assert_true(reader >= 0);
    if (reader == 0) {
        /* An id below one that was seen would be missed: all that there are must have been seen. */
        struct store *store = store_open_as(f, "reader");
        int64_t last = 0, idle = 0;
        size_t seen = 0;
        while (idle < 300) {
            struct store_events events;
            must(store_events_after(store, last, 50, &events, &err), err);
            for (size_t i = 0; i < events.count; i++)
                last = events.items[i].id;
            seen += events.count;
            idle = events.count ? 0 : idle + 1;
            store_events_release(&events);
            if (idle)
                usleep(5000);
        }
        _exit(seen == count_events(store) && seen > 1000 ? 0 : 3);
    }
    assert_true(all_at_once(f, everything, log));
    int status;
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
    /* no flash waits for a build that has ended */
    struct db *db = store_database(f);
    struct db_result rows;
    assert_ok(db_query(db,
                       "SELECT count(*) FROM jobs AS flash JOIN jobs AS build"
                       " ON build.id = flash.waits_for WHERE flash.state = 'queued'"
                       " AND flash.image IS NULL AND build.state NOT IN ('queued', 'running')",
                       NULL, 0, &rows, &err),
              &err);
    assert_int_equal(db_get_int(&rows, 0, 0), 0);
    db_result_release(&rows);
    db_close(db);
    assert_true(assert_chain(f->store) >= PROCESSES * 60);
    assert_ok(fs_remove_tree(dir, &err), &err);
}

static void make_the_schema(struct store *store, int number, FILE *out)
{
    (void)store;
    fprintf(out, "%d\n", number + 1);
}

static void all_start_at_the_same_time(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    int times[PROCESSES + 1] = {0};
    _cleanup_free_ char *dir = NULL;
    assert_ok(fs_temp_dir_anywhere(&dir, &err), &err);
    _cleanup_free_ char *log = path_join(dir, "log"), *empty = store_new_database(store_server());
    const struct store_fixture fresh = {.url = empty};
    (void)f;
    assert_true(all_at_once(&fresh, make_the_schema, log));
    assert_int_equal(count_lines(log, PROCESSES, times), PROCESSES);
    assert_ok(fs_remove_tree(dir, &err), &err);
}

/* ---- a server that dies ---- */

static pid_t postmaster(void)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *path = xasprintf("%s/postmaster.pid", getenv("FIRN_TEST_POSTGRESQL_DIR"));
    assert_ok(fs_read(path, 4096, &text, &err), &err);
    return (pid_t)strtol(text.data, NULL, 10);
}

/* The server and its children, each by SIGKILL, before it can tell them anything. */
static void kill_server(void)
{
    char line[4096];
    pid_t server = postmaster();
    _cleanup_free_ char *path = xasprintf("/proc/%d/task/%d/children", (int)server, (int)server);
    assert_int_equal(kill(server, SIGSTOP), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    if (!fgets(line, sizeof(line), file))
        line[0] = '\0';
    fclose(file);
    for (char *at = line; *at && *at != '\n';) {
        kill((pid_t)strtol(at, &at, 10), SIGKILL);
        at += strspn(at, " ");
    }
    assert_int_equal(kill(server, SIGKILL), 0);
}

/* tests/postgresql starts it again. */
static void wait_for_server(struct store *store)
{
    struct err *err = NULL;
    for (int i = 0; i < 600; i++) {
        if (store_probe(store, &err))
            return;
        err_free_ptr(&err);
        usleep(50000);
    }
    fail_msg("the server did not come back");
}

static void a_server_that_is_killed(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    int64_t ids[2000];
    size_t acknowledged = 0, records = 0, failures = 0;
    for (int round = 0; round < 5; round++) {
        pid_t killer = fork();
        assert_true(killer >= 0);
        if (killer == 0) {
            usleep(20000 + 37000u * (unsigned)round);
            kill_server();
            _exit(0);
        }
        for (bool alive = true; alive && acknowledged < ARRAY_SIZE(ids);) {
            _cleanup_free_ char *bundle = xasprintf("b%d.%zu", round, acknowledged);
            struct job job = a_build("greeter", bundle), got;
            struct record_new record = a_record("x", (int)records);
            const struct job_request request = {.job = &job, .queue_max = 100000};
            enum job_added how;
            alive = store_job_add(f->store, &request, &how, &got, &err);
            if (alive) {
                ids[acknowledged++] = got.id;
                job_release(&got);
                alive = store_record_add(f->store, &record, &err);
                records += alive;
            }
            json_decref(record.body);
        }
        assert_non_null(err);
        failures++;
        err_free_ptr(&err);
        int status;
        assert_int_equal(waitpid(killer, &status, 0), killer);
        assert_int_equal(status, 0);
        wait_for_server(f->store);
        for (size_t i = 0; i < acknowledged; i++)
            assert_int_equal(job_state(f->store, ids[i]), JOB_QUEUED);
        size_t there = assert_chain(f->store);
        assert_in_range(there, records, records + failures);
    }
    print_message("# %zu jobs, %zu records, 5 kills\n", acknowledged, records);
    assert_true(acknowledged > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_build_is_taken_over_once),
        STORE_TEST(a_flash_is_never_taken_over),
        STORE_TEST(a_build_to_be_cancelled_is_not_started_again),
        STORE_TEST(one_that_renews_keeps_its_jobs),
        STORE_TEST(each_job_is_claimed_once),
        STORE_TEST(the_same_is_added_once),
        STORE_TEST(the_queue_never_has_more_than_its_limit),
        STORE_TEST(no_deadlock_and_nothing_by_halves),
        STORE_TEST(all_start_at_the_same_time),
        STORE_TEST(a_server_that_is_killed),
    };
    if (!store_server()) {
        puts("1..0 # SKIP several daemons share a PostgreSQL: tests/station/postgresql.sh");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
