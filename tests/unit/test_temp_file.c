/* What is written is whole, whoever else writes the same and whatever was left there. */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/fs.h"
#include "base/temp_file.h"

#define WRITERS 4
#define WRITES 100

static char *dir;

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    return fs_temp_dir("/tmp", &dir, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    struct err *err = NULL;
    bool ok = fs_remove_tree(dir, &err);
    free(dir);
    return ok ? 0 : -1;
}

static void assert_only(const char *name, const char *text)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(buf_release) struct buf content = BUF_INIT;
    _cleanup_free_ char *path = path_join(dir, name);
    struct err *err = NULL;
    assert_ok(fs_list(dir, &names, &err), &err);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], name);
    assert_ok(fs_read(path, 100, &content, &err), &err);
    if (text)
        assert_string_equal(content.data, text);
    else
        assert_int_equal(strspn(content.data, content.data[0] == 'a' ? "a" : "bcd"), 10);
}

/* A child that has the file open, written by half, and waits to be killed; returns once it has. */
static pid_t start_half(const char *path)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct temp_file temp = TEMP_FILE_INIT;
        struct err *err = NULL;
        if (temp_file_open(&temp, path, 0644, &err) && write(temp.fd, "ha", 2) == 2 &&
            write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void what_a_killed_writer_left_goes(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, "file");
    end(start_half(path));
    assert_false(fs_exists(path));
    assert_ok(fs_write(path, "new", 3, 0644, &err), &err);
    assert_only("file", "new");
}

/* Who writes is waited for, and what it wrote is replaced, not mixed. */
static void a_living_writer_is_waited_for(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, "file");
    pid_t half = start_half(path);
    pid_t next = fork();
    if (next == 0)
        _exit(fs_write(path, "next", 4, 0644, &err) ? 0 : 1);
    int status;
    usleep(50000);
    assert_int_equal(waitpid(next, &status, WNOHANG), 0);
    end(half);
    assert_int_equal(waitpid(next, &status, 0), next);
    assert_int_equal(status, 0);
    assert_only("file", "next");
}

/* Nobody may have a reason to write it again: who reads it clears up, but not what is being
 * written. */
static void who_reads_removes_what_was_left(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *path = path_join(dir, "file");
    assert_ok(fs_write(path, "kept", 4, 0644, &err), &err);
    pid_t half = start_half(path);
    assert_ok(fs_read_shared(path, 10, &text, &err), &err);
    assert_string_equal(text.data, "kept");
    assert_ok(fs_list(dir, &names, &err), &err);
    assert_int_equal(names.count, 2);
    end(half);
    buf_clear(&text);
    assert_ok(fs_read_shared(path, 10, &text, &err), &err);
    assert_only("file", "kept");
}

static void many_write_the_same(void **state)
{
    (void)state;
    _cleanup_free_ char *path = path_join(dir, "file");
    pid_t pids[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] != 0)
            continue;
        char text[10];
        bool ok = true;
        memset(text, i == 0 ? 'a' : 'b', sizeof(text));
        for (int n = 0; n < WRITES && ok; n++) {
            struct err *err = NULL;
            ok = fs_write(path, text, sizeof(text), 0644, &err);
            if (err)
                fprintf(stderr, "%s\n", err->message);
        }
        _exit(ok ? 0 : 1);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_only("file", NULL);
}

static void the_longest_name_can_be_written(void **state)
{
    (void)state;
    struct err *err = NULL;
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    _cleanup_free_ char *path = path_join(dir, name);
    assert_ok(fs_write(path, "long", 4, 0644, &err), &err);
    assert_only(name, "long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_killed_writer_left_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_living_writer_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(who_reads_removes_what_was_left, setup, teardown),
        cmocka_unit_test_setup_teardown(many_write_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(the_longest_name_can_be_written, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
