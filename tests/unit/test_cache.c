#include "builder/cache.h"

#include <sys/wait.h>

#include "builder/cache_about.h"
#include "builder/cache_pin.h"
#include "tests/unit/cache_fixture.h"

static void list_kind(struct cache_list *list, enum cache_id kind, enum cache_memory memory)
{
    struct err *err = NULL;

    assert_ok(cache_list_add(list, &cache_config, kind, memory, &err), &err);
}

/* ---- listing ---- */

static void a_kind_without_directory_is_empty(void **state)
{
    (void)state;
    _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;

    for (enum cache_id kind = 0; kind < CACHE_KIND_COUNT; kind++)
        list_kind(&list, kind, CACHE_RENEW);
    assert_int_equal(list.count, 0);
    assert_false(is_there("images"));
}

static void entries_have_name_size_and_last_use(void **state)
{
    (void)state;
    _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;

    put_entry("images/b", 64 * KIB, 3 * DAY);
    put_entry("images/a", 8 * KIB, DAY);
    list_kind(&list, CACHE_IMAGES, CACHE_LOOK_ONLY);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].name, "a");
    assert_string_equal(list.items[1].name, "b");
    assert_int_equal(list.items[1].bytes, entry_bytes("images/b"));
    assert_true(list.items[1].bytes >= 64 * KIB);
    assert_int_equal((cache_now_ns() - list.items[1].used_ns) / 1000000000 / DAY, 3);
    assert_int_equal(cache_list_bytes(&list, CACHE_IMAGES),
                     entry_bytes("images/a") + entry_bytes("images/b"));
    assert_int_equal(cache_list_bytes(&list, CACHE_BASES), 0);
}

static void what_is_being_made_is_no_entry(void **state)
{
    (void)state;
    _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;
    _cleanup_free_ char *link = in_home("mpy-cross/link");

    put_entry("mpy-cross/.tmp-123456", KIB, 0);
    put_entry("mpy-cross/key.tmp", KIB, 0);
    put_file("mpy-cross/key.lock", 0);
    put_file("mpy-cross/key.log", 10);
    assert_int_equal(symlink("/usr", link), 0);
    list_kind(&list, CACHE_MPY_CROSS, CACHE_LOOK_ONLY);
    assert_int_equal(list.count, 0);
}

/* The store lies in the directory of the probes: neither is an entry of the other. */
static void files_and_directories_are_different_kinds(void **state)
{
    (void)state;
    _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;

    put_file("toolchains/host.json", 100);
    put_entry("toolchains/store/abc", KIB, 0);
    list_kind(&list, CACHE_PROBES, CACHE_LOOK_ONLY);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "host.json");
    list_kind(&list, CACHE_TOOLCHAINS, CACHE_LOOK_ONLY);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[1].name, "abc");
}

/* ---- sizes ---- */

static uint64_t listed_bytes(enum cache_memory memory)
{
    _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;

    list_kind(&list, CACHE_BASES, memory);
    return cache_list_bytes(&list, CACHE_BASES);
}

/* What was added behind our back is not seen: nobody walked through the tree. */
static void sizes_are_remembered(void **state)
{
    (void)state;
    put_entry("bases/one", 16 * KIB, 0);
    uint64_t first = entry_bytes("bases/one");

    assert_int_equal(listed_bytes(CACHE_LOOK_ONLY), first);
    assert_false(is_there("bases/.sizes"));
    assert_int_equal(listed_bytes(CACHE_REMEMBER), first);
    assert_true(is_there("bases/.sizes"));
    put_file("bases/one/sub/more", 512 * KIB);
    assert_int_equal(listed_bytes(CACHE_REMEMBER), first);
    set_age("bases/one", DAY); /* being used changes nothing about it */
    assert_int_equal(listed_bytes(CACHE_REMEMBER), first);
}

static void another_entry_of_the_same_name_is_measured(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *path = in_home("bases/one");

    put_entry("bases/one", 16 * KIB, 0);
    assert_int_equal(listed_bytes(CACHE_REMEMBER), entry_bytes("bases/one"));
    assert_ok(fs_remove_tree(path, &err), &err);
    put_entry("bases/one", 512 * KIB, 0);
    assert_int_equal(listed_bytes(CACHE_REMEMBER), entry_bytes("bases/one"));
}

static void renewing_forgets_what_is_gone(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *one = in_home("bases/one"), *sizes = in_home("bases/.sizes");

    put_entry("bases/one", KIB, 0);
    put_entry("bases/two", KIB, 0);
    listed_bytes(CACHE_REMEMBER);
    assert_ok(fs_remove_tree(one, &err), &err);
    listed_bytes(CACHE_RENEW);
    assert_ok(fs_read(sizes, 1000, &text, &err), &err);
    assert_null(strstr(text.data, "one"));
    assert_non_null(strstr(text.data, " two\n"));
}

static void a_damaged_memory_is_none(void **state)
{
    (void)state;
    static const char garbage[] = "x\n1 2 3\n1 2 3 \n99999999999999999999999 1 1 one\n\n7 7 7 one";
    _cleanup_free_ char *sizes = in_home("bases/.sizes");
    struct err *err = NULL;

    put_entry("bases/one", 16 * KIB, 0);
    assert_ok(fs_write(sizes, garbage, sizeof(garbage), 0644, &err), &err);
    assert_int_equal(listed_bytes(CACHE_REMEMBER), entry_bytes("bases/one"));
}

/* A name with a newline is not written, or it would be two lines. */
static void a_hostile_name_makes_no_line_of_its_own(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *sizes = in_home("bases/.sizes");
    struct err *err = NULL;

    put_entry("bases/a\n0 1 1 two", 16 * KIB, 0);
    put_entry("bases/two", 16 * KIB, 0);
    listed_bytes(CACHE_REMEMBER);
    assert_ok(fs_read(sizes, 1000, &text, &err), &err);
    assert_null(strstr(text.data, "0 1 1 two"));
    assert_int_equal(listed_bytes(CACHE_REMEMBER),
                     entry_bytes("bases/two") + entry_bytes("bases/a\n0 1 1 two"));
}

/* ---- using ---- */

static void touching_is_using(void **state)
{
    (void)state;
    _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;
    _cleanup_free_ char *path = in_home("images/a"), *absent = in_home("images/absent");

    put_entry("images/a", KIB, 3 * DAY);
    cache_touch(path);
    cache_touch(absent);
    assert_false(is_there("images/absent"));
    list_kind(&list, CACHE_IMAGES, CACHE_LOOK_ONLY);
    assert_true(cache_now_ns() - list.items[0].used_ns < INT64_C(60000000000));
}

static void holding_is_using_too(void **state)
{
    (void)state;
    _cleanup_(cache_list_release) struct cache_list list = CACHE_LIST_INIT;
    _cleanup_free_ char *path = in_home("images/a"), *absent = in_home("images/absent");
    int held = -1, seized = -1;

    put_entry("images/a", KIB, 3 * DAY);
    assert_true(cache_hold(path, &held));
    assert_false(fs_seize(path, &seized));
    fs_unlock(&held);
    list_kind(&list, CACHE_IMAGES, CACHE_LOOK_ONLY);
    assert_true(cache_now_ns() - list.items[0].used_ns < INT64_C(60000000000));
    assert_false(cache_hold(absent, &held));
}

/* ---- finding ---- */

static void check_found(const char *wanted, enum cache_id kind, const char *name)
{
    enum cache_id found;
    _cleanup_free_ char *found_name = NULL;
    struct err *err = NULL;

    assert_ok(cache_find(&cache_config, wanted, &found, &found_name, &err), &err);
    assert_int_equal(found, kind);
    assert_string_equal(found_name, name);
}

static void check_not_found(const char *wanted, const char *why)
{
    enum cache_id found;
    char *name = NULL;
    struct err *err = NULL;

    assert_false(cache_find(&cache_config, wanted, &found, &name, &err));
    assert_error(&err, ERR_USAGE, why);
}

static void entries_are_found_by_their_beginning(void **state)
{
    (void)state;
    put_entry("images/abcdef01", KIB, 0);
    put_entry("images/abcdef02", KIB, 0);
    put_entry("bases/abcdef01", KIB, 0);
    put_entry("bases/1234567", KIB, 0);
    check_found("abcdef02", CACHE_IMAGES, "abcdef02");
    check_found("123456", CACHE_BASES, "1234567");
    check_found("images/abcdef01", CACHE_IMAGES, "abcdef01");
    check_not_found("12345", "there is no entry '12345'");
    check_not_found("abcdef01", "2 entries are called");
    check_not_found("images/abcdef", "2 entries are called");
    check_not_found("images/../bases/1234567", "there is no entry");
    check_not_found("../../etc", "there is no entry");
    check_not_found("", "there is no entry");
}

/* ---- what they are ---- */

static void put_text(const char *path, const char *text)
{
    _cleanup_free_ char *whole = in_home(path), *dir = path_dirname(whole);
    struct err *err = NULL;

    assert_ok(fs_mkdirs(dir, &err), &err);
    assert_ok(fs_write(whole, text, strlen(text), 0644, &err), &err);
}

static void check_about(enum cache_id kind, const char *name, const char *expected)
{
    _cleanup_free_ char *about = cache_about(&cache_config, kind, name);

    assert_string_equal(about, expected);
}

#define COMMIT "1111111111111111111111111111111111111111"
static const char SIDECAR[] =
    "{\"product\": \"greeter\", \"version\": \"1.4.0\", \"source\": {\"commit\": \"" COMMIT "\"},"
    " \"board\": {\"port\": \"stm32\", \"name\": \"PYBV11\", \"variant\": \"DP\"}}";

static void entries_say_what_they_are(void **state)
{
    (void)state;
    _cleanup_free_ char *link = in_home("images/link/x.json");

    put_text("images/one/greeter-1.4.0.json", SIDECAR);
    check_about(CACHE_IMAGES, "one", "greeter 1.4.0 for stm32/PYBV11 DP");
    put_text("images/broken/x.json", "[1]");
    check_about(CACHE_IMAGES, "broken", "");
    put_text("secret", SIDECAR);
    put_text("images/link/file", "");
    assert_int_equal(symlink("../../secret", link), 0);
    check_about(CACHE_IMAGES, "link", "");
    put_text("bases/b/base.json", "{\"port\": \"qemu\", \"board\": \"MPS2\", \"commit\": 7}");
    check_about(CACHE_BASES, "b", "qemu/MPS2, commit ");
    put_text("git/m.git/firn-url", "https://example.org/m.git");
    check_about(CACHE_GIT, "m.git", "https://example.org/m.git");
    put_text("src/s/source.json", "{\"submodules\": [{\"path\": \"lib/x\"}, {}]}");
    check_about(CACHE_SOURCES, "s", "with 2 submodules: lib/x ...");
    check_about(CACHE_CCACHE, "absent", "");
}

/* ---- pins ---- */

static bool is_pinned(enum cache_id kind, const char *name)
{
    _cleanup_(cache_pins_release) struct cache_pins pins = CACHE_PINS_INIT;
    struct err *err = NULL;

    assert_ok(cache_pins_load(&pins, &cache_config, &err), &err);
    return cache_pins_find(&pins, kind, name) != NULL;
}

/* The base of the same board and commit, and every checkout of the commit. */
static void an_image_is_pinned_with_what_it_was_made_of(void **state)
{
    (void)state;
    static const char *const also[] = {"toolchains/gcc", NULL};
    struct err *err = NULL;

    put_text("images/0123456789/greeter-1.4.0.json", SIDECAR);
    put_entry("src/" COMMIT "-aa", KIB, 0);
    put_entry("src/2" COMMIT "-aa", KIB, 0);
    put_text("bases/right/base.json", "{\"port\": \"stm32\", \"board\": \"PYBV11\", \"variant\":"
                                      " \"DP\", \"commit\": \"" COMMIT "\"}");
    put_text("bases/other/base.json", "{\"port\": \"stm32\", \"board\": \"PYBV11\", \"variant\":"
                                      " null, \"commit\": \"" COMMIT "\"}");
    assert_ok(cache_pin(&cache_config, "012345", "release", also, &err), &err);
    assert_true(is_there("pins/0123456789.json"));
    assert_true(is_pinned(CACHE_IMAGES, "0123456789"));
    assert_true(is_pinned(CACHE_SOURCES, COMMIT "-aa"));
    assert_true(is_pinned(CACHE_BASES, "right"));
    assert_true(is_pinned(CACHE_TOOLCHAINS, "gcc"));
    assert_false(is_pinned(CACHE_SOURCES, "2" COMMIT "-aa"));
    assert_false(is_pinned(CACHE_BASES, "other"));
    assert_false(is_pinned(CACHE_BASES, "0123456789"));
    assert_ok(cache_unpin(&cache_config, "images/012345", &err), &err);
    assert_false(is_pinned(CACHE_IMAGES, "0123456789"));
    assert_false(is_pinned(CACHE_BASES, "right"));
    assert_true(is_there("images/0123456789"));
}

static void a_pin_that_cannot_be_read_pins(void **state)
{
    (void)state;
    put_text("pins/abcdef.json", "{\"reason\": ");
    put_text("pins/123456.json", "{\"reason\": \"\", \"keeps\": []}");
    put_text("pins/.tmp-abc.json", "");
    assert_true(is_pinned(CACHE_IMAGES, "abcdef"));
    assert_true(is_pinned(CACHE_BASES, "abcdef"));
    assert_true(is_pinned(CACHE_IMAGES, "123456"));
    assert_false(is_pinned(CACHE_IMAGES, "other"));
    assert_false(is_pinned(CACHE_IMAGES, ".tmp-abc"));
}

static void what_is_not_there_cannot_be_pinned(void **state)
{
    (void)state;
    struct err *err = NULL;

    put_entry("images/abcdef", KIB, 0);
    assert_false(cache_pin(&cache_config, "fedcba", "", NULL, &err));
    assert_error(&err, ERR_USAGE, "there is no entry 'fedcba'");
    assert_false(cache_pin(&cache_config, "abcdef", "\xff", NULL, &err));
    assert_error(&err, ERR_USAGE, "UTF-8");
    assert_false(cache_unpin(&cache_config, "abcdef", &err));
    assert_error(&err, ERR_USAGE, "no pin");
    assert_false(cache_unpin(&cache_config, "../images", &err));
    assert_error(&err, ERR_USAGE, "no pin");
    assert_true(is_there("images/abcdef"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_set_up, cache_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_kind_without_directory_is_empty),
        TEST(entries_have_name_size_and_last_use),
        TEST(what_is_being_made_is_no_entry),
        TEST(files_and_directories_are_different_kinds),
        TEST(sizes_are_remembered),
        TEST(another_entry_of_the_same_name_is_measured),
        TEST(renewing_forgets_what_is_gone),
        TEST(a_damaged_memory_is_none),
        TEST(a_hostile_name_makes_no_line_of_its_own),
        TEST(touching_is_using),
        TEST(holding_is_using_too),
        TEST(entries_are_found_by_their_beginning),
        TEST(entries_say_what_they_are),
        TEST(an_image_is_pinned_with_what_it_was_made_of),
        TEST(a_pin_that_cannot_be_read_pins),
        TEST(what_is_not_there_cannot_be_pinned),
    };

    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
