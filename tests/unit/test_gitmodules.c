#include "builder/gitmodules.h"

#include "tests/unit/unit.h"

static void parse(struct gitmodules *modules, const char *text)
{
    struct err *err = NULL;

    assert_ok(gitmodules_parse(modules, text, strlen(text), &err), &err);
}

static void paths_and_urls(void **state)
{
    (void)state;
    _cleanup_(gitmodules_release) struct gitmodules m = GITMODULES_INIT;

    parse(&m, "# a comment\n"
              "[submodule \"lib/a\"]\n"
              "\tpath = lib/a   ; where\n"
              "\turl = https://example.org/a.git\n"
              "\tshallow\n"
              "[core]\n\tpath = ignored\n"
              "[SubModule \"odd \\\"name\\\"\"] path=\"lib/b c\"\n"
              "url = ../b\\\n.git # joined\r\n");
    assert_int_equal(m.count, 2);
    const struct gitmodule *a = gitmodules_find(&m, "lib/a"), *b = gitmodules_find(&m, "lib/b c");
    assert_non_null(a);
    assert_string_equal(a->url, "https://example.org/a.git");
    assert_non_null(b);
    assert_string_equal(b->name, "odd \"name\"");
    assert_string_equal(b->url, "../b.git");
    assert_null(gitmodules_find(&m, "ignored"));
}

static void a_section_may_be_split_and_the_last_value_counts(void **state)
{
    (void)state;
    _cleanup_(gitmodules_release) struct gitmodules m = GITMODULES_INIT;

    parse(&m, "\xef\xbb\xbf[submodule \"a\"]\npath = x\n[submodule \"b\"]\npath = y\n"
              "[submodule \"a\"]\nurl = u\npath = z");
    assert_int_equal(m.count, 2);
    assert_null(gitmodules_find(&m, "x"));
    assert_string_equal(gitmodules_find(&m, "z")->url, "u");
}

static void includes_are_not_followed(void **state)
{
    (void)state;
    _cleanup_(gitmodules_release) struct gitmodules m = GITMODULES_INIT;

    parse(&m, "[include]\npath = /etc/passwd\n[includeIf \"x\"]\npath = /etc/passwd\n");
    assert_int_equal(m.count, 0);
}

static void assert_bad(const char *text, size_t len, const char *expected)
{
    _cleanup_(gitmodules_release) struct gitmodules m = GITMODULES_INIT;
    struct err *err = NULL;

    assert_false(gitmodules_parse(&m, text, len, &err));
    assert_error(&err, ERR_FETCH, expected);
}

static void bad_syntax_has_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } bad[] = {
        {"\n[submodule \"a\n\"]", ".gitmodules:2: a section's name without its closing quote"},
        {"[submodule \"a\"", ".gitmodules:1: a section without its ']'"},
        {"[submodule \"a\"]\npath = \"x\n", ".gitmodules:2: a value without its closing quote"},
        {"[submodule \"a\"]\n\npath = \\q\n", ".gitmodules:3: an unknown escape"},
        {"path = \\", ".gitmodules:1: an unknown escape"},
        {"<html>", ".gitmodules:1: neither a section nor a setting"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_bad(bad[i].text, strlen(bad[i].text), bad[i].expected);
    assert_bad("[submodule \"a\"]\npath = x\0y\n", 26, ".gitmodules:2: a NUL byte");
    assert_bad("[submodule \"a\0b\"]\n", 18, ".gitmodules:1: a NUL byte");
}

static void there_is_a_ceiling(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    for (int i = 0; i <= GITMODULES_MAX; i++)
        buf_addf(&text, "[submodule \"%d\"]\n", i);
    assert_bad(text.data, text.len, "too many submodules");
    buf_clear(&text);
    buf_fill(&text, '\n', GITMODULES_MAX_BYTES + 1);
    assert_bad(text.data, text.len, "longer than");
}

static void hostile_entries_are_refused(void **state)
{
    (void)state;
    static const struct gitmodule hostile[] = {
        {"a", "../x", "u"},
        {"a", "/etc", "u"},
        {"a", "-x", "u"},
        {"a", "lib/../../x", "u"},
        {"a", "lib/.git/hooks", "u"},
        {"a", ".GIT", "u"},
        {"a", "lib//x", "u"},
        {"a", "lib/x\r", "u"},
        {"a", "", "u"},
        {"a", "lib/", "u"},
        {"../../x", "a", "u"},
        {"-x", "a", "u"},
        {"", "a", "u"},
        {"a/../b", "a", "u"},
        {"a", NULL, "u"},
        {"a", "a", NULL},
        {"a", "a", ""},
        {"a", "./a", "u"},
    };
    const struct gitmodule good = {"lib/a-b..c", "lib/.gitx/a b", "u"};
    struct err *err = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        assert_false(gitmodule_check(&hostile[i], &err));
        assert_error(&err, ERR_FETCH, ".gitmodules: ");
    }
    assert_ok(gitmodule_check(&good, &err), &err);
}

static void a_quoted_carriage_return_survives_to_be_refused(void **state)
{
    (void)state;
    _cleanup_(gitmodules_release) struct gitmodules m = GITMODULES_INIT;
    struct err *err = NULL;

    parse(&m, "[submodule \"a\"]\npath = \"sub\r\"\nurl = u\n");
    assert_string_equal(m.items[0].path, "sub\r");
    assert_false(gitmodule_check(&m.items[0], &err));
    assert_error(&err, ERR_FETCH, "refusing the path");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_urls),
        cmocka_unit_test(a_section_may_be_split_and_the_last_value_counts),
        cmocka_unit_test(includes_are_not_followed),
        cmocka_unit_test(bad_syntax_has_its_line),
        cmocka_unit_test(there_is_a_ceiling),
        cmocka_unit_test(hostile_entries_are_refused),
        cmocka_unit_test(a_quoted_carriage_return_survives_to_be_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
