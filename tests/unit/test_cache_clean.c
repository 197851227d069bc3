/* What a clean removes, why, and how it goes. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/cache_clean_fixture.h"

/* ---- what goes ---- */

static void nothing_goes_without_a_reason(void **state)
{
    (void)state;
    for (enum cache_id kind = 0; kind < CACHE_KIND_COUNT; kind++) {
        _cleanup_free_ char *path = xasprintf("%s/entry", CACHE_KINDS[kind].dir);

        if (CACHE_KINDS[kind].is_files)
            put_file(path, 100);
        else
            put_entry(path, KIB, 0);
        set_age(path, kind == CACHE_BUILD ? DAY - 60 : 3650L * DAY);
    }
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 0);
    set_age("build/entry", DAY + 60); /* of a build that was killed, or kept */
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 1);
    assert_false(is_there("build/entry"));
    assert_int_equal(clean_keep(0), CACHE_KIND_COUNT - 1);
    assert_true(is_there("images"));
}

static void the_least_recently_used_goes_first(void **state)
{
    (void)state;
    put_entry("images/a", 64 * KIB, 2 * DAY);
    put_entry("images/b", 64 * KIB, 3 * DAY);
    put_entry("images/c", 64 * KIB, 1 * DAY);
    put_entry("bases/d", 64 * KIB, 9 * DAY);
    uint64_t each = entry_bytes("images/a");

    set_quota(CACHE_IMAGES, 3 * each);
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 0);
    set_quota(CACHE_IMAGES, 3 * each - 1);
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 1);
    assert_false(is_there("images/b"));
    set_quota(CACHE_IMAGES, each);
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 1);
    assert_false(is_there("images/a"));
    assert_true(is_there("images/c"));
    assert_true(is_there("bases/d")); /* older, but of another kind */
    set_quota(CACHE_IMAGES, 0);
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 1);
}

static void a_maximum_is_for_all_kinds_together(void **state)
{
    (void)state;
    put_entry("images/a", 64 * KIB, 2 * DAY);
    put_entry("bases/b", 64 * KIB, 3 * DAY);
    put_entry("git/c", 64 * KIB, 1 * DAY);
    uint64_t all = entry_bytes("images/a") + entry_bytes("bases/b") + entry_bytes("git/c");

    assert_int_equal(clean_max(all), 0);
    assert_int_equal(clean_max(all - 1), 1);
    assert_false(is_there("bases/b"));
    assert_int_equal(clean_max(1), 2);
}

static void a_maximum_of_some_kinds_leaves_the_others(void **state)
{
    (void)state;
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;

    options.max_bytes = 0;
    options.only_some = options.kinds[CACHE_IMAGES] = true;
    put_entry("images/a", KIB, 0);
    put_entry("bases/b", KIB, 9 * DAY);
    put_entry("bases/.tmp-gone-123456", KIB, 9 * DAY);
    assert_int_equal(clean_count(&options), 1);
    assert_true(is_there("bases/b"));
    assert_true(is_there("bases/.tmp-gone-123456"));
}

static void what_was_used_within_the_time_is_kept(void **state)
{
    (void)state;
    put_entry("images/older", KIB, 100);
    put_entry("images/younger", KIB, 80);
    put_entry("images/future", KIB, -DAY);
    assert_int_equal(clean_keep(3600), 0);
    assert_int_equal(clean_keep(90), 1);
    assert_false(is_there("images/older"));
    assert_int_equal(clean_keep(80), 1);
    assert_true(is_there("images/future"));
}

static void the_report_says_why_and_how_much(void **state)
{
    (void)state;
    _cleanup_(cache_report_release) struct cache_report report = CACHE_REPORT_INIT;
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;

    put_entry("images/a", 8 * KIB, 5 * DAY);
    put_entry("images/b", 8 * KIB, 3 * DAY);
    put_entry("images/c", 8 * KIB, 2 * DAY);
    put_entry("images/d", 8 * KIB, 1 * DAY);
    uint64_t each = entry_bytes("images/a");

    set_quota(CACHE_IMAGES, 2 * each);
    options.keep_seconds = 4 * DAY;
    options.max_bytes = each;
    clean(&report, &options);
    assert_int_equal(report.removed, 3);
    assert_int_equal(report.removed_bytes, 3 * each);
    assert_int_equal(report.entries.count, 4);
    assert_int_equal(report.entries.items[0].reason, CACHE_UNUSED);
    assert_int_equal(report.entries.items[1].reason, CACHE_OVER_QUOTA);
    assert_int_equal(report.entries.items[2].reason, CACHE_OVER_MAX);
    assert_int_equal(report.entries.items[3].fate, CACHE_STAYS);
}

/* ---- how it goes ---- */

/* Every path below $FIRN_HOME with its time and mode, as text. */
static void snapshot(struct buf *out)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    struct err *err = NULL;

    assert_ok(fs_walk(cache_home, 1000, &files, &err), &err);
    for (size_t i = 0; i < files.count; i++) {
        _cleanup_free_ char *path = in_home(files.items[i]), *dir = path_dirname(path);
        struct stat st, dir_st;

        assert_int_equal(lstat(path, &st), 0);
        assert_int_equal(lstat(dir, &dir_st), 0);
        buf_addf(out, "%s %lld.%ld %o, %lld.%ld\n", files.items[i], (long long)st.st_mtim.tv_sec,
                 st.st_mtim.tv_nsec, st.st_mode, (long long)dir_st.st_mtim.tv_sec,
                 dir_st.st_mtim.tv_nsec);
    }
}

static void a_dry_run_changes_nothing(void **state)
{
    (void)state;
    _cleanup_(cache_report_release) struct cache_report would = CACHE_REPORT_INIT;
    _cleanup_(cache_report_release) struct cache_report did = CACHE_REPORT_INIT;
    _cleanup_(buf_release) struct buf before = BUF_INIT, after = BUF_INIT;
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;

    put_entry("images/a", KIB, 9 * DAY);
    put_entry("bases/b", KIB, 9 * DAY);
    put_entry("git/c", KIB, 0);
    put_file("facts/d.json", 10);
    put_file("mpy-cross/e.lock", 0);
    put_entry("mpy-cross/e.tmp", KIB, 0);
    put_entry("src/.tmp-gone-123456", KIB, 0);
    options.keep_seconds = DAY;
    options.dry_run = true;
    snapshot(&before);
    clean(&would, &options);
    snapshot(&after);
    assert_string_equal(before.data, after.data);
    options.dry_run = false;
    clean(&did, &options);
    assert_int_equal(would.removed, 2);
    assert_int_equal(did.removed, would.removed);
    assert_int_equal(did.removed_bytes, would.removed_bytes);
    assert_int_equal(would.leftovers.count, 3);
    assert_int_equal(did.leftover_bytes, would.leftover_bytes);
    assert_false(is_there("images/a"));
}

static void leftovers_go(void **state)
{
    (void)state;
    _cleanup_(cache_report_release) struct cache_report report = CACHE_REPORT_INIT;

    put_entry("images/.tmp-gone-123456", KIB, 0); /* a removal that was killed */
    put_entry("images/.tmp-abcdef", KIB, 2 * 3600);
    put_entry("images/.tmp-fedcba", KIB, 60); /* perhaps somebody's */
    put_entry("bases/k.tmp", KIB, 0);
    put_file("bases/k.lock", 0);
    put_entry("bases/held.tmp", KIB, 0);
    put_file("downloads/x.part", KIB);
    set_age("downloads/x.part", 8 * DAY);
    put_file("downloads/y.part", KIB);
    put_file("git/m.git.lock", 0);
    put_file("src/.lock", 0);
    pid_t entry = hold("bases/held.lock", true);
    pid_t aside = hold("images/.tmp-gone-123456", false);

    clean(&report, &NOTHING_SPECIAL);
    assert_true(is_there("images/.tmp-gone-123456"));
    assert_true(is_there("images/.tmp-fedcba"));
    assert_true(is_there("bases/held.tmp"));
    assert_true(is_there("bases/held.lock"));
    assert_true(is_there("downloads/y.part"));
    assert_true(is_there("src/.lock"));
    assert_false(is_there("images/.tmp-abcdef"));
    assert_false(is_there("bases/k.tmp"));
    assert_false(is_there("bases/k.lock"));
    assert_false(is_there("downloads/x.part"));
    assert_false(is_there("git/m.git.lock"));
    assert_true(report.leftovers.count >= 4);
    assert_true(report.leftover_bytes >= 3 * KIB);
    let_go(entry);
    let_go(aside);
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 0);
    assert_false(is_there("images/.tmp-gone-123456"));
    assert_false(is_there("bases/held.tmp"));
}

#define KILLED_FILES 300

static void put_many(const char *entry)
{
    _cleanup_free_ char *dir = in_home(entry);
    struct err *err = NULL;

    assert_ok(fs_mkdirs(dir, &err), &err);
    for (int i = 0; i < KILLED_FILES; i++) {
        _cleanup_free_ char *path = xasprintf("%s/%d", dir, i);

        int fd = open(path, O_WRONLY | O_CREAT, 0644);

        assert_true(fd >= 0);
        close(fd);
    }
}

/* Whenever it is killed: an entry is whole or it is not there, and the next clean does the rest. */
static void a_killed_clean_leaves_no_half_entry(void **state)
{
    (void)state;
    _cleanup_free_ char *dir = in_home("images");
    int halfway = 0;

    for (unsigned round = 0; round < 40; round++) {
        _cleanup_(strv_release) struct strv names = STRV_INIT;
        struct err *err = NULL;
        int status;

        put_many("images/whole");
        pid_t pid = fork();

        if (pid == 0) {
            clean_keep(0);
            _exit(0);
        }
        usleep(100 * round);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (is_there("images/whole")) {
            _cleanup_free_ char *entry = in_home("images/whole");
            _cleanup_(strv_release) struct strv files = STRV_INIT;

            assert_ok(fs_list(entry, &files, &err), &err);
            assert_int_equal(files.count, KILLED_FILES);
        }
        assert_ok(fs_list(dir, &names, &err), &err);
        halfway += names.count && strncmp(names.items[0], ".tmp-gone-", 10) == 0;
        clean_keep(0);
        strv_release(&names);
        assert_ok(fs_list(dir, &names, &err), &err);
        assert_int_equal(names.count, 0);
    }
    assert_true(halfway > 0); /* or this has tried nothing */
}

/* Root may do everything, so this runs as somebody else. */
static void read_only_trees_go(void **state)
{
    (void)state;
    const bool root_user = !geteuid();
    _cleanup_free_ char *entry = in_home("toolchains/store/gcc"), *sub = path_join(entry, "sub");
    _cleanup_free_ char *file = path_join(sub, "file");

    assert_int_equal(chmod(cache_home, 0777), 0);
    if (root_user)
        assert_int_equal(seteuid(65534), 0);
    put_entry("toolchains/store/gcc", KIB, 9 * DAY);
    assert_int_equal(chmod(file, 0444), 0);
    assert_int_equal(chmod(sub, 0555), 0);
    assert_int_equal(chmod(entry, 0555), 0);
    size_t removed = clean_keep(0);

    if (root_user)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(removed, 1);
    assert_false(is_there("toolchains/store/gcc"));
}

static void links_are_not_followed(void **state)
{
    (void)state;
    _cleanup_free_ char *inside = in_home("images/a/link"), *beside = in_home("images/link");

    put_file("elsewhere/kept", KIB);
    put_entry("images/a", KIB, 0);
    assert_int_equal(symlink("../../elsewhere", inside), 0);
    assert_int_equal(symlink("../elsewhere", beside), 0);
    set_age("images/a", 9 * DAY);
    set_age("images/link", 9 * DAY);
    assert_int_equal(clean_keep(0), 1);
    assert_false(is_there("images/a"));
    assert_true(is_there("elsewhere/kept"));
}

static void hostile_names_are_names(void **state)
{
    (void)state;
    put_entry("images/-rf *", KIB, DAY);
    put_entry("images/..x", KIB, DAY); /* begins with a dot: nobody's */
    put_entry("images/\x1b[31m\xff", KIB, DAY);
    put_entry("images/a\nb", KIB, DAY);
    put_file("keep", 1);
    assert_int_equal(clean_keep(0), 3);
    assert_false(is_there("images/\x1b[31m\xff"));
    assert_true(is_there("images/..x"));
    assert_true(is_there("keep"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_set_up, cache_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_goes_without_a_reason),
        TEST(the_least_recently_used_goes_first),
        TEST(a_maximum_is_for_all_kinds_together),
        TEST(a_maximum_of_some_kinds_leaves_the_others),
        TEST(what_was_used_within_the_time_is_kept),
        TEST(the_report_says_why_and_how_much),
        TEST(a_dry_run_changes_nothing),
        TEST(leftovers_go),
        TEST(a_killed_clean_leaves_no_half_entry),
        TEST(read_only_trees_go),
        TEST(links_are_not_followed),
        TEST(hostile_names_are_names),
    };

    return cmocka_run_group_tests_name("cache_clean", tests, NULL, NULL);
}
