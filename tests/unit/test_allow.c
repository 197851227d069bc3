#include "builder/allow.h"
#include "tests/unit/unit.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void without_a_list_https_alone(void **state)
{
    (void)state;
    assert_true(allow_host(NULL, "https", "example.org"));
    assert_false(allow_host(NULL, "http", "example.org"));
    assert_false(allow_host(NULL, "file", ""));
}

static void a_list_is_all_there_is(void **state)
{
    (void)state;
    const char *const *list = LIST("github.com", "*.arm.com", "http://mirror.lan", "https://a.b");
    assert_true(allow_host(list, "https", "github.com"));
    assert_true(allow_host(list, "https", "GitHub.com"));
    assert_true(allow_host(list, "https", "developer.arm.com"));
    assert_true(allow_host(list, "https", "a.b"));
    assert_false(allow_host(list, "https", "arm.com"));
    assert_false(allow_host(list, "https", "evilarm.com"));
    assert_false(allow_host(list, "https", "github.com.evil.org"));
    assert_false(allow_host(list, "https", "agithub.com"));
    assert_false(allow_host(LIST("*.arm.com"), "https", ".arm.com.evil.org"));
}

static void plain_http_and_files_by_name_alone(void **state)
{
    (void)state;
    const char *const *list = LIST("github.com", "http://mirror.lan");
    assert_true(allow_host(list, "http", "mirror.lan"));
    assert_false(allow_host(list, "https", "mirror.lan"));
    assert_false(allow_host(list, "http", "github.com"));
    assert_false(allow_host(list, "file", ""));
    assert_true(allow_host(LIST("file://"), "file", ""));
}

static void this_machine_needs_no_protection(void **state)
{
    (void)state;
    assert_true(allow_host(NULL, "http", "127.0.0.1"));
    assert_true(allow_host(LIST("github.com"), "http", "[::1]"));
    assert_true(allow_host(NULL, "http", "localhost"));
    assert_false(allow_host(NULL, "http", "127.0.0.1.example.org"));
    assert_false(allow_host(NULL, "http", "localhost.example.org"));
}

static void patterns(void **state)
{
    (void)state;
    static const char *const good[] = {
        "github.com", "*.arm.com", "http://m.lan", "https://m.lan", "file://", "[::1]", NULL};
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
        cmocka_unit_test(plain_http_and_files_by_name_alone),
        cmocka_unit_test(this_machine_needs_no_protection),
        cmocka_unit_test(patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
