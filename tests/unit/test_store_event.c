/* Events: one for each change, in order, until they are pruned. */
#include "tests/unit/store_fixture.h"

static void none_at_first(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    int64_t oldest = 9, latest = 9;
    assert_ok(store_events_range(f->store, &oldest, &latest, &err), &err);
    assert_int_equal(oldest, 0);
    assert_int_equal(latest, 0);
    assert_int_equal(count_events(f->store), 0);
}

static void add_event(struct store *store, int number)
{
    struct err *err = NULL;
    json_t *data = json_pack("{s:i, s:s}", "number", number, "text", "\u00e4\n\"");
    assert_ok(store_event_add(store, "tool", data, &err), &err);
    json_decref(data);
}

static void in_order_and_page_by_page(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    int64_t last = 0, oldest, latest;
    int seen = 0;
    for (int i = 0; i < 25; i++)
        add_event(f->store, i);
    for (;;) {
        struct store_events events;
        assert_ok(store_events_after(f->store, last, 10, &events, &err), &err);
        size_t count = events.count;
        for (size_t i = 0; i < count; i++, seen++) {
            assert_true(events.items[i].id > last);
            last = events.items[i].id;
            assert_string_equal(events.items[i].type, "tool");
            json_t *data = json_loads(events.items[i].data, 0, NULL);
            assert_int_equal(json_get_int(data, "number"), seen);
            assert_string_equal(json_get_text(data, "text"), "\u00e4\n\"");
            json_decref(data);
        }
        store_events_release(&events);
        if (!count)
            break;
    }
    assert_int_equal(seen, 25);
    assert_ok(store_events_range(f->store, &oldest, &latest, &err), &err);
    assert_int_equal(latest, last);
    assert_true(oldest > 0 && oldest <= last - 24);
}

static void keep(struct store *store, int64_t count)
{
    struct err *err = NULL;
    assert_ok(store_prune(store, count, &err), &err);
}

static void pruned_to_the_latest(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    int64_t oldest, latest, before;
    for (int i = 0; i < 10; i++)
        add_event(f->store, i);
    assert_ok(store_events_range(f->store, &oldest, &before, &err), &err);
    keep(f->store, 10);
    assert_int_equal(count_events(f->store), 10);
    keep(f->store, 3);
    assert_int_equal(count_events(f->store), 3);
    assert_ok(store_events_range(f->store, &oldest, &latest, &err), &err);
    assert_int_equal(latest, before);
    keep(f->store, 0);
    assert_int_equal(count_events(f->store), 0);
    /* an id is never given again: who saw the last one would miss the next */
    store_reopen(f);
    add_event(f->store, 0);
    assert_ok(store_events_range(f->store, &oldest, &latest, &err), &err);
    assert_true(latest > before);
    assert_int_equal(oldest, latest);
}

/* Ids have gaps where a transaction was rolled back (PostgreSQL). */
static void gaps_are_not_events(void **state)
{
    struct store_fixture *f = *state;
    store_sql(f, "INSERT INTO events (id, type, data) VALUES (1, 't', '{}'), (5, 't', '{}'),"
                 " (90, 't', '{}'), (91, 't', '{}')");
    keep(f->store, 3);
    assert_int_equal(count_events(f->store), 3);
}

static void keys_are_pruned_after_a_day(void **state)
{
    struct store_fixture *f = *state;
    struct job job = a_build("greeter", "b1");
    const struct job_request request = {&job, "k", "h", 1000};
    _cleanup_free_ char *sql =
        xasprintf("UPDATE keys SET added_ms = %lld", (long long)now_ms() - 25ll * 3600 * 1000);
    int64_t id;
    assert_int_equal(request_job(f->store, &request, &id), JOB_ADDED);
    keep(f->store, 1000);
    assert_int_equal(request_job(f->store, &request, &id), JOB_REPEATED);
    store_sql(f, sql);
    keep(f->store, 1000);
    assert_int_equal(request_job(f->store, &request, &id), JOB_SAME);
    assert_int_equal(request_job(f->store, &request, &id), JOB_REPEATED);
}

/* What a client knows that has only the events is what the store says. */
static void the_last_event_of_each_job_is_its_state(void **state)
{
    struct store_fixture *f = *state;
    struct err *err = NULL;
    json_t *last = json_object();
    char id[24];
    int64_t token, job, build = add_build(f->store);
    bool lost;
    add_job(f->store, a_flash(build, NULL, "1-1"));
    add_job(f->store, a_flash(build, NULL, "1-2"));
    claim(f->store, JOB_BUILD, &token);
    assert_true(end_job(f->store, build, token, JOB_DONE, "d1"));
    assert_true((job = claim(f->store, JOB_FLASH, &token)) > 0);
    assert_ok(store_job_requeue(f->store, job, token, &lost, &err), &err);
    assert_true(claim(f->store, JOB_FLASH, NULL) > 0);
    struct store_events events = all_events(f->store);
    for (size_t i = 0; i < events.count; i++) {
        json_t *data = json_loads(events.items[i].data, 0, NULL);
        snprintf(id, sizeof(id), "%lld", (long long)json_get_int(data, "id"));
        json_object_set_new(last, id, data);
    }
    store_events_release(&events);
    struct job_list list = JOB_LIST_INIT;
    const struct job_filter filter = {.state = -1, .kind = -1, .limit = 100};
    assert_ok(store_jobs_list(f->store, &filter, &list, &err), &err);
    assert_int_equal(list.count, json_object_size(last));
    for (size_t i = 0; i < list.count; i++) {
        json_t *json = job_to_json(&list.items[i], NULL, false);
        snprintf(id, sizeof(id), "%lld", (long long)list.items[i].id);
        assert_true(json_equal(json, json_object_get(last, id)));
        json_decref(json);
    }
    job_list_release(&list);
    json_decref(last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(none_at_first),
        STORE_TEST(in_order_and_page_by_page),
        STORE_TEST(pruned_to_the_latest),
        STORE_TEST(gaps_are_not_events),
        STORE_TEST(keys_are_pruned_after_a_day),
        STORE_TEST(the_last_event_of_each_job_is_its_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
