#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

static char root[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/firn-test-fs-lock.XXXXXX");
    return mkdtemp(root) && !chdir(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;

    return !chdir("/") && fs_remove_tree(root, &err) ? 0 : -1;
}

static void lock(const char *path, int *fd)
{
    struct err *err = NULL;

    assert_ok(fs_lock(path, NULL, NULL, fd, &err), &err);
    assert_true(*fd >= 0);
}

static bool try_lock(const char *path, int *fd)
{
    struct err *err = NULL;

    assert_ok(fs_try_lock(path, fd, &err), &err);
    return *fd >= 0;
}

static void count_wait(void *data)
{
    (*(int *)data)++;
}

static void trying_does_not_wait(void **state)
{
    (void)state;
    struct err *err = NULL;
    int fd = -1, other = -1;

    assert_true(try_lock("lock", &fd));
    assert_false(try_lock("lock", &other));
    fs_unlock(&fd);
    assert_true(try_lock("lock", &other));
    fs_unlock(&other);
    assert_false(fs_try_lock("absent/lock", &fd, &err));
    assert_error(&err, ERR_NOT_FOUND, "cannot open the lock file 'absent/lock'");
    assert_int_equal(fd, -1);
}

/* Who waited for a file that was removed has to have the one that has the name now. */
static void a_removed_lock_file_is_no_lock(void **state)
{
    (void)state;
    struct err *err = NULL;
    int fd = -1, waits = 0, status;

    lock("lock", &fd);
    pid_t pid = fork();

    if (pid == 0) {
        int mine = -1;

        close(fd);
        bool ok =
            fs_lock("lock", count_wait, &waits, &mine, &err) && waits == 1 && fs_is_locked("lock");
        _exit(ok ? 0 : 1);
    }
    usleep(50000); /* it waits by now */
    fs_remove_lock("lock", &fd);
    assert_int_equal(fd, -1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(fs_exists("lock"));
    assert_false(fs_is_locked("lock"));
}

#define PROCESSES 4
#define ROUNDS 400

/* One process: in the lock, nobody else may be; each other time its file is removed. Exits 0 when
 * it was always alone. */
static void hammer(unsigned seed)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct err *err = NULL;
        int fd = -1;

        if (!fs_lock("hammered", NULL, NULL, &fd, &err))
            _exit(2);
        int inside = open("inside", O_CREAT | O_EXCL | O_WRONLY, 0600);

        if (inside < 0)
            _exit(1);
        if ((i + seed) % 3 == 0)
            usleep(20);
        close(inside);
        unlink("inside");
        if ((i + seed) % 2)
            fs_remove_lock("hammered", &fd);
        else
            fs_unlock(&fd);
    }
    _exit(0);
}

static void one_process_at_a_time_while_the_file_comes_and_goes(void **state)
{
    (void)state;
    pid_t pids[PROCESSES];

    for (unsigned i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            hammer(i);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_false(fs_exists("inside"));
}

static void many_hold_and_one_seizes(void **state)
{
    (void)state;
    int one = -1, two = -1, seized = -1;

    assert_int_equal(mkdir("entry", 0755), 0);
    assert_true(fs_hold("entry", &one));
    assert_true(fs_hold("entry", &two));
    assert_true(fs_is_locked("entry"));
    assert_false(fs_seize("entry", &seized));
    fs_unlock(&one);
    assert_false(fs_seize("entry", &seized));
    fs_unlock(&two);
    assert_false(fs_is_locked("entry"));
    assert_true(fs_seize("entry", &seized));
    assert_false(fs_seize("entry", &two));
    fs_unlock(&seized);
}

static void what_is_gone_cannot_be_held(void **state)
{
    (void)state;
    int fd = -1, status;

    assert_false(fs_hold("absent", &fd));
    assert_false(fs_seize("absent", &fd));
    assert_false(fs_is_locked("absent"));
    assert_false(fs_exists("absent"));
    assert_int_equal(mkdir("removed", 0555), 0);
    assert_true(fs_seize("removed", &fd));
    pid_t pid = fork();

    if (pid == 0) { /* waits for who seized it, and finds that it went away */
        int mine = -1;

        close(fd);
        _exit(fs_hold("removed", &mine) ? 1 : 0);
    }
    usleep(50000);
    assert_int_equal(rename("removed", ".aside"), 0);
    fs_unlock(&fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trying_does_not_wait),
        cmocka_unit_test(a_removed_lock_file_is_no_lock),
        cmocka_unit_test(one_process_at_a_time_while_the_file_comes_and_goes),
        cmocka_unit_test(many_hold_and_one_seizes),
        cmocka_unit_test(what_is_gone_cannot_be_held),
    };

    return cmocka_run_group_tests_name("fs_lock", tests, set_up, tear_down);
}
