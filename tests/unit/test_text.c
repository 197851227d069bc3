#include "base/text.h"

#include "tests/unit/unit.h"

static const char *const boards[] = {"PYBV10", "PYBV11", "NETDUINO2", "B_L475E_IOT01A", "a", NULL};

static void nearest(void **state)
{
    (void)state;
    assert_string_equal(text_nearest("PYBV12", boards), "PYBV11");
    assert_string_equal(text_nearest("pybv11", boards), "PYBV11");
    assert_string_equal(text_nearest("NETUDINO2", boards), "NETDUINO2");
    assert_string_equal(text_nearest("b", boards), "a");
    /* swapping two neighbours is one mistake, more would be too far for five letters */
    assert_string_equal(text_nearest("biuld", (const char *const[]){"build", NULL}), "build");
    assert_null(text_nearest("bliud", (const char *const[]){"build", NULL}));
    assert_null(text_nearest("ESP32", boards));
    assert_null(text_nearest("xyz", boards));
    char longest[1000];

    memset(longest, 'P', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(text_nearest(longest, boards));
}

static void check_size(uint64_t bytes, const char *expected)
{
    _cleanup_(buf_release) struct buf b = BUF_INIT;

    text_add_size(&b, bytes);
    assert_string_equal(b.data, expected);
}

static void sizes(void **state)
{
    (void)state;
    check_size(0, "0 B");
    check_size(1023, "1023 B");
    check_size(1024, "1.0 KiB");
    check_size(190874, "186.4 KiB");
    check_size(1024 * 1024 - 1, "1.0 MiB");
    check_size(UINT64_MAX, "16777216.0 TiB");
}

static void check_age(int64_t seconds, const char *expected)
{
    _cleanup_(buf_release) struct buf b = BUF_INIT;

    text_add_age(&b, seconds);
    assert_string_equal(b.data, expected);
}

static void ages(void **state)
{
    (void)state;
    check_age(-5, "0 s");
    check_age(59, "59 s");
    check_age(60, "1 min");
    check_age(7199, "1 h");
    check_age(86400, "1 day");
    check_age(27 * 86400, "27 days");
    check_age(28 * 86400, "4 weeks");
}

static void amounts_of_disk(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",      "-1",  "G",   "10 G", "10GB", "1.5",
                                        "1.55G", "1.G", "0xG", "+10G", "1025T"};
    uint64_t bytes = 7;

    assert_true(text_parse_amount("10G", &bytes));
    assert_int_equal(bytes, UINT64_C(10) << 30);
    assert_true(text_parse_amount("2.5t", &bytes));
    assert_int_equal(bytes, UINT64_C(5) << 39);
    assert_true(text_parse_amount("1024T", &bytes));
    assert_int_equal(bytes, UINT64_C(1) << 50);
    assert_true(text_parse_amount("4096", &bytes));
    assert_int_equal(bytes, 4096);
    assert_true(text_parse_amount("0", &bytes));
    assert_int_equal(bytes, 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (text_parse_amount(wrong[i], &bytes))
            fail_msg("'%s' was taken", wrong[i]);
}

static void ages_as_written(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    "30", "d",    "-1d",   "30 d",
                                        "1dd", "1y", "1.5d", "36526d"};
    int64_t seconds = 7;

    assert_true(text_parse_age("30d", &seconds));
    assert_int_equal(seconds, 30 * 86400);
    assert_true(text_parse_age("2W", &seconds));
    assert_int_equal(seconds, 14 * 86400);
    assert_true(text_parse_age("12h", &seconds));
    assert_int_equal(seconds, 12 * 3600);
    assert_true(text_parse_age("15m", &seconds));
    assert_int_equal(seconds, 900);
    assert_true(text_parse_age("90s", &seconds));
    assert_int_equal(seconds, 90);
    assert_true(text_parse_age("0", &seconds));
    assert_int_equal(seconds, 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (text_parse_age(wrong[i], &seconds))
            fail_msg("'%s' was taken", wrong[i]);
}

static void check_duration(int64_t ms, const char *expected)
{
    _cleanup_(buf_release) struct buf b = BUF_INIT;

    text_add_duration(&b, ms);
    assert_string_equal(b.data, expected);
}

static void durations(void **state)
{
    (void)state;
    check_duration(-5, "0 ms");
    check_duration(12, "12 ms");
    check_duration(360, "0.36 s");
    check_duration(9994, "9.99 s");
    check_duration(9995, "10.0 s");
    check_duration(59950, "1 min 00 s");
    check_duration(64000, "1 min 04 s");
    check_duration(7500000, "2 h 05 min");
}

static void check_printable(const char *s, size_t len, const char *expected)
{
    _cleanup_(buf_release) struct buf b = BUF_INIT;

    text_add_printable(&b, s, len);
    assert_string_equal(b.data, expected);
}
#define PRINTABLE(literal, expected) check_printable(literal, sizeof(literal) - 1, expected)

static void printable(void **state)
{
    (void)state;
    PRINTABLE("gr\u00fc\u00df \u96ea \U0001f3d4", "gr\u00fc\u00df \u96ea \U0001f3d4");
    PRINTABLE("\x1b[2J\n\t\0\x7f", "\\x1b[2J\\x0a\\x09\\x00\\x7f");
    PRINTABLE("\xc2\x9b", "\\xc2\\x9b");                   /* C1: CSI in one character */
    PRINTABLE("\xe2\x80\xae", "\\xe2\\x80\\xae");          /* right-to-left override */
    PRINTABLE("\xff\xc3", "\\xff\\xc3");                   /* never valid, cut short */
    PRINTABLE("\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
    PRINTABLE("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    PRINTABLE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* past U+10FFFF */
}

static void parsing(void **state)
{
    (void)state;
    uint64_t size = 1;
    uint32_t value = 1;

    assert_true(text_parse_size("384K", &size));
    assert_int_equal(size, 384 * 1024);
    assert_true(text_parse_size("1M", &size));
    assert_int_equal(size, 1024 * 1024);
    assert_true(text_parse_size("0x1000", &size));
    assert_int_equal(size, 4096);
    assert_true(text_parse_size("4096M", &size));
    assert_true(size == UINT64_C(1) << 32);
    const char *const no_sizes[] = {"",     "K",  "-1",    "1KB",        " 1",
                                    "1 ",   "0x", "4097M", "4294967297", "99999999999999999999999",
                                    "1.5M", NULL};

    for (const char *const *s = no_sizes; *s; s++)
        assert_false(text_parse_size(*s, &size));
    assert_true(text_parse_u32("0xFFFFffff", &value));
    assert_int_equal(value, UINT32_MAX);
    assert_true(text_parse_u32("0800", &value));
    assert_int_equal(value, 800);
    assert_false(text_parse_u32("4294967296", &value));
    assert_false(text_parse_u32("1K", &value));
    assert_int_equal(value, 800);
}

static void affixes(void **state)
{
    (void)state;
    assert_true(text_starts_with("firn.dfu", "firn"));
    assert_false(text_starts_with("fi", "firn"));
    assert_true(text_ends_with("firn.dfu", ".dfu"));
    assert_false(text_ends_with("dfu", ".dfu"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest),         cmocka_unit_test(sizes),
        cmocka_unit_test(durations),       cmocka_unit_test(ages),
        cmocka_unit_test(amounts_of_disk), cmocka_unit_test(ages_as_written),
        cmocka_unit_test(printable),       cmocka_unit_test(parsing),
        cmocka_unit_test(affixes),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
