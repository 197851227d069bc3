#include "simulator/coprocess.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "tests/unit/unit.h"

#define LONG_MS 5000

/* Read to the end of the stream, however long that takes (prove would say so). */
static void read_all(int fd, struct buf *out)
{
    for (;;) {
        char chunk[256];
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n > 0)
            buf_add(out, chunk, (size_t)n);
        else if (n == 0 || errno != EAGAIN)
            return;
        else
            poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
    }
}

static void talks_and_reports_its_status(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "cat; echo oops >&2; exit 7", NULL};
    _cleanup_(coprocess_stop) struct coprocess cp = COPROCESS_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    struct err *err = NULL;
    int status = -1;

    assert_ok(coprocess_start(&cp, argv, NULL, "/", &err), &err);
    assert_int_equal(write(cp.in, "hello", 5), 5);
    coprocess_close_input(&cp);
    read_all(cp.out, &out);
    read_all(cp.err, &said);
    assert_true(coprocess_wait(&cp, clock_ms() + LONG_MS, &status));
    assert_string_equal(out.data, "hello");
    assert_string_equal(said.data, "oops\n");
    assert_int_equal(status, 7);
}

static void gets_its_own_environment_and_directory_and_no_descriptors(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "echo $ONLY $HOME; pwd; test ! -e /proc/self/fd/9",
                                NULL};
    const char *const env[] = {"ONLY=this", NULL};
    _cleanup_(coprocess_stop) struct coprocess cp = COPROCESS_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct err *err = NULL;
    int status = -1;

    assert_int_equal(dup2(STDERR_FILENO, 9), 9);
    assert_ok(coprocess_start(&cp, argv, env, "/usr", &err), &err);
    close(9);
    read_all(cp.out, &out);
    assert_true(coprocess_wait(&cp, clock_ms() + LONG_MS, &status));
    assert_string_equal(out.data, "this\n/usr\n");
    assert_int_equal(status, 0);
}

static void what_cannot_start_is_an_error(void **state)
{
    (void)state;
    const char *const missing[] = {"firn-no-such-program", NULL};
    const char *const shell[] = {"sh", NULL};
    _cleanup_(coprocess_stop) struct coprocess cp = COPROCESS_INIT;
    struct err *err = NULL;

    assert_false(coprocess_start(&cp, missing, NULL, "/", &err));
    assert_error(&err, ERR_NOT_FOUND, "there is no program 'firn-no-such-program'");
    assert_false(coprocess_start(&cp, shell, NULL, "/nonexistent", &err));
    assert_error(&err, ERR_NOT_FOUND, "cannot start");
    assert_int_equal(cp.pid, 0);
}

static void a_wait_has_its_deadline(void **state)
{
    (void)state;
    const char *const argv[] = {"sleep", "1000", NULL};
    _cleanup_(coprocess_stop) struct coprocess cp = COPROCESS_INIT;
    struct err *err = NULL;
    int status;

    assert_ok(coprocess_start(&cp, argv, NULL, "/", &err), &err);
    assert_false(coprocess_wait(&cp, clock_ms() + 20, &status));
}

/* Wait until a process is gone (or dead and not reaped, which is its new parent's business). */
static bool ends(pid_t pid)
{
    for (long long deadline = clock_ms() + LONG_MS; clock_ms() < deadline; usleep(2000)) {
        _cleanup_free_ char *path = xasprintf("/proc/%d/stat", (int)pid);
        char text[256] = "";
        FILE *f = fopen(path, "r");
        if (!f)
            return true;
        bool dead = fgets(text, sizeof(text), f) && strstr(text, ") Z ");
        fclose(f);
        if (dead)
            return true;
    }
    return false;
}

static pid_t read_pid(int fd)
{
    char line[32] = "";
    poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, LONG_MS);
    assert_true(read(fd, line, sizeof(line) - 1) > 0);
    return (pid_t)strtol(line, NULL, 10);
}

static void stopping_ends_the_whole_group(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "sleep 1000 & echo $!; wait", NULL};
    _cleanup_(coprocess_stop) struct coprocess cp = COPROCESS_INIT;
    struct err *err = NULL;

    assert_ok(coprocess_start(&cp, argv, NULL, "/", &err), &err);
    pid_t grandchild = read_pid(cp.out);
    coprocess_stop(&cp);
    assert_true(ends(grandchild));
    coprocess_stop(&cp); /* harmless */
}

static void it_dies_with_us(void **state)
{
    (void)state;
    const char *const argv[] = {"sh", "-c", "echo $$; exec sleep 1000", NULL};
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    pid_t us = fork();
    if (us == 0) {
        struct coprocess cp = COPROCESS_INIT;
        struct err *err = NULL;
        char line[32];
        if (!coprocess_start(&cp, argv, NULL, "/", &err))
            _exit(1);
        poll(&(struct pollfd){.fd = cp.out, .events = POLLIN}, 1, -1);
        ssize_t n = read(cp.out, line, sizeof(line));
        if (write(fds[1], line, (size_t)n) != n)
            _exit(1);
        pause();
    }
    pid_t theirs = read_pid(fds[0]);
    assert_true(theirs > 0);
    kill(us, SIGKILL);
    waitpid(us, NULL, 0);
    assert_true(ends(theirs));
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_and_reports_its_status),
        cmocka_unit_test(gets_its_own_environment_and_directory_and_no_descriptors),
        cmocka_unit_test(what_cannot_start_is_an_error),
        cmocka_unit_test(a_wait_has_its_deadline),
        cmocka_unit_test(stopping_ends_the_whole_group),
        cmocka_unit_test(it_dies_with_us),
    };

    return cmocka_run_group_tests_name("coprocess", tests, NULL, NULL);
}
