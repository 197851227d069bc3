#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "builder/config.h"

static char dir[] = "/tmp/firn-config-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;
    unsetenv("FIRN_CONFIG");
    return fs_remove_tree(dir, &err) ? 0 : -1;
}

/* Write text as config.yaml, point the environment at it and load it. */
static bool load(struct config *config, const char *text, struct diags *diags)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, "config.yaml");
    _cleanup_free_ char *home = path_join(dir, "home");
    assert_true(fs_write(path, text, strlen(text), 0644, &err));
    setenv("FIRN_CONFIG", path, 1);
    setenv("FIRN_HOME", home, 1);
    return config_load(config, diags);
}

static void longest_prefix_wins(void **state)
{
    (void)state;
    struct config config = CONFIG_INIT;
    struct diags diags = DIAGS_INIT;
    assert_true(load(&config,
                     "mirrors:\n"
                     "  https://host/: /srv/all/\n"
                     "  https://host/special/: https://other/\n",
                     &diags));
    _cleanup_free_ char *plain = config_map_url(&config, "https://host/a.git");
    _cleanup_free_ char *special = config_map_url(&config, "https://host/special/b.git");
    _cleanup_free_ char *other = config_map_url(&config, "https://elsewhere/c.git");
    assert_string_equal(plain, "/srv/all/a.git");
    assert_string_equal(special, "https://other/b.git");
    assert_string_equal(other, "https://elsewhere/c.git");
    assert_true(fs_is_dir(config.home));
    config_release(&config);
}

static void assert_mapped(const char *prefix, const char *url, bool mapped)
{
    struct mirror mirror = {prefix, "/srv/"};
    const struct config config = {.mirrors = &mirror, .mirror_count = 1};
    if (!config_find_mirror(&config, url) == mapped)
        fail_msg("%s %s %s", url, mapped ? "is not begun by" : "is begun by", prefix);
}

static void a_host_that_goes_on_is_another(void **state)
{
    (void)state;
    assert_mapped("https://host", "https://host/a.git", true);
    assert_mapped("https://host", "https://host:8443/a.git", true);
    assert_mapped("https://host", "https://host", true);
    assert_mapped("https://host", "https://host.example.org/a.git", false);
    assert_mapped("https://host", "https://host-private/a.git", false);
    assert_mapped("https://host:80", "https://host:8080/a.git", false);
    assert_mapped("https://host/te", "https://host/team/a.git", true);
    assert_mapped("http://", "http://host/a.git", true);
    assert_mapped("git@host", "git@host:a.git", true);
    assert_mapped("git@host", "git@host.example.org:a.git", false);
    assert_mapped("git@host:", "git@host:a.git", true);
    assert_mapped("/srv/old", "/srv/older/a.git", true);
}

static void relative_mirror_is_beside_the_file(void **state)
{
    (void)state;
    struct config config = CONFIG_INIT;
    struct diags diags = DIAGS_INIT;
    assert_true(load(&config, "mirrors:\n  https://host/: git/\n", &diags));
    _cleanup_free_ char *mapped = config_map_url(&config, "https://host/a.git");
    _cleanup_free_ char *want = path_join(dir, "git/a.git");
    assert_string_equal(mapped, want);
    config_release(&config);
}

static void unknown_key_is_an_error_with_a_suggestion(void **state)
{
    (void)state;
    struct config config = CONFIG_INIT;
    struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_false(load(&config, "miror:\n  https://host/: git/\n", &diags));
    diags_format_errors(&diags, &text);
    assert_non_null(strstr(text.data, "config.yaml:1:1: unknown key 'miror'"));
    assert_non_null(strstr(text.data, "mirrors"));
    diags_release(&diags);
    config_release(&config);
}

static void mirrors_must_be_a_mapping(void **state)
{
    (void)state;
    struct config config = CONFIG_INIT;
    struct diags diags = DIAGS_INIT;
    assert_false(load(&config, "mirrors: [a, b]\n", &diags));
    assert_int_equal(diags.error_count, 1);
    diags_release(&diags);
    config_release(&config);
}

static void quotas_are_the_configured_ones(void **state)
{
    (void)state;
    struct config config = CONFIG_INIT;
    struct diags diags = DIAGS_INIT;
    assert_true(load(&config, "quota: {images: 1.5G, bases: none, logs: 0}\n", &diags));
    assert_int_equal(config_quota(&config, CACHE_IMAGES), UINT64_C(3) << 29);
    assert_int_equal(config_quota(&config, CACHE_BASES), CACHE_UNLIMITED);
    assert_int_equal(config_quota(&config, CACHE_LOGS), 0);
    assert_int_equal(config_quota(&config, CACHE_CCACHE), CACHE_KINDS[CACHE_CCACHE].quota);
    config_release(&config);
}

/* Each of these is refused, with these words. */
static void check_refused(const char *text, const char *words)
{
    struct config config = CONFIG_INIT;
    struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf errors = BUF_INIT;
    assert_false(load(&config, text, &diags));
    diags_format_errors(&diags, &errors);
    if (!strstr(errors.data, words))
        fail_msg("'%s' not in: %s", words, errors.data);
    diags_release(&diags);
    config_release(&config);
}

static void wrong_quotas_are_errors(void **state)
{
    (void)state;
    check_refused("quota: {image: 1G}\n", "config.yaml:1:9: there is no kind of cache 'image'");
    check_refused("quota: {image: 1G}\n", "did you mean 'images'?");
    check_refused("quota: {rescue: 1G}\n", "`firn cache` lists the kinds");
    check_refused("quota: {images: much}\n", "config.yaml:1:17: a quota is an amount");
    check_refused("quota: {images: -1}\n", "a quota is an amount");
    check_refused("quota: {images: [1G]}\n", "a quota is an amount");
    check_refused("quota: 1G\n", "expected a mapping");
}

static void allow_is_a_list_of_hosts(void **state)
{
    (void)state;
    struct config config = CONFIG_INIT;
    struct diags diags = DIAGS_INIT;
    assert_true(load(&config, "allow: [github.com, \"*.arm.com\"]\n", &diags));
    assert_string_equal(config.allow[0], "github.com");
    assert_string_equal(config.allow[1], "*.arm.com");
    assert_null(config.allow[2]);
    config_release(&config);
    assert_true(load(&config, "mirrors: {}\n", &diags));
    assert_null(config.allow);
    config_release(&config);
}

static void what_allows_no_host_is_an_error_at_its_place(void **state)
{
    (void)state;
    struct config config = CONFIG_INIT;
    struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_false(load(&config, "allow:\n  - github.com\n  - https://a/b\n", &diags));
    diags_format_errors(&diags, &text);
    assert_non_null(strstr(text.data, "config.yaml:3:5: this allows no host"));
    diags_release(&diags);
    config_release(&config);
    diags = (struct diags)DIAGS_INIT;
    assert_false(load(&config, "allow: github.com\n", &diags));
    diags_release(&diags);
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(longest_prefix_wins, set_up, tear_down),
        cmocka_unit_test(a_host_that_goes_on_is_another),
        cmocka_unit_test_setup_teardown(relative_mirror_is_beside_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_key_is_an_error_with_a_suggestion, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(mirrors_must_be_a_mapping, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allow_is_a_list_of_hosts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_allows_no_host_is_an_error_at_its_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(quotas_are_the_configured_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_quotas_are_errors, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
