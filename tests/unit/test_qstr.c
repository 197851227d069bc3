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
    assert_name("Q(say \"x\")", "say \"x\""); /* short enough for a string */
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
    assert_refused("Q(open", "no closing parenthesis");
    assert_refused("Q(", "no closing parenthesis");
    assert_refused(">>> import acme", "prompt");
    assert_refused("MicroPython v1.25.0", "text, not a name");
    assert_refused("QCFG(BYTES_IN_LEN, (1))", "setting");
    assert_refused("Q(/flash/main.py)", "path of a file");
    assert_refused("Q(caf\xe9)", "not UTF-8");
    assert_refused("Q(\xed\xa0\x80)", "not UTF-8"); /* a surrogate */
    assert_refused("Q(much \"too\" long)", "double quote");
    assert_refused("Q(a\ttabulator)", "control character");
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

static void assert_sources(const char *const *names, const char *module, const char *defs)
{
    _cleanup_(qstr_list_release) struct qstr_list list = QSTR_LIST_INIT;

    strv_add_all(&list.names, names);
    _cleanup_free_ char *got_module = qstr_module(&list), *got_defs = qstr_defs(&list);
    if (module)
        assert_string_equal(got_module, module);
    else
        assert_null(got_module);
    if (defs)
        assert_string_equal(got_defs, defs);
    else
        assert_null(got_defs);
}

#define MODULE_HEAD                                                                                \
    "# The manifest's qstrs: being mentioned here puts a name into flash.\n"                       \
    "def _(_):\n"

/* tests/e2e/qstr.sh shows that the names reach the flash. */
static void names_go_where_they_can(void **state)
{
    (void)state;
    static const char *const mixed[] = {
        "a b",           "class",           "humidity_percent", "greeting.py", "snow-leopard",
        "acme.class.io", "acme/sensors.py", "back\\slash",      "tab\tq\"",    NULL,
    };
    static const char *const module_only[] = {"x", NULL};
    static const char *const defs_only[] = {"not an identifier", NULL};
    static const char *const none[] = {NULL};

    assert_sources(mixed,
                   MODULE_HEAD "    _(\"a b\", \"class\", \"back\\\\slash\", \"tab\\x09q\\\"\")\n"
                               "    humidity_percent\n"
                               "    from greeting.py import _\n",
                   "Q(snow-leopard)\nQ(acme.class.io)\nQ(acme/sensors.py)\n");
    assert_sources(module_only, MODULE_HEAD "    _(\"x\")\n", NULL);
    assert_sources(defs_only, NULL, "Q(not an identifier)\n");
    assert_sources(none, NULL, NULL);
}

static void ten_bytes_are_the_limit_of_a_string(void **state)
{
    (void)state;
    static const char *const names[] = {"ten bytes!", "eleven byte", NULL};

    assert_sources(names, MODULE_HEAD "    _(\"ten bytes!\")\n", "Q(eleven byte)\n");
}

static void lines_are_broken(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", NULL};

    assert_sources(names,
                   MODULE_HEAD "    _(\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\")\n"
                               "    _(\"i\")\n",
                   NULL);
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

static void a_line_is_not_the_end_of_another(void **state)
{
    (void)state;
    static const char defs[] = "Q(other)\nQ(this ends in Q(answer)\n";

    assert_true(qstr_defs_hold(defs, "other"));
    assert_true(qstr_defs_hold(defs, "this ends in Q(answer"));
    assert_false(qstr_defs_hold(defs, "answer"));
    assert_false(qstr_defs_hold(NULL, "answer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_are_names),
        cmocka_unit_test(lines_that_hold_nothing),
        cmocka_unit_test(lines_that_are_no_names),
        cmocka_unit_test(a_nul_byte_is_seen),
        cmocka_unit_test(names_go_where_they_can),
        cmocka_unit_test(ten_bytes_are_the_limit_of_a_string),
        cmocka_unit_test(lines_are_broken),
        cmocka_unit_test(all_names_as_lines),
        cmocka_unit_test(a_line_is_not_the_end_of_another),
    };

    return cmocka_run_group_tests_name("qstr", tests, NULL, NULL);
}
