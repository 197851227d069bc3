#include "economy/probe.h"

#include "tests/unit/unit.h"

#define MARK "@@firn0123"

static const char said[] =
    "qstr pool: n_pool=1, n_qstr=14, n_str_data_bytes=55, n_total_bytes=231\n"
    "\n" MARK " before 1952 78048\n"
    "the module prints\n"
    "\n" MARK " after 2384 77616 -16777100 1\n"
    "qstr pool: n_pool=1, n_qstr=17, n_str_data_bytes=55, n_total_bytes=231\n"
    "Q(_1)\nQ(two words)\nQ(with )\nin it)\n"
    "\n" MARK " modules\nacme.drv\nacme\n"
    "\n" MARK " touched\npyb.LED\n"
    "\n" MARK " traceback\n"
    "\n" MARK " heap info\nmem: total=1\n"
    "\n" MARK " all done\n";

static void numbers_and_names_are_read(void **state)
{
    (void)state;
    struct probe p = PROBE_INIT;
    probe_read(&p, MARK, said, strlen(said));
    assert_int_equal(p.outcome, PROBE_WORKS);
    assert_true(p.measured);
    assert_int_equal(p.alloc_after - p.alloc_before, 432);
    assert_int_equal(p.free_after, 77616);
    assert_int_equal(p.ticks & 0xffffff, 116);
    assert_int_equal(p.qstrs_after - p.qstrs_before, 3);
    assert_string_equal(p.output.data, "the module prints\n");
    assert_int_equal(p.qstrs.count, 3);
    assert_string_equal(p.qstrs.items[1], "two words");
    assert_string_equal(p.qstrs.items[2], "with )\nin it");
    assert_int_equal(p.modules.count, 2);
    assert_string_equal(p.modules.items[0], "acme.drv");
    assert_int_equal(p.touched.count, 1);
    assert_string_equal(p.touched.items[0], "pyb.LED");
    assert_string_equal(p.heap.data, "mem: total=1\n");
    probe_release(&p);
}

/* Cut at any byte it is garbage, and nothing is read beyond the end. */
static void what_is_cut_short_is_garbage(void **state)
{
    (void)state;
    for (size_t len = 0; len + strlen("\n") < strlen(said); len++) {
        _cleanup_free_ char *copy = xmalloc(len + 1);
        struct probe p = PROBE_INIT;
        memcpy(copy, said, len);
        probe_read(&p, MARK, copy, len);
        assert_int_equal(p.outcome, PROBE_GARBAGE);
        assert_false(p.measured);
        probe_release(&p);
    }
}

static enum probe_outcome outcome_of(const char *printed, const char *ended, const char *traceback)
{
    _cleanup_free_ char *text =
        xasprintf("qstr pool: n_pool=1, n_qstr=1,\n\n%s before 1 2\n%s\n%s after 3 4 5 %s\n"
                  "qstr pool: n_pool=1, n_qstr=1,\n\n%s modules\n\n%s touched\n\n%s traceback\n%s\n"
                  "%s heap info\n\n%s all done\n",
                  MARK, printed, MARK, ended, MARK, MARK, MARK, traceback, MARK, MARK);
    struct probe p = PROBE_INIT;
    probe_read(&p, MARK, text, strlen(text));
    if (*traceback)
        assert_null(strstr(p.traceback.data, "_1"));
    enum probe_outcome outcome = p.outcome;
    probe_release(&p);
    return outcome;
}

static void what_went_wrong_is_told_apart(void **state)
{
    (void)state;
    static const char trace[] = "Traceback (most recent call last):\n"
                                "  File \"<string>\", line 12, in _1\n"
                                "  File \"x.py\", line 1, in <module>\n";
    _cleanup_free_ char *memory = xasprintf("%sMemoryError: no\n", trace);
    _cleanup_free_ char *other = xasprintf("%sValueError: no\n", trace);
    assert_int_equal(outcome_of("", "1", ""), PROBE_WORKS);
    assert_int_equal(outcome_of("gr\xc3\xbc\xc3\x9f dich\t\x1b[1m", "1", ""), PROBE_WORKS);
    assert_int_equal(outcome_of("\xff\xfe", "1", ""), PROBE_GARBAGE);
    assert_int_equal(outcome_of("\x01", "1", ""), PROBE_GARBAGE);
    assert_int_equal(outcome_of("", "0", memory), PROBE_MEMORY);
    assert_int_equal(outcome_of("", "0", other), PROBE_RAISED);
    /* A module that prints what looks like ours, without our mark. */
    assert_int_equal(outcome_of("@@firn9999 after 1 1 1 1", "0", other), PROBE_RAISED);
}

static void the_program_has_no_comments(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b.c", NULL};
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    probe_program(true, &text);
    assert_null(strchr(text.data, '#'));
    assert_non_null(strstr(text.data, "def _1("));
    assert_non_null(strstr(text.data, "def _15("));
    buf_clear(&text);
    probe_call(names, MARK, "clock()", true, &text);
    assert_string_equal(text.data,
                        "_1((b'\\x61',b'\\x62\\x2e\\x63',),'" MARK "',lambda:clock(),1)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_are_read),
        cmocka_unit_test(what_is_cut_short_is_garbage),
        cmocka_unit_test(what_went_wrong_is_told_apart),
        cmocka_unit_test(the_program_has_no_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
