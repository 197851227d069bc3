#include "base/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

/* The tests may use a shell: it is the shortest way to a child that misbehaves. */
#define SH(script) ((const char *const[]){"sh", "-c", script, NULL})

static void output_and_status(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc proc = {.argv = SH("echo out; echo err >&2; cat; exit 7"), .out = &out};
    struct proc_result result;
    struct err *err = NULL;

    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_string_equal(out.data, "out\nerr\n");
    assert_int_equal(result.exit_status, 7);
    assert_true(result.max_rss_kib > 0);
    proc.argv = SH("kill -ABRT $$");
    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_int_equal(result.exit_status, 128 + SIGABRT);
}

static void environment_and_directory(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    const char *const env[] = {"FIRN_X=1", NULL};
    struct proc proc = {
        .argv = SH("pwd; echo $FIRN_X-$HOME-"), .env = env, .cwd = "/", .out = &out};
    struct proc_result result;
    struct err *err = NULL;

    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_string_equal(out.data, "/\n1--\n");
}

static void output_beyond_the_limit_is_dropped(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc proc = {.argv = SH("head -c 300000 /dev/zero"), .out = &out, .out_max = 1000};
    struct proc_result result;
    struct err *err = NULL;

    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_int_equal(out.len, 1000);
    proc.out = NULL;
    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_int_equal(result.exit_status, 0);
}

static void add_line(void *data, const char *line, size_t len)
{
    assert_int_equal(line[len], 0);
    if (len < 100)
        buf_addf(data, "[%s]", line);
    else
        buf_addf(data, "[%zu]", len);
}

static void lines(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf got = BUF_INIT;
    struct proc proc = {
        .argv = SH("printf 'a\\n\\nb'; printf 'c\\nlast'"), .on_line = add_line, .data = &got};
    struct proc_result result;
    struct err *err = NULL;

    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_string_equal(got.data, "[a][][bc][last]");
    buf_clear(&got);
    proc.argv = SH("head -c 65536 /dev/zero; echo; head -c 140000 /dev/zero; echo; echo z");
    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_string_equal(got.data, "[65536][65536][65536][8928][z]");
}

static void missing_programs_and_directories(void **state)
{
    (void)state;
    struct proc proc = {.argv = (const char *const[]){"firn-no-such", NULL}};
    struct proc_result result;
    struct err *err = NULL;

    assert_false(proc_run(&proc, &result, &err));
    assert_error(&err, ERR_NOT_FOUND,
                 "cannot run 'firn-no-such': there is no such program on PATH\n  install it");
    proc.argv = (const char *const[]){"/etc/passwd", NULL};
    assert_false(proc_run(&proc, &result, &err));
    assert_error(&err, ERR_NOT_FOUND, "cannot run '/etc/passwd': there is no such program\n");
    proc.argv = SH("true");
    proc.cwd = "/absent";
    assert_false(proc_run(&proc, &result, &err));
    assert_error(&err, ERR_FAILED, "in '/absent': there is no such directory");
}

static void the_whole_group_ends_at_the_deadline(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc proc = {.argv = SH("sleep 60 & echo $!; sleep 60"), .timeout_ms = 200, .out = &out};
    struct proc_result result;
    struct err *err = NULL;
    long long begin = clock_ms();

    assert_false(proc_run(&proc, &result, &err));
    assert_error(&err, ERR_FAILED, "'sh' did not end within 0.2 seconds");
    assert_true(result.timed_out);
    assert_in_range(clock_ms() - begin, 200, 1900);
    /* The grandchild is dead, or a zombie until init collects it. */
    _cleanup_(buf_release) struct buf status = BUF_INIT;
    _cleanup_free_ char *path = xasprintf("/proc/%d/status", atoi(out.data));

    usleep(20000);
    if (fs_read(path, 10000, &status, &err))
        assert_contains(status.data, "State:\tZ");
    err_free_ptr(&err);
}

static void the_whole_group_is_asked_first(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc proc = {
        .argv = SH("sh -c 'trap \"echo tidied; exit\" TERM; while :; do sleep 0.02; done' & wait"),
        .timeout_ms = 300,
        .out = &out};
    struct proc_result result;
    struct err *err = NULL;

    assert_false(proc_run(&proc, &result, &err));
    assert_error(&err, ERR_FAILED, "did not end within");
    assert_contains(out.data, "tidied\n");
}

static void who_ignores_sigterm_is_killed(void **state)
{
    (void)state;
    struct proc proc = {.argv = SH("trap '' TERM; while :; do sleep 0.1; done"), .timeout_ms = 100};
    struct proc_result result;
    struct err *err = NULL;
    long long begin = clock_ms();

    assert_false(proc_run(&proc, &result, &err));
    assert_error(&err, ERR_FAILED, "did not end within");
    assert_int_equal(result.exit_status, 128 + SIGKILL);
    assert_in_range(clock_ms() - begin, 2000, 5000);
}

static void who_holds_the_pipe_does_not_hold_us(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc proc = {.argv = SH("setsid sleep 8 & echo done"), .out = &out};
    struct proc_result result;
    struct err *err = NULL;
    long long begin = clock_ms();

    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_int_equal(result.exit_status, 0);
    assert_string_equal(out.data, "done\n");
    assert_true(clock_ms() - begin < 5000);
}

static void who_closes_its_output_is_waited_for(void **state)
{
    (void)state;
    struct proc proc = {.argv = SH("exec >&- 2>&-; sleep 0.3; exit 3")};
    struct proc_result result;
    struct err *err = NULL;

    assert_ok(proc_run(&proc, &result, &err), &err);
    assert_int_equal(result.exit_status, 3);
    proc.argv = SH("exec >&- 2>&-; sleep 60");
    proc.timeout_ms = 200;
    assert_false(proc_run(&proc, &result, &err));
    assert_error(&err, ERR_FAILED, "did not end within");
}

/* In a process of its own: the flag stays set. Returns its exit status. */
static int in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int interrupted_run(void)
{
    struct proc proc = {.argv = SH("kill -INT $PPID; sleep 60")};
    struct proc_result result;
    struct err *err = NULL;

    interrupt_install();
    if (interrupt_requested() || proc_run(&proc, &result, &err))
        return 1;
    int status = err_exit_status(err);

    err_free_ptr(&err);
    /* nothing is started any more */
    if (proc_run(&proc, &result, &err) || err_exit_status(err) != status)
        return 2;
    err_free_ptr(&err);
    return status;
}

static int second_interrupt(void)
{
    interrupt_install();
    raise(SIGTERM);
    raise(SIGTERM);
    raise(SIGINT);
    return 1;
}

static void interrupts(void **state)
{
    (void)state;
    assert_int_equal(in_child(interrupted_run), 130);
    assert_int_equal(in_child(second_interrupt), 130);
}

static void finding_programs(void **state)
{
    (void)state;
    _cleanup_free_ char *sh = proc_find("sh"), *absent = proc_find("firn-no-such");
    _cleanup_free_ char *empty = proc_find(""), *directory = proc_find("/tmp");

    assert_non_null(sh);
    assert_int_equal(sh[0], '/');
    assert_null(absent);
    assert_null(empty);
    assert_null(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_status),
        cmocka_unit_test(environment_and_directory),
        cmocka_unit_test(output_beyond_the_limit_is_dropped),
        cmocka_unit_test(lines),
        cmocka_unit_test(missing_programs_and_directories),
        cmocka_unit_test(the_whole_group_ends_at_the_deadline),
        cmocka_unit_test(the_whole_group_is_asked_first),
        cmocka_unit_test(who_ignores_sigterm_is_killed),
        cmocka_unit_test(who_holds_the_pipe_does_not_hold_us),
        cmocka_unit_test(who_closes_its_output_is_waited_for),
        cmocka_unit_test(interrupts),
        cmocka_unit_test(finding_programs),
    };

    return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
