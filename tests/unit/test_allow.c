#include "builder/allow.h"
#include "tests/unit/unit.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void without_a_list_https_alone(void **state)
{
    (void)state;
    assert_true(allow_host(NULL, ALLOW_DOWNLOADS, "https", "example.org"));
    assert_false(allow_host(NULL, ALLOW_DOWNLOADS, "http", "example.org"));
    assert_false(allow_host(NULL, ALLOW_DOWNLOADS, "file", ""));
}

static void a_list_is_all_there_is(void **state)
{
    (void)state;
    const char *const *list = LIST("github.com", "*.arm.com", "http://mirror.lan", "https://a.b");
    assert_true(allow_host(list, ALLOW_DOWNLOADS, "https", "github.com"));
    assert_true(allow_host(list, ALLOW_DOWNLOADS, "https", "GitHub.com"));
    assert_true(allow_host(list, ALLOW_DOWNLOADS, "https", "developer.arm.com"));
    assert_true(allow_host(list, ALLOW_DOWNLOADS, "https", "a.b"));
    assert_false(allow_host(list, ALLOW_DOWNLOADS, "https", "arm.com"));
    assert_false(allow_host(list, ALLOW_DOWNLOADS, "https", "evilarm.com"));
    assert_false(allow_host(list, ALLOW_DOWNLOADS, "https", "github.com.evil.org"));
    assert_false(allow_host(list, ALLOW_DOWNLOADS, "https", "agithub.com"));
    assert_false(allow_host(LIST("*.arm.com"), ALLOW_DOWNLOADS, "https", ".arm.com.evil.org"));
}

static void repositories_by_ssh_and_from_here_too(void **state)
{
    (void)state;
    assert_true(allow_host(NULL, ALLOW_GIT, "https", "example.org"));
    assert_true(allow_host(NULL, ALLOW_GIT, "ssh", "example.org"));
    assert_true(allow_host(NULL, ALLOW_GIT, "file", ""));
    assert_false(allow_host(NULL, ALLOW_GIT, "http", "example.org"));
    assert_false(allow_host(NULL, ALLOW_DOWNLOADS, "ssh", "example.org"));

    const char *const *list = LIST("github.com", "https://a.b", "ssh://*.git.lan");
    assert_true(allow_host(list, ALLOW_GIT, "ssh", "github.com"));
    assert_false(allow_host(list, ALLOW_GIT, "ssh", "a.b"));
    assert_true(allow_host(list, ALLOW_GIT, "ssh", "x.git.lan"));
    assert_false(allow_host(list, ALLOW_GIT, "https", "x.git.lan"));
    assert_false(allow_host(list, ALLOW_GIT, "ssh", "elsewhere.org"));
    assert_false(allow_host(list, ALLOW_GIT, "file", ""));
    assert_true(allow_host(LIST("file://"), ALLOW_GIT, "file", ""));
}

static void assert_entry(const char *scheme, const char *host, const char *expected)
{
    _cleanup_free_ char *entry = allow_entry(scheme, host);
    const char *const list[] = {entry, NULL};
    assert_string_equal(entry, expected);
    assert_true(allow_is_pattern(entry));
    assert_true(allow_host(list, ALLOW_GIT, scheme, host));
}

static void what_to_write(void **state)
{
    (void)state;
    assert_entry("https", "github.com", "github.com");
    assert_entry("http", "[fe80::1]", "http://[fe80::1]");
    assert_entry("ssh", "git.lan", "ssh://git.lan");
    assert_entry("file", "", "file://");
}

static void plain_http_and_files_by_name_alone(void **state)
{
    (void)state;
    const char *const *list = LIST("github.com", "http://mirror.lan");
    assert_true(allow_host(list, ALLOW_DOWNLOADS, "http", "mirror.lan"));
    assert_false(allow_host(list, ALLOW_DOWNLOADS, "https", "mirror.lan"));
    assert_false(allow_host(list, ALLOW_DOWNLOADS, "http", "github.com"));
    assert_false(allow_host(list, ALLOW_DOWNLOADS, "file", ""));
    assert_true(allow_host(LIST("file://"), ALLOW_DOWNLOADS, "file", ""));
}

static void this_machine_needs_no_protection(void **state)
{
    (void)state;
    assert_true(allow_host(NULL, ALLOW_DOWNLOADS, "http", "127.0.0.1"));
    assert_true(allow_host(LIST("github.com"), ALLOW_DOWNLOADS, "http", "[::1]"));
    assert_true(allow_host(NULL, ALLOW_DOWNLOADS, "http", "localhost"));
    assert_false(allow_host(NULL, ALLOW_DOWNLOADS, "http", "127.0.0.1.example.org"));
    assert_false(allow_host(NULL, ALLOW_DOWNLOADS, "http", "localhost.example.org"));
}

static void patterns(void **state)
{
    (void)state;
    static const char *const good[] = {"github.com",  "*.arm.com", "http://m.lan", "https://m.lan",
                                       "ssh://m.lan", "file://",   "[::1]",        NULL};
    static const char *const wrong[] = {
        "",        "*",         "*.",      "ftp://m.lan", "a b", "a/b", "file:///srv/",
        "http://", "a.com:80/", "*.*.com", NULL};
    for (size_t i = 0; good[i]; i++)
        if (!allow_is_pattern(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; wrong[i]; i++)
        if (allow_is_pattern(wrong[i]))
            fail_msg("accepted: %s", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_list_https_alone),
        cmocka_unit_test(a_list_is_all_there_is),
        cmocka_unit_test(repositories_by_ssh_and_from_here_too),
        cmocka_unit_test(what_to_write),
        cmocka_unit_test(plain_http_and_files_by_name_alone),
        cmocka_unit_test(this_machine_needs_no_protection),
        cmocka_unit_test(patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
