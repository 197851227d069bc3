#include "base/fs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char root[64];

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/firn-test-fs.XXXXXX");
    return mkdtemp(root) && !chdir(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    struct err *err = NULL;

    return !chdir("/") && fs_remove_tree(root, &err) && !fs_exists(root) ? 0 : -1;
}

static void put(const char *path, const char *text)
{
    struct err *err = NULL;

    assert_ok(fs_write(path, text, strlen(text), 0644, &err), &err);
}

static void make_dir(const char *path)
{
    struct err *err = NULL;

    assert_ok(fs_mkdirs(path, &err), &err);
}

static void assert_content(const char *path, const char *text)
{
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    struct err *err = NULL;

    assert_ok(fs_read(path, 1000, &b, &err), &err);
    assert_string_equal(b.data, text);
}

static void assert_names(const char *dir, const char *expected)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    struct err *err = NULL;

    assert_ok(fs_list(dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        buf_addf(&b, "%s ", names.items[i]);
    assert_string_equal(b.data, expected);
}

static void check_path(char *got, const char *expected)
{
    assert_string_equal(got, expected);
    free(got);
}

static void paths_are_text(void **state)
{
    (void)state;
    check_path(path_join("a", "b"), "a/b");
    check_path(path_join("a/", "b"), "a/b");
    check_path(path_join("a", "/b"), "/b");
    check_path(path_join("", "b"), "b");
    check_path(path_dirname("a/b//c"), "a/b");
    check_path(path_dirname("c"), ".");
    check_path(path_dirname("/c"), "/");
    assert_string_equal(path_basename("a/b"), "b");
    assert_string_equal(path_basename("b"), "b");
    check_path(path_absolute("/a/./b/../c//d/"), "/a/c/d");
    check_path(path_absolute("/../.."), "/");
    check_path(path_absolute("/a/...b/..c"), "/a/...b/..c");
    char *here = path_absolute("x/..");

    assert_string_equal(here, root);
    free(here);
    assert_true(path_is_beneath("/a/b", "/a"));
    assert_true(path_is_beneath("/a", "/a"));
    assert_true(path_is_beneath("/a", "/"));
    assert_false(path_is_beneath("/ab", "/a"));
}

static void reading_is_bounded(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    struct err *err = NULL;

    put("five", "12345");
    assert_ok(fs_read("five", 5, &b, &err), &err);
    assert_int_equal(b.len, 5);
    assert_false(fs_read("five", 4, &b, &err));
    assert_error(&err, ERR_FAILED, "'five' is too large: at most 4 B are read");
    assert_false(fs_read("absent", 4, &b, &err));
    assert_error(&err, ERR_NOT_FOUND, "cannot open 'absent': No such file");
    assert_false(fs_read(".", 4, &b, &err));
    assert_error(&err, ERR_FAILED, "cannot read '.': it is a directory");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_false(fs_read("fifo", 4, &b, &err));
    assert_error(&err, ERR_FAILED, "'fifo': it is not a regular file");
    /* says that it is empty, and is not */
    assert_false(fs_read("/proc/self/status", 10, &b, &err));
    assert_error(&err, ERR_FAILED, "too large");
}

static void reading_beneath_stays_beneath(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    struct err *err = NULL;

    make_dir("jail/sub");
    put("outside", "secret");
    put("jail/sub/inside", "fine");
    assert_int_equal(symlink("../outside", "jail/link"), 0);
    assert_int_equal(symlink("sub", "jail/dirlink"), 0);
    assert_ok(fs_read_beneath("jail", "sub/../sub/inside", 10, &b, &err), &err);
    assert_string_equal(b.data, "fine");
    const char *const escapes[] = {"../outside", "sub/../../outside", "/etc/passwd", NULL};

    for (const char *const *path = escapes; *path; path++) {
        assert_false(fs_read_beneath("jail", *path, 10, &b, &err));
        assert_error(&err, ERR_FAILED, "leads out of the directory 'jail'");
    }
    assert_false(fs_read_beneath("jail", "link", 10, &b, &err));
    assert_error(&err, ERR_FAILED, "symbolic link");
    assert_false(fs_read_beneath("jail", "dirlink/inside", 10, &b, &err));
    assert_error(&err, ERR_FAILED, "symbolic link");
    assert_false(fs_read_beneath("jail", "absent", 10, &b, &err));
    assert_error(&err, ERR_NOT_FOUND, "'absent' in 'jail'");
    assert_string_equal(b.data, "fine");
}

static void writing_replaces_and_leaves_nothing_behind(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct stat st;

    make_dir("w");
    put("w/file", "old");
    assert_ok(fs_write("w/file", "new", 3, 0755, &err), &err);
    assert_content("w/file", "new");
    assert_int_equal(stat("w/file", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    assert_ok(fs_copy("w/file", "w/copy", &err), &err);
    assert_content("w/copy", "new");
    assert_int_equal(stat("w/copy", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    make_dir("w/dir");
    assert_false(fs_write("w/dir", "x", 1, 0644, &err));
    assert_error(&err, ERR_FAILED, "cannot write 'w/dir': Is a directory");
    assert_false(fs_write("w/absent/file", "x", 1, 0644, &err));
    assert_error(&err, ERR_NOT_FOUND, "cannot write 'w/absent/file'");
    assert_false(fs_copy("w/dir", "w/copy", &err));
    assert_error(&err, ERR_FAILED, "'w/dir': it is not a regular file");
    assert_names("w", "copy dir file ");
}

static void a_failed_write_keeps_the_old_file(void **state)
{
    (void)state;
    make_dir("full");
    put("full/file", "old");
    pid_t pid = fork();

    if (pid == 0) { /* a limit on file sizes stands in for a full disk */
        struct err *err = NULL;

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){2, 2});
        bool failed = !fs_write("full/file", "longer", 6, 0644, &err);

        err_free(err);
        _exit(failed ? 0 : 1);
    }
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_content("full/file", "old");
    assert_names("full", "file ");
}

static void directories(void **state)
{
    (void)state;
    struct err *err = NULL;

    make_dir("d/e//f/");
    make_dir("d/e/f");
    make_dir("/");
    assert_true(fs_is_dir("d/e/f"));
    put("d/file", "");
    assert_true(fs_is_file("d/file"));
    assert_false(fs_is_file("d"));
    assert_false(fs_mkdirs("d/file/x", &err));
    assert_error(&err, ERR_FAILED, "cannot make the directory 'd/file'");
}

static void walking_is_sorted_and_bounded(void **state)
{
    (void)state;
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    struct err *err = NULL;

    make_dir("walk/a");
    put("walk/a/z", "");
    put("walk/a.b", ""); /* '.' sorts before '/' */
    put("walk/B", "");
    assert_int_equal(symlink("a", "walk/link"), 0);
    assert_ok(fs_walk("walk", 4, &files, &err), &err);
    for (size_t i = 0; i < files.count; i++)
        buf_addf(&b, "%s ", files.items[i]);
    assert_string_equal(b.data, "B a.b a/z link ");
    strv_release(&files);
    assert_false(fs_walk("walk", 3, &files, &err));
    assert_error(&err, ERR_FAILED, "more than 3 files in 'walk'");
    strv_release(&files);
    assert_false(fs_walk("absent", 2, &files, &err));
    assert_error(&err, ERR_NOT_FOUND, "'absent'");
}

static void removing_does_not_follow_links(void **state)
{
    (void)state;
    struct err *err = NULL;

    make_dir("keep");
    put("keep/file", "kept");
    make_dir("gone/sub");
    assert_int_equal(symlink("../keep", "gone/link"), 0);
    assert_int_equal(symlink("absent", "gone/sub/dangling"), 0);
    assert_ok(fs_remove_tree("gone", &err), &err);
    assert_false(fs_exists("gone"));
    assert_content("keep/file", "kept");
    assert_ok(fs_remove_tree("gone", &err), &err);
    assert_int_equal(symlink("keep", "to-keep"), 0);
    assert_ok(fs_remove_tree("to-keep", &err), &err);
    assert_content("keep/file", "kept");
}

/* Root may do everything, so this runs as somebody else. */
static void removing_read_only_directories(void **state)
{
    (void)state;
    struct err *err = NULL;
    const bool root_user = !geteuid();

    make_dir("ro");
    assert_int_equal(chmod(root, 0777), 0);
    assert_int_equal(chmod("ro", 0777), 0);
    if (root_user)
        assert_int_equal(seteuid(65534), 0);
    make_dir("ro/tree/closed");
    put("ro/tree/closed/file", "");
    put("ro/tree/file", "");
    assert_int_equal(chmod("ro/tree/closed", 0000), 0);
    assert_int_equal(chmod("ro/tree", 0555), 0);
    bool ok = fs_remove_tree("ro/tree", &err);

    if (root_user)
        assert_int_equal(seteuid(0), 0);
    assert_ok(ok, &err);
    assert_names("ro", "");
}

static void disk_usage_counts_blocks_once(void **state)
{
    (void)state;
    static const char block[8192];
    struct err *err = NULL;

    make_dir("usage/one/sub");
    make_dir("usage/two");
    assert_int_equal(fs_disk_usage("usage/absent"), 0);
    uint64_t empty_one = fs_disk_usage("usage/one"), empty_two = fs_disk_usage("usage/two");

    assert_ok(fs_write("usage/one/sub/file", block, sizeof(block), 0644, &err), &err);
    assert_int_equal(fs_disk_usage("usage/one"), empty_one + sizeof(block));
    assert_int_equal(symlink("../one", "usage/two/link"), 0);
    assert_true(fs_disk_usage("usage/two") < empty_two + sizeof(block));
    assert_int_equal(link("usage/one/sub/file", "usage/one/again"), 0);
    assert_int_equal(fs_disk_usage("usage/one"), empty_one + sizeof(block));
}

static void first_published_directory_stands(void **state)
{
    (void)state;
    struct err *err = NULL;
    char *one = NULL, *two = NULL;

    make_dir("p");
    assert_ok(fs_temp_dir("p", &one, &err), &err);
    assert_ok(fs_temp_dir("p", &two, &err), &err);
    _cleanup_free_ char *one_file = path_join(one, "f"), *two_file = path_join(two, "f");

    put(one_file, "one");
    put(two_file, "two");
    assert_ok(fs_publish_dir(one, "p/final", &err), &err);
    assert_ok(fs_publish_dir(two, "p/final", &err), &err);
    assert_content("p/final/f", "one");
    assert_names("p", "final ");
    free(one);
    free(two);
    assert_false(fs_temp_dir("absent", &one, &err));
    assert_error(&err, ERR_NOT_FOUND, "cannot make a directory in 'absent'");
}

static void count_wait(void *data)
{
    (*(int *)data)++;
}

static void locks_exclude_each_other(void **state)
{
    (void)state;
    struct err *err = NULL;
    int fd = -1, other = -1, waits = 0;

    assert_ok(fs_lock("lock", count_wait, &waits, &fd, &err), &err);
    assert_int_equal(waits, 0);
    pid_t pid = fork();

    if (pid == 0) { /* gives the lock up by dying, a moment later */
        usleep(50000);
        _exit(0);
    }
    close(fd); /* the child has it still: the lock belongs to the open file, not to us */
    assert_ok(fs_lock("lock", count_wait, &waits, &other, &err), &err);
    assert_int_equal(waits, 1);
    waitpid(pid, NULL, 0);
    fs_unlock(&other);
    assert_int_equal(other, -1);
}

static void paths_are_shown_without_the_working_directory(void **state)
{
    (void)state;
    _cleanup_free_ char *cwd = getcwd(NULL, 0);
    _cleanup_free_ char *inside = path_join(cwd, "a/b.py");
    _cleanup_free_ char *beside = xasprintf("%s-other/b.py", cwd);
    _cleanup_free_ char *shown_inside = path_shown(inside);
    _cleanup_free_ char *shown_beside = path_shown(beside);
    _cleanup_free_ char *shown_itself = path_shown(cwd);
    _cleanup_free_ char *shown_relative = path_shown("a/b.py");

    assert_string_equal(shown_inside, "a/b.py");
    assert_string_equal(shown_beside, beside);
    assert_string_equal(shown_itself, cwd);
    assert_string_equal(shown_relative, "a/b.py");
}

static void links_stay_in_their_tree(void **state)
{
    (void)state;
    assert_true(path_link_stays("a/b", 0));
    assert_true(path_link_stays("./a", 0));
    assert_true(path_link_stays("../../a", 2));
    assert_false(path_link_stays("../../a", 1));
    assert_false(path_link_stays("a/../b", 5)); /* a may be a link that leads up */
    assert_false(path_link_stays("/a", 5));
    assert_false(path_link_stays("", 5));
}

static void leftovers_are_what_begins_with_tmp(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *temp = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    assert_ok(fs_mkdirs("left/.tmpx", &err) && fs_mkdirs("left/kept", &err), &err);
    assert_ok(fs_temp_dir("left", &temp, &err) && fs_remove_leftovers("left", &err), &err);
    assert_ok(fs_list("left", &names, &err), &err);
    assert_int_equal(names.count, 2);
    assert_false(fs_exists(temp));
}

static void a_published_file_replaces_the_other(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf got = BUF_INIT;
    assert_ok(fs_write("part", "new", 3, 0644, &err) && fs_write("whole", "old", 3, 0644, &err),
              &err);
    assert_ok(fs_publish_file("part", "whole", &err), &err);
    assert_ok(fs_read("whole", 10, &got, &err), &err);
    assert_string_equal(got.data, "new");
    assert_false(fs_exists("part"));
    assert_false(fs_publish_file("part", "whole", &err));
    assert_error(&err, ERR_NOT_FOUND, "cannot rename 'part'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_shown_without_the_working_directory),
        cmocka_unit_test(paths_are_text),
        cmocka_unit_test(reading_is_bounded),
        cmocka_unit_test(reading_beneath_stays_beneath),
        cmocka_unit_test(writing_replaces_and_leaves_nothing_behind),
        cmocka_unit_test(a_failed_write_keeps_the_old_file),
        cmocka_unit_test(directories),
        cmocka_unit_test(links_stay_in_their_tree),
        cmocka_unit_test(leftovers_are_what_begins_with_tmp),
        cmocka_unit_test(a_published_file_replaces_the_other),
        cmocka_unit_test(walking_is_sorted_and_bounded),
        cmocka_unit_test(removing_does_not_follow_links),
        cmocka_unit_test(removing_read_only_directories),
        cmocka_unit_test(disk_usage_counts_blocks_once),
        cmocka_unit_test(first_published_directory_stands),
        cmocka_unit_test(locks_exclude_each_other),
    };

    return cmocka_run_group_tests_name("fs", tests, make_root, remove_root);
}
