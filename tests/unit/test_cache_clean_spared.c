/* What a clean, and the quota of a build, leave alone: pins, locks and what is in use. */
#include "tests/unit/cache_clean_fixture.h"

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
        TEST(pinned_entries_stay),
        TEST(what_is_no_cache_is_left_alone),
        TEST(what_is_being_made_stays),
        TEST(what_is_held_stays),
        TEST(what_builds_read_stays_while_one_runs),
        TEST(the_quota_spares_what_was_just_made),
        TEST(the_quota_spares_pins_and_what_is_held),
        TEST(the_quota_waits_for_nobody),
    };

    return cmocka_run_group_tests_name("cache_clean_spared", tests, NULL, NULL);
}
