#include "base/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "tests/unit/unit.h"

#define SOON_MS 10000
#define NEVER_MS 150 /* long enough for a change that should not be noticed */

struct fixture {
    char *dir;
    struct watch *watch;
    struct strv files, dirs;
};

static char *at(const struct fixture *f, const char *name)
{
    return path_join(f->dir, name);
}

static void put(const struct fixture *f, const char *name, const char *text)
{
    _cleanup_free_ char *path = at(f, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_dir(const struct fixture *f, const char *name)
{
    _cleanup_free_ char *path = at(f, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

static bool set(struct fixture *f)
{
    struct err *err = NULL;
    bool grew;
    strv_sort(&f->files);
    strv_sort(&f->dirs);
    assert_ok(watch_set(f->watch, &f->files, &f->dirs, &grew, &err), &err);
    return grew;
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    f->files = f->dirs = (struct strv)STRV_INIT;
    assert_ok(fs_temp_dir("/tmp", &f->dir, &err), &err);
    f->watch = watch_new(&err);
    assert_ok(f->watch != NULL, &err);
    make_dir(f, "src");
    put(f, "src/main.py", "1");
    strv_addf(&f->files, "%s/src/main.py", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    watch_free(f->watch);
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    strv_release(&f->files);
    strv_release(&f->dirs);
    free(f->dir);
    free(f);
    return 0;
}

/* What comes within the time, as "src/main.py src/other.py ". The caller frees. */
static char *changes(struct fixture *f, int timeout_ms)
{
    _cleanup_(strv_release) struct strv changed = STRV_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    long long when_ms = 0, begin = clock_ms();
    bool any = watch_wait(f->watch, timeout_ms, &changed, &when_ms);
    assert_int_equal(any, changed.count > 0);
    assert_true(!any || (when_ms >= begin && when_ms <= clock_ms()));
    for (size_t i = 0; i < changed.count; i++)
        buf_addf(&text, "%s ", changed.items[i] + strlen(f->dir) + 1);
    return xstrdup(text.data);
}

static void assert_changes(struct fixture *f, const char *expected)
{
    _cleanup_free_ char *got = changes(f, *expected ? SOON_MS : NEVER_MS);
    assert_string_equal(got, expected);
    if (!*expected)
        return;
    _cleanup_free_ char *more = changes(f, NEVER_MS);
    assert_string_equal(more, "");
}

static void a_save_is_one_change(void **state)
{
    struct fixture *f = *state;
    assert_true(set(f));
    assert_false(set(f));
    put(f, "src/main.py", "2");
    assert_changes(f, "src/main.py ");
    put(f, "src/other.py", "not of the list");
    assert_changes(f, "");
}

/* Written aside, the old one kept under another name, then renamed: as editors do. */
static void a_save_by_rename_is_one_change(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *file = at(f, "src/main.py");
    _cleanup_free_ char *kept = at(f, "src/main.py~");
    _cleanup_free_ char *aside = at(f, "src/.main.py.swp");
    set(f);
    put(f, "src/.main.py.swp", "2");
    assert_int_equal(rename(file, kept), 0);
    assert_int_equal(rename(aside, file), 0);
    assert_changes(f, "src/main.py ");
}

static void several_files_come_as_one(void **state)
{
    struct fixture *f = *state;
    strv_addf(&f->files, "%s/list.txt", f->dir);
    set(f);
    put(f, "list.txt", "a");
    put(f, "src/main.py", "2");
    put(f, "list.txt", "b");
    assert_changes(f, "list.txt src/main.py ");
}

/* An empty file that is being written counts when it is closed. */
static void a_file_counts_when_it_is_whole(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *path = at(f, "src/main.py");
    _cleanup_free_ char *link_name = at(f, "src/linked.py");
    strv_add(&f->files, link_name);
    assert_int_equal(unlink(path), 0);
    set(f);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_changes(f, "");
    fputs("2", file);
    fclose(file);
    assert_changes(f, "src/main.py ");
    assert_int_equal(link(path, link_name), 0);
    assert_changes(f, "src/linked.py ");
}

/* As O_TMPFILE and linkat() make one: nothing is closed under its name. */
static void a_file_that_comes_whole(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *name = at(f, "src/new.py");
    _cleanup_free_ char *dir = at(f, "src");
    strv_add(&f->files, name);
    set(f);
    int fd = open(dir, O_TMPFILE | O_WRONLY, 0666);
    if (fd < 0 && errno == EOPNOTSUPP)
        skip();
    assert_true(fd >= 0);
    _cleanup_free_ char *nameless = xasprintf("/proc/self/fd/%d", fd);
    assert_int_equal(write(fd, "1", 1), 1);
    assert_int_equal(linkat(AT_FDCWD, nameless, AT_FDCWD, name, AT_SYMLINK_FOLLOW), 0);
    close(fd);
    assert_changes(f, "src/new.py ");
}

/* Whoever writes beside the files all the time delays nothing. */
static void what_does_not_count_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    _cleanup_(strv_release) struct strv changed = STRV_INIT;
    long long when_ms;
    set(f);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        for (;;) {
            put(f, "src/log", "line");
            usleep(1000);
        }
    }
    usleep(20 * 1000);
    put(f, "src/main.py", "2");
    long long saved_ms = clock_ms();
    assert_true(watch_wait(f->watch, SOON_MS, &changed, &when_ms));
    long long took_ms = clock_ms() - saved_ms;
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    assert_true(took_ms < 300);
}

static void what_goes_and_comes_back(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *src = at(f, "src");
    _cleanup_free_ char *moved = at(f, "moved");
    set(f);
    assert_int_equal(rename(src, moved), 0);
    assert_changes(f, "src ");
    assert_true(set(f)); /* now it is watched where the directory would be */
    make_dir(f, "unrelated");
    assert_changes(f, "");
    assert_int_equal(rename(moved, src), 0);
    assert_changes(f, "src ");
    assert_true(set(f));
    put(f, "src/main.py", "3");
    assert_changes(f, "src/main.py ");
}

static void in_a_directory_everything_counts(void **state)
{
    struct fixture *f = *state;
    _cleanup_free_ char *path = at(f, "pkg/new.py");
    make_dir(f, "pkg");
    strv_addf(&f->dirs, "%s/pkg", f->dir);
    set(f);
    put(f, "pkg/new.py", "1");
    assert_changes(f, "pkg/new.py ");
    make_dir(f, "pkg/sub");
    assert_changes(f, "pkg/sub ");
    put(f, "pkg/sub/deep.py", "1"); /* not of the list itself */
    assert_changes(f, "");
    assert_int_equal(unlink(path), 0);
    assert_changes(f, "pkg/new.py ");
}

static void what_is_no_longer_listed_is_not_watched(void **state)
{
    struct fixture *f = *state;
    set(f);
    strv_release(&f->files);
    strv_addf(&f->files, "%s/list.txt", f->dir);
    assert_true(set(f));
    put(f, "src/main.py", "2");
    assert_changes(f, "");
    put(f, "list.txt", "2");
    assert_changes(f, "list.txt ");
}

/* While nobody waits. */
static void no_change_is_lost(void **state)
{
    struct fixture *f = *state;
    set(f);
    put(f, "src/main.py", "2");
    set(f);
    assert_changes(f, "src/main.py ");
}

static void whom_a_change_concerns(void **state)
{
    (void)state;
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    _cleanup_(strv_release) struct strv dirs = STRV_INIT;
    strv_add_all(&files, (const char *const[]){"/a/b/main.py", "/a/bc.py", NULL});
    strv_add_all(&dirs, (const char *const[]){"/pkg", NULL});
    assert_true(watch_concerns("/a/b/main.py", &files, &dirs));
    assert_true(watch_concerns("/a/b", &files, &dirs));
    assert_true(watch_concerns("/", &files, &dirs));
    assert_true(watch_concerns("/pkg", &files, &dirs));
    assert_true(watch_concerns("/pkg/x", &files, &dirs));
    assert_false(watch_concerns("/pkg/x/y", &files, &dirs));
    assert_false(watch_concerns("/a/b/main", &files, &dirs));
    assert_false(watch_concerns("/a/b/main.py~", &files, &dirs));
    assert_false(watch_concerns("/pkgs", &files, &dirs));
}

int main(void)
{
#define ON_FILES(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ON_FILES(a_save_is_one_change),
        ON_FILES(a_save_by_rename_is_one_change),
        ON_FILES(several_files_come_as_one),
        ON_FILES(a_file_counts_when_it_is_whole),
        ON_FILES(a_file_that_comes_whole),
        ON_FILES(what_does_not_count_is_not_waited_for),
        ON_FILES(what_goes_and_comes_back),
        ON_FILES(in_a_directory_everything_counts),
        ON_FILES(what_is_no_longer_listed_is_not_watched),
        ON_FILES(no_change_is_lost),
        cmocka_unit_test(whom_a_change_concerns),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
