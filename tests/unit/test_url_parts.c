#include "builder/url_parts.h"
#include "tests/unit/unit.h"

static void assert_parts(const char *url, const char *scheme, const char *host, bool has_user)
{
    _cleanup_(url_parts_release) struct url_parts parts = URL_PARTS_INIT;
    assert_true(url_parts_parse(url, &parts));
    assert_string_equal(parts.scheme, scheme);
    assert_string_equal(parts.host, host);
    assert_int_equal(parts.has_user, has_user);
}

static void parts(void **state)
{
    (void)state;
    assert_parts("https://example.org/a.tar.xz", "https", "example.org", false);
    assert_parts("HTTPS://example.org:8443/a", "https", "example.org", false);
    assert_parts("http://[::1]:80/a", "http", "[::1]", false);
    assert_parts("https://me:secret@example.org/a", "https", "example.org", true);
    assert_parts("https://good.org@evil.org/a", "https", "evil.org", true);
    assert_parts("file:///srv/a", "file", "", false);
    assert_parts("/srv/a:b@c", "file", "", false);
    assert_parts("ssh://git@git.lan:2222/a.git", "ssh", "git.lan", true);
    assert_parts("git@git.lan:team/a.git", "ssh", "git.lan", true);
    assert_parts("git.lan:a:c", "ssh", "git.lan", false);
    assert_parts("git@git.lan:a@b", "ssh", "git.lan", true);
}

static void what_is_no_url(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "a.tar",
                                        "../a",
                                        "ftp://a/b",
                                        "git://a/b",
                                        "https://",
                                        "ssh://",
                                        "file://a/b",
                                        "https://a b/c.tar",
                                        "https://good.org\\@evil.org/a",
                                        "ssh://-oProxyCommand=id/a",
                                        "me:secret@git.lan:a",
                                        "git.lan:a@b",
                                        "a@b@git.lan:a",
                                        "@git.lan:a",
                                        "-x:a",
                                        "[::1]:a",
                                        "ext::sh -c id",
                                        NULL};
    for (size_t i = 0; wrong[i]; i++) {
        _cleanup_(url_parts_release) struct url_parts url = URL_PARTS_INIT;
        if (url_parts_parse(wrong[i], &url))
            fail_msg("accepted: %s", wrong[i]);
    }
}

static const char *const list[] = {"files.org", "*.cdn.org", "http://plain.lan", NULL};

static void assert_step(const char *from, const char *to, bool good)
{
    struct err *err = NULL;
    if (url_check_redirect(from, to, list, &err) != good)
        fail_msg("%s -> %s", from, to);
    if (!good)
        assert_error(&err, ERR_FETCH, "redirects to");
}

static void redirects(void **state)
{
    (void)state;
    assert_step("https://files.org/a", "https://x.cdn.org/a", true);
    assert_step("https://files.org/a", "https://evil.org/a", false);
    assert_step("https://files.org/a", "http://files.org/a", false);
    assert_step("https://files.org/a", "http://plain.lan/a", true);
    assert_step("https://files.org/a", "file:///etc/passwd", false);
    assert_step("https://files.org/a", "https://me@files.org/a", false);
    /* a mirror of the user's own that is in no list */
    assert_step("http://mirror.lan/a", "http://mirror.lan/b", true);
    assert_step("http://mirror.lan/a", "https://mirror.lan/b", false);
}

static void this_machine_is_not_for_others(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_step("https://files.org/a", "http://127.0.0.1/a", false);
    assert_step("http://127.0.0.1/a", "http://localhost/a", true);
    assert_true(url_check_redirect("https://a.org/", "https://b.org/", NULL, &err));
    assert_false(url_check_redirect("https://a.org/", "https://localhost/", NULL, &err));
    assert_error(&err, ERR_FETCH, "not allowed");
}

static void places(void **state)
{
    (void)state;
    assert_true(url_same_place("https://a.org/x", "https://A.org:8443/y"));
    assert_true(url_same_place("git@a.org:x", "ssh://a.org/y"));
    assert_true(url_same_place("/srv/x", "file:///y"));
    assert_false(url_same_place("https://a.org/x", "http://a.org/x"));
    assert_false(url_same_place("https://a.org", "https://a.org.evil.org/x"));
    assert_false(url_same_place("https://", "https://a.org/x"));
    assert_true(url_leads_inward("https://a.org/x", "/etc"));
    assert_true(url_leads_inward("git@a.org:x", "https://localhost/x"));
    assert_false(url_leads_inward("/srv/x", "http://127.0.0.1/x"));
    assert_false(url_leads_inward("/srv/x", "https://a.org/x"));
    assert_false(url_leads_inward("https://a.org/x", "https://b.org/x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts),
        cmocka_unit_test(what_is_no_url),
        cmocka_unit_test(places),
        cmocka_unit_test(redirects),
        cmocka_unit_test(this_machine_is_not_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
