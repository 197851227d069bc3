/* firmware.archive: small archives, served by tests/http-server. */
#include "base/fs.h"
#include "base/hash.h"
#include "base/proc.h"
#include "builder/archive_source.h"
#include "tests/unit/http_fixture.h"

static char dir[64], home[80], sha256[HASH_HEX_SIZE], url[128];
static struct server server;
static struct config config;

static void put(const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name), *parent = path_dirname(path);
    assert_ok(fs_mkdirs(parent, &err) && fs_write(path, text, strlen(text), 0644, &err), &err);
}

/* <dir>/a.tar.gz of these names below <dir>; ends with NULL. Files have the time of 2023-11-14. */
static void pack(const char *const *names)
{
    struct err *err = NULL;
    struct proc_result result;
    _cleanup_free_ char *archive = path_join(dir, "a.tar.gz");
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    strv_add_all(&argv, (const char *const[]){"tar", "--mtime=@1700000000", "-czf", archive, "-C",
                                              dir, NULL});
    strv_add_all(&argv, names);
    const struct proc tar = {.argv = (const char *const *)argv.items};
    assert_ok(proc_run(&tar, &result, &err) && hash_file(archive, sha256, &err), &err);
    assert_int_equal(result.exit_status, 0);
}

static int set_up(void **state)
{
    (void)state;
    struct err *err = NULL;
    strcpy(dir, "/tmp/firn-test-archive.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(home, sizeof(home), "%s/home", dir);
    unsetenv("http_proxy");
    server_start(&server, (const char *const[]){"http-server", dir, NULL});
    snprintf(url, sizeof(url), "%splain/a.tar.gz", server.url);
    config = (struct config){.home = home};
    put("micropython-1.25.0/ports/qemu/Makefile", "all:\n");
    pack((const char *const[]){"micropython-1.25.0", NULL});
    return fs_mkdirs(home, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;
    server_stop(&server);
    return fs_remove_tree(dir, &err) ? 0 : -1;
}

static const struct source_options online = {false, false}, offline = {true, false};

static void what_an_archive_is(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source s = SOURCE_INIT;
    struct err *err = NULL;
    assert_ok(archive_source_open(&config, url, sha256, &online, NULL, &s, &err), &err);
    assert_string_equal(s.url, url);
    assert_string_equal(s.ref, "archive");
    assert_string_equal(s.origin, "archive");
    assert_string_equal(s.describe, "v1.25.0");
    assert_int_equal(strlen(s.commit), 40);
    assert_memory_equal(s.commit, sha256, 40);
    assert_int_equal(s.commit_time, 1700000000);
    assert_false(s.dirty);
    _cleanup_free_ char *want = xasprintf("%s/src/%.40s-archive/tree", home, sha256);
    assert_string_equal(s.dir, want);
    _cleanup_free_ char *file = path_join(s.dir, "ports/qemu/Makefile");
    assert_true(fs_is_file(file));
}

/* Neither the download nor the server is needed any more. */
static void one_that_is_unpacked_is_enough(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source s = SOURCE_INIT, again = SOURCE_INIT;
    _cleanup_free_ char *archive = xasprintf("%s/downloads/%s", home, sha256);
    struct err *err = NULL;
    assert_ok(archive_source_open(&config, url, NULL, &online, NULL, &s, &err), &err);
    assert_ok(fs_remove_tree(archive, &err), &err);
    assert_ok(archive_source_open(&config, url, NULL, &offline, NULL, &again, &err), &err);
    assert_string_equal(again.commit, s.commit);
    assert_string_equal(again.describe, s.describe);
    _cleanup_free_ char *found = archive_source_find(&config, url, sha256);
    assert_string_equal(found, s.dir);
}

static void one_that_is_not_here(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source s = SOURCE_INIT;
    struct err *err = NULL;
    assert_false(archive_source_open(&config, url, sha256, &offline, NULL, &s, &err));
    assert_error(&err, ERR_FETCH, "--offline forbids");
    assert_null(archive_source_find(&config, url, sha256));
    assert_null(archive_source_find(&config, url, NULL));
}

static void another_archive_is_refused(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source s = SOURCE_INIT;
    struct err *err = NULL;
    char other[HASH_HEX_SIZE];
    hash_bytes("x", 1, other);
    assert_false(archive_source_open(&config, url, other, &online, NULL, &s, &err));
    assert_error(&err, ERR_FETCH, "firmware: ");
    assert_null(archive_source_find(&config, url, other));
}

static void one_directory_is_expected(void **state)
{
    (void)state;
    _cleanup_(source_release) struct source s = SOURCE_INIT;
    struct err *err = NULL;
    put("README", "x");
    pack((const char *const[]){"micropython-1.25.0", "README", NULL});
    assert_false(archive_source_open(&config, url, sha256, &online, NULL, &s, &err));
    assert_error(&err, ERR_FETCH, "the archive does not consist of one directory");
    assert_null(archive_source_find(&config, url, sha256));
}

static void assert_describes(const char *name, const char *want)
{
    _cleanup_free_ char *got = archive_source_describe(name, "0123456789abcdef");
    assert_string_equal(got, want);
}

static void versions_of_names(void **state)
{
    (void)state;
    assert_describes("micropython-1.25.0", "v1.25.0");
    assert_describes("micropython-v1.26.0-preview.20", "v1.26.0-preview.20");
    assert_describes("my-fork-1.25.0+acme", "v1.25.0+acme");
    assert_describes("micropython", "archive-0123456789");
    assert_describes("micropython-master", "archive-0123456789");
    assert_describes("micropython-1.25\"; rm", "archive-0123456789");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_an_archive_is),        TEST(one_that_is_unpacked_is_enough),
        TEST(one_that_is_not_here),      TEST(another_archive_is_refused),
        TEST(one_directory_is_expected), cmocka_unit_test(versions_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
