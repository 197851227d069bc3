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
    assert_int_equal(url_kind("http://example.org/a.git"), URL_PLAINTEXT);
    assert_int_equal(url_kind("git://example.org/a.git"), URL_PLAINTEXT);
    assert_int_equal(url_kind("file://host/a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind("ext::sh -c id"), URL_UNKNOWN);
    assert_int_equal(url_kind("ftp://example.org/a"), URL_UNKNOWN);
    assert_int_equal(url_kind("../a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind("a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind(":a.git"), URL_UNKNOWN);
    assert_int_equal(url_kind(""), URL_UNKNOWN);
}

static void accepted_urls(void **state)
{
    (void)state;
    struct err *err = NULL;

    assert_ok(url_check("https://example.org/a.git", false, &err), &err);
    assert_ok(url_check("https://user@example.org/a.git", false, &err), &err);
    assert_ok(url_check("git@example.org:a.git", false, &err), &err);
    assert_ok(url_check("/srv/a.git", false, &err), &err);
    assert_ok(url_check("http://127.0.0.1/a.git", true, &err), &err);
    assert_ok(url_check("https://user:secret@example.org/a.git", true, &err), &err);
}

static void refused_urls(void **state)
{
    (void)state;
    struct err *err = NULL;

    assert_false(url_check("http://example.org/a.git", false, &err));
    assert_error(&err, ERR_FETCH, "do not protect what they carry");
    assert_false(url_check("ftp://example.org/a.git", true, &err));
    assert_error(&err, ERR_FETCH, "'ftp://example.org/a.git' is not the URL");
    assert_false(url_check("-uevil:a", true, &err));
    assert_error(&err, ERR_FETCH, "not the URL");
    assert_false(url_check("https://example.org/a\r", false, &err));
    assert_error(&err, ERR_FETCH, "not the URL");
    assert_false(url_check("../a", false, &err));
    assert_error(&err, ERR_FETCH, "absolute path");
}

static void a_password_is_refused_and_not_shown(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    assert_false(url_check("https://user:secret@example.org/a.git", false, &err));
    err_format(err, &text);
    assert_null(strstr(text.data, "secret"));
    assert_error(&err, ERR_FETCH, "https://example.org/a.git");
    take_equal(url_printable("https://a:b@c@example.org/x@y"), "https://example.org/x@y");
    take_equal(url_printable("git@example.org:a"), "git@example.org:a");
    take_equal(url_printable("/srv/a@b"), "/srv/a@b");
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
        cmocka_unit_test(kinds_of_urls),
        cmocka_unit_test(accepted_urls),
        cmocka_unit_test(refused_urls),
        cmocka_unit_test(a_password_is_refused_and_not_shown),
        cmocka_unit_test(local_paths),
        cmocka_unit_test(relative_urls),
        cmocka_unit_test(relative_urls_stay_on_their_host),
        cmocka_unit_test(names_of_mirrors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
