/* Recorded outputs of real builds (tests/data/make) and what is to be said about each. */
#include "tests/unit/unit.h"

#include "base/fs.h"
#include "builder/make_output.h"

static struct err *explain(const char *name, const struct make_blame *blame)
{
    _cleanup_(buf_release) struct buf log = BUF_INIT;
    _cleanup_(make_output_release) struct make_output output = MAKE_OUTPUT_INIT;
    _cleanup_free_ char *path = xasprintf(FIRN_SOURCE_DIR "/tests/data/make/%s.log", name);
    struct err *err = NULL;
    assert_true(fs_read(path, 1 << 20, &log, &err));
    for (const char *at = log.data; *at; at += strcspn(at, "\n"), at += *at == '\n')
        make_output_line(&output, at, strcspn(at, "\n"));
    assert_false(make_output_error(&output, "/src/ports/qemu", blame, &err));
    assert_int_equal(err->code, ERR_FAILED);
    return err;
}

static void test_overflow_names_region_and_largest_modules(void **state)
{
    (void)state;
    char a[] = "a.py", font[] = "font.py", b[] = "b.py", c[] = "c.py";
    struct frozen_file files[] = {
        {.target = a, .flash_size = 10},
        {.target = font, .flash_size = 93184},
        {.target = b, .flash_size = 700},
        {.target = c, .flash_size = 2048},
    };
    const struct frozen frozen = {files, ARRAY_SIZE(files)};
    const struct make_blame blame = {&frozen, NULL};
    _cleanup_err_ struct err *err = explain("overflow", &blame);
    assert_string_equal(err->message,
                        "the firmware does not fit: region RAM overflowed by 13100 bytes");
    assert_string_equal(err->hint,
                        "the largest frozen modules: font.py 91.0 KiB, c.py 2.0 KiB, b.py 700 B");
}

static void test_compiler_error_in_a_copied_file_is_the_users(void **state)
{
    (void)state;
    const struct path_map maps[] = {{"/build/k/c_modules/filter", "/home/u/cmods/filter"},
                                    {NULL, NULL}};
    const struct make_blame blame = {NULL, maps};
    _cleanup_err_ struct err *err = explain("compiler", &blame);
    assert_string_equal(err->file, "/home/u/cmods/filter/filter.c");
    assert_int_equal(err->line, 5);
    assert_int_equal(err->column, 47);
    assert_string_equal(err->message, "'gain' undeclared (first use in this function)");
}

static void test_linker_error_keeps_its_object(void **state)
{
    (void)state;
    _cleanup_err_ struct err *err = explain("linker", NULL);
    assert_string_equal(
        err->message,
        "linking failed: filter.c:(.text.filter_step+0x8): undefined reference to `gain'");
}

static void test_scripts_of_the_source(void **state)
{
    (void)state;
    _cleanup_err_ struct err *err = explain("script", NULL);
    assert_string_equal(err->message, "a script of the source failed: error compiling hello.py: "
                                      "SyntaxError: invalid syntax");
}

static void test_make_itself(void **state)
{
    (void)state;
    _cleanup_err_ struct err *stop = explain("stop", NULL);
    assert_string_equal(stop->message, "make stopped: Invalid BOARD specified: boards/NOPE");
    _cleanup_err_ struct err *rule = explain("rule", NULL);
    assert_string_equal(rule->message,
                        "make stopped: No rule to make target '/nonexistent.h', needed by "
                        "'/build/k/obj/genhdr/qstrdefs.generated.h'");
}

static void test_a_full_disk_is_the_cause_of_all(void **state)
{
    (void)state;
    _cleanup_err_ struct err *err = explain("disk", NULL);
    assert_string_equal(err->message, "the disk is full");
    assert_true(err_is_of_machine(err));
}

static void test_a_broken_disk_is_told(void **state)
{
    (void)state;
    _cleanup_err_ struct err *err = explain("broken-disk", NULL);
    assert_string_equal(err->message, "the disk fails: Input/output error");
    assert_true(err_is_of_machine(err));
}

static void test_anything_else_shows_the_end(void **state)
{
    (void)state;
    _cleanup_(make_output_release) struct make_output output = MAKE_OUTPUT_INIT;
    _cleanup_err_ struct err *err = NULL;
    for (int i = 0; i < 20; i++) {
        _cleanup_free_ char *line = xasprintf("line %d", i);
        make_output_line(&output, line, strlen(line));
    }
    make_output_error(&output, "/", NULL, &err);
    assert_string_equal(err->message,
                        "make failed; its last lines: line 12 | line 13 | line 14 | line 15 | "
                        "line 16 | line 17 | line 18 | line 19");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overflow_names_region_and_largest_modules),
        cmocka_unit_test(test_compiler_error_in_a_copied_file_is_the_users),
        cmocka_unit_test(test_linker_error_keeps_its_object),
        cmocka_unit_test(test_scripts_of_the_source),
        cmocka_unit_test(test_make_itself),
        cmocka_unit_test(test_a_full_disk_is_the_cause_of_all),
        cmocka_unit_test(test_a_broken_disk_is_told),
        cmocka_unit_test(test_anything_else_shows_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
