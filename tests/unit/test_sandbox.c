/* The command line of the sandbox, and what a program in it finds. */
#include "builder/sandbox.h"

#include <string.h>
#include <unistd.h>

#include "tests/unit/sandbox_fixture.h"

static struct sandbox open_box(enum sandbox_access access)
{
    struct sandbox box;
    struct err *err = NULL;
    assert_ok(sandbox_init(&box, true, &LIMITS, &err), &err);
    assert_string_equal(sandbox_bind(&box, dir, "/build", access), "/build");
    return box;
}

static void off_changes_nothing(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = SANDBOX_INIT;
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    struct err *err = NULL;
    assert_ok(sandbox_init(&box, false, &LIMITS, &err), &err);
    assert_string_equal(sandbox_bind(&box, dir, "/build", SANDBOX_WRITE), dir);
    sandbox_command(&box, &argv);
    assert_int_equal(argv.count, 0);
}

static void what_is_bound_for_writing_is_written(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = open_box(SANDBOX_WRITE);
    _cleanup_free_ char *path = path_join(dir, "made");
    int status;
    _cleanup_free_ char *out = run(&box, "echo x > /build/made && pwd && hostname", &status);
    assert_string_equal(out, "/\nfirn\n");
    assert_int_equal(status, 0);
    assert_true(fs_is_file(path));
}

static void what_is_bound_for_reading_is_not(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = open_box(SANDBOX_READ);
    int status;
    _cleanup_free_ char *out = run(&box, "echo x > /build/made", &status);
    assert_int_not_equal(status, 0);
    assert_non_null(strstr(out, "Read-only file system"));
}

static void nothing_else_is_seen(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = open_box(SANDBOX_READ);
    int status;
    _cleanup_free_ char *out =
        run(&box,
            "ls -d /etc/* /home /root /tmp/* 2>/dev/null; set -- /proc/[0-9]*; echo $#; "
            "grep -c : /proc/net/dev",
            &status);
    /* Itself: bwrap's own process and the shell; one network interface, lo. */
    assert_string_equal(out, "/etc/alternatives\n2\n1\n");
}

static void a_fork_does_not_change_the_original(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = open_box(SANDBOX_READ);
    _cleanup_(sandbox_release) struct sandbox fork = sandbox_fork(&box);
    size_t before = box.binds.count;
    sandbox_bind(&fork, dir, "/more", SANDBOX_READ);
    assert_int_equal(box.binds.count, before);
}

static void files_end_at_the_limit(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = open_box(SANDBOX_WRITE);
    int status;
    _cleanup_free_ char *out =
        run(&box, "(head -c 3000000 /dev/zero > /build/big) 2>&1; stat -c %s /build/big", &status);
    assert_non_null(strstr(out, "1048576\n"));
}

static void a_compiler_outside_usr_is_shown_with_its_directory(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = open_box(SANDBOX_READ);
    struct err *err = NULL;
    _cleanup_free_ char *bin = path_join(dir, "gnu/bin");
    _cleanup_free_ char *gcc = path_join(bin, "x-gcc");
    assert_ok(fs_mkdirs(bin, &err) && fs_write(gcc, "#!/bin/sh\necho x\n", 17, 0755, &err), &err);
    sandbox_set_compiler(&box, gcc);
    int status;
    _cleanup_free_ char *out = run(&box, "/toolchain/bin/x-gcc", &status);
    assert_string_equal(out, "x\n");
    sandbox_set_compiler(&box, "/usr/bin/gcc");
    assert_null(box.toolchain_dir);
}

/* It has a reason that is not the user's: err says so only then. */
static void blame_is_for_a_sandbox_that_cannot_be(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = open_box(SANDBOX_READ);
    struct err *err = NULL;
    err_set(&err, ERR_FAILED, "make failed");
    assert_false(sandbox_blame(&box, &err));
    assert_error(&err, ERR_FAILED, "make failed");
    sandbox_bind(&box, "/there/is/no/such/directory", "/src", SANDBOX_READ);
    err_set(&err, ERR_FAILED, "make failed");
    assert_false(sandbox_blame(&box, &err));
    assert_error(&err, ERR_FAILED, "the sandbox of a build cannot be made here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(off_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_bound_for_writing_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_bound_for_reading_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_else_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_fork_does_not_change_the_original, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_end_at_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_compiler_outside_usr_is_shown_with_its_directory, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(blame_is_for_a_sandbox_that_cannot_be, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
