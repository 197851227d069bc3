#include "base/buf.h"

#include "tests/unit/unit.h"

static void starts_as_an_empty_string(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;

    assert_string_equal(b.data, "");
    buf_add(&b, NULL, 0);
    buf_clear(&b);
    assert_int_equal(b.size, 0);
    buf_release(&b);
}

static void grows_and_stays_terminated(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf b = BUF_INIT;

    for (int i = 0; i < 1000; i++) {
        buf_addc(&b, 'a');
        assert_int_equal(b.data[b.len], 0);
    }
    buf_clear(&b);
    buf_adds(&b, "x");
    buf_addf(&b, "%03d", 7);
    assert_string_equal(b.data, "x007");
    buf_truncate(&b, 2);
    assert_string_equal(b.data, "x0");
    buf_fill(&b, '.', 3);
    assert_string_equal(b.data, "x0...");
}

static void integers_are_little_endian(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf b = BUF_INIT;

    buf_add_le16(&b, 0x1234);
    buf_add_le32(&b, 0x89abcdef);
    assert_int_equal(b.len, 6);
    assert_memory_equal(b.data, "\x34\x12\xef\xcd\xab\x89", 6);
}

static void detach_gives_the_bytes_away(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    size_t len = 9;
    char *empty = buf_detach(&b, &len);

    assert_string_equal(empty, "");
    assert_int_equal(len, 0);
    free(empty);
    buf_adds(&b, "abc");
    char *s = buf_detach(&b, &len);

    assert_string_equal(s, "abc");
    assert_int_equal(len, 3);
    assert_int_equal(b.len, 0);
    free(s);
}

static void strv_is_always_an_argv(void **state)
{
    (void)state;
    _cleanup_(strv_release) struct strv v = STRV_INIT;

    assert_null(v.items[0]);
    for (int i = 20; i > 0; i--) {
        strv_addf(&v, "%02d", i);
        assert_null(v.items[v.count]);
    }
    strv_add_all(&v, (const char *const[]){"B", "a", NULL});
    assert_int_equal(v.count, 22);
    strv_sort(&v);
    assert_string_equal(v.items[0], "01");
    assert_string_equal(v.items[20], "B"); /* byte order: capitals first */
    assert_string_equal(v.items[21], "a");
    assert_true(strv_contains(&v, "07"));
    assert_false(strv_contains(&v, "7"));
}

static void strv_has_each_string_once(void **state)
{
    (void)state;
    _cleanup_(strv_release) struct strv v = STRV_INIT;
    strv_sort_unique(&v);
    assert_null(v.items[0]);
    strv_add_all(&v, (const char *const[]){"b", "a", "b", "c", "a", "b", NULL});
    strv_sort_unique(&v);
    assert_int_equal(v.count, 3);
    assert_string_equal(v.items[0], "a");
    assert_string_equal(v.items[1], "b");
    assert_string_equal(v.items[2], "c");
    assert_null(v.items[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_as_an_empty_string),  cmocka_unit_test(grows_and_stays_terminated),
        cmocka_unit_test(integers_are_little_endian), cmocka_unit_test(detach_gives_the_bytes_away),
        cmocka_unit_test(strv_is_always_an_argv),     cmocka_unit_test(strv_has_each_string_once),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
