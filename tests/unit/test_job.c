/* A job's names, its copy and its JSON. */
#include "station/job.h"

#include "tests/unit/unit.h"

static void names_there_and_back(void **state)
{
    static const char *const no_names[] = {"", "Build", "build ", "queued1", "x"};
    enum job_kind kind;
    enum job_state job_state;
    (void)state;
    for (int i = 0; i < JOB_KIND_COUNT; i++) {
        assert_true(job_kind_parse(job_kind_name((enum job_kind)i), &kind));
        assert_int_equal(kind, i);
    }
    for (int i = 0; i < JOB_STATE_COUNT; i++) {
        assert_true(job_state_parse(job_state_name((enum job_state)i), &job_state));
        assert_int_equal(job_state, i);
        assert_int_equal(job_has_ended(job_state), i != JOB_QUEUED && i != JOB_RUNNING);
    }
    for (size_t i = 0; i < ARRAY_SIZE(no_names); i++) {
        assert_false(job_kind_parse(no_names[i], &kind));
        assert_false(job_state_parse(no_names[i], &job_state));
    }
}

static void a_copy_is_its_own(void **state)
{
    struct job job, copy;
    (void)state;
    job_init(&job);
    assert_int_equal(job.exit_status, -1);
    job.id = 5;
    job.product = xstrdup("greeter");
    job.hint = xstrdup("hint");
    job.result = json_pack("{s:i}", "exit", 1);
    job_copy(&copy, &job);
    job_release(&job);
    assert_int_equal(copy.id, 5);
    assert_string_equal(copy.product, "greeter");
    assert_string_equal(copy.hint, "hint");
    assert_null(copy.path);
    assert_int_equal(json_array_size(copy.phases), 0);
    assert_int_equal(json_integer_value(json_object_get(copy.result, "exit")), 1);
    job_release(&copy);
}

/* The JSON of one member. */
static void assert_member(const json_t *json, const char *name, const char *want)
{
    _cleanup_free_ char *text =
        json_dumps(json_object_get(json, name), JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text ? text : "(none)", want);
}

static void as_json_when_nothing_is_known(void **state)
{
    static const char *const nulls[] = {"product",    "bundle",  "path",     "image",
                                        "waits_for",  "station", "retry_of", "submitted_by",
                                        "started_at", "phase",   "ended_at", "submitted_at",
                                        "exit",       "reason",  "hint"};
    struct job job;
    (void)state;
    job_init(&job);
    json_t *json = job_to_json(&job, NULL, false);
    for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
        assert_member(json, nulls[i], "null");
    assert_member(json, "kind", "\"build\"");
    assert_member(json, "state", "\"queued\"");
    assert_member(json, "need", "{\"cores\":0,\"memory\":0}");
    assert_member(json, "phases", "(none)");
    assert_member(json, "result", "(none)");
    json_decref(json);
    json = job_to_json(&job, NULL, true);
    assert_member(json, "phases", "[]");
    assert_member(json, "result", "null");
    json_decref(json);
    job_release(&job);
}

static void as_json_in_full(void **state)
{
    struct job job;
    (void)state;
    job_init(&job);
    job.kind = JOB_FLASH;
    job.state = JOB_FAILED;
    job.path = xstrdup("1-1");
    job.reason = xstrdup("a \"reason\"");
    job.exit_status = 0;
    job.waits_for = 41;
    job.need_memory = 5ull << 30;
    job.ended_ms = 1795903850123;
    json_t *phase = json_pack("{s:s}", "id", "write"), *json = job_to_json(&job, phase, true);
    json_object_set_new(phase, "id", json_string("changed"));
    assert_member(json, "phase", "{\"id\":\"write\"}");
    assert_member(json, "kind", "\"flash\"");
    assert_member(json, "state", "\"failed\"");
    assert_member(json, "path", "\"1-1\"");
    assert_member(json, "reason", "\"a \\\"reason\\\"\"");
    assert_member(json, "exit", "0");
    assert_member(json, "waits_for", "41");
    assert_member(json, "need", "{\"cores\":0,\"memory\":5368709120}");
    assert_member(json, "ended_at", "\"2026-11-28T22:10:50.123Z\"");
    json_decref(json);
    json_decref(phase);
    job_release(&job);
}

static void times(void **state)
{
    static const struct {
        int64_t ms;
        const char *want;
    } cases[] = {
        {0, NULL},
        {-5, NULL},
        {1, "1970-01-01T00:00:00.001Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {4102444799999, "2099-12-31T23:59:59.999Z"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *json = json_time(cases[i].ms);
        if (cases[i].want)
            assert_string_equal(json_string_value(json), cases[i].want);
        else
            assert_true(json_is_null(json));
        json_decref(json);
    }
    int64_t now = now_ms();
    assert_true(now > 1700000000000);
}

static void text_that_is_no_utf8_is_null(void **state)
{
    (void)state;
    json_t *json = json_text("\xff");
    assert_true(json_is_null(json));
    json_decref(json);
    json = json_text("\u00e4");
    assert_string_equal(json_string_value(json), "\u00e4");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_there_and_back),
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(as_json_when_nothing_is_known),
        cmocka_unit_test(as_json_in_full),
        cmocka_unit_test(times),
        cmocka_unit_test(text_that_is_no_utf8_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
