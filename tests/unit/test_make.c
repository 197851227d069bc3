#include "tests/unit/unit.h"

#include "base/fs.h"
#include "builder/make.h"

/* A makefile of our own in a scratch directory. */
struct fixture {
    char *dir, *log;
    struct strv env;
};

static const char MAKEFILE[] = "BOARDS = one two\n"
                               "all: a.o b.o\n"
                               "\t@echo \"LINK $(BUILD)/x.elf\"\n"
                               "\t@echo \"   text\t   data\t    bss\t    dec\"\n"
                               "\t@echo \"  17\t  0\t    0\t    17\"\n"
                               "\t@echo \" 140928\t  11312\t  26584\t 178824\"\n"
                               "%.o:\n"
                               "\t@echo \"CC $*.c\"\n"
                               "\t@test \"$(FAIL)\" != $* || (echo '$*.c:3:1: error: oh'; false)\n"
                               "env:\n"
                               "\t@env\n";

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    f->env = (struct strv)STRV_INIT;
    assert_true(fs_temp_dir("/tmp", &f->dir, &err));
    f->log = path_join(f->dir, "log");
    _cleanup_free_ char *path = path_join(f->dir, "Makefile");
    assert_true(fs_write(path, MAKEFILE, strlen(MAKEFILE), 0644, &err));
    make_environment(&f->env, NULL, 1700000000, "v1.25.0", "f498a16c7");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_true(fs_remove_tree(f->dir, &err));
    free(f->dir);
    free(f->log);
    strv_release(&f->env);
    free(f);
    return 0;
}

static struct make_job job_of(const struct fixture *f, const char *const *vars)
{
    return (struct make_job){.phase = "compile",
                             .dir = f->dir,
                             .log_path = f->log,
                             .vars = vars,
                             .env = (const char *const *)f->env.items,
                             .jobs = 1};
}

struct seen {
    long long done, total;
};

static void on_event(void *data, const json_t *event)
{
    struct seen *seen = data;
    if (strcmp(json_string_value(json_object_get(event, "event")), "progress") != 0)
        return;
    seen->done = json_integer_value(json_object_get(event, "done"));
    seen->total = json_integer_value(json_object_get(event, "total"));
}

static void test_run_counts_and_logs(void **state)
{
    const struct fixture *f = *state;
    const char *const vars[] = {"BUILD=/b", NULL};
    const struct make_job job = job_of(f, vars);
    _cleanup_(events_free_ptr) struct events *events = events_new();
    _cleanup_(buf_release) struct buf log = BUF_INIT;
    struct seen seen = {0, 0};
    struct err *err = NULL;
    struct make_sizes sizes;
    events_add_sink(events, on_event, &seen);
    events_show_progress(events);
    assert_true(make_run(&job, events, &sizes, &err));
    assert_int_equal(sizes.steps, 3);
    assert_true(sizes.known);
    assert_int_equal(sizes.text, 140928);
    assert_int_equal(sizes.data, 11312);
    assert_int_equal(sizes.bss, 26584);
    assert_int_equal(seen.done, 3);
    assert_int_equal(seen.total, 3);
    assert_true(fs_read(f->log, 4096, &log, &err));
    assert_int_equal(strncmp(log.data, "CC a.c\nCC b.c\nLINK /b/x.elf\n", 28), 0);
}

static void test_failure_names_error_and_log(void **state)
{
    const struct fixture *f = *state;
    const char *const vars[] = {"FAIL=b", NULL};
    const struct make_job job = job_of(f, vars);
    _cleanup_err_ struct err *err = NULL;
    assert_false(make_run(&job, NULL, NULL, &err));
    assert_string_equal(err->message, "oh");
    assert_int_equal(err->line, 3);
    assert_non_null(strstr(err->hint, f->log));
}

static void test_environment_is_ours_alone(void **state)
{
    const struct fixture *f = *state;
    const char *const vars[] = {NULL};
    struct make_job job = job_of(f, vars);
    _cleanup_(buf_release) struct buf log = BUF_INIT;
    struct err *err = NULL;
    setenv("FIRN_TEST_LEAK", "1", 1);
    job.target = "env";
    assert_true(make_run(&job, NULL, NULL, &err));
    assert_true(fs_read(f->log, 65536, &log, &err));
    assert_null(strstr(log.data, "FIRN_TEST_LEAK"));
    assert_non_null(strstr(log.data, "SOURCE_DATE_EPOCH=1700000000\n"));
    assert_non_null(strstr(log.data, "PYTHONHASHSEED=0\n"));
    assert_non_null(strstr(log.data, "MICROPY_GIT_TAG=v1.25.0\n"));
    assert_non_null(strstr(log.data, "HOME=/nonexistent\n"));
}

static void test_ask(void **state)
{
    const struct fixture *f = *state;
    const char *const vars[] = {"BUILD=/b", NULL};
    const char *const names[] = {"BOARDS", "BUILD", "NOTHING", NULL};
    const struct make_job job = job_of(f, vars);
    _cleanup_(strv_release) struct strv values = STRV_INIT;
    struct err *err = NULL;
    assert_true(make_ask(&job, names, &values, &err));
    assert_int_equal(values.count, 3);
    assert_string_equal(values.items[0], "one two");
    assert_string_equal(values.items[1], "/b");
    assert_string_equal(values.items[2], "");
}

static void test_steps(void **state)
{
    (void)state;
    const char *detail = NULL;
    assert_true(make_is_step("CC ../../py/gc.c", &detail));
    assert_string_equal(detail, "../../py/gc.c");
    assert_true(make_is_step("MPY main.py", NULL));
    assert_false(make_is_step("CCX", NULL));
    assert_false(make_is_step("make: Nothing to be done", NULL));
}

static void test_names_for_make(void **state)
{
    (void)state;
    assert_true(make_can_name("/home/J\303\274rgen/.cache/firn-1.0_x+y/a@b,c"));
    static const char *const bad[] = {"/a b", "/a$b", "/a#b", "/a:b",
                                      "/a%b", "~a",   "/a'b", "/a\tb"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(make_can_name(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_run_counts_and_logs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_names_error_and_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_environment_is_ours_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ask, setup, teardown),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_names_for_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
