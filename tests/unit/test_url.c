#include "builder/url.h"

#include "tests/unit/unit.h"

static void take_equal(char *got, const char *expected)
{
    if (expected)
        assert_string_equal(got, expected);
    else
        assert_null(got);
    free(got);
}

static void kinds_of_urls(void **state)
{
    (void)state;
    assert_int_equal(url_kind("https://example.org/a.git"), URL_HTTPS);
    assert_int_equal(url_kind("ssh://git@example.org/a.git"), URL_SSH);
    assert_int_equal(url_kind("git@example.org:team/a.git"), URL_SSH);
    assert_int_equal(url_kind("file:///srv/a.git"), URL_LOCAL);
    assert_int_equal(url_kind("/srv/a.git"), URL_LOCAL);
    assert_int_equal(url_kind("/srv/a:b.git"), URL_LOCAL);
    assert_int_equal(url_kind("http://example.org/a.git"), URL_HTTP);
    assert_int_equal(url_kind("git://example.org/a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind("file://host/a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind("ext::sh -c id"), URL_UNKNOWN);
    assert_int_equal(url_kind("ftp://example.org/a"), URL_UNKNOWN);
    assert_int_equal(url_kind("../a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind("a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind(":a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind(""), URL_UNKNOWN);
}

static void what_could_be_an_option_or_a_line(void **state)
{
    (void)state;
    assert_true(url_is_clean("https://example.org/a b"));
    assert_false(url_is_clean(""));
    assert_false(url_is_clean("-uevil:a"));
    assert_false(url_is_clean("https://example.org/a\r"));
    assert_false(url_is_clean("https://example.org/\x1b[31m"));
}

static void users_and_passwords(void **state)
{
    (void)state;
    assert_true(url_has_user("https://me@example.org/a"));
    assert_false(url_has_password("https://me@example.org/a"));
    assert_true(url_has_password("https://me:secret@example.org/a"));
    assert_true(url_has_password("me:secret@example.org:a"));
    assert_true(url_has_user("git@example.org:a@b"));
    assert_false(url_has_password("git@example.org:a@b"));
    assert_false(url_has_user("https://example.org/a@b"));
    assert_false(url_has_user("/srv/a:b@c"));
}

static void what_is_shown(void **state)
{
    (void)state;
    take_equal(url_printable("https://a:b@c@example.org/x@y"), "https://example.org/x@y");
    take_equal(url_printable("git@example.org:a"), "git@example.org:a");
    take_equal(url_printable("me:secret@example.org:a"), "example.org:a");
    take_equal(url_printable("ssh://git@example.org:22/a"), "ssh://git@example.org:22/a");
    take_equal(url_printable("ssh://me:secret@example.org/a"), "ssh://example.org/a");
    take_equal(url_printable("https://token@example.org/a"), "https://example.org/a");
    take_equal(url_printable("/srv/a@b"), "/srv/a@b");
}

static void what_climbs(void **state)
{
    (void)state;
    static const char *const climbing[] = {"..",     "../a",       "a/..",
                                           "a/../b", "a/%2e%2E/b", "a%2f../b"};
    static const char *const level[] = {"", "a", "a..b", "..a/b", "a/...", "a//b", "./a"};
    for (size_t i = 0; i < ARRAY_SIZE(climbing); i++)
        if (!url_climbs(climbing[i]))
            fail_msg("does not climb: %s", climbing[i]);
    for (size_t i = 0; i < ARRAY_SIZE(level); i++)
        if (url_climbs(level[i]))
            fail_msg("climbs: %s", level[i]);
}

static void local_paths(void **state)
{
    (void)state;
    take_equal(url_local_path("file:///srv/my%20git/a.git/"), "/srv/my git/a.git");
    take_equal(url_local_path("/srv/./x/../a%20b"), "/srv/a%20b");
}

static void relative_urls(void **state)
{
    (void)state;
    take_equal(url_resolve("https://example.org/team/a.git", "../b.git"),
               "https://example.org/team/b.git");
    take_equal(url_resolve("https://example.org/team/a.git/", "../../x/b"),
               "https://example.org/x/b");
    take_equal(url_resolve("https://example.org/team/a.git", "./b"),
               "https://example.org/team/a.git/b");
    take_equal(url_resolve("/srv/git/a", "../b"), "/srv/git/b");
    take_equal(url_resolve("git@example.org:team/a.git", "../b.git"), "git@example.org:team/b.git");
    take_equal(url_resolve("git@example.org:a.git", "../b.git"), "git@example.org:b.git");
    take_equal(url_resolve("https://example.org/a", "https://other.org/b"), "https://other.org/b");
}

static void relative_urls_stay_on_their_host(void **state)
{
    (void)state;
    take_equal(url_resolve("https://example.org/a.git", "../../b.git"), NULL);
    take_equal(url_resolve("https://example.org/a.git", "../../../other.org/b.git"), NULL);
    take_equal(url_resolve("git@example.org:a.git", "../../b.git"), NULL);
}

static void names_of_mirrors(void **state)
{
    (void)state;
    take_equal(url_basename("https://example.org/team/micropython.git"), "micropython");
    take_equal(url_basename("/srv/a b;c/"), "a_b_c");
    take_equal(url_basename("git@example.org:x.git"), "x");
    take_equal(url_basename("https://example.org/..hidden"), "_.hidden");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_of_urls),       cmocka_unit_test(what_could_be_an_option_or_a_line),
        cmocka_unit_test(users_and_passwords), cmocka_unit_test(what_is_shown),
        cmocka_unit_test(what_climbs),         cmocka_unit_test(local_paths),
        cmocka_unit_test(relative_urls),       cmocka_unit_test(relative_urls_stay_on_their_host),
        cmocka_unit_test(names_of_mirrors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
