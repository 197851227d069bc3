/* The cross compiler, of a small source whose "cross compiler" is a script that make copies. */
#include "builder/mpy_cross.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "tests/unit/unit.h"

static char root[64];
static struct config config;
static struct source source;
/* The makefile below writes beside itself. */
static const struct sandbox sandbox = SANDBOX_INIT;
static char digest[] = "h";
static const struct toolchain host = {.digest = digest};
static const struct interpreter interpreter = {.mpy_cross_dir = "mpy-cross", .python = "python3"};

/* Counts its runs in $ROOT/runs; `fail` and `slow` in the source change what it does. */
static const char makefile[] = "ROOT := $(abspath ../..)\n"
                               "$(BUILD)/mpy-cross: program\n"
                               "\techo run >> $(ROOT)/runs\n"
                               "\tmkdir -p $(BUILD)\n"
                               "\ttest ! -e slow || sleep 5\n"
                               "\ttest ! -e fail\n"
                               "\tcp program $@\n";

static void put(const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(root, name), *dir = path_dirname(path);

    assert_ok(fs_mkdirs(dir, &err), &err);
    assert_ok(fs_write(path, text, strlen(text), 0755, &err), &err);
}

static void drop(const char *name)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(root, name);

    assert_ok(fs_remove_tree(path, &err), &err);
}

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/firn-test-mpy-cross.XXXXXX");
    if (!mkdtemp(root))
        return -1;
    put("source/mpy-cross/Makefile", makefile);
    put("source/mpy-cross/program", "the program");
    put("home/keep", "");
    put("runs", "");
    config = (struct config){.home = path_join(root, "home"), .data = FIRN_SOURCE_DIR};
    source = (struct source){.commit = xstrdup("0123456789012345678901234567890123456789"),
                             .describe = xstrdup("v1"),
                             .commit_time = 1700000000,
                             .dir = path_join(root, "source")};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err *err = NULL;

    free((char *)(uintptr_t)config.home);
    source_release(&source);
    return fs_remove_tree(root, &err) ? 0 : -1;
}

static struct mpy_cross look_for(void)
{
    return (struct mpy_cross){.config = &config,
                              .interpreter = &interpreter,
                              .source = &source,
                              .host = &host,
                              .sandbox = &sandbox};
}

static bool get(char **path, struct err **err)
{
    struct mpy_cross cross = look_for();

    return mpy_cross_get(&cross, path, err);
}

/* It is there with its content; the caller frees the path. */
static char *assert_got(void)
{
    struct err *err = NULL;
    char *path = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    assert_ok(get(&path, &err), &err);
    assert_ok(fs_read(path, 100, &text, &err), &err);
    assert_string_equal(text.data, "the program");
    assert_int_equal(access(path, X_OK), 0);
    return path;
}

static size_t count_runs(void)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(root, "runs");
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    assert_ok(fs_read(path, 1000, &text, &err), &err);
    return text.len / strlen("run\n");
}

/* In $FIRN_HOME/mpy-cross, but for lock files and logs. */
static size_t count_directories(void)
{
    struct err *err = NULL;
    _cleanup_free_ char *dir = path_join(config.home, "mpy-cross");
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    size_t count = 0;

    assert_ok(fs_list(dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_free_ char *path = path_join(dir, names.items[i]);
        count += fs_is_dir(path);
    }
    return count;
}

static void built_once(void **state)
{
    (void)state;
    _cleanup_free_ char *a = assert_got(), *b = assert_got();

    assert_string_equal(a, b);
    assert_int_equal(count_runs(), 1);
    assert_int_equal(count_directories(), 1);
}

static void another_commit_is_another_compiler(void **state)
{
    (void)state;
    _cleanup_free_ char *a = assert_got();

    source.commit[0] = 'f';
    _cleanup_free_ char *b = assert_got();
    assert_string_not_equal(a, b);
    assert_int_equal(count_runs(), 2);
}

static void the_source_is_not_written(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv files = STRV_INIT;

    free(assert_got());
    assert_ok(fs_walk(source.dir, 100, &files, &err), &err);
    assert_int_equal(files.count, 2);
}

static void a_failure_leaves_nothing(void **state)
{
    (void)state;
    struct err *err = NULL;
    char *path = NULL;

    put("source/mpy-cross/fail", "");
    assert_false(get(&path, &err));
    assert_error(&err, ERR_FAILED, "cannot build mpy-cross");
    assert_null(path);
    assert_int_equal(count_directories(), 0);
    drop("source/mpy-cross/fail");
    free(assert_got());
}

static pid_t fork_get(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct err *err = NULL;
        char *path = NULL;
        interrupt_install();
        bool ok = get(&path, &err);
        _exit(ok ? 0 : err->code == ERR_INTERRUPTED ? 3 : 1);
    }
    return pid;
}

static void callers_at_once_build_once(void **state)
{
    (void)state;
    pid_t pids[3];

    for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
        pids[i] = fork_get();
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_runs(), 1);
    free(assert_got());
}

static void wait_for_run(void)
{
    for (int i = 0; i < 500 && count_runs() == 0; i++)
        usleep(10000);
}

/* Start a build that takes long, send it a signal when make has begun; its wait status. */
static int disturb(int signal)
{
    int status;

    put("source/mpy-cross/slow", "");
    pid_t pid = fork_get();
    wait_for_run();
    kill(pid, signal);
    waitpid(pid, &status, 0);
    drop("source/mpy-cross/slow");
    return status;
}

static void interrupted(void **state)
{
    (void)state;
    int status = disturb(SIGINT);

    assert_int_equal(WEXITSTATUS(status), 3);
    assert_int_equal(count_directories(), 0);
    free(assert_got());
}

static void killed(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(disturb(SIGKILL)));
    assert_int_equal(count_directories(), 1);
    free(assert_got());
    assert_int_equal(count_directories(), 1);
}

/* ---- beside something else ---- */

static void begun_early(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct mpy_cross cross = look_for();
    _cleanup_free_ char *path = NULL;

    assert_false(mpy_cross_is_there(&cross));
    mpy_cross_begin(&cross);
    wait_for_run();
    assert_ok(mpy_cross_get(&cross, &path, &err), &err);
    assert_true(mpy_cross_is_there(&cross));
    assert_int_equal(count_runs(), 1);
}

/* The second run is the one that says what is wrong. */
static void begun_early_it_fails(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct mpy_cross cross = look_for();
    char *path = NULL;

    put("source/mpy-cross/fail", "");
    mpy_cross_begin(&cross);
    assert_false(mpy_cross_get(&cross, &path, &err));
    assert_error(&err, ERR_FAILED, "cannot build mpy-cross");
    assert_int_equal(count_runs(), 2);
    assert_int_equal(count_directories(), 0);
}

static void begun_early_and_not_needed(void **state)
{
    (void)state;
    struct mpy_cross cross = look_for();

    mpy_cross_end(&cross); /* was not begun */
    put("source/mpy-cross/slow", "");
    mpy_cross_begin(&cross);
    wait_for_run();
    long long start = clock_ms();
    mpy_cross_end(&cross);
    assert_true(clock_ms() - start < 4000);
    assert_false(mpy_cross_is_there(&cross));
    assert_int_equal(count_directories(), 0);
    drop("source/mpy-cross/slow");
    free(assert_got());
}

/* Whoever is killed takes the process along that it had begun. */
static void begun_early_and_killed(void **state)
{
    (void)state;
    int status;

    put("source/mpy-cross/slow", "");
    pid_t pid = fork();
    if (pid == 0) {
        struct mpy_cross cross = look_for();
        mpy_cross_begin(&cross);
        pause();
        _exit(0);
    }
    wait_for_run();
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    drop("source/mpy-cross/slow");
    long long start = clock_ms();
    free(assert_got()); /* waits for the lock, if the process still has it */
    assert_true(clock_ms() - start < 4000);
    assert_int_equal(count_runs(), 2);
    assert_int_equal(count_directories(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(built_once, setup, teardown),
        cmocka_unit_test_setup_teardown(another_commit_is_another_compiler, setup, teardown),
        cmocka_unit_test_setup_teardown(the_source_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(callers_at_once_build_once, setup, teardown),
        cmocka_unit_test_setup_teardown(interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(killed, setup, teardown),
        cmocka_unit_test_setup_teardown(begun_early, setup, teardown),
        cmocka_unit_test_setup_teardown(begun_early_it_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(begun_early_and_not_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(begun_early_and_killed, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
