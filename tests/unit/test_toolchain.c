#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "builder/toolchain.h"

static char dir[32];
static char *old_path;

static void write_program(const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name);
    assert_true(fs_write(path, text, strlen(text), 0755, &err));
}

/* A private PATH with a fake compiler that answers what the probe asks, and counts its runs. */
static void write_compiler(const char *version)
{
    _cleanup_free_ char *text =
        xasprintf("#!/bin/sh\necho run >> %s/runs\n"
                  "case $1 in\n-dumpfullversion) echo %s;;\n-dumpmachine) echo fake-elf;;\n"
                  "-print-prog-name=*) echo $GCC_EXEC_PREFIX/bin/sh;;\n"
                  "*) [ ! -e %s/libgcc.a ] || echo %s/libgcc.a;;\nesac\n",
                  dir, version, dir, dir);
    write_program("bin/fake-gcc", text);
    write_program("bin/fake-ar", "ar");
    write_program("libgcc.a", "library");
}

static void write_definition(const char *range)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, "toolchains/fake.yaml");
    _cleanup_free_ char *text = xasprintf("prefix: fake-\nversion: \"%s\"\ntools: [gcc, ar]\n"
                                          "programs: [cc1]\nfiles: [libgcc.a]\n"
                                          "debian: [gcc-fake, libfake]\n",
                                          range);
    assert_true(fs_write(path, text, strlen(text), 0644, &err));
}

static int set_up(void **state)
{
    (void)state;
    struct err *err = NULL;
    strcpy(dir, "/tmp/firn-toolchain-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    old_path = xstrdup(getenv("PATH"));
    _cleanup_free_ char *bin = path_join(dir, "bin");
    _cleanup_free_ char *definitions = path_join(dir, "toolchains");
    _cleanup_free_ char *home = path_join(dir, "home");
    assert_true(fs_mkdirs(bin, &err) && fs_mkdirs(definitions, &err) && fs_mkdirs(home, &err));
    _cleanup_free_ char *path = xasprintf("%s:/usr/bin:/bin", bin);
    setenv("PATH", path, 1);
    write_definition(">=10");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;
    setenv("PATH", old_path, 1);
    free(old_path);
    return fs_remove_tree(dir, &err) ? 0 : -1;
}

static bool find(const char *name, struct toolchain *toolchain, char **errors)
{
    struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *home = path_join(dir, "home");
    const struct config config = {.home = home, .data = dir};
    bool ok = toolchain_find(&config, name, NULL, NULL, toolchain, &diags);
    diags_format_errors(&diags, &text);
    *errors = buf_detach(&text, NULL);
    diags_release(&diags);
    return ok;
}

static size_t count_runs(void)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *path = path_join(dir, "runs");
    assert_true(fs_read(path, 4096, &text, &err));
    return text.len / strlen("run\n");
}

static void identity_has_version_target_and_hashes(void **state)
{
    (void)state;
    _cleanup_(toolchain_release) struct toolchain t = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors = NULL;
    write_compiler("12.2.1");
    assert_true(find("fake", &t, &errors));
    assert_string_equal(t.version, "12.2.1");
    assert_string_equal(t.target, "fake-elf");
    assert_string_equal(t.prefix, "fake-");
    const json_t *files = json_object_get(t.identity, "files");
    assert_int_equal(json_object_size(files), 4); /* gcc, ar, cc1, libgcc.a */
    assert_int_equal(strlen(json_string_value(json_object_get(files, "cc1"))), 64);
}

static void unchanged_compiler_runs_no_process(void **state)
{
    (void)state;
    _cleanup_(toolchain_release) struct toolchain a = TOOLCHAIN_INIT, b = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors_a = NULL, *errors_b = NULL;
    write_compiler("12.2.1");
    assert_true(find("fake", &a, &errors_a));
    size_t runs = count_runs();
    assert_true(find("fake", &b, &errors_b));
    assert_int_equal(count_runs(), runs);
    assert_string_equal(a.digest, b.digest);
}

/* What another program left in the cache is asked for again. */
static void damaged_cache_is_no_cache(void **state)
{
    (void)state;
    _cleanup_(toolchain_release) struct toolchain a = TOOLCHAIN_INIT, b = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors_a = NULL, *errors_b = NULL;
    _cleanup_free_ char *path = path_join(dir, "home/toolchains/fake.json");
    struct err *err = NULL;
    write_compiler("12.2.1");
    assert_true(find("fake", &a, &errors_a));
    json_t *cache = json_load_file(path, 0, NULL);
    assert_int_equal(json_object_del(cache, "version"), 0);
    assert_int_equal(json_dump_file(cache, path, 0), 0);
    json_decref(cache);
    assert_true(find("fake", &b, &errors_b));
    assert_string_equal(b.version, "12.2.1");
    assert_true(fs_write(path, "[1]", 3, 0644, &err));
    toolchain_release(&b);
    free(errors_b);
    assert_true(find("fake", &b, &errors_b));
    assert_string_equal(b.version, "12.2.1");
}

static void replaced_compiler_is_another_toolchain(void **state)
{
    (void)state;
    _cleanup_(toolchain_release) struct toolchain a = TOOLCHAIN_INIT, b = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors_a = NULL, *errors_b = NULL;
    write_compiler("12.2.1");
    assert_true(find("fake", &a, &errors_a));
    write_compiler("13.1.0");
    assert_true(find("fake", &b, &errors_b));
    assert_string_equal(b.version, "13.1.0");
    assert_string_not_equal(a.digest, b.digest);
}

/* Find it twice, with a change in between; is it another toolchain? */
static bool differs_after(void (*change)(void))
{
    _cleanup_(toolchain_release) struct toolchain a = TOOLCHAIN_INIT, b = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors_a = NULL, *errors_b = NULL;
    assert_true(find("fake", &a, &errors_a));
    change();
    assert_true(find("fake", &b, &errors_b));
    return strcmp(a.digest, b.digest) != 0;
}

static void change_library(void)
{
    write_program("libgcc.a", "another");
}

static void put_other_tool_first(void)
{
    struct err *err = NULL;
    _cleanup_free_ char *first = path_join(dir, "first");
    _cleanup_free_ char *path = xasprintf("%s:%s", first, getenv("PATH"));
    assert_true(fs_mkdirs(first, &err));
    write_program("first/fake-ar", "another ar");
    setenv("PATH", path, 1);
}

static void ask_for_less(void)
{
    static const char text[] = "prefix: fake-\nversion: \">=10\"\ntools: [gcc, ar]\n"
                               "programs: [cc1]\nfiles: []\ndebian: []\n";
    write_program("toolchains/fake.yaml", text);
}

/* What a build does not see either. */
static void set_variable_and_forget(void)
{
    write_program("home/toolchains/fake.json", "{}");
    setenv("GCC_EXEC_PREFIX", "/nonexistent", 1);
}

static void whatever_takes_part_is_identity(void **state)
{
    (void)state;
    write_compiler("12.2.1");
    assert_true(differs_after(change_library));
    assert_true(differs_after(put_other_tool_first));
    assert_true(differs_after(ask_for_less));
    assert_false(differs_after(set_variable_and_forget));
    unsetenv("GCC_EXEC_PREFIX");
}

static void library_that_came_later_is_seen(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *library = path_join(dir, "libgcc.a");
    write_compiler("12.2.1");
    assert_true(fs_remove_tree(library, &err));
    assert_true(differs_after(change_library));
}

static void missing_tool_names_the_packages(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(toolchain_release) struct toolchain t = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors = NULL, *ar = path_join(dir, "bin/fake-ar");
    write_compiler("12.2.1");
    assert_true(fs_remove_tree(ar, &err));
    assert_false(find("fake", &t, &errors));
    assert_string_equal(errors, "toolchain 'fake' is incomplete: fake-ar is not on PATH\n"
                                "  on Debian: apt-get install gcc-fake libfake\n");
}

static void missing_compiler_names_the_packages(void **state)
{
    (void)state;
    _cleanup_(toolchain_release) struct toolchain t = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors = NULL;
    assert_false(find("fake", &t, &errors));
    assert_string_equal(errors, "toolchain 'fake' is missing: fake-gcc is not on PATH\n"
                                "  on Debian: apt-get install gcc-fake libfake\n");
}

static void old_compiler_is_named_with_its_version(void **state)
{
    (void)state;
    _cleanup_(toolchain_release) struct toolchain t = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors = NULL;
    write_compiler("9.3.1");
    assert_false(find("fake", &t, &errors));
    assert_non_null(strstr(errors, "toolchain 'fake' is version 9.3.1 ("));
    assert_non_null(strstr(errors, "but its definition asks for >=10"));
}

static void unknown_toolchain_suggests_the_nearest(void **state)
{
    (void)state;
    _cleanup_(toolchain_release) struct toolchain t = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors = NULL;
    assert_false(find("fakee", &t, &errors));
    assert_string_equal(errors, "unknown toolchain 'fakee'\n  did you mean 'fake'?\n");
}

static void name_cannot_leave_the_directory(void **state)
{
    (void)state;
    _cleanup_(toolchain_release) struct toolchain t = TOOLCHAIN_INIT;
    _cleanup_free_ char *errors = NULL;
    assert_false(find("../toolchains/fake", &t, &errors));
    assert_non_null(strstr(errors, "unknown toolchain"));
}

static void check_range(const char *version, const char *range, bool want)
{
    struct err *err = NULL;
    bool in = !want;
    assert_true(version_in_range(version, range, &in, &err));
    assert_int_equal(in, want);
}

static void ranges(void **state)
{
    (void)state;
    check_range("12.2.1", ">=12", true);
    check_range("12.2.1", ">12", true);
    check_range("12.0.0", ">12", false);
    check_range("12.2.1", ">=12,<15", true);
    check_range("15.1", ">= 12 , < 15", false);
    check_range("12.2.1", "12.2", true);
    check_range("12.20.1", "12.2", false);
    check_range("12.2.1", "==12.2", false);
    check_range("12.2.1", "<=12.2.1", true);
    check_range("9.3", ">=10", false);
}

static void malformed_ranges_are_errors(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",      ">=",    ">=x", "=>12", "12 13",
                                        ">=12;", ">=12,", "~12", "new"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct err *err = NULL;
        bool in;
        assert_false(version_in_range("12", wrong[i], &in, &err));
        assert_int_equal(err->code, ERR_MANIFEST);
        err_free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(identity_has_version_target_and_hashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unchanged_compiler_runs_no_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_cache_is_no_cache, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replaced_compiler_is_another_toolchain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whatever_takes_part_is_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(library_that_came_later_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_tool_names_the_packages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_compiler_names_the_packages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_compiler_is_named_with_its_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_toolchain_suggests_the_nearest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(name_cannot_leave_the_directory, set_up, tear_down),
        cmocka_unit_test(ranges),
        cmocka_unit_test(malformed_ranges_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
