#include "station/http_target.h"

#include "tests/unit/unit.h"

static void assert_target(const char *raw, const char *path, size_t segments, size_t pairs)
{
    struct http_target target;
    const char *why;
    assert_true(http_target_parse(&target, raw, &why));
    assert_string_equal(target.path, path);
    assert_int_equal(target.segment_count, segments);
    assert_int_equal(target.query_count, pairs);
    http_target_release(&target);
}

static void assert_wrong(const char *raw, const char *reason)
{
    struct http_target target;
    const char *why = "";
    if (http_target_parse(&target, raw, &why))
        fail_msg("'%s' was taken as %s", raw, target.path);
    assert_contains(why, reason);
    http_target_release(&target);
}

static void paths(void **state)
{
    (void)state;
    assert_target("/", "/", 0, 0);
    assert_target("/v1/jobs/42", "/v1/jobs/42", 3, 0);
    assert_target("/a%20b/%C3%A4+c", "/a b/\xc3\xa4+c", 2, 0);
    assert_target("/...", "/...", 1, 0);
    assert_target("/?a=1&b&&c=", "/", 0, 3);
    assert_target("/x?", "/x", 1, 0);
}

static void parts_that_climb_or_hide(void **state)
{
    (void)state;
    static const char *const steps[] = {"/..", "/.",    "/%2e%2e", "/%2E.", "/a/../b",
                                        "//",  "/a//b", "/a/",     "/%2e",  "/a/.",
                                        "///", "/./",   "/../..?a"};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        assert_wrong(steps[i], "empty, '.' or '..'");
    assert_wrong("/a%2fb", "encoded slash");
    assert_wrong("/%2F", "encoded slash");
    assert_wrong("/..%2f..", "encoded slash");
}

static void bytes_that_do_not_belong(void **state)
{
    (void)state;
    static const char *const controls[] = {"/%00",    "/a%0ab", "/%1f",       "/%7f",
                                           "/%c2%9f", "/%ff",   "/%c0%ae",    "/%ed%a0%80",
                                           "/\x01",   "/\xff",  "/?a=%0d%0a", "/?%00=a"};
    for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
        assert_wrong(controls[i], "control characters, or is not UTF-8");
    assert_wrong("/%", "percent sign");
    assert_wrong("/%a", "percent sign");
    assert_wrong("/%a/b", "percent sign");
    assert_wrong("/%g0", "percent sign");
    assert_wrong("/?a=%2", "percent sign");
    assert_wrong("", "not a path");
    assert_wrong("*", "not a path");
    assert_wrong("http://localhost/", "not a path");
    assert_wrong("/a#b", "not a path");
}

static void limits(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf raw = BUF_INIT;
    for (int i = 0; i < HTTP_SEGMENTS_MAX; i++)
        buf_adds(&raw, "/a");
    assert_target(raw.data, raw.data, HTTP_SEGMENTS_MAX, 0);
    buf_adds(&raw, "/a");
    assert_wrong(raw.data, "too many parts");
    buf_clear(&raw);
    buf_adds(&raw, "/?");
    for (int i = 0; i < HTTP_QUERY_MAX; i++)
        buf_adds(&raw, "a&");
    assert_target(raw.data, "/", 0, HTTP_QUERY_MAX);
    buf_adds(&raw, "a");
    assert_wrong(raw.data, "too many parameters");
    buf_clear(&raw);
    buf_fill(&raw, '/', 1);
    buf_fill(&raw, 'a', HTTP_TARGET_MAX);
    assert_wrong(raw.data, "too long");
}

static void queries(void **state)
{
    struct http_target target;
    const char *why;
    (void)state;
    assert_true(http_target_parse(&target, "/x?a=1+2%2B3&a=4&b=&c&%64=%c3%a4%26=", &why));
    assert_string_equal(http_target_query(&target, "a"), "1 2+3");
    assert_string_equal(http_target_query(&target, "b"), "");
    assert_string_equal(http_target_query(&target, "c"), "");
    assert_string_equal(http_target_query(&target, "d"), "\xc3\xa4&=");
    assert_null(http_target_query(&target, "e"));
    assert_string_equal(target.segments[0].text, "x");
    http_target_release(&target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(parts_that_climb_or_hide),
        cmocka_unit_test(bytes_that_do_not_belong),
        cmocka_unit_test(limits),
        cmocka_unit_test(queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
