/* Jobs in the store: accepting, listing, counting, cancelling. */
#include "tests/unit/store_fixture.h"

/* ---- accepting ---- */

static void what_was_accepted_is_read_again(void **state)
{
    struct store_fixture *f = *state;
    struct job job = a_build("greeter", "b1");
    job.priority = -3;
    job.need_memory = 5ull << 30;
    job.need_cores = 3;
    job.retry_of = 7;
    int64_t id = add_job(f->store, job);
    store_reopen(f);
    struct job got = get_job(f->store, id);
    assert_int_equal(got.state, JOB_QUEUED);
    assert_int_equal(got.kind, JOB_BUILD);
    assert_string_equal(got.product, "greeter");
    assert_string_equal(got.bundle, "b1");
    assert_null(got.image);
    assert_null(got.station);
    assert_int_equal(got.priority, -3);
    assert_true(got.need_memory == 5ull << 30);
    assert_int_equal(got.need_cores, 3);
    assert_int_equal(got.retry_of, 7);
    assert_string_equal(got.submitted_by, "anna");
    assert_int_equal(got.submitted_ms, 1000);
    assert_int_equal(got.started_ms, 0);
    assert_int_equal(got.exit_status, -1);
    assert_int_equal(json_array_size(got.phases), 0);
    job_release(&got);
    assert_int_equal(count_events(f->store), 1);
    assert_last_event(f->store, "job", "\"state\":\"queued\"");
}

/* Whoever retries a job hands in the old one: what became of that is not the new one's. */
static void a_retry_starts_afresh(void **state)
{
    struct store_fixture *f = *state;
    struct job job = a_build("greeter", "b1");
    job.state = JOB_FAILED;
    job.image = (char *)"old";
    job.station = (char *)"gone";
    job.reason = xstrdup("it failed");
    job.attempt = 2;
    job.token = 9;
    job.ended_ms = 5;
    struct job got = get_job(f->store, add_job(f->store, job));
    free(job.reason);
    assert_int_equal(got.state, JOB_QUEUED);
    assert_null(got.image);
    assert_null(got.station);
    assert_null(got.reason);
    assert_int_equal(got.attempt, 0);
    assert_int_equal(got.ended_ms, 0);
    job_release(&got);
}

static enum job_added with_key(struct store *store, struct job job, const char *key,
                               const char *hash, int64_t *id)
{
    const struct job_request request = {&job, key, hash, 1000};
    return request_job(store, &request, id);
}

static void a_key_stands_for_its_request(void **state)
{
    struct store_fixture *f = *state;
    struct job job = a_build("greeter", "b1"), other = a_build("greeter", "b2");
    int64_t id, again, token;
    assert_int_equal(with_key(f->store, job, "k", "h1", &id), JOB_ADDED);
    assert_int_equal(with_key(f->store, job, "k", "h1", &again), JOB_REPEATED);
    assert_int_equal(again, id);
    assert_int_equal(with_key(f->store, other, "k", "h2", &again), JOB_KEY_REUSED);
    /* another's key is another key, and the job is the same */
    job.submitted_by = (char *)"bert";
    assert_int_equal(with_key(f->store, job, "k", "h1", &again), JOB_SAME);
    assert_int_equal(again, id);
    /* whatever has become of it */
    claim(f->store, JOB_BUILD, &token);
    assert_true(end_job(f->store, id, token, JOB_FAILED, NULL));
    store_reopen(f);
    assert_int_equal(with_key(f->store, job, "k", "h1", &again), JOB_REPEATED);
    assert_int_equal(again, id);
    assert_int_equal(count_events(f->store), 3);
}

static void the_same_build_is_one_job(void **state)
{
    struct store_fixture *f = *state;
    int64_t token, again, id = add_job(f->store, a_build("greeter", "b1"));
    assert_int_equal(try_job(f->store, a_build("greeter", "b1"), &again), JOB_SAME);
    assert_int_equal(again, id);
    assert_int_equal(try_job(f->store, a_build("greeter", "b2"), &again), JOB_ADDED);
    assert_int_equal(try_job(f->store, a_build("other", "b1"), &again), JOB_ADDED);
    assert_int_equal(claim(f->store, JOB_BUILD, &token), id);
    assert_int_equal(try_job(f->store, a_build("greeter", "b1"), &again), JOB_SAME);
    assert_int_equal(again, id);
    assert_true(end_job(f->store, id, token, JOB_DONE, "d1"));
    assert_int_equal(try_job(f->store, a_build("greeter", "b1"), &again), JOB_ADDED);
    assert_true(again > id);
}

static void cancel_job(struct store *store, int64_t id, bool want, enum job_state state)
{
    struct err *err = NULL;
    struct job job;
    bool done;
    assert_ok(store_job_cancel(store, id, &done, &job, &err), &err);
    assert_int_equal(done, want);
    assert_int_equal(job.state, state);
    job_release(&job);
}

static void one_that_is_being_cancelled_is_another(void **state)
{
    struct store_fixture *f = *state;
    int64_t again, id = add_job(f->store, a_build("greeter", "b1"));
    cancel_job(f->store, id, true, JOB_CANCELLED);
    assert_int_equal(try_job(f->store, a_build("greeter", "b1"), &again), JOB_ADDED);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), again);
    cancel_job(f->store, again, true, JOB_RUNNING);
    assert_int_equal(try_job(f->store, a_build("greeter", "b1"), &id), JOB_ADDED);
    assert_true(id > again);
}

static void flashes_are_never_the_same(void **state)
{
    struct store_fixture *f = *state;
    int64_t one = add_job(f->store, a_flash(0, "d1", "1-1"));
    int64_t two = add_job(f->store, a_flash(0, "d1", "1-1"));
    assert_true(two > one);
}

static void a_full_queue_takes_no_more(void **state)
{
    struct store_fixture *f = *state;
    struct job job = a_build("greeter", "b3");
    struct job_request request = {&job, "k", "h", 2};
    int64_t id, first = add_build(f->store);
    add_build(f->store);
    assert_int_equal(request_job(f->store, &request, &id), JOB_QUEUE_FULL);
    assert_int_equal(count_events(f->store), 2);
    /* one that runs is not in the queue; the key was not used up */
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), first);
    assert_int_equal(request_job(f->store, &request, &id), JOB_ADDED);
    /* what stands for a job is found in a full queue, too */
    assert_int_equal(request_job(f->store, &request, &id), JOB_REPEATED);
    request.key = NULL;
    assert_int_equal(request_job(f->store, &request, &id), JOB_SAME);
}

/* ---- flashes of what is being built ---- */

static void a_flash_of_a_build_that_is_done(void **state)
{
    struct store_fixture *f = *state;
    int64_t token, build = add_build(f->store);
    claim(f->store, JOB_BUILD, &token);
    assert_true(end_job(f->store, build, token, JOB_DONE, "d1"));
    struct job flash = get_job(f->store, add_job(f->store, a_flash(build, NULL, "1-1")));
    assert_int_equal(flash.state, JOB_QUEUED);
    assert_string_equal(flash.image, "d1");
    assert_string_equal(flash.station, "a");
    job_release(&flash);
}

static void a_flash_of_a_build_that_runs_waits(void **state)
{
    struct store_fixture *f = *state;
    int64_t token, build = add_build(f->store), flash = add_job(f->store, a_flash(build, NULL, 0));
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    claim(f->store, JOB_BUILD, &token);
    int64_t second = add_job(f->store, a_flash(build, NULL, NULL));
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    assert_true(end_job(f->store, build, token, JOB_DONE, "d1"));
    assert_last_event(f->store, "job", "\"image\":\"d1\"");
    struct job job = get_job(f->store, second);
    assert_string_equal(job.image, "d1");
    job_release(&job);
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), flash);
}

/* A build that ended in this way, perhaps with an image. */
static int64_t ended_build(struct store *store, enum job_state how, const char *image)
{
    int64_t token, build = add_build(store);
    assert_int_equal(claim(store, JOB_BUILD, &token), build);
    assert_true(end_job(store, build, token, how, image));
    return build;
}

static void assert_flash_failed(struct store *store, int64_t id, const char *why)
{
    struct job flash = get_job(store, id);
    assert_int_equal(flash.state, JOB_FAILED);
    assert_contains(flash.reason, why);
    assert_true(flash.ended_ms > 0);
    job_release(&flash);
}

static void a_flash_of_a_build_that_failed(void **state)
{
    struct store_fixture *f = *state;
    static const struct {
        enum job_state how;
        const char *image, *why;
    } cases[] = {
        {JOB_FAILED, NULL, "it was to flash, failed"}, {JOB_CANCELLED, NULL, "was cancelled"},
        {JOB_INTERRUPTED, NULL, "interrupted"},        {JOB_DONE, NULL, "made no image"},
        {JOB_FAILED, "d1", "it was to flash, failed"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t build = ended_build(f->store, cases[i].how, cases[i].image);
        int64_t flash = add_job(f->store, a_flash(build, NULL, NULL));
        assert_flash_failed(f->store, flash, cases[i].why);
        assert_last_event(f->store, "job", "\"state\":\"failed\"");
    }
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
}

static void a_flash_that_waits_fails_with_its_build(void **state)
{
    struct store_fixture *f = *state;
    static const struct {
        enum job_state how;
        const char *image, *why;
    } cases[] = {
        {JOB_FAILED, NULL, "it was to flash, failed"}, {JOB_CANCELLED, NULL, "was cancelled"},
        {JOB_INTERRUPTED, NULL, "was interrupted"},    {JOB_DONE, NULL, "made no image"},
        {JOB_FAILED, "d1", "it was to flash, failed"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t token, build = add_build(f->store);
        int64_t flash = add_job(f->store, a_flash(build, NULL, NULL));
        claim(f->store, JOB_BUILD, &token);
        assert_true(end_job(f->store, build, token, cases[i].how, cases[i].image));
        assert_flash_failed(f->store, flash, cases[i].why);
        assert_last_event(f->store, "job", cases[i].why);
    }
    int64_t build = add_build(f->store), flash = add_job(f->store, a_flash(build, NULL, NULL));
    cancel_job(f->store, build, true, JOB_CANCELLED);
    assert_flash_failed(f->store, flash, "was cancelled");
    assert_last_event(f->store, "job", "was cancelled");
}

static void a_flash_of_a_build_that_is_not_there(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job job, flash = a_flash(99, NULL, NULL);
    const struct job_request request = {.job = &flash, .queue_max = 1000};
    enum job_added how;
    assert_false(store_job_add(f->store, &request, &how, &job, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no job 99");
    assert_int_equal(count_events(f->store), 0);
    add_build(f->store);
}

/* ---- cancelling ---- */

static void cancelling_in_each_state(void **state)
{
    struct store_fixture *f = *state;
    static const enum job_state over[] = {JOB_DONE, JOB_FAILED, JOB_CANCELLED, JOB_INTERRUPTED};
    struct err *err = NULL;
    struct job job;
    int64_t token, id = add_build(f->store);
    bool done;
    cancel_job(f->store, id, true, JOB_CANCELLED);
    assert_last_event(f->store, "job", "\"state\":\"cancelled\"");
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), 0);
    id = add_build(f->store);
    claim(f->store, JOB_BUILD, &token);
    cancel_job(f->store, id, true, JOB_RUNNING);
    job = get_job(f->store, id);
    assert_true(job.cancel_requested);
    job_release(&job);
    cancel_job(f->store, id, true, JOB_RUNNING);
    assert_true(end_job(f->store, id, token, JOB_CANCELLED, NULL));
    for (size_t i = 0; i < ARRAY_SIZE(over); i++) {
        id = ended_build(f->store, over[i], NULL);
        size_t events = count_events(f->store);
        cancel_job(f->store, id, false, over[i]);
        assert_int_equal(count_events(f->store), events);
    }
    assert_false(store_job_cancel(f->store, 12345, &done, &job, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no job 12345");
}

/* ---- looking ---- */

static void a_job_that_is_not_there(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job job;
    assert_false(store_job_get(f->store, 1, &job, &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no job 1");
}

/* How many jobs a filter lets through, each of them with the id that was asked for last. */
static size_t count_jobs(struct store *store, struct job_filter filter)
{
    struct err *err = NULL;
    struct job_list list = JOB_LIST_INIT;
    filter.limit = 1000;
    assert_ok(store_jobs_list(store, &filter, &list, &err), &err);
    size_t count = list.count;
    for (size_t i = 1; i < count; i++)
        assert_true(list.items[i].id < list.items[i - 1].id);
    job_list_release(&list);
    return count;
}

static void lists_are_filtered(void **state)
{
    struct store_fixture *f = *state;
    int64_t token, build = add_job(f->store, a_build("greeter", "b1"));
    add_job(f->store, a_build("greeter", "b2"));
    add_job(f->store, a_build("other", "b1"));
    struct job flash = a_flash(0, "d1", "1-1");
    flash.product = (char *)"greeter";
    add_job(f->store, flash);
    flash.station = (char *)"b";
    add_job(f->store, flash);
    assert_int_equal(claim(f->store, JOB_BUILD, &token), build);
    assert_true(end_job(f->store, build, token, JOB_DONE, "d1"));
    assert_int_equal(count_jobs(f->store, (struct job_filter){.state = -1, .kind = -1}), 5);
    assert_int_equal(count_jobs(f->store, (struct job_filter){.state = JOB_QUEUED, .kind = -1}), 4);
    assert_int_equal(count_jobs(f->store, (struct job_filter){.state = JOB_DONE, .kind = -1}), 1);
    assert_int_equal(count_jobs(f->store, (struct job_filter){.state = -1, .kind = JOB_FLASH}), 2);
    assert_int_equal(
        count_jobs(f->store, (struct job_filter){.state = -1, .kind = -1, .product = "greeter"}),
        4);
    assert_int_equal(
        count_jobs(f->store, (struct job_filter){.state = -1, .kind = -1, .station = "a"}), 2);
    assert_int_equal(count_jobs(f->store, (struct job_filter){.state = JOB_QUEUED,
                                                              .kind = JOB_FLASH,
                                                              .product = "greeter",
                                                              .station = "b",
                                                              .before = 6}),
                     1);
    assert_int_equal(
        count_jobs(f->store, (struct job_filter){.state = -1, .kind = -1, .product = "gr%"}), 0);
}

static void lists_are_paged(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job_filter filter = {.state = -1, .kind = -1, .limit = 3};
    int64_t last = 0;
    size_t seen = 0;
    for (int i = 0; i < 10; i++)
        last = add_build(f->store);
    for (;;) {
        struct job_list list = JOB_LIST_INIT;
        assert_ok(store_jobs_list(f->store, &filter, &list, &err), &err);
        for (size_t i = 0; i < list.count; i++, seen++)
            assert_int_equal(list.items[i].id, last - (int64_t)seen);
        size_t count = list.count;
        if (count)
            filter.before = list.items[count - 1].id;
        job_list_release(&list);
        if (!count)
            break;
        add_build(f->store); /* what is new does not shift the pages */
    }
    assert_int_equal(seen, 10);
}

static void jobs_are_counted(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job_counts counts;
    assert_ok(store_job_counts(f->store, &counts, &err), &err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_QUEUED], 0);
    ended_build(f->store, JOB_FAILED, NULL);
    ended_build(f->store, JOB_FAILED, NULL);
    add_build(f->store);
    add_job(f->store, a_flash(0, "d1", NULL));
    claim(f->store, JOB_FLASH, NULL);
    assert_ok(store_job_counts(f->store, &counts, &err), &err);
    assert_int_equal(counts.of[JOB_BUILD][JOB_FAILED], 2);
    assert_int_equal(counts.of[JOB_BUILD][JOB_QUEUED], 1);
    assert_int_equal(counts.of[JOB_BUILD][JOB_RUNNING], 0);
    assert_int_equal(counts.of[JOB_FLASH][JOB_RUNNING], 1);
    assert_int_equal(counts.of[JOB_FOLLOW][JOB_QUEUED], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_was_accepted_is_read_again),
        STORE_TEST(a_retry_starts_afresh),
        STORE_TEST(a_key_stands_for_its_request),
        STORE_TEST(the_same_build_is_one_job),
        STORE_TEST(one_that_is_being_cancelled_is_another),
        STORE_TEST(flashes_are_never_the_same),
        STORE_TEST(a_full_queue_takes_no_more),
        STORE_TEST(a_flash_of_a_build_that_is_done),
        STORE_TEST(a_flash_of_a_build_that_runs_waits),
        STORE_TEST(a_flash_of_a_build_that_failed),
        STORE_TEST(a_flash_that_waits_fails_with_its_build),
        STORE_TEST(a_flash_of_a_build_that_is_not_there),
        STORE_TEST(cancelling_in_each_state),
        STORE_TEST(a_job_that_is_not_there),
        STORE_TEST(lists_are_filtered),
        STORE_TEST(lists_are_paged),
        STORE_TEST(jobs_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
