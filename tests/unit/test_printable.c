#include "cli/printable.h"

#include "base/json_get.h"
#include "cli/time_text.h"
#include "tests/unit/unit.h"

static void lines_and_tabs_stay(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    static const char text[] = "a\tb\n\x1b[31mred\r\n\xc2\x9b\xff caf\xc3\xa9\0end\n";

    printable_add_lines(&out, text, sizeof(text) - 1);
    assert_string_equal(out.data, "a\tb\n\\x1b[31mred\\x0d\n\\xc2\\x9b\\xff caf\xc3\xa9\\x00"
                                  "end\n");
}

static void all_strings_of_a_value(void **state)
{
    (void)state;
    json_t *value =
        json_pack("{s:s, s:[s, {s:s}], s:i}", "a", "\x1b", "b", "\a", "c", "x\x7f\n", "d", 7);

    printable_json(value);
    _cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"a\":\"\\\\x1b\",\"b\":[\"\\\\x07\",{\"c\":\"x\\\\x7f\\n\"}],"
                              "\"d\":7}");
    json_decref(value);
}

static void fields(void **state)
{
    (void)state;
    json_t *object = json_pack("{s:s, s:n, s:s}", "a", "x\ny", "b", "c", "");
    _cleanup_free_ char *a = printable_field(object, "a"), *b = printable_field(object, "b");
    _cleanup_free_ char *c = printable_field(object, "c"), *d = printable_field(object, "d");

    assert_string_equal(a, "x\\x0ay");
    assert_string_equal(b, "-");
    assert_string_equal(c, "-");
    assert_string_equal(d, "-");
    json_decref(object);
}

static void times(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2026-11-28",
                                      "2026-11-28T22:10:50Z",
                                      "2026-11-28T22:10:50.123",
                                      "2026-11-28T22:10:50.123Zx",
                                      "\x1b[2J"};
    _cleanup_(buf_release) struct buf took = BUF_INIT, none = BUF_INIT, when = BUF_INIT;
    int64_t ms = 0;

    assert_true(time_parse("1970-01-02T00:00:01.250Z", &ms));
    assert_int_equal(ms, 86401250);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(time_parse(bad[i], &ms));
    time_add_between(&took, "2026-11-28T22:10:50.123Z", "2026-11-28T22:11:32.223Z");
    assert_string_equal(took.data, "42.1 s");
    time_add_between(&none, "", "2026-11-28T22:11:32.223Z");
    assert_string_equal(none.data, "-");
    time_add_long(&when, "1970-01-02T03:04:05.678Z");
    assert_contains(when.data, "1970-01-02 03:04:05 UTC, ");
    assert_contains(when.data, " weeks ago");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_tabs_stay),
        cmocka_unit_test(all_strings_of_a_value),
        cmocka_unit_test(fields),
        cmocka_unit_test(times),
    };

    return cmocka_run_group_tests_name("printable", tests, NULL, NULL);
}
