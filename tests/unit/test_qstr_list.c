#include "builder/qstr.h"

#include "tests/unit/manifest_fixture.h"

/* The names, one after another, of a manifest with this qstrs list. */
static void load(struct fixture *f, struct qstr_list *list, const char *qstrs)
{
    _cleanup_free_ char *text = xasprintf(MANIFEST_HEAD "qstrs: %s\n", qstrs);

    qstr_list_release(list);
    assert_true(qstr_list_load(list, fixture_load_ok(f, text), &f->diags));
}

static void assert_names(const struct qstr_list *list, const char *expected)
{
    _cleanup_(buf_release) struct buf got = BUF_INIT;

    for (size_t i = 0; i < list->names.count; i++)
        buf_addf(&got, "%s%s", i ? "|" : "", list->names.items[i]);
    assert_string_equal(got.data, expected);
}

static void assert_warning(const struct fixture *f, size_t index, unsigned line, const char *part)
{
    assert_true(index < f->diags.warning_count);
    assert_contains(f->diags.warnings[index]->message, part);
    assert_int_equal(f->diags.warnings[index]->line, line);
}

static void names_are_sorted_and_unique(void **state)
{
    struct fixture *f = *state;
    _cleanup_(qstr_list_release) struct qstr_list list = QSTR_LIST_INIT;

    fixture_write(f, "a.txt", "Q(beta)\nQ(alpha)\r\nZeta");
    fixture_write(f, "b.txt", "\n\nQ(alpha)\nQ(gamma ray)\n");
    load(f, &list, "[beta, file: a.txt, {file: b.txt}, 1.5, Q(delta)]");
    assert_names(&list, "1.5|Zeta|alpha|beta|delta|gamma ray");
    assert_int_equal(f->diags.warning_count, 2);
    assert_warning(f, 0, 1, "'beta' is listed already");
    assert_warning(f, 1, 3, "'alpha' is listed already");
    assert_contains(f->diags.warnings[1]->message, "a.txt, line 2");
    assert_true(strstr(f->diags.warnings[1]->file, "/b.txt"));
}

static void a_name_over_two_lines_goes_whole(void **state)
{
    struct fixture *f = *state;
    _cleanup_(qstr_list_release) struct qstr_list list = QSTR_LIST_INIT;

    fixture_write(f, "a.txt", "Q(one\ntwo\nthree)\nfour\nQ(five\nQ(six)\nseven\n");
    load(f, &list, "[file: a.txt]");
    assert_names(&list, "four|seven|six");
    assert_int_equal(f->diags.warning_count, 4);
    assert_warning(f, 1, 2, "the name that began in line 1");
    assert_warning(f, 3, 5, "no closing parenthesis");
}

static void many_removed_lines_are_counted(void **state)
{
    struct fixture *f = *state;
    _cleanup_(qstr_list_release) struct qstr_list list = QSTR_LIST_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    for (int i = 0; i < 100; i++)
        buf_addf(&text, "not a name %d\n", i);
    fixture_write(f, "a.txt", text.data);
    load(f, &list, "[file: a.txt]");
    assert_names(&list, "");
    assert_int_equal(f->diags.warning_count, QSTR_MAX_WARNINGS + 1);
    assert_warning(f, QSTR_MAX_WARNINGS, 6, "80 more lines of 'a.txt' were removed");
}

static void refused(struct fixture *f, const char *qstrs, const char *part)
{
    _cleanup_(qstr_list_release) struct qstr_list list = QSTR_LIST_INIT;
    _cleanup_free_ char *text = xasprintf(MANIFEST_HEAD "qstrs: %s\n", qstrs);

    assert_false(qstr_list_load(&list, fixture_load_ok(f, text), &f->diags));
    assert_int_equal(f->diags.error_count, 1);
    assert_contains(f->diags.errors[0]->message, part);
    assert_int_equal(f->diags.errors[0]->line, 6);
}

static void what_is_wrong_in_the_manifest_is_an_error(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf large = BUF_INIT;

    buf_fill(&large, '\n', QSTR_MAX_FILE_BYTES + 1);
    fixture_write(f, "large.txt", large.data);
    refused(f, "[good, \"\"]", "it is empty");
    refused(f, "[\"/flash/main.py\"]", "path of a file");
    refused(f, "[file: large.txt]", "too large");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(names_are_sorted_and_unique),
        WITH(a_name_over_two_lines_goes_whole),
        WITH(many_removed_lines_are_counted),
        WITH(what_is_wrong_in_the_manifest_is_an_error),
    };

    return cmocka_run_group_tests_name("qstr_list", tests, NULL, NULL);
}
