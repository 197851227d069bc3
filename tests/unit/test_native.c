#include "simulator/native.h"

#include "base/proc.h"
#include "tests/unit/unit.h"

/* The shell stands for the interpreter: it reads a program from its standard input too. */
#define INTERPRETER "/bin/sh"
#define LONG_MS 5000

struct fixture {
    struct raw_repl_output output;
    struct err *err;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.output = RAW_REPL_OUTPUT_INIT};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    raw_repl_output_release(&f->output);
    err_free(f->err);
    return 0;
}

static bool run(struct fixture *f, const char *source, size_t max, int ms)
{
    const struct native_options options = {.program = INTERPRETER, .dir = "/", .path = ".frozen"};
    return native_run(&options, source, strlen(source), max, clock_ms() + ms, &f->output, &f->err);
}

static void runs_with_the_frozen_modules_only(void **state)
{
    struct fixture *f = *state;

    assert_ok(run(f, "echo $MICROPYPATH; echo warning >&2", 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, ".frozen\nwarning\n");
    assert_string_equal(f->output.traceback.data, "");
}

static void a_failure_has_a_traceback(void **state)
{
    struct fixture *f = *state;

    assert_ok(run(f, "echo before; echo ValueError >&2; exit 1", 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "before\n");
    assert_string_equal(f->output.traceback.data, "ValueError\n");
}

static void ends_at_its_deadline(void **state)
{
    struct fixture *f = *state;

    long long start = clock_ms();

    assert_false(run(f, "echo here; sleep 1000", 100, 100));
    assert_true(clock_ms() - start < 2000);
    assert_error(&f->err, ERR_DEVICE, "the program did not end in time");
    assert_string_equal(f->output.text.data, "here\n");
}

static void ends_at_its_deadline_with_its_output_closed(void **state)
{
    struct fixture *f = *state;

    assert_false(run(f, "exec >&- 2>&-; sleep 1000", 100, 100));
    assert_error(&f->err, ERR_DEVICE, "the program did not end in time");
}

static void too_much_output_is_cut(void **state)
{
    struct fixture *f = *state;

    assert_false(run(f, "yes", 1000, LONG_MS));
    assert_error(&f->err, ERR_DEVICE, "the output is longer than 1000 bytes");
    assert_int_equal(f->output.text.len, 1000);
}

static void a_crash_is_named(void **state)
{
    struct fixture *f = *state;

    assert_false(run(f, "kill -SEGV $$", 100, LONG_MS));
    assert_error(&f->err, ERR_DEVICE, "was ended by signal 11");
}

static void a_program_that_stops_reading_is_no_error(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf source = BUF_INIT;

    buf_adds(&source, "exec echo done\n");
    buf_fill(&source, '#', 300000);
    assert_ok(run(f, source.data, 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "done\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_with_the_frozen_modules_only),
        TEST(a_failure_has_a_traceback),
        TEST(ends_at_its_deadline),
        TEST(ends_at_its_deadline_with_its_output_closed),
        TEST(too_much_output_is_cut),
        TEST(a_crash_is_named),
        TEST(a_program_that_stops_reading_is_no_error),
    };

    return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
