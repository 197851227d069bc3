#include "builder/cache_clean.h"

#include <signal.h>
#include <sys/wait.h>

#include "builder/cache_pin.h"
#include "tests/unit/cache_fixture.h"

static const struct cache_clean_options NOTHING_SPECIAL = CACHE_CLEAN_OPTIONS_INIT;

/* Clean, and leave the report to be looked at. */
static void clean(struct cache_report *report, const struct cache_clean_options *options)
{
    struct err *err = NULL;

    assert_ok(cache_clean(&cache_config, options, NULL, report, &err), &err);
}

/* Clean; how many entries went? */
static size_t clean_count(const struct cache_clean_options *options)
{
    _cleanup_(cache_report_release) struct cache_report report = CACHE_REPORT_INIT;

    clean(&report, options);
    assert_false(report.failed);
    return report.removed;
}

static size_t clean_keep(int64_t seconds)
{
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;

    options.keep_seconds = seconds;
    return clean_count(&options);
}

static size_t clean_max(uint64_t bytes)
{
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;

    options.max_bytes = bytes;
    return clean_count(&options);
}

static void set_quota(enum cache_id kind, uint64_t bytes)
{
    cache_config.quotas[kind].given = true;
    cache_config.quotas[kind].bytes = bytes;
}

static void pin(const char *key)
{
    struct err *err = NULL;

    assert_ok(cache_pin(&cache_config, key, "", NULL, &err), &err);
}

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

/* ---- what stays ---- */

static void pinned_entries_stay(void **state)
{
    (void)state;
    put_entry("images/aaaaaa", 64 * KIB, 3 * DAY);
    put_entry("images/bbbbbb", 64 * KIB, 2 * DAY);
    pin("aaaaaa");
    set_quota(CACHE_IMAGES, entry_bytes("images/bbbbbb"));
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 1); /* the younger, as the older cannot go */
    assert_int_equal(clean_keep(0), 0);
    assert_int_equal(clean_max(0), 0);
    assert_true(is_there("images/aaaaaa"));
    assert_false(is_there("images/bbbbbb"));
    assert_true(is_there("pins/aaaaaa.json"));
}

static void what_is_no_cache_is_left_alone(void **state)
{
    (void)state;
    put_file("rescue/rescue-1-1-x.dfu", KIB);
    put_file("own/.tmp-gone-123456", KIB);
    put_file("images/notes.txt", KIB);
    put_entry("images/.hidden", KIB, 9 * DAY);
    assert_int_equal(clean_keep(0), 0);
    assert_int_equal(clean_max(0), 0);
    assert_true(is_there("rescue/rescue-1-1-x.dfu"));
    assert_true(is_there("own/.tmp-gone-123456"));
    assert_true(is_there("images/notes.txt"));
    assert_true(is_there("images/.hidden"));
}

/* Another process that has a lock (on a lock file, or on an entry) until let_go(). */
static pid_t hold(const char *path, bool is_lock_file)
{
    _cleanup_free_ char *whole = in_home(path), *dir = path_dirname(whole);
    struct err *err = NULL;
    int ready[2];
    char c = 0;

    assert_ok(fs_mkdirs(dir, &err), &err);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();

    if (pid == 0) {
        int fd = -1;
        bool ok = is_lock_file ? fs_lock(whole, NULL, NULL, &fd, &err) : fs_hold(whole, &fd);

        alarm(60); /* should the test end before it */
        if (ok && write(ready[1], &c, 1) == 1)
            pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static void let_go(pid_t holder)
{
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
}

static size_t count_in_use(int64_t keep_seconds, bool dry_run)
{
    _cleanup_(cache_report_release) struct cache_report report = CACHE_REPORT_INIT;
    struct cache_clean_options options = CACHE_CLEAN_OPTIONS_INIT;
    size_t in_use = 0;

    options.keep_seconds = keep_seconds;
    options.dry_run = dry_run;
    clean(&report, &options);
    for (size_t i = 0; i < report.entries.count; i++)
        in_use += report.entries.items[i].fate == CACHE_IN_USE;
    return in_use;
}

#define KEY "0123456789abcdef0123456789abcdef"

/* Each kind's entry, and the lock that its maker has. */
static void what_is_being_made_stays(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"images/" KEY, "build/0123456789abcdef.lock"},
        {"logs/p-1-0123456789abcdef.log", "build/0123456789abcdef.lock"},
        {"build/0123456789abcdef", "build/0123456789abcdef.lock"},
        {"bases/" KEY, "bases/" KEY ".lock"},
        {"mpy-cross/" KEY, "mpy-cross/" KEY ".lock"},
        {"toolchains/store/" KEY, "toolchains/store/" KEY ".lock"},
        {"downloads/" KEY, "downloads/" KEY ".lock"},
        {"src/" KEY, "src/.lock"},
        {"git/m.git", "git/m.git.lock"},
        {"git/m.git", "src/.lock"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        const char *entry = pairs[i][0];

        if (strncmp(entry, "logs", 4) == 0 || strncmp(entry, "downloads", 9) == 0)
            put_file(entry, 10);
        else
            put_entry(entry, KIB, 0);
        set_age(entry, 9 * DAY);
        pid_t holder = hold(pairs[i][1], true);
        size_t would = count_in_use(0, true), in_use = count_in_use(0, false);

        if (would != 1 || in_use != 1 || !is_there(entry))
            fail_msg("%s: %zu, %zu in use", entry, would, in_use);
        let_go(holder);
        assert_int_equal(clean_keep(0), 1);
        if (is_there(entry))
            fail_msg("%s stayed", entry);
    }
}

static void what_is_held_stays(void **state)
{
    (void)state;
    put_entry("images/a", 64 * KIB, 2 * DAY);
    put_entry("images/b", 64 * KIB, 1 * DAY);
    put_file("facts/c.json", 10);
    pid_t entry = hold("images/a", false), file = hold("facts/c.json", false);

    set_quota(CACHE_IMAGES, entry_bytes("images/a"));
    assert_int_equal(clean_count(&NOTHING_SPECIAL), 1); /* b goes in its place */
    assert_true(is_there("images/a"));
    assert_false(is_there("images/b"));
    assert_int_equal(count_in_use(0, true), 2);
    assert_int_equal(count_in_use(0, false), 2);
    let_go(entry);
    let_go(file);
    assert_int_equal(clean_keep(0), 2);
}

/* They are read by make, which holds no lock on them. */
static void what_builds_read_stays_while_one_runs(void **state)
{
    (void)state;
    put_entry("src/a", KIB, 9 * DAY);
    put_entry("bases/b", KIB, 9 * DAY);
    put_entry("mpy-cross/c", KIB, 9 * DAY);
    put_entry("toolchains/store/d", KIB, 9 * DAY);
    put_entry("ccache/e", KIB, 9 * DAY);
    put_entry("images/f", KIB, 9 * DAY);
    pid_t holder = hold("build/fedcba9876543210.lock", true);

    assert_int_equal(count_in_use(0, false), 5);
    assert_false(is_there("images/f"));
    assert_true(is_there("build/fedcba9876543210.lock"));
    let_go(holder);
    assert_int_equal(clean_keep(0), 5);
    assert_false(is_there("build/fedcba9876543210.lock"));
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

/* ---- quotas ---- */

static void the_quota_spares_what_was_just_made(void **state)
{
    (void)state;
    put_entry("bases/old", 64 * KIB, 2 * DAY);
    put_entry("bases/made", 64 * KIB, 9 * DAY); /* its time says nothing */
    set_quota(CACHE_BASES, 2 * entry_bytes("bases/made"));
    cache_enforce(&cache_config, CACHE_BASES, "made", NULL);
    assert_true(is_there("bases/old"));
    set_quota(CACHE_BASES, 1);
    cache_enforce(&cache_config, CACHE_BASES, "made", NULL);
    assert_false(is_there("bases/old"));
    assert_true(is_there("bases/made"));
    cache_enforce(&cache_config, CACHE_BASES, NULL, NULL);
    assert_false(is_there("bases/made"));
}

static void the_quota_spares_pins_and_what_is_held(void **state)
{
    (void)state;
    put_entry("bases/pinned", 64 * KIB, 3 * DAY);
    put_entry("bases/held", 64 * KIB, 2 * DAY);
    put_entry("bases/other", 64 * KIB, 1 * DAY);
    put_entry("images/other", 64 * KIB, 9 * DAY);
    pin("bases/pinned");
    pid_t holder = hold("bases/held", false);

    set_quota(CACHE_BASES, 1);
    cache_enforce(&cache_config, CACHE_BASES, NULL, NULL);
    assert_true(is_there("bases/pinned"));
    assert_true(is_there("bases/held"));
    assert_false(is_there("bases/other"));
    assert_true(is_there("images/other"));
    let_go(holder);
}

/* The builder does not wait for it. */
static void the_quota_waits_for_nobody(void **state)
{
    (void)state;
    put_entry("bases/a", KIB, DAY);
    pid_t holder = hold("clean.lock", true);

    set_quota(CACHE_BASES, 0);
    cache_enforce(&cache_config, CACHE_BASES, NULL, NULL);
    assert_true(is_there("bases/a"));
    let_go(holder);
    cache_enforce(&cache_config, CACHE_BASES, NULL, NULL);
    assert_false(is_there("bases/a"));
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
        TEST(pinned_entries_stay),
        TEST(what_is_no_cache_is_left_alone),
        TEST(what_is_being_made_stays),
        TEST(what_is_held_stays),
        TEST(what_builds_read_stays_while_one_runs),
        TEST(a_dry_run_changes_nothing),
        TEST(leftovers_go),
        TEST(a_killed_clean_leaves_no_half_entry),
        TEST(read_only_trees_go),
        TEST(links_are_not_followed),
        TEST(hostile_names_are_names),
        TEST(the_quota_spares_what_was_just_made),
        TEST(the_quota_spares_pins_and_what_is_held),
        TEST(the_quota_waits_for_nobody),
    };

    return cmocka_run_group_tests_name("cache_clean", tests, NULL, NULL);
}
