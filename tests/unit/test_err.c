#include "base/err.h"

#include <errno.h>

#include "tests/unit/unit.h"

/* Format, compare, free. */
static void check(struct err *err, const char *expected)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    err_format(err, &out);
    assert_string_equal(out.data, expected);
    err_free(err);
}

static struct err *located(const char *line_text, unsigned line, unsigned column, unsigned length)
{
    struct err *err = NULL;
    struct loc loc = {"m.yaml", line, column, length};

    err_set(&err, ERR_MANIFEST, "bad");
    err_at(&err, loc, line_text);
    return err;
}

static void with_everything(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct loc loc = {"manifests/greeter.yaml", 12, 8, 6};

    err_set(&err, ERR_MANIFEST, "unknown board '%s'", "PYBV12");
    err_hint(&err, "did you mean '%s'?", "PYBV11");
    err_at(&err, loc, "board: PYBV12");
    check(err, "manifests/greeter.yaml:12:8: unknown board 'PYBV12'\n"
               "  12 | board: PYBV12\n"
               "     |        ^~~~~~ did you mean 'PYBV11'?\n");
}

static void without_location(void **state)
{
    (void)state;
    struct err *err = NULL;

    err_set_errno(&err, ERR_FAILED, EACCES, "cannot open '%s'", "x");
    err_hint(&err, "make it readable\nor run as its owner");
    err_wrap(&err, "cannot load the manifest");
    check(err, "cannot load the manifest: cannot open 'x': Permission denied\n"
               "  make it readable\n"
               "  or run as its owner\n");
}

static void location_is_found_behind_a_wrap(void **state)
{
    (void)state;
    struct err *err = located("a: b", 1, 1, 1);

    err_wrap(&err, "cannot read it");
    check(err, "m.yaml:1:1: cannot read it: bad\n"
               "   1 | a: b\n"
               "     | ^\n");
}

static void partial_locations(void **state)
{
    (void)state;
    check(located(NULL, 0, 0, 0), "m.yaml: bad\n");
    check(located(NULL, 3, 0, 0), "m.yaml:3: bad\n");
    check(located("text", 3, 0, 0), "m.yaml:3: bad\n   3 | text\n");
    check(located("ab", 12345, 2, 0), "m.yaml:12345:2: bad\n12345 | ab\n      |  ^\n");
    /* a column behind the end points just behind it */
    check(located("ab", 1, 99, 5), "m.yaml:1:99: bad\n   1 | ab\n     |   ^\n");
    check(located("", 1, 1, 0), "m.yaml:1:1: bad\n   1 | \n     | ^\n");
}

static void tabs_and_wide_characters_keep_the_caret_aligned(void **state)
{
    (void)state;
    check(located("a\tb: c", 1, 3, 1), "m.yaml:1:3: bad\n   1 | a   b: c\n     |     ^\n");
    check(located("gr\u00fc\u00df: c", 1, 7, 1),
          "m.yaml:1:7: bad\n   1 | gr\u00fc\u00df: c\n     |       ^\n");
    check(located("\u96ea: c", 1, 4, 1), "m.yaml:1:4: bad\n   1 | \u96ea: c\n     |     ^\n");
    check(located("\u96ea\u96ea: c", 1, 1, 2),
          "m.yaml:1:1: bad\n   1 | \u96ea\u96ea: c\n     | ^~~~\n");
}

static void input_cannot_drive_the_terminal(void **state)
{
    (void)state;
    struct err *err = located("a\x1b[31m\xff: x", 1, 7, 1);

    err_hint(&err, "not \x1b]0;x\a");
    check(err, "m.yaml:1:7: bad\n"
               "   1 | a\\x1b[31m\\xff: x\n"
               "     |          ^~~~ not \\x1b]0;x\\x07\n");
    err = NULL;
    err_set(&err, ERR_FAILED, "no file '%s'", "a\nb\x1b");
    check(err, "no file 'a\\x0ab\\x1b'\n");
}

static void long_lines_are_cut_around_the_column(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf line = BUF_INIT, out = BUF_INIT;

    buf_fill(&line, 'x', 100000);
    memcpy(line.data + 50000, "HERE", 4);
    struct err *err = located(line.data, 1, 50001, 4);

    err_format(err, &out);
    err_free(err);
    assert_true(out.len < 300);
    char *here = strstr(out.data, "HERE");
    char *caret = strstr(out.data, "^~~~\n");

    assert_non_null(here);
    assert_non_null(caret);
    char *source = strstr(out.data, "\n   1 | ") + 1, *marks = strchr(source, '\n') + 1;

    assert_int_equal(here - source, caret - marks);
    assert_contains(source, "1 | ...xxx");
    assert_contains(source, "xxx...\n");
}

static void errno_decides_code_and_hint(void **state)
{
    (void)state;
    struct err *err = NULL;

    err_set_errno(&err, ERR_FAILED, ENOENT, "cannot open 'x'");
    assert_error(&err, ERR_NOT_FOUND, "cannot open 'x': No such file or directory\n");
    err_set_errno(&err, ERR_FETCH, ENOENT, "cannot open 'x'");
    assert_error(&err, ERR_FETCH, "No such file");
    err_set_errno(&err, ERR_FAILED, ENOSPC, "cannot write 'x'");
    assert_true(err_is_of_machine(err));
    err_wrap(&err, "cannot keep it");
    assert_true(err_is_of_machine(err));
    assert_error(&err, ERR_FAILED, "No space left on device\n  free some space");
    assert_false(err_set_errno(&err, ERR_FAILED, EACCES, "cannot read"));
    assert_false(err_is_of_machine(err));
    assert_error(&err, ERR_FAILED, "cannot read");
}

static void exit_statuses(void **state)
{
    (void)state;
    const struct {
        enum err_code code;
        int status;
    } expected[] = {
        {ERR_FAILED, 1}, {ERR_USAGE, 2},         {ERR_MANIFEST, 2},
        {ERR_FETCH, 3},  {ERR_DEVICE, 4},        {ERR_AUTHENTIC, 5},
        {ERR_BUDGET, 6}, {ERR_INTERRUPTED, 130}, {ERR_NOT_FOUND, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        struct err *err = NULL;

        assert_false(err_set(&err, expected[i].code, "x"));
        assert_int_equal(err_exit_status(err), expected[i].status);
        err_wrap(&err, "y");
        assert_int_equal(err_exit_status(err), expected[i].status);
        err_free(err);
    }
}

static void diagnostics_stop_at_their_limit(void **state)
{
    (void)state;
    struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    for (int i = 0; i < DIAGS_MAX + 2; i++) {
        struct err *err = NULL;

        err_set(&err, ERR_MANIFEST, "error %d", i);
        diags_take_error(&diags, err);
        err = NULL;
        err_set(&err, ERR_MANIFEST, "warning %d", i);
        diags_take_warning(&diags, err);
    }
    assert_int_equal(diags.error_count, DIAGS_MAX);
    assert_int_equal(diags.warning_count, DIAGS_MAX + 2);
    diags_format_errors(&diags, &out);
    assert_contains(out.data, "error 0\nerror 1\n");
    assert_contains(out.data, "error 19\n2 more errors\n");
    for (int i = 0; i < DIAGS_WARNINGS_MAX; i++) {
        struct err *err = NULL;

        err_set(&err, ERR_MANIFEST, "one more");
        diags_take_warning(&diags, err);
    }
    assert_int_equal(diags.warning_count, DIAGS_WARNINGS_MAX);
    assert_int_equal(diags.warning_dropped, DIAGS_MAX + 2);
    diags_release(&diags);
    assert_int_equal(diags.error_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_everything),
        cmocka_unit_test(without_location),
        cmocka_unit_test(location_is_found_behind_a_wrap),
        cmocka_unit_test(partial_locations),
        cmocka_unit_test(tabs_and_wide_characters_keep_the_caret_aligned),
        cmocka_unit_test(input_cannot_drive_the_terminal),
        cmocka_unit_test(long_lines_are_cut_around_the_column),
        cmocka_unit_test(errno_decides_code_and_hint),
        cmocka_unit_test(exit_statuses),
        cmocka_unit_test(diagnostics_stop_at_their_limit),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
