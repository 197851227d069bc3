#include "builder/contact.h"

#include "tests/unit/unit.h"

static struct mirror mirrors[1];

static struct config config_of(const char *const *allow)
{
    return (struct config){.allow = allow, .mirrors = mirrors};
}

static struct config with_mirror(const char *prefix, const char *replacement,
                                 const char *const *allow)
{
    struct config config = config_of(allow);
    mirrors[0] = (struct mirror){prefix, replacement};
    config.mirror_count = 1;
    return config;
}

static void assert_good(const struct config *config, enum allow_use use, const char *url)
{
    struct err *err = NULL;
    assert_ok(contact_check(config, use, url, &err), &err);
}

static void assert_refused(const struct config *config, enum allow_use use, const char *url,
                           const char *expected)
{
    struct err *err = NULL;
    if (contact_check(config, use, url, &err))
        fail_msg("not refused: %s", url);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    err_format(err, &text);
    assert_null(strstr(text.data, "secret"));
    assert_error(&err, ERR_FETCH, expected);
}

static const char *const list[] = {"github.com", "*.arm.com", "http://plain.lan", "ssh://git.lan",
                                   NULL};

static void repositories_without_a_list(void **state)
{
    (void)state;
    const struct config config = config_of(NULL);
    static const char *const good[] = {"https://example.org/a.git",
                                       "https://me@example.org/a.git",
                                       "ssh://git@example.org:22/a.git",
                                       "git@example.org:a.git",
                                       "file:///srv/a.git",
                                       "/srv/a.git",
                                       "http://127.0.0.1:8080/a.git",
                                       NULL};
    for (size_t i = 0; good[i]; i++)
        assert_good(&config, ALLOW_GIT, good[i]);
    assert_refused(&config, ALLOW_GIT, "http://example.org/a.git",
                   "http://example.org/a.git is not allowed: http:// does not protect");
    assert_refused(&config, ALLOW_GIT, "http://example.org/a.git",
                   "add \"http://example.org\" to allow: in config.yaml, beside all other hosts");
}

static void repositories_with_a_list(void **state)
{
    (void)state;
    const struct config config = config_of(list);
    static const char *const good[] = {"https://github.com/a/b.git",
                                       "git@github.com:a/b.git",
                                       "ssh://git@git.lan/b.git",
                                       "https://x.arm.com/b.git",
                                       "http://plain.lan/b.git",
                                       "http://localhost/b.git",
                                       NULL};
    for (size_t i = 0; good[i]; i++)
        assert_good(&config, ALLOW_GIT, good[i]);
    assert_refused(&config, ALLOW_GIT, "https://evil.org/b.git",
                   "https://evil.org/b.git is not allowed: its host is not listed");
    assert_refused(&config, ALLOW_GIT, "https://github.com@evil.org/b.git",
                   "add \"evil.org\" to allow: in config.yaml");
    assert_refused(&config, ALLOW_GIT, "git@evil.org:b.git",
                   "add \"ssh://evil.org\" to allow: in config.yaml");
    assert_refused(&config, ALLOW_GIT, "github.com@evil.org:github.com/b.git", "ssh://evil.org");
    assert_refused(&config, ALLOW_GIT, "https://git.lan/b.git", "its host is not listed");
    assert_refused(&config, ALLOW_GIT, "/srv/b.git", "add \"file://\" to allow:");
    assert_refused(&config, ALLOW_GIT, "http://github.com/b.git", "does not protect");
}

static void protocols_that_nothing_is_fetched_by(void **state)
{
    (void)state;
    const struct config config = config_of(NULL);
    assert_refused(&config, ALLOW_GIT, "git://me@example.org/a.git",
                   "git://example.org/a.git is not allowed: nothing is fetched by git://");
    assert_refused(&config, ALLOW_GIT, "git://me@example.org/a.git",
                   "put 'git://example.org/: https://example.org/' below mirrors: in config.yaml");
    assert_refused(&config, ALLOW_GIT, "ftp://example.org/a", "nothing is fetched by ftp://");
    assert_refused(&config, ALLOW_GIT, "git+ssh://example.org/a", "fetched by git+ssh://");
    assert_refused(&config, ALLOW_GIT, "ext::sh -c id", "nothing is fetched by ext::");
    assert_refused(&config, ALLOW_GIT, "fd::7/a", "nothing is fetched by fd::");
    assert_refused(&config, ALLOW_DOWNLOADS, "ssh://example.org/a", "fetched by ssh://");
    assert_refused(&config, ALLOW_DOWNLOADS, "ftp://example.org/a", "fetched by ftp://");
}

static void what_is_no_url(void **state)
{
    (void)state;
    const struct config config = config_of(NULL);
    static const char *const wrong[] = {"",
                                        "-uevil:a",
                                        "../a",
                                        "a.git",
                                        "file://host/a",
                                        "https://example.org/a\r",
                                        "https://good.org\\@evil.org/",
                                        "HTTPS://example.org/a",
                                        NULL};
    for (size_t i = 0; wrong[i]; i++)
        assert_refused(&config, ALLOW_GIT, wrong[i], "is not the URL of a repository");
    assert_refused(&config, ALLOW_DOWNLOADS, "/srv/a.tar", "is not the URL of a download");
    assert_refused(&config, ALLOW_DOWNLOADS, "git@example.org:a", "has a user's name in it");
}

static void secrets_are_refused_and_not_shown(void **state)
{
    (void)state;
    const struct config config = config_of(NULL);
    assert_refused(&config, ALLOW_GIT, "https://me:secret@example.org/a.git",
                   "https://example.org/a.git has a password in it");
    assert_refused(&config, ALLOW_GIT, "me:secret@example.org:a.git", "has a password in it");
    const struct config mapped =
        with_mirror("https://example.org/", "https://me:secret@a.lan/", list);
    assert_good(&mapped, ALLOW_GIT, "https://example.org/a.git");
    assert_refused(&mapped, ALLOW_GIT, "https://me:secret@example.org/a.git",
                   "has a password in it");
    assert_refused(&mapped, ALLOW_GIT, "https://example.org/../a.git",
                   "https://a.lan/../a.git (mirror of https://example.org/../a.git)");
}

/* Where a mirror leads is the user's own word: listed or not, and plain http as well. */
static void what_mirrors_lead_to(void **state)
{
    (void)state;
    static const char *const places[] = {"https://a.lan/", "http://a.lan/",
                                         "git@a.lan:", "/srv/git/", NULL};
    for (size_t i = 0; places[i]; i++) {
        const struct config config = with_mirror("https://github.com/", places[i], list);
        assert_good(&config, ALLOW_GIT, "https://github.com/b.git");
    }
    const struct config ftp = with_mirror("https://github.com/", "ftp://a.lan/", list);
    assert_refused(&ftp, ALLOW_GIT, "https://github.com/b.git", "nothing is fetched by ftp://");
    const struct config good = with_mirror("git://example.org/", "https://a.lan/", list);
    assert_good(&good, ALLOW_GIT, "git://example.org/b.git");
    assert_refused(&good, ALLOW_GIT, "https://evil.org/b.git", "its host is not listed");
}

/* The host that is contacted is judged, not the one that somebody began to write. */
static void a_mirror_that_names_no_whole_host(void **state)
{
    (void)state;
    const struct config whole = with_mirror("https://github.com", "https://a.lan", list);
    assert_good(&whole, ALLOW_GIT, "https://github.com/b.git");
    assert_refused(&whole, ALLOW_GIT, "https://github.com.evil.org/b.git",
                   "add \"github.com.evil.org\" to allow:");
    const struct config begun = with_mirror("https://a.org/", "https://a.", list);
    assert_refused(&begun, ALLOW_GIT, "https://a.org/evil.org/b.git",
                   "https://a.evil.org/b.git (mirror of https://a.org/evil.org/b.git)");
    assert_refused(&begun, ALLOW_DOWNLOADS, "https://a.org/evil.org/b.tar",
                   "add \"a.evil.org\" to allow:");
    const struct config scheme = with_mirror("http://", "https://", list);
    assert_good(&scheme, ALLOW_GIT, "http://github.com/b.git");
    assert_refused(&scheme, ALLOW_GIT, "http://evil.org/b.git", "add \"evil.org\" to allow:");
}

static void nothing_climbs_out_of_a_mirror(void **state)
{
    (void)state;
    const struct config local = with_mirror("https://github.com/", "file:///srv/git/", NULL);
    assert_good(&local, ALLOW_GIT, "https://github.com/a..b/c.git");
    assert_refused(&local, ALLOW_GIT, "https://github.com/../../etc/x.git",
                   "could leave the mirror");
    assert_refused(&local, ALLOW_DOWNLOADS, "https://github.com/%2e%2e/passwd",
                   "could leave the mirror");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repositories_without_a_list),
        cmocka_unit_test(repositories_with_a_list),
        cmocka_unit_test(protocols_that_nothing_is_fetched_by),
        cmocka_unit_test(what_is_no_url),
        cmocka_unit_test(secrets_are_refused_and_not_shown),
        cmocka_unit_test(what_mirrors_lead_to),
        cmocka_unit_test(a_mirror_that_names_no_whole_host),
        cmocka_unit_test(nothing_climbs_out_of_a_mirror),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
