/* store.h, jobs: accepting, claiming, ending, cancelling. On both databases (store_fixture.h). */
#include "store_fixture.h"

/* ---- accepting ---- */

static void a_job_is_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct job job = a_job(JOB_BUILD, "greeter", "b1"), found;
    job.priority = 3;
    job.need_memory = 1ull << 40;
    int64_t id = add(f, job);
    assert_int_equal(state_of(f, id, &found), JOB_QUEUED);
    assert_string_equal(found.product, "greeter");
    assert_string_equal(found.bundle, "b1");
    assert_string_equal(found.submitted_by, "alice");
    assert_int_equal(found.priority, 3);
    assert_true(found.need_memory == 1ull << 40);
    assert_int_equal(found.attempt, 0);
    assert_int_equal(found.exit_status, -1);
    assert_null(found.station);
    assert_int_equal(json_array_size(found.phases), 0);
    job_release(&found);
    assert_false(store_job_get(f->store, id + 1, &found, &f->err));
    assert_error(&f->err, ERR_NOT_FOUND, "there is no job 2");
    assert_int_equal(count_events(f, 0), 1);
}

static void a_key_means_the_same_job(void **state)
{
    struct fixture *f = *state;
    enum job_added how;
    int64_t id = add_as(f, f->store, a_job(JOB_BUILD, "p", "b"), "k", "h", 10, &how);
    assert_int_equal(how, JOB_ADDED);
    assert_int_equal(add_as(f, f->store, a_job(JOB_BUILD, "p", "b"), "k", "h", 10, &how), id);
    assert_int_equal(how, JOB_REPEATED);
    add_as(f, f->store, a_job(JOB_BUILD, "p", "b"), "k", "other", 10, &how);
    assert_int_equal(how, JOB_KEY_REUSED);
    /* Also when the job is over, and only for the same caller. */
    int64_t token;
    assert_int_equal(claim(f, JOB_BUILD, &token), id);
    assert_true(end_by(f, f->store, id, token, JOB_DONE, "i"));
    assert_int_equal(add_as(f, f->store, a_job(JOB_BUILD, "p", "b"), "k", "h", 10, &how), id);
    struct job other = a_job(JOB_BUILD, "p", "b");
    free(other.submitted_by);
    other.submitted_by = xstrdup("bob");
    assert_int_not_equal(add_as(f, f->store, other, "k", "h", 10, &how), id);
    assert_int_equal(how, JOB_ADDED);
}

static void the_same_build_is_one_job(void **state)
{
    struct fixture *f = *state;
    enum job_added how;
    int64_t id = add(f, a_job(JOB_BUILD, "p", "b")), token;
    assert_int_equal(add_as(f, f->store, a_job(JOB_BUILD, "p", "b"), "k", "h", 10, &how), id);
    assert_int_equal(how, JOB_SAME);
    assert_int_equal(add_as(f, f->store, a_job(JOB_BUILD, "p", "b"), "k", "h", 10, &how), id);
    assert_int_equal(how, JOB_REPEATED); /* its key stands for that job, too */
    assert_int_not_equal(add(f, a_job(JOB_BUILD, "p", "c")), id);
    assert_int_not_equal(add(f, a_job(JOB_BUILD, "q", "b")), id);
    assert_int_not_equal(add(f, a_job(JOB_FOLLOW, "p", "b")), id);
    assert_int_equal(claim(f, JOB_BUILD, &token), id);
    assert_int_equal(add(f, a_job(JOB_BUILD, "p", "b")), id);
    /* One that is about to be cancelled does not count, nor one that is over. */
    struct job job;
    bool done;
    assert_ok(store_job_cancel(f->store, id, &done, &job, &f->err), &f->err);
    job_release(&job);
    int64_t second = add(f, a_job(JOB_BUILD, "p", "b"));
    assert_int_not_equal(second, id);
    assert_true(end_by(f, f->store, id, token, JOB_CANCELLED, NULL));
    assert_int_equal(add(f, a_job(JOB_BUILD, "p", "b")), second);
}

static void flashes_are_never_the_same(void **state)
{
    struct fixture *f = *state;
    assert_int_not_equal(add(f, a_flash("1-1", 0, "i")), add(f, a_flash("1-1", 0, "i")));
}

static void a_queue_has_an_end(void **state)
{
    struct fixture *f = *state;
    enum job_added how;
    add_as(f, f->store, a_job(JOB_BUILD, "p", "1"), NULL, NULL, 2, &how);
    add_as(f, f->store, a_job(JOB_BUILD, "p", "2"), NULL, NULL, 2, &how);
    assert_int_equal(how, JOB_ADDED);
    add_as(f, f->store, a_job(JOB_BUILD, "p", "3"), NULL, NULL, 2, &how);
    assert_int_equal(how, JOB_QUEUE_FULL);
    claim(f, JOB_BUILD, NULL); /* what runs does not wait */
    add_as(f, f->store, a_job(JOB_BUILD, "p", "3"), NULL, NULL, 2, &how);
    assert_int_equal(how, JOB_ADDED);
}

/* ---- claiming ---- */

static void the_highest_priority_then_the_oldest_comes_first(void **state)
{
    struct fixture *f = *state;
    static const int priorities[] = {0, -1, 5, 0, 5}, order[] = {3, 5, 1, 4, 2};
    for (size_t i = 0; i < ARRAY_SIZE(priorities); i++) {
        char bundle[2] = {(char)('a' + i), '\0'};
        struct job job = a_job(JOB_BUILD, "p", bundle);
        job.priority = priorities[i];
        add(f, job);
    }
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        assert_int_equal(claim(f, JOB_BUILD, NULL), order[i]);
    assert_int_equal(claim(f, JOB_BUILD, NULL), 0);
}

static bool only_small(void *data, const struct job *job)
{
    int *asked = data;
    ++*asked;
    return job->need_memory < 5000;
}

static void what_does_not_fit_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct job large = a_job(JOB_BUILD, "p", "large"), job;
    int asked = 0;
    bool got;
    large.need_memory = 10000;
    int64_t id = add(f, large);
    add(f, a_job(JOB_BUILD, "p", "small"));
    assert_ok(store_job_claim(f->store, JOB_BUILD, 1000, only_small, &asked, &got, &job, &f->err),
              &f->err);
    assert_false(got);
    assert_int_equal(asked, 1); /* the small one behind it is not taken instead */
    assert_int_equal(state_of(f, id, NULL), JOB_QUEUED);
}

static void a_port_is_flashed_by_one_at_a_time(void **state)
{
    struct fixture *f = *state;
    int64_t first = add(f, a_flash("1-1", 0, "i")), token;
    int64_t same = add(f, a_flash("1-1", 0, "i")), other = add(f, a_flash("1-2", 0, "i"));
    int64_t any = add(f, a_flash(NULL, 0, "i"));
    assert_int_equal(claim(f, JOB_FLASH, &token), first);
    assert_int_equal(claim(f, JOB_FLASH, NULL), other);
    assert_int_equal(claim(f, JOB_FLASH, NULL), 0); /* the one of any port waits for all */
    assert_true(end_by(f, f->store, first, token, JOB_DONE, NULL));
    assert_int_equal(claim(f, JOB_FLASH, NULL), same);
    assert_int_equal(state_of(f, any, NULL), JOB_QUEUED);
}

static void a_flash_is_of_its_station(void **state)
{
    struct fixture *f = *state;
    struct job job = a_flash("1-1", 0, "i");
    free(job.station);
    job.station = xstrdup("elsewhere");
    add(f, job);
    assert_int_equal(claim(f, JOB_FLASH, NULL), 0);
}

/* ---- a flash and its build ---- */

static void a_flash_waits_for_its_build(void **state)
{
    struct fixture *f = *state;
    int64_t build = add(f, a_job(JOB_BUILD, "p", "b")), flash = add(f, a_flash("1-1", build, NULL)),
            token;
    struct job job;
    assert_int_equal(claim(f, JOB_FLASH, NULL), 0);
    assert_int_equal(claim(f, JOB_BUILD, &token), build);
    assert_int_equal(claim(f, JOB_FLASH, NULL), 0);
    assert_true(end_by(f, f->store, build, token, JOB_DONE, "image"));
    assert_int_equal(claim(f, JOB_FLASH, NULL), flash);
    state_of(f, flash, &job);
    assert_string_equal(job.image, "image");
    job_release(&job);
    /* One that comes later has the image at once. */
    flash = add(f, a_flash("1-2", build, NULL));
    state_of(f, flash, &job);
    assert_string_equal(job.image, "image");
    job_release(&job);
}

static void it_is_not_done_if_that_failed(void **state)
{
    struct fixture *f = *state;
    static const enum job_state ends[] = {JOB_FAILED, JOB_CANCELLED, JOB_INTERRUPTED, JOB_DONE};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        char bundle[2] = {(char)('a' + i), '\0'};
        int64_t build = add(f, a_job(JOB_BUILD, "p", bundle)), token;
        int64_t before = add(f, a_flash("1-1", build, NULL));
        struct job job;
        assert_int_equal(claim(f, JOB_BUILD, &token), build);
        assert_true(end_by(f, f->store, build, token, ends[i], NULL)); /* done, without an image */
        int64_t after = add(f, a_flash("1-1", build, NULL));
        assert_int_equal(state_of(f, before, &job), JOB_FAILED);
        assert_contains(job.reason,
                        ends[i] == JOB_DONE ? "made no image" : job_state_name(ends[i]));
        job_release(&job);
        assert_int_equal(state_of(f, after, NULL), JOB_FAILED);
    }
    assert_int_equal(claim(f, JOB_FLASH, NULL), 0);
}

/* ---- the fencing token ---- */

static void only_the_present_holder_writes(void **state)
{
    struct fixture *f = *state;
    int64_t id = add(f, a_job(JOB_BUILD, "p", "b")), first, second;
    json_t *phases = json_pack("[{s:s}]", "id", "compile");
    bool lost;
    assert_int_equal(claim(f, JOB_BUILD, &first), id);
    assert_ok(store_job_requeue(f->store, id, first, &lost, &f->err), &f->err);
    assert_false(lost);
    assert_false(end_by(f, f->store, id, first, JOB_DONE, "x")); /* it is queued */
    assert_int_equal(claim(f, JOB_BUILD, &second), id);
    assert_int_equal(second, first + 1);
    int64_t before = (int64_t)count_events(f, 0);
    assert_false(end_by(f, f->store, id, first, JOB_DONE, "x"));
    assert_ok(store_job_phases(f->store, id, first, phases, &lost, &f->err), &f->err);
    assert_true(lost);
    assert_ok(store_job_requeue(f->store, id, first, &lost, &f->err), &f->err);
    assert_true(lost);
    assert_int_equal(count_events(f, 0), before);
    assert_int_equal(verify_records(f), 0);
    assert_ok(store_job_phases(f->store, id, second, phases, &lost, &f->err), &f->err);
    assert_false(lost);
    assert_true(end_by(f, f->store, id, second, JOB_DONE, "x"));
    assert_false(end_by(f, f->store, id, second, JOB_FAILED, NULL)); /* once */
    assert_int_equal(verify_records(f), 1);
    struct job job;
    assert_int_equal(state_of(f, id, &job), JOB_DONE);
    assert_int_equal(job.attempt, 1); /* the one that was given back does not count */
    assert_int_equal(json_array_size(job.phases), 1);
    job_release(&job);
    json_decref(phases);
}

/* ---- cancelling ---- */

static enum job_state cancel(struct fixture *f, int64_t id, bool *done, bool *requested)
{
    struct job job;
    assert_ok(store_job_cancel(f->store, id, done, &job, &f->err), &f->err);
    enum job_state state = job.state;
    *requested = job.cancel_requested;
    job_release(&job);
    return state;
}

static void cancelling_is_at_once_or_asked_for(void **state)
{
    struct fixture *f = *state;
    int64_t queued = add(f, a_job(JOB_BUILD, "p", "b")),
            flash = add(f, a_flash("1-1", queued, NULL));
    int64_t token;
    bool done, requested;
    assert_int_equal(cancel(f, queued, &done, &requested), JOB_CANCELLED);
    assert_true(done);
    assert_int_equal(state_of(f, flash, NULL), JOB_FAILED);
    int64_t running = add(f, a_job(JOB_BUILD, "p", "b"));
    assert_int_equal(claim(f, JOB_BUILD, &token), running);
    assert_int_equal(cancel(f, running, &done, &requested), JOB_RUNNING);
    assert_true(done && requested);
    struct lease *held;
    size_t count;
    assert_ok(store_leases_renew(f->store, 1000, &held, &count, &f->err), &f->err);
    assert_int_equal(count, 1);
    assert_true(held[0].id == running && held[0].token == token && held[0].cancel_requested);
    free(held);
    assert_true(end_by(f, f->store, running, token, JOB_CANCELLED, NULL));
    cancel(f, running, &done, &requested);
    assert_false(done);
    struct job job;
    assert_false(store_job_cancel(f->store, 999, &done, &job, &f->err));
    assert_error(&f->err, ERR_NOT_FOUND, "there is no job 999");
}

/* ---- lists ---- */

static void lists_are_filtered_and_paged(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 7; i++) {
        char bundle[2] = {(char)('a' + i), '\0'};
        add(f, a_job(i % 2 ? JOB_BUILD : JOB_FOLLOW, i < 4 ? "p" : "q", bundle));
    }
    claim(f, JOB_BUILD, NULL);
    struct job_filter filter = {.state = -1, .kind = -1, .limit = 3};
    int64_t expected = 7;
    for (;;) {
        struct job_list list = JOB_LIST_INIT;
        assert_ok(store_jobs_list(f->store, &filter, &list, &f->err), &f->err);
        size_t count = list.count;
        for (size_t i = 0; i < count; i++)
            assert_int_equal(list.items[i].id, expected--);
        job_list_release(&list);
        if (count < 3)
            break;
        filter.before = expected + 1;
    }
    assert_int_equal(expected, 0);
    const struct {
        struct job_filter filter;
        size_t count;
    } cases[] = {
        {{.state = JOB_RUNNING, .kind = -1, .limit = 10}, 1},
        {{.state = JOB_QUEUED, .kind = -1, .limit = 10}, 6},
        {{.state = -1, .kind = JOB_FOLLOW, .limit = 10}, 4},
        {{.state = -1, .kind = JOB_FLASH, .limit = 10}, 0},
        {{.state = -1, .kind = -1, .product = "q", .limit = 10}, 3},
        {{.state = JOB_QUEUED, .kind = JOB_BUILD, .product = "p", .limit = 10}, 1},
        {{.state = -1, .kind = -1, .station = "a", .limit = 10}, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct job_list list = JOB_LIST_INIT;
        assert_ok(store_jobs_list(f->store, &cases[i].filter, &list, &f->err), &f->err);
        assert_int_equal(list.count, cases[i].count);
        job_list_release(&list);
    }
    struct job_counts counts;
    assert_ok(store_job_counts(f->store, &counts, &f->err), &f->err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_RUNNING], 1);
    assert_int_equal(counts.of[JOB_BUILD][JOB_QUEUED], 2);
    assert_int_equal(counts.of[JOB_FOLLOW][JOB_QUEUED], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_job_is_what_was_asked_for),
        STORE_TEST(a_key_means_the_same_job),
        STORE_TEST(the_same_build_is_one_job),
        STORE_TEST(flashes_are_never_the_same),
        STORE_TEST(a_queue_has_an_end),
        STORE_TEST(the_highest_priority_then_the_oldest_comes_first),
        STORE_TEST(what_does_not_fit_is_waited_for),
        STORE_TEST(a_port_is_flashed_by_one_at_a_time),
        STORE_TEST(a_flash_is_of_its_station),
        STORE_TEST(a_flash_waits_for_its_build),
        STORE_TEST(it_is_not_done_if_that_failed),
        STORE_TEST(only_the_present_holder_writes),
        STORE_TEST(cancelling_is_at_once_or_asked_for),
        STORE_TEST(lists_are_filtered_and_paged),
    };
    return cmocka_run_group_tests_name("store_job", tests, NULL, NULL);
}
