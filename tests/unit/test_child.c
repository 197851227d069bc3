/* child.h: processes that outlive the daemon, and are found again. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json_get.h"
#include "station/child.h"
#include "station/child_process.h"
#include "unit.h"

struct seen {
    sd_event *loop;
    struct buf events; /* names, one behind the other */
    uint64_t log_bytes;
    int status;
    bool ended;
};

struct fixture {
    char *dir;
    struct seen seen;
};

static void on_event(void *data, const json_t *event)
{
    struct seen *seen = data;
    buf_addf(&seen->events, "%s ", json_get_text(event, "event"));
}

static void on_output(void *data, uint64_t log_bytes)
{
    struct seen *seen = data;
    seen->log_bytes = log_bytes;
}

static void on_end(void *data, int exit_status)
{
    struct seen *seen = data;
    seen->status = exit_status;
    seen->ended = true;
    sd_event_exit(seen->loop, 0);
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    assert_ok(fs_temp_dir_anywhere(&f->dir, &err), &err);
    f->seen.events = (struct buf)BUF_INIT;
    assert_true(sd_event_new(&f->seen.loop) >= 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    sd_event_unref(f->seen.loop);
    buf_release(&f->seen.events);
    free(f->dir);
    free(f);
    return 0;
}

static struct child_owner owner(struct fixture *f)
{
    return (struct child_owner){on_event, on_output, on_end, &f->seen};
}

static struct child *start(struct fixture *f, const char *script)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct child_command command = {.argv = argv};
    struct child_owner o = owner(f);
    struct err *err = NULL;
    struct child *child = child_start(f->seen.loop, f->dir, &command, &o, &err);
    assert_ok(child != NULL, &err);
    return child;
}

static enum child_found adopt(struct fixture *f, struct child **child)
{
    struct child_owner o = owner(f);
    struct err *err = NULL;
    enum child_found found = child_adopt(f->seen.loop, f->dir, &o, child, &err);
    assert_null(err);
    return found;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(f->dir, name);
    assert_ok(fs_write_scratch(path, text, strlen(text), &err), &err);
}

/* ---- running ---- */

static void tells_events_output_and_end(void **state)
{
    struct fixture *f = *state;
    struct child *child =
        start(f, "echo '{\"event\":\"a\"}' >&3; echo hello; echo no event >&3; echo error >&2;"
                 "printf '{\"event\":' >&3; sleep 0.1; echo '\"b\"}' >&3; exit 7");
    assert_true(sd_event_loop(f->seen.loop) >= 0);
    assert_string_equal(f->seen.events.data, "a b ");
    assert_int_equal(f->seen.status, 7);
    assert_int_equal(f->seen.log_bytes, strlen("hello\nerror\n"));
    assert_int_equal(child_log_bytes(child), f->seen.log_bytes);
    child_free(child);
}

static void tells_which_signal_ended_it(void **state)
{
    struct fixture *f = *state;
    struct child *child = start(f, "kill -KILL $$");
    assert_true(sd_event_loop(f->seen.loop) >= 0);
    assert_int_equal(f->seen.status, 128 + SIGKILL);
    child_free(child);
}

static void tells_that_a_program_is_not_there(void **state)
{
    struct fixture *f = *state;
    const char *argv[] = {"/nonexistent/firn", NULL};
    struct child_command command = {.argv = argv};
    struct child_owner o = owner(f);
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf log = BUF_INIT;
    _cleanup_free_ char *path = path_join(f->dir, CHILD_LOG);
    struct child *child = child_start(f->seen.loop, f->dir, &command, &o, &err);
    assert_ok(child != NULL, &err);
    assert_true(sd_event_loop(f->seen.loop) >= 0);
    assert_int_equal(f->seen.status, 127);
    assert_ok(fs_read(path, 1000, &log, &err), &err);
    assert_string_equal(log.data,
                        "firnd: cannot run /nonexistent/firn: No such file or directory\n");
    child_free(child);
}

static void gives_it_no_descriptor_but_four(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf log = BUF_INIT;
    struct err *err = NULL;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0); /* without close-on-exec, as a library might */
    struct child *child = start(f, "exec ls /proc/self/fd");
    assert_true(sd_event_loop(f->seen.loop) >= 0);
    _cleanup_free_ char *path = path_join(f->dir, CHILD_LOG);
    assert_ok(fs_read(path, 1000, &log, &err), &err);
    /* 4 is the directory that ls reads */
    assert_string_equal(log.data, "0\n1\n2\n3\n4\n");
    child_free(child);
    close(pipes[0]);
    close(pipes[1]);
}

static void stops_it_kindly_then_for_certain(void **state)
{
    struct fixture *f = *state;
    struct child *child = start(f, "trap 'exit 3' TERM; echo '{\"event\":\"on\"}' >&3;"
                                   "while :; do sleep 0.05; done");
    while (!f->seen.events.len)
        sd_event_run(f->seen.loop, 1000000);
    child_stop(child, 5000);
    assert_true(sd_event_loop(f->seen.loop) >= 0);
    assert_int_equal(f->seen.status, 3);
    child_free(child);
}

static void kills_what_does_not_listen(void **state)
{
    struct fixture *f = *state;
    struct child *child = start(f, "trap '' TERM; echo '{\"event\":\"on\"}' >&3;"
                                   "while :; do sleep 0.05; done");
    while (!f->seen.events.len)
        sd_event_run(f->seen.loop, 1000000);
    child_stop(child, 100);
    assert_true(sd_event_loop(f->seen.loop) >= 0);
    assert_int_equal(f->seen.status, 128 + SIGKILL);
    child_free(child);
}

static void leaves_out_an_event_without_end(void **state)
{
    struct fixture *f = *state;
    struct child *child = start(f, "head -c 9000000 /dev/zero | tr '\\0' x >&3;"
                                   "echo >&3; echo '{\"event\":\"after\"}' >&3");
    assert_true(sd_event_loop(f->seen.loop) >= 0);
    assert_string_equal(f->seen.events.data, "after ");
    child_free(child);
}

/* ---- without the daemon ---- */

static void goes_on_and_is_found_again(void **state)
{
    struct fixture *f = *state;
    struct child *child, *again;
    child = start(f, "echo '{\"event\":\"a\"}' >&3; sleep 0.3; echo '{\"event\":\"b\"}' >&3");
    child_free(child); /* as if the daemon were gone */
    assert_int_equal(adopt(f, &again), CHILD_RUNS);
    assert_true(sd_event_loop(f->seen.loop) >= 0);
    assert_string_equal(f->seen.events.data, "a b ");
    child_free(again);
}

static void what_it_said_last_is_told_when_it_has_ended(void **state)
{
    struct fixture *f = *state;
    struct child *child = start(f, "echo '{\"event\":\"result\"}' >&3"), *again;
    child_free(child);
    assert_true(wait(NULL) > 0);
    assert_int_equal(adopt(f, &again), CHILD_ENDED);
    assert_null(again);
    assert_string_equal(f->seen.events.data, "result ");
}

static void never_ran_without_its_identity(void **state)
{
    struct fixture *f = *state;
    struct child *again;
    assert_int_equal(adopt(f, &again), CHILD_NEVER_RAN);
    write_file(f, "pid", "");
    assert_int_equal(adopt(f, &again), CHILD_NEVER_RAN);
    write_file(f, "pid", "123 45"); /* cut short */
    assert_int_equal(adopt(f, &again), CHILD_NEVER_RAN);
}

static void another_process_of_the_same_number_is_not_it(void **state)
{
    struct fixture *f = *state;
    struct child *again;
    _cleanup_(buf_release) struct buf mine = BUF_INIT;
    pid_t pid;
    assert_true(child_process_identity(getpid(), &mine));
    int fd = child_process_find(mine.data, &pid);
    assert_true(fd >= 0);
    assert_int_equal(pid, getpid());
    close(fd);
    /* The same number, started at another time. */
    _cleanup_free_ char *other = xasprintf("%d 1 %s", (int)getpid(), strrchr(mine.data, ' ') + 1);
    assert_int_equal(child_process_find(other, &pid), -1);
    write_file(f, CHILD_EVENTS, "");
    write_file(f, CHILD_LOG, "");
    write_file(f, "begun", "");
    write_file(f, "pid", other);
    assert_int_equal(adopt(f, &again), CHILD_ENDED);
}

static void has_run_though_it_said_nothing(void **state)
{
    struct fixture *f = *state;
    struct child *child = start(f, "exit 0"), *again;
    _cleanup_free_ char *begun = path_join(f->dir, "begun");
    child_free(child);
    assert_true(wait(NULL) > 0);
    assert_int_equal(adopt(f, &again), CHILD_ENDED);
    /* As if the gate had not been opened. */
    assert_int_equal(unlink(begun), 0);
    assert_int_equal(adopt(f, &again), CHILD_NEVER_RAN);
    /* In an earlier boot it may have been lost. */
    write_file(f, "pid", "1 2 00000000-0000-0000-0000-000000000000\n");
    assert_int_equal(adopt(f, &again), CHILD_ENDED);
}

/* The daemon dies between the fork and the gate: nothing runs. */
static void does_not_run_if_the_gate_never_opens(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *made = path_join(f->dir, "made");
    _cleanup_free_ char *script = xasprintf("touch %s", made);
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct child_command command = {.argv = argv};
    struct err *err = NULL;
    pid_t pid;
    int gate, status;
    _cleanup_free_ char *begun = path_join(f->dir, "begun");
    assert_ok(child_process_fork(&command, begun, STDOUT_FILENO, STDERR_FILENO, &pid, &gate, &err),
              &err);
    close(gate);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
    assert_false(fs_exists(made));
    assert_false(fs_exists(begun));
}

static void dies_with_the_daemon_if_it_is_to(void **state)
{
    struct fixture *f = *state;
    struct child *again;
    int status;
    pid_t daemon = fork();
    if (daemon == 0) {
        const char *argv[] = {"/bin/sh", "-c", "sleep 60", NULL};
        struct child_command command = {.argv = argv, .dies_with_us = true};
        struct child_owner o = owner(f);
        struct err *err = NULL;
        sd_event *loop;
        sd_event_new(&loop);
        _exit(child_start(loop, f->dir, &command, &o, &err) ? 0 : 1);
    }
    assert_int_equal(waitpid(daemon, &status, 0), daemon);
    assert_int_equal(status, 0);
    for (int i = 0; i < 100 && adopt(f, &again) == CHILD_RUNS; i++) {
        child_free(again);
        usleep(20000);
    }
    assert_int_not_equal(adopt(f, &again), CHILD_RUNS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_events_output_and_end),
        TEST(tells_which_signal_ended_it),
        TEST(tells_that_a_program_is_not_there),
        TEST(gives_it_no_descriptor_but_four),
        TEST(stops_it_kindly_then_for_certain),
        TEST(kills_what_does_not_listen),
        TEST(leaves_out_an_event_without_end),
        TEST(goes_on_and_is_found_again),
        TEST(what_it_said_last_is_told_when_it_has_ended),
        TEST(never_ran_without_its_identity),
        TEST(another_process_of_the_same_number_is_not_it),
        TEST(has_run_though_it_said_nothing),
        TEST(does_not_run_if_the_gate_never_opens),
        TEST(dies_with_the_daemon_if_it_is_to),
    };
    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
