#include "builder/qstr.h"

#include "tests/unit/unit.h"

static void assert_name(const char *line, const char *name)
{
    const char *reason = NULL;
    _cleanup_free_ char *got = qstr_parse_line(line, strlen(line), &reason);

    if (!got)
        fail_msg("'%s' is no name: %s", line, reason ? reason : "nothing");
    assert_string_equal(got, name);
    assert_null(reason);
}

static void assert_refused(const char *line, const char *why)
{
    const char *reason = NULL;

    assert_null(qstr_parse_line(line, strlen(line), &reason));
    assert_non_null(reason);
    assert_contains(reason, why);
}

static void assert_nothing(const char *line)
{
    const char *reason = NULL;

    assert_null(qstr_parse_line(line, strlen(line), &reason));
    assert_null(reason);
}

static void lines_that_are_names(void **state)
{
    (void)state;
    assert_name("Q(temperature)", "temperature");
    assert_name("  Q(temperature) \t\r", "temperature");
    assert_name("temperature", "temperature");
    assert_name("Q(two words)", "two words");
    assert_name("Q( kept )", " kept ");
    assert_name("Q(f(x))", "f(x)");
    assert_name("Q())", ")");
    assert_name("Q(#)", "#");
    assert_name("Q(\\n)", "\\n"); /* raw: a backslash and an n */
    assert_name("Q(acme/io.py)", "acme/io.py");
    assert_name("Q(/)", "/");
    assert_name("Q(gr\xc3\xbc\xc3\x9f)", "gr\xc3\xbc\xc3\x9f");
    assert_name("Q(say \"please\" to it)", "say \"please\" to it");
    assert_name("Q(a\ttabulator)", "a\ttabulator");
    assert_name("\"first\\nsecond\"", "first\nsecond"); /* as JSON */
    assert_name("Q(\"x\")", "\"x\"");
}

static void lines_that_hold_nothing(void **state)
{
    (void)state;
    assert_nothing("");
    assert_nothing("  \t");
    assert_nothing("# Q(comment)");
    assert_nothing("// Q(comment), as in qstrdefsport.h");
    assert_nothing("qstr pool: n_pool=1, n_qstr=8, n_str_data_bytes=91, n_total_bytes=267");
}

static void lines_that_are_no_names(void **state)
{
    (void)state;
    char too_long[300];

    assert_refused("Q()", "empty");
    assert_refused("\"not \\x JSON\"", "JSON");
    assert_refused("Q(open", "no closing parenthesis");
    assert_refused("Q(", "no closing parenthesis");
    assert_refused(">>> import acme", "prompt");
    assert_refused("MicroPython v1.25.0", "text, not a name");
    assert_refused("QCFG(BYTES_IN_LEN, (1))", "setting");
    assert_refused("Q(/flash/main.py)", "path of a file");
    assert_refused("Q(caf\xe9)", "not UTF-8");
    assert_refused("Q(\xed\xa0\x80)", "not UTF-8"); /* a surrogate */
    memset(too_long, 'x', sizeof(too_long));
    too_long[QSTR_MAX_BYTES + 1] = '\0';
    assert_refused(too_long, "255 bytes");
    too_long[QSTR_MAX_BYTES] = '\0';
    assert_name(too_long, too_long);
}

static void a_nul_byte_is_seen(void **state)
{
    (void)state;
    const char *reason = NULL;

    assert_null(qstr_parse_line("a\0b", 3, &reason));
    assert_contains(reason, "NUL");
}

/* tests/e2e/qstr.sh shows that the names reach the flash. */
static void names_stand_in_a_mpy_file(void **state)
{
    (void)state;
    static const char expected[] =
        "M\x06\x00\x1f"
        "\x03\x00"
        "\x08q.py\0"
        "\x06"
        "a\nb\0"
        "\x81\x00" /* twice 64 */
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\0"
        "\x28\x00\x02\x00\x51\x63";
    _cleanup_(qstr_list_release) struct qstr_list list = QSTR_LIST_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    assert_false(qstr_mpy(&list, "q.py", &out));
    assert_int_equal(out.len, 0);
    strv_add(&list.names, "a\nb");
    strv_add(&list.names, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    assert_true(qstr_mpy(&list, "q.py", &out));
    assert_int_equal(out.len, sizeof(expected) - 1);
    assert_memory_equal(out.data, expected, out.len);
}

/* A port without frozen modules. */
static void all_names_as_lines(void **state)
{
    (void)state;
    _cleanup_(qstr_list_release) struct qstr_list list = QSTR_LIST_INIT;
    const char *unfit = NULL;

    assert_null(qstr_all_defs(&list, &unfit));
    assert_null(unfit);
    strv_add_all(&list.names, (const char *const[]){"answer", "this ends in Q(answer", NULL});
    _cleanup_free_ char *defs = qstr_all_defs(&list, &unfit);
    assert_null(unfit);
    assert_string_equal(defs, "Q(answer)\nQ(this ends in Q(answer)\n");
    strv_add(&list.names, "a\nb");
    assert_null(qstr_all_defs(&list, &unfit));
    assert_string_equal(unfit, "a\nb");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_names),      cmocka_unit_test(lines_that_hold_nothing),
        cmocka_unit_test(lines_that_are_no_names),   cmocka_unit_test(a_nul_byte_is_seen),
        cmocka_unit_test(names_stand_in_a_mpy_file), cmocka_unit_test(all_names_as_lines),
    };

    return cmocka_run_group_tests_name("qstr", tests, NULL, NULL);
}
