#include "base/proc_set.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "tests/unit/unit.h"

#define WAIT_MS 10000

/* The tests may use a shell: it is the shortest way to a child that misbehaves. */
#define SH(script) ((const char *const[]){"/bin/sh", "-c", script, NULL})

static void take(void *data, const char *line, size_t len)
{
    (void)len;
    buf_addf(data, "[%s]", line);
}

static void start(struct proc_set *set, const char *const *argv, struct buf *out)
{
    struct err *err = NULL;
    assert_ok(proc_set_start(set, argv, take, out, &err), &err);
}

/* Its data, and what it said before. */
static struct buf *wait_for_one(struct proc_set *set, int *exit_status)
{
    struct proc_end end;
    assert_true(proc_set_wait(set, WAIT_MS, &end));
    *exit_status = end.exit_status;
    return end.data;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Is the process there, and no zombie? */
static bool is_alive(pid_t pid)
{
    _cleanup_free_ char *path = xasprintf("/proc/%d/stat", (int)pid);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    FILE *file = fopen(path, "re");
    char state = 'Z';
    if (!file)
        return false;
    (void)!fscanf(file, "%*d %*s %c", &state);
    fclose(file);
    return state != 'Z';
}

static bool ends_soon(pid_t pid)
{
    for (int i = 0; i < WAIT_MS / 10; i++) {
        if (!is_alive(pid))
            return true;
        pause_ms(10);
    }
    return false;
}

static void children_run_at_the_same_time(void **state)
{
    (void)state;
    _cleanup_(proc_set_free_ptr) struct proc_set *set = proc_set_new();
    _cleanup_(buf_release) struct buf a = BUF_INIT;
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    int fds[2], status;
    assert_int_equal(pipe(fds), 0);
    /* The first waits for what the second writes. */
    _cleanup_free_ char *reads =
        xasprintf("echo a; read x <&%d; sleep 0.5; echo $x >&2; exit 3", fds[0]);
    _cleanup_free_ char *writes = xasprintf("echo b; echo from-b >&%d", fds[1]);
    start(set, SH(reads), &a);
    start(set, SH(writes), &b);
    assert_int_equal(proc_set_running(set), 2);
    for (int i = 0; i < 2; i++) { /* either may end first */
        const struct buf *ended = wait_for_one(set, &status);
        assert_int_equal(status, ended == &a ? 3 : 0);
    }
    assert_string_equal(a.data, "[a][from-b]");
    assert_string_equal(b.data, "[b]");
    assert_int_equal(proc_set_running(set), 0);
    close(fds[0]);
    close(fds[1]);
}

static void a_wait_ends_in_time(void **state)
{
    (void)state;
    _cleanup_(proc_set_free_ptr) struct proc_set *set = proc_set_new();
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc_end end;
    long long begin = clock_ms();
    start(set, SH("exec sleep 60"), &out);
    assert_false(proc_set_wait(set, 50, &end));
    assert_in_range(clock_ms() - begin, 50, 5000);
    assert_int_equal(proc_set_running(set), 1);
}

static void a_program_that_is_not_there(void **state)
{
    (void)state;
    _cleanup_(proc_set_free_ptr) struct proc_set *set = proc_set_new();
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    int status;
    start(set, (const char *const[]){"/nonexistent/program", NULL}, &out);
    wait_for_one(set, &status);
    assert_int_equal(status, 127);
    assert_string_equal(out.data, "[cannot run '/nonexistent/program': No such file or directory]");
}

static void input_is_empty_and_signals_are_as_at_a_start(void **state)
{
    (void)state;
    _cleanup_(proc_set_free_ptr) struct proc_set *set = proc_set_new();
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    int status;
    signal(SIGPIPE, SIG_IGN);
    start(set, SH("cat; kill -PIPE $$"), &out);
    signal(SIGPIPE, SIG_DFL);
    wait_for_one(set, &status);
    assert_int_equal(status, 128 + SIGPIPE);
    assert_string_equal(out.data, "");
}

/* A child whose grandchild would hold its pipe, and its place, for a minute. */
static void what_a_child_leaves_behind_is_ended(void **state)
{
    (void)state;
    _cleanup_(proc_set_free_ptr) struct proc_set *set = proc_set_new();
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    int status, pid;
    start(set, SH("sleep 60 & echo $!"), &out);
    wait_for_one(set, &status);
    assert_int_equal(status, 0);
    assert_int_equal(sscanf(out.data, "[%d]", &pid), 1);
    assert_true(ends_soon(pid));
}

static void stop_ends_the_groups(void **state)
{
    (void)state;
    _cleanup_(proc_set_free_ptr) struct proc_set *set = proc_set_new();
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc_end end;
    int pid;
    start(set, SH("trap 'echo bye; exit 130' TERM; sleep 60 & echo $!; wait"), &out);
    while (!out.len)
        assert_false(proc_set_wait(set, 20, &end));
    assert_int_equal(sscanf(out.data, "[%d]", &pid), 1);
    proc_set_stop(set);
    assert_true(proc_set_wait(set, WAIT_MS, &end));
    assert_int_equal(end.exit_status, 130);
    assert_contains(out.data, "[bye]");
    assert_true(ends_soon(pid));
}

static void one_that_does_not_want_to_end_is_killed(void **state)
{
    (void)state;
    _cleanup_(proc_set_free_ptr) struct proc_set *set = proc_set_new();
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc_end end;
    start(set, SH("trap '' TERM; echo deaf; while :; do sleep 1; done"), &out);
    while (!out.len)
        assert_false(proc_set_wait(set, 20, &end));
    proc_set_stop(set);
    assert_true(proc_set_wait(set, 2 * WAIT_MS, &end));
    assert_int_equal(end.exit_status, 128 + SIGKILL);
}

static void free_leaves_none_running(void **state)
{
    (void)state;
    struct proc_set *set = proc_set_new();
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct proc_end end;
    int pid;
    start(set, SH("echo $$; sleep 60"), &out);
    while (!out.len)
        assert_false(proc_set_wait(set, 20, &end));
    assert_int_equal(sscanf(out.data, "[%d]", &pid), 1);
    proc_set_free(set);
    assert_false(is_alive(pid));
}

/* A process with a set is killed: its child, which is no child of ours, ends. */
static void none_outlives_a_parent_that_was_killed(void **state)
{
    (void)state;
    int fds[2], child = 0;
    char text[32] = "";
    assert_int_equal(pipe(fds), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        struct proc_set *set = proc_set_new();
        struct buf out = BUF_INIT;
        struct proc_end end;
        struct err *err = NULL;
        _cleanup_free_ char *script = xasprintf("echo $$ >&%d; exec sleep 60", fds[1]);
        if (proc_set_start(set, SH(script), take, &out, &err))
            (void)proc_set_wait(set, 60000, &end);
        _exit(0);
    }
    assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
    assert_int_equal(sscanf(text, "%d", &child), 1);
    assert_true(is_alive(child));
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_true(ends_soon(child));
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_run_at_the_same_time),
        cmocka_unit_test(a_wait_ends_in_time),
        cmocka_unit_test(a_program_that_is_not_there),
        cmocka_unit_test(input_is_empty_and_signals_are_as_at_a_start),
        cmocka_unit_test(what_a_child_leaves_behind_is_ended),
        cmocka_unit_test(stop_ends_the_groups),
        cmocka_unit_test(one_that_does_not_want_to_end_is_killed),
        cmocka_unit_test(free_leaves_none_running),
        cmocka_unit_test(none_outlives_a_parent_that_was_killed),
    };
    return cmocka_run_group_tests_name("proc_set", tests, NULL, NULL);
}
