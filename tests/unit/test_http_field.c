#include "station/http_field.h"

#include "tests/unit/unit.h"

static void bearers(void **state)
{
    (void)state;
    assert_string_equal(http_field_bearer("Bearer x"), "x");
    assert_string_equal(http_field_bearer("bearer   x y"), "x y");
    assert_null(http_field_bearer("Bearerx"));
    assert_null(http_field_bearer("Basic x"));
    assert_null(http_field_bearer(""));
}

static void assert_cookie(const char *cookies, const char *expected)
{
    char value[8];
    bool found = http_field_cookie(cookies, "firn", value, sizeof(value));
    assert_int_equal(found, expected != NULL);
    if (expected)
        assert_string_equal(value, expected);
}

static void cookies(void **state)
{
    (void)state;
    assert_cookie("firn=x", "x");
    assert_cookie("a=b; firn=x; c=d", "x");
    assert_cookie("a=b;firn=;c", "");
    assert_cookie("firn=x; firn=y", "x");
    assert_cookie("firn=a=b", "a=b");
    assert_cookie("firn=1234567", "1234567");
    assert_cookie("firn=12345678", NULL);
    assert_cookie("xfirn=x; firnx=y; FIRN=z; firn", NULL);
    assert_cookie("", NULL);
    assert_cookie(";;; ", NULL);
}

static void types_and_lengths(void **state)
{
    uint64_t length;
    (void)state;
    assert_true(http_field_is_json("application/json"));
    assert_true(http_field_is_json("Application/JSON ; charset=utf-8"));
    assert_false(http_field_is_json("application/json5"));
    assert_false(http_field_is_json("text/plain; application/json"));
    assert_true(http_field_length("18", &length));
    assert_int_equal(length, 18);
    static const char *const wrong[] = {"", "-1", "+1", "1 ", "0x1", "1,1", "1234567890123456789"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(http_field_length(wrong[i], &length));
}

static void assert_range(const char *range, uint64_t size, enum http_range how, uint64_t first,
                         uint64_t count)
{
    uint64_t got_first = 0, got_count = 0;
    assert_int_equal(http_field_range(range, size, &got_first, &got_count), how);
    if (how == RANGE_PART) {
        assert_int_equal(got_first, first);
        assert_int_equal(got_count, count);
    }
}

static void ranges(void **state)
{
    (void)state;
    assert_range("bytes=0-", 10, RANGE_PART, 0, 10);
    assert_range("bytes=9-", 10, RANGE_PART, 9, 1);
    assert_range("bytes=10-", 10, RANGE_NONE, 0, 0);
    assert_range("bytes=0-0", 10, RANGE_PART, 0, 1);
    assert_range("bytes=2-100", 10, RANGE_PART, 2, 8);
    assert_range("Bytes=-4", 10, RANGE_PART, 6, 4);
    assert_range("bytes=-40", 10, RANGE_PART, 0, 10);
    assert_range("bytes=-0", 10, RANGE_NONE, 0, 0);
    assert_range("bytes=0-", 0, RANGE_NONE, 0, 0);
    assert_range("bytes=-5", 0, RANGE_NONE, 0, 0);
    static const char *const ignored[] = {
        "bytes=",     "bytes=-",   "bytes=a-b",  "bytes=3-2",
        "bytes=0-1,", "bytes=1",   "bytes=1-2-", "bytes = 0-1",
        "lines=1-2",  "bytes=--1", "",           "bytes=99999999999999999999-"};
    for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
        assert_range(ignored[i], 10, RANGE_WHOLE, 0, 0);
    assert_range("bytes=5-999999999999999999", UINT64_MAX, RANGE_PART, 5, 999999999999999995);
}

static void etags(void **state)
{
    (void)state;
    assert_true(http_field_has_etag("\"a\"", "\"a\"", false));
    assert_true(http_field_has_etag(" \"b\" ,\"a\"", "\"a\"", false));
    assert_true(http_field_has_etag("*", "\"a\"", false));
    assert_true(http_field_has_etag("W/\"a\"", "\"a\"", true));
    assert_false(http_field_has_etag("W/\"a\"", "\"a\"", false));
    assert_false(http_field_has_etag("\"ab\", \"A\", a", "\"a\"", true));
    assert_false(http_field_has_etag("\"a", "\"a\"", true));
    assert_false(http_field_has_etag("", "\"a\"", true));
    assert_false(http_field_has_etag("x, \"a\"", "\"a\"", true));
}

static void hosts(void **state)
{
    (void)state;
    assert_int_equal(http_field_host_len("localhost"), 9);
    assert_int_equal(http_field_host_len("localhost:8350"), 9);
    assert_int_equal(http_field_host_len("[::1]:8350"), 5);
    assert_int_equal(http_field_host_len("[::1]"), 5);
    static const char *const wrong[] = {"",     ":80",     "a:",     "a:x", "a:123456",
                                        "[::1", "[x]",     "[::1]x", "a b", "user@a",
                                        "a/b",  "a:80:80", "a,b",    "::1", "[]]"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        if (http_field_host_len(wrong[i]) != 0)
            fail_msg("'%s' was taken as a host", wrong[i]);
    }
}

static void origins(void **state)
{
    (void)state;
    assert_true(http_field_is_origin("http://localhost:8350", "http", "localhost:8350"));
    assert_true(http_field_is_origin("http://LOCALHOST", "http", "localhost:80"));
    assert_true(http_field_is_origin("https://a.example:443", "https", "a.example"));
    assert_false(http_field_is_origin("https://a.example:80", "https", "a.example"));
    assert_false(http_field_is_origin("http://localhost:8351", "http", "localhost:8350"));
    assert_false(http_field_is_origin("https://localhost", "http", "localhost"));
    assert_false(http_field_is_origin("http://localhost.evil", "http", "localhost"));
    assert_false(http_field_is_origin("http://evil/localhost", "http", "localhost"));
    assert_false(http_field_is_origin("http://", "http", ""));
    assert_false(http_field_is_origin("null", "http", "null"));
    assert_false(http_field_is_origin("http:/localhost", "http", "localhost"));
}

static void attachments(void **state)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    (void)state;
    http_field_add_attachment(&text, "a\"b\r\n;\\/\xc3\xa4.dfu");
    assert_string_equal(text.data, "attachment; filename=\"a_b______"
                                   "_.dfu\"; filename*=UTF-8''"
                                   "a%22b%0D%0A%3B%5C%2F%C3%A4.dfu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bearers),
        cmocka_unit_test(cookies),
        cmocka_unit_test(types_and_lengths),
        cmocka_unit_test(ranges),
        cmocka_unit_test(etags),
        cmocka_unit_test(hosts),
        cmocka_unit_test(origins),
        cmocka_unit_test(attachments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
