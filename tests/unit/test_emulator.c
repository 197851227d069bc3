#include "simulator/emulator.h"

#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

/* What needs no firmware; tests/e2e/repl.sh boots real MicroPython. */
struct fixture {
    char *dir;
    struct emulator *emulator;
    struct err *err;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){0};
    assert_ok(fs_temp_dir("/tmp", &f.dir, &f.err), &f.err);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    emulator_free(f->emulator);
    err_free_ptr(&f->err);
    assert_ok(fs_remove_tree(f->dir, &f->err), &f->err);
    free(f->dir);
    return 0;
}

static char *make_flash(struct fixture *f, const char *name, char byte, size_t size)
{
    _cleanup_(buf_release) struct buf data = BUF_INIT;
    char *path = path_join(f->dir, name);

    buf_fill(&data, byte, size);
    assert_ok(fs_write(path, data.data, data.len, 0644, &f->err), &f->err);
    return path;
}

static bool start(struct fixture *f, const char *machine, const char *file)
{
    const struct emulator_options options = {.machine = machine, .file = file};
    return emulator_start(&f->emulator, &options, &f->err);
}

static void an_unknown_machine_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_false(start(f, "netdiuno2", "/dev/null"));
    assert_error(&f->err, ERR_USAGE, "did you mean 'netduino2'?");
    assert_false(start(f, "pdp11", "/dev/null"));
    assert_error(&f->err, ERR_USAGE, "netduinoplus2 and native");
}

static void a_file_that_cannot_be_flash_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *empty = make_flash(f, "empty", 0, 0);
    _cleanup_free_ char *big = make_flash(f, "big", 0, 1024 * 1024 + 1);

    assert_false(start(f, "netduino2", "/nonexistent"));
    assert_error(&f->err, ERR_MANIFEST, "cannot boot '/nonexistent'");
    assert_false(start(f, "netduino2", f->dir));
    assert_error(&f->err, ERR_MANIFEST, "not a regular file");
    assert_false(start(f, "netduino2", empty));
    assert_error(&f->err, ERR_MANIFEST, "it has 0 bytes");
    assert_false(start(f, "netduino2", big));
    assert_error(&f->err, ERR_MANIFEST, "the flash of netduino2 has 1048576 bytes");
}

static void erased_flash_does_not_boot(void **state)
{
    struct fixture *f = *state;
    /* A comma in the name: QEMU takes it for the end of the name unless it is doubled. */
    _cleanup_free_ char *flash = make_flash(f, "a,erased", (char)0xff, 1024 * 1024);

    assert_ok(start(f, "netduino2", flash), &f->err);
    assert_false(emulator_boot(f->emulator, 20000, &f->err));
    assert_error(&f->err, ERR_DEVICE, "QEMU said: qemu: fatal: Lockup");
}

static void a_program_of_this_machine_runs(void **state)
{
    struct fixture *f = *state;
    _cleanup_(raw_repl_output_release) struct raw_repl_output output = RAW_REPL_OUTPUT_INIT;

    assert_ok(start(f, "native", "/bin/sh"), &f->err);
    assert_ok(emulator_boot(f->emulator, 1000, &f->err), &f->err);
    assert_ok(emulator_run(f->emulator, "ls -A", 5, 100, 5000, &output, &f->err), &f->err);
    assert_string_equal(output.text.data, ""); /* in an empty directory */
    assert_false(emulator_console(f->emulator, 0, 1, &f->err));
    assert_error(&f->err, ERR_USAGE, "run it itself");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unknown_machine_is_refused),
        TEST(a_file_that_cannot_be_flash_is_refused),
        TEST(erased_flash_does_not_boot),
        TEST(a_program_of_this_machine_runs),
    };

    return cmocka_run_group_tests_name("emulator", tests, NULL, NULL);
}
