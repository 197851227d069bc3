/* Claiming, and what only the holder of a lease may do. */
#include "tests/unit/store_fixture.h"

/* ---- which job is next ---- */

static int64_t with_priority(struct store *store, const char *bundle, int priority)
{
    struct job job = a_build("greeter", bundle);
    job.priority = priority;
    return add_job(store, job);
}

static void by_priority_then_by_age(void **state)
{
    struct store_fixture *f = *state;
    int64_t low = with_priority(f->store, "b1", -10), old = with_priority(f->store, "b2", 0);
    int64_t new = with_priority(f->store, "b3", 0), high = with_priority(f->store, "b4", 10);
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    assert_int_equal(claim(f->store, JOB_FOLLOW, NULL), 0);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), high);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), old);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), new);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), low);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), 0);
}

static void what_a_claim_sets(void **state)
{
    struct store_fixture *f = *state;
    int64_t before = now_ms(), id = add_build(f->store);
    claim(f->store, JOB_BUILD, NULL);
    struct job job = get_job(f->store, id);
    assert_int_equal(job.state, JOB_RUNNING);
    assert_string_equal(job.station, "a");
    assert_int_equal(job.attempt, 1);
    assert_int_equal(job.token, 1);
    assert_true(job.started_ms >= before && job.started_ms <= now_ms());
    job_release(&job);
    assert_last_event(f->store, "job", "\"state\":\"running\"");
}

static int64_t asked;
static bool small_only(void *data, const struct job *job)
{
    (void)data;
    asked = job->id;
    return job->need_memory < 1000;
}

static void one_that_does_not_fit_holds_the_others(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job job, large = a_build("greeter", "b1");
    bool got;
    large.need_memory = 1000;
    int64_t first = add_job(f->store, large), second = add_build(f->store);
    size_t events = count_events(f->store);
    for (int i = 0; i < 2; i++) {
        assert_ok(store_job_claim(f->store, JOB_BUILD, 1000, small_only, NULL, &got, &job, &err),
                  &err);
        assert_false(got);
        assert_int_equal(asked, first);
    }
    assert_int_equal(job_state(f->store, first), JOB_QUEUED);
    assert_int_equal(job_state(f->store, second), JOB_QUEUED);
    assert_int_equal(count_events(f->store), events);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), first);
    assert_ok(store_job_claim(f->store, JOB_BUILD, 1000, small_only, NULL, &got, &job, &err), &err);
    assert_true(got);
    assert_int_equal(job.id, second);
    job_release(&job);
}

/* ---- flashes ---- */

static void a_flash_is_its_stations(void **state)
{
    struct store_fixture *f = *state;
    struct job theirs = a_flash(0, "d1", "1-1");
    theirs.station = (char *)"b";
    int64_t other = add_job(f->store, theirs);
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    int64_t ours = add_job(f->store, a_flash(0, "d1", "1-1"));
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), ours);
    struct store *b = store_open_as(f, "b");
    assert_int_equal(claim(b, JOB_FLASH, NULL), other);
    store_close(b);
}

static void one_flash_a_port(void **state)
{
    struct store_fixture *f = *state;
    int64_t token, first = add_job(f->store, a_flash(0, "d1", "1-1"));
    int64_t same = add_job(f->store, a_flash(0, "d1", "1-1"));
    int64_t beside = add_job(f->store, a_flash(0, "d1", "1-2"));
    int64_t anywhere = add_job(f->store, a_flash(0, "d1", NULL));
    assert_int_equal(claim(f->store, JOB_FLASH, &token), first);
    int64_t beside_token;
    assert_int_equal(claim(f->store, JOB_FLASH, &beside_token), beside);
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    assert_true(end_job(f->store, first, token, JOB_DONE, NULL));
    assert_int_equal(claim(f->store, JOB_FLASH, &token), same);
    assert_true(end_job(f->store, same, token, JOB_DONE, NULL));
    /* the one without a path waits for all, and all for it */
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    assert_true(end_job(f->store, beside, beside_token, JOB_DONE, NULL));
    assert_int_equal(claim(f->store, JOB_FLASH, &token), anywhere);
    int64_t last = add_job(f->store, a_flash(0, "d1", "1-3"));
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    assert_true(end_job(f->store, anywhere, token, JOB_DONE, NULL));
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), last);
}

static void another_stations_port_of_that_name_is_another(void **state)
{
    struct store_fixture *f = *state;
    struct job theirs = a_flash(0, "d1", "1-1");
    theirs.station = (char *)"b";
    add_job(f->store, theirs);
    struct store *b = store_open_as(f, "b");
    assert_true(claim(b, JOB_FLASH, NULL) > 0);
    int64_t ours = add_job(f->store, a_flash(0, "d1", "1-1"));
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), ours);
    store_close(b);
}

/* ---- fencing ---- */

/* Each write with this token is refused, and changes nothing. */
static void assert_fenced(struct store *store, int64_t id, int64_t token)
{
    struct err *err = NULL;
    json_t *phases = json_pack("[{s:s}]", "id", "late");
    struct record_new record = a_record("build", 1);
    const struct image_row image = an_image("late", 1);
    bool lost = false;
    struct job before = get_job(store, id);
    size_t events = count_events(store), records = assert_chain(store);
    assert_ok(store_job_phases(store, id, token, phases, &lost, &err), &err);
    assert_true(lost);
    assert_ok(store_job_requeue(store, id, token, &lost, &err), &err);
    assert_true(lost);
    assert_false(end_as(store, id, token,
                        &(struct job_end){.state = JOB_DONE,
                                          .image = "late",
                                          .image_row = &image,
                                          .records = &record,
                                          .record_count = 1}));
    struct job after = get_job(store, id);
    assert_int_equal(after.state, before.state);
    assert_int_equal(after.attempt, before.attempt);
    assert_null(after.image);
    assert_int_equal(json_array_size(after.phases), 0);
    assert_int_equal(count_events(store), events);
    assert_int_equal(assert_chain(store), records);
    job_release(&before);
    job_release(&after);
    json_decref(phases);
    json_decref(record.body);
}

static void an_old_token_is_refused(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    int64_t first, second, id = add_build(f->store);
    bool lost;
    assert_int_equal(claim(f->store, JOB_BUILD, &first), id);
    assert_ok(store_job_requeue(f->store, id, first, &lost, &err), &err);
    assert_false(lost);
    assert_fenced(f->store, id, first);
    assert_int_equal(claim(f->store, JOB_BUILD, &second), id);
    assert_true(second > first);
    assert_fenced(f->store, id, first);
    assert_fenced(f->store, id, second + 1);
    struct store *b = store_open_as(f, "b");
    assert_fenced(b, id, second);
    store_close(b);
    assert_true(end_job(f->store, id, second, JOB_FAILED, NULL));
    assert_fenced(f->store, id, second);
}

static void a_job_that_is_not_there_is_lost(void **state)
{
    struct store_fixture *f = *state;
    assert_false(end_job(f->store, 77, 1, JOB_DONE, NULL));
}

/* ---- back to the queue ---- */

static void requeued(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    int64_t token, id = add_build(f->store), later = add_build(f->store);
    bool lost;
    claim(f->store, JOB_BUILD, &token);
    assert_ok(store_job_requeue(f->store, id, token, &lost, &err), &err);
    assert_last_event(f->store, "job", "\"state\":\"queued\"");
    struct job job = get_job(f->store, id);
    assert_int_equal(job.state, JOB_QUEUED);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.started_ms, 0);
    assert_null(job.station);
    job_release(&job);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), id);
    assert_int_equal(claim(f->store, JOB_BUILD, NULL), later);
    id = add_job(f->store, a_flash(0, "d1", "1-1"));
    claim(f->store, JOB_FLASH, &token);
    assert_ok(store_job_requeue(f->store, id, token, &lost, &err), &err);
    assert_false(lost);
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), id);
}

/* Somebody was told that it will be cancelled: it is not started again. */
static void one_to_be_cancelled_is_not_requeued(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job job;
    int64_t token, id = add_build(f->store), flash = add_job(f->store, a_flash(id, NULL, NULL));
    bool lost, done;
    claim(f->store, JOB_BUILD, &token);
    assert_ok(store_job_cancel(f->store, id, &done, &job, &err), &err);
    job_release(&job);
    assert_ok(store_job_requeue(f->store, id, token, &lost, &err), &err);
    assert_false(lost);
    job = get_job(f->store, id);
    assert_int_equal(job.state, JOB_CANCELLED);
    assert_true(job.ended_ms > 0);
    job_release(&job);
    assert_int_equal(job_state(f->store, flash), JOB_FAILED);
    assert_last_event(f->store, "job", "was cancelled");
}

/* ---- phases and the end ---- */

static void phases_are_kept(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    json_t *phases = json_pack("[{s:s, s:b}]", "id", "source", "ok", 1);
    int64_t token, id = add_build(f->store);
    bool lost = true;
    claim(f->store, JOB_BUILD, &token);
    size_t events = count_events(f->store);
    assert_ok(store_job_phases(f->store, id, token, phases, &lost, &err), &err);
    assert_false(lost);
    assert_int_equal(count_events(f->store), events + 1);
    struct job job = get_job(f->store, id);
    assert_true(json_equal(job.phases, phases));
    job_release(&job);
    /* the end without phases keeps them */
    assert_true(end_job(f->store, id, token, JOB_FAILED, NULL));
    job = get_job(f->store, id);
    assert_true(json_equal(job.phases, phases));
    job_release(&job);
    json_decref(phases);
}

static void an_end_is_all_of_it(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct record_new records[] = {a_record("build", 1), a_record("image", 2)};
    json_t *result = json_pack("{s:i}", "exit", 3), *phases = json_pack("[{s:s}]", "id", "link");
    int64_t token, id = add_build(f->store);
    struct image_row image = an_image("d1", 5), got;
    image.job = id;
    claim(f->store, JOB_BUILD, &token);
    size_t events = count_events(f->store);
    assert_true(end_as(f->store, id, token,
                       &(struct job_end){JOB_DONE, 3, "why", "what now", "d1", phases, result,
                                         &image, records, 2}));
    store_reopen(f);
    struct job job = get_job(f->store, id);
    assert_int_equal(job.state, JOB_DONE);
    assert_int_equal(job.exit_status, 3);
    assert_string_equal(job.reason, "why");
    assert_string_equal(job.hint, "what now");
    assert_string_equal(job.image, "d1");
    assert_true(json_equal(job.phases, phases));
    assert_true(json_equal(job.result, result));
    assert_true(job.ended_ms > 0);
    assert_int_equal(job.token, token);
    job_release(&job);
    assert_int_equal(assert_chain(f->store), 2);
    assert_ok(store_image_get(f->store, "d1", &got, &err), &err);
    assert_int_equal(got.job, id);
    image_row_release(&got);
    assert_int_equal(count_events(f->store), events + 2);
    assert_last_event(f->store, "image", "\"digest\":\"d1\"");
    for (size_t i = 0; i < 2; i++)
        json_decref(records[i].body);
    json_decref(result);
    json_decref(phases);
}

/* An image cannot be stored (its row lacks a name): nor is the end. */
static void an_end_that_fails_is_none_of_it(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct record_new record = a_record("build", 1);
    int64_t token, id = add_build(f->store), flash = add_job(f->store, a_flash(id, NULL, NULL));
    struct image_row image = an_image("d1", 5);
    bool lost;
    image.name = NULL;
    claim(f->store, JOB_BUILD, &token);
    size_t events = count_events(f->store);
    const struct job_end end = {.state = JOB_DONE,
                                .image = "d1",
                                .image_row = &image,
                                .records = &record,
                                .record_count = 1};
    assert_false(store_job_end(f->store, id, token, &end, &lost, &err));
    assert_error(&err, ERR_FAILED, "name");
    assert_int_equal(job_state(f->store, id), JOB_RUNNING);
    assert_int_equal(count_events(f->store), events);
    assert_int_equal(assert_chain(f->store), 0);
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), 0);
    assert_true(end_job(f->store, id, token, JOB_DONE, "d1"));
    assert_int_equal(claim(f->store, JOB_FLASH, NULL), flash);
    json_decref(record.body);
}

/* ---- leases ---- */

static void renewing_tells_what_is_held(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    struct job job;
    struct lease *held;
    size_t count;
    bool done;
    assert_ok(store_leases_renew(f->store, 1000, &held, &count, &err), &err);
    assert_int_equal(count, 0);
    free(held);
    int64_t token, id = add_build(f->store);
    add_build(f->store);
    claim(f->store, JOB_BUILD, &token);
    assert_ok(store_leases_renew(f->store, 1000, &held, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_int_equal(held[0].id, id);
    assert_int_equal(held[0].token, token);
    assert_false(held[0].cancel_requested);
    free(held);
    assert_ok(store_job_cancel(f->store, id, &done, &job, &err), &err);
    job_release(&job);
    assert_ok(store_leases_renew(f->store, 1000, &held, &count, &err), &err);
    assert_true(held[0].cancel_requested);
    free(held);
    struct store *b = store_open_as(f, "b");
    assert_ok(store_leases_renew(b, 1000, &held, &count, &err), &err);
    assert_int_equal(count, 0);
    free(held);
    store_close(b);
}

/* Of SQLite there is one daemon: whatever its clock says, what it runs is its own. */
static void a_store_of_one_has_no_expiry(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    size_t count = 9;
    int64_t id = add_build(f->store);
    claim_for(f->store, JOB_BUILD, -1000, NULL);
    struct store *b = store_open_as(f, "b");
    assert_ok(store_leases_expire(b, &count, &err), &err);
    assert_int_equal(count, store_is_shared(b) ? 1 : 0);
    assert_int_equal(job_state(b, id), store_is_shared(b) ? JOB_QUEUED : JOB_RUNNING);
    store_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(by_priority_then_by_age),
        STORE_TEST(what_a_claim_sets),
        STORE_TEST(one_that_does_not_fit_holds_the_others),
        STORE_TEST(a_flash_is_its_stations),
        STORE_TEST(one_flash_a_port),
        STORE_TEST(another_stations_port_of_that_name_is_another),
        STORE_TEST(an_old_token_is_refused),
        STORE_TEST(a_job_that_is_not_there_is_lost),
        STORE_TEST(requeued),
        STORE_TEST(one_to_be_cancelled_is_not_requeued),
        STORE_TEST(phases_are_kept),
        STORE_TEST(an_end_is_all_of_it),
        STORE_TEST(an_end_that_fails_is_none_of_it),
        STORE_TEST(renewing_tells_what_is_held),
        STORE_TEST(a_store_of_one_has_no_expiry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
