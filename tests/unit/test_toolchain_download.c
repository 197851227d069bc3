/* Toolchains that are downloaded: a small one, served by tests/http-server, whose compiler is a
 * script that answers what firn asks. */
#include <sys/stat.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/proc.h"
#include "builder/manifest.h"
#include "builder/toolchain.h"
#include "builder/toolchain_definition.h"
#include "tests/unit/http_fixture.h"

static char dir[64], home[80], sha256[HASH_HEX_SIZE];
static struct server server;
static char *old_path;

static void put(const char *name, const char *text, mode_t mode)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name), *parent = path_dirname(path);
    assert_ok(fs_mkdirs(parent, &err) && fs_write(path, text, strlen(text), mode, &err), &err);
}

static char *compiler_text(const char *version)
{
    return xasprintf("#!/bin/sh\nroot=$(dirname \"$0\")/..\n"
                     "case $1 in\n-dumpfullversion) echo %s;;\n-dumpmachine) echo fake-elf;;\n"
                     "-print-prog-name=*) echo \"$root/libexec/${1#*=}\";;\n"
                     "*) echo \"$root/lib/${1#*=}\";;\nesac\n",
                     version);
}

static void pack(void)
{
    _cleanup_free_ char *archive = path_join(dir, "fake.tar.gz");
    struct err *err = NULL;
    struct proc_result result;
    const struct proc tar = {
        .argv = (const char *const[]){"tar", "-czf", archive, "-C", dir, "fake-1", NULL}};
    assert_ok(proc_run(&tar, &result, &err) && hash_file(archive, sha256, &err), &err);
    assert_int_equal(result.exit_status, 0);
}

/* <dir>/fake.tar.gz with fake-1/{bin,lib,libexec}; sha256 is its hash. */
static void make_archive(const char *version)
{
    _cleanup_free_ char *gcc = compiler_text(version);
    put("fake-1/bin/fake-gcc", gcc, 0755);
    put("fake-1/bin/fake-ar", "#!/bin/sh\n", 0755);
    put("fake-1/libexec/cc1", "cc1", 0755);
    put("fake-1/lib/libgcc.a", "library", 0644);
    pack();
}

/* A definition whose download is for this machine. hash: its value, or NULL. */
static void write_definition(const char *range, const char *version, const char *hash)
{
    _cleanup_free_ char *host = toolchain_definition_host();
    _cleanup_free_ char *line = hash ? xasprintf("    sha256: %s\n", hash) : xstrdup("");
    _cleanup_free_ char *text =
        xasprintf("prefix: fake-\nversion: \"%s\"\ntools: [gcc, ar]\nprograms: [cc1]\n"
                  "files: [libgcc.a]\ndebian: [gcc-fake]\ndownload:\n  %s:\n"
                  "    url: %splain/fake.tar.gz\n    version: \"%s\"\n    strip: 1\n%s",
                  range, host, server.url, version, line);
    put("toolchains/fake.yaml", text, 0644);
}

static int set_up(void **state)
{
    (void)state;
    struct err *err = NULL;
    strcpy(dir, "/tmp/firn-test-tcdl.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(home, sizeof(home), "%s/home", dir);
    old_path = xstrdup(getenv("PATH"));
    _cleanup_free_ char *path = xasprintf("%s/path:%s", dir, old_path);
    setenv("PATH", path, 1);
    unsetenv("http_proxy");
    server_start(&server, (const char *const[]){"http-server", dir, NULL});
    make_archive("13.3.1");
    write_definition(">=13", "13.3.1", sha256);
    return fs_mkdirs(home, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;
    server_stop(&server);
    setenv("PATH", old_path, 1);
    free(old_path);
    return fs_remove_tree(dir, &err) ? 0 : -1;
}

static const struct toolchain_options online = {false, NULL}, offline = {true, NULL};

static bool find_with(const struct manifest *manifest, const struct toolchain_options *options,
                      struct toolchain *t, char **errors)
{
    struct diags diags = DIAGS_INIT;
    struct buf text = BUF_INIT;
    const struct config config = {.home = home, .data = dir};
    toolchain_release(t);
    bool ok = toolchain_find(&config, "fake", manifest, options, t, &diags);
    diags_format_errors(&diags, &text);
    free(*errors);
    *errors = buf_detach(&text, NULL);
    diags_release(&diags);
    return ok;
}

#define FOUND                                                                                      \
    _cleanup_(toolchain_release) struct toolchain t = TOOLCHAIN_INIT;                              \
    _cleanup_free_ char *errors = NULL

static void assert_downloaded(const struct toolchain *t)
{
    _cleanup_free_ char *root = xasprintf("%s/toolchains/store/%s", home, sha256);
    _cleanup_free_ char *compiler = path_join(root, "bin/fake-gcc");
    assert_string_equal(t->root, root);
    assert_string_equal(t->compiler, compiler);
    assert_string_equal(t->archive_sha256, sha256);
}

static size_t count_requests(void)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *path = path_join(dir, "requests");
    size_t count = 0;
    if (fs_exists(path))
        assert_ok(fs_read(path, 100000, &text, &err), &err);
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

static void put_on_path(const char *version)
{
    _cleanup_free_ char *gcc = compiler_text(version);
    put("path/fake-gcc", gcc, 0755);
    put("path/fake-ar", "#!/bin/sh\n", 0755);
}

/* ---- where from ---- */

static void one_that_is_missing_is_downloaded_once(void **state)
{
    (void)state;
    FOUND;
    if (!find_with(NULL, &online, &t, &errors))
        fail_msg("%s", errors);
    assert_downloaded(&t);
    assert_string_equal(t.version, "13.3.1");
    assert_int_equal(json_object_size(json_object_get(t.identity, "files")), 4);
    assert_true(find_with(NULL, &offline, &t, &errors));
    assert_downloaded(&t);
    assert_true(find_with(NULL, NULL, &t, &errors));
    assert_int_equal(count_requests(), 1);
}

static void the_one_on_path_comes_first(void **state)
{
    (void)state;
    FOUND;
    put_on_path("14.1.0");
    assert_true(find_with(NULL, &online, &t, &errors));
    assert_null(t.root);
    assert_string_equal(t.version, "14.1.0");
    assert_int_equal(count_requests(), 0);
}

static void one_of_a_wrong_version_on_path_is_passed_over(void **state)
{
    (void)state;
    FOUND;
    put_on_path("12.2.1");
    assert_true(find_with(NULL, &online, &t, &errors));
    assert_downloaded(&t);
}

static void the_manifest_may_choose(void **state)
{
    (void)state;
    FOUND;
    struct manifest m = {.toolchain = {.from = "download"}};
    put_on_path("14.1.0");
    assert_true(find_with(&m, &online, &t, &errors));
    assert_downloaded(&t);
    put_on_path("12.2.1");
    m.toolchain.from = "path";
    assert_false(find_with(&m, &online, &t, &errors));
    assert_contains(errors, "toolchain 'fake' is version 12.2.1");
}

static void a_download_that_nobody_asks_for_is_not_made(void **state)
{
    (void)state;
    FOUND;
    struct manifest m = {.toolchain = {.version = "<13"}};
    assert_false(find_with(&m, &online, &t, &errors));
    assert_contains(errors, "toolchain 'fake' is missing: fake-gcc is not on PATH");
    m.toolchain.from = "download";
    assert_false(find_with(&m, &online, &t, &errors));
    assert_contains(errors, "can be downloaded in version 13.3.1, which is not asked for");
    assert_int_equal(count_requests(), 0);
}

static void nothing_is_downloaded_offline_or_when_only_looking(void **state)
{
    (void)state;
    FOUND;
    assert_false(find_with(NULL, &offline, &t, &errors));
    assert_contains(errors, "--offline forbids");
    assert_false(find_with(NULL, NULL, &t, &errors));
    assert_contains(errors, "toolchain 'fake' is not downloaded yet\n  firn doctor --fetch fake");
    assert_int_equal(count_requests(), 0);
}

/* ---- is it what it has to be? ---- */

static void another_archive_is_refused(void **state)
{
    (void)state;
    FOUND;
    char other[HASH_HEX_SIZE];
    hash_bytes("x", 1, other);
    write_definition(">=13", "13.3.1", other);
    assert_false(find_with(NULL, &online, &t, &errors));
    assert_contains(errors, "is not the file that it has to be");
    _cleanup_free_ char *store = xasprintf("%s/toolchains/store", home);
    assert_false(fs_exists(store));
}

static void without_a_hash_the_first_is_recorded(void **state)
{
    (void)state;
    FOUND;
    write_definition(">=13", "13.3.1", NULL);
    assert_true(find_with(NULL, &online, &t, &errors));
    assert_downloaded(&t);
    assert_true(find_with(NULL, NULL, &t, &errors));
    assert_downloaded(&t);
    assert_int_equal(count_requests(), 1);
}

static void it_is_read_only(void **state)
{
    (void)state;
    FOUND;
    struct stat st;
    assert_true(find_with(NULL, &online, &t, &errors));
    assert_int_equal(stat(t.compiler, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0555);
    assert_int_equal(stat(t.root, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0555);
}

/* Write to a file of the store, as nobody should. */
static void change(const struct toolchain *t, const char *name, const char *text)
{
    _cleanup_free_ char *path = path_join(t->root, name), *parent = path_dirname(path);
    struct err *err = NULL;
    assert_int_equal(chmod(parent, 0755), 0);
    assert_ok(fs_write(path, text, strlen(text), 0755, &err), &err);
}

static void a_changed_file_is_named(void **state)
{
    (void)state;
    FOUND;
    _cleanup_(toolchain_release) struct toolchain before = TOOLCHAIN_INIT;
    assert_true(find_with(NULL, &online, &before, &errors));
    change(&before, "libexec/cc1", "another cc1");
    for (int i = 0; i < 2; i++) { /* and it is not believed the second time */
        assert_false(find_with(NULL, &online, &t, &errors));
        assert_contains(errors, "libexec/cc1 is not what it was when the toolchain was unpacked");
        assert_contains(errors, "remove ");
    }
    change(&before, "libexec/cc1", "cc1");
    assert_true(find_with(NULL, &online, &t, &errors));
    assert_string_equal(t.digest, before.digest);
}

static void a_file_that_came_later_is_named(void **state)
{
    (void)state;
    FOUND;
    struct err *err = NULL;
    _cleanup_free_ char *library = path_join(dir, "fake-1/lib/libgcc.a");
    assert_ok(fs_remove_tree(library, &err), &err);
    pack();
    write_definition(">=13", "13.3.1", sha256);
    assert_true(find_with(NULL, &online, &t, &errors));
    change(&t, "lib/libgcc.a", "x");
    assert_false(find_with(NULL, &online, &t, &errors));
    assert_contains(errors, "lib/libgcc.a was not there when the toolchain was unpacked");
}

static void one_without_its_tools_says_so(void **state)
{
    (void)state;
    FOUND;
    struct err *err = NULL;
    _cleanup_free_ char *ar = path_join(dir, "fake-1/bin/fake-ar");
    assert_ok(fs_remove_tree(ar, &err), &err);
    pack();
    write_definition(">=13", "13.3.1", sha256);
    assert_false(find_with(NULL, &online, &t, &errors));
    assert_contains(errors, "what was downloaded has no program ");
    assert_contains(errors, "bin/fake-ar");
}

static void its_version_is_what_it_says_itself(void **state)
{
    (void)state;
    FOUND;
    make_archive("12.2.1");
    write_definition(">=13", "13.3.1", sha256);
    assert_false(find_with(NULL, &online, &t, &errors));
    assert_contains(errors, "is version 12.2.1");
}

/* ---- the definition ---- */

static void a_mistake_for_another_host_is_found_here(void **state)
{
    (void)state;
    struct diags diags = DIAGS_INIT;
    struct toolchain_definition d = TOOLCHAIN_DEFINITION_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *path = path_join(dir, "toolchains/bad.yaml");
    put("toolchains/bad.yaml",
        "prefix: a-\nversion: \"1\"\ntools: [gcc]\nprograms: []\nfiles: []\ndebian: []\n"
        "download:\n  pdp11-linux: {url: https://a/b, version: \"1\", sha256: ABC}\n",
        0644);
    assert_false(toolchain_definition_load(&d, path, &diags));
    diags_format_errors(&diags, &text);
    assert_contains(text.data, "bad.yaml:8:");
    assert_contains(text.data, "expected 64 hexadecimal digits");
    diags_release(&diags);
    toolchain_definition_release(&d);
}

static void what_is_shipped_can_be_read(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    assert_ok(toolchain_definition_names("toolchains", &names, &err), &err);
    assert_true(strv_contains(&names, "arm-gnu"));
    for (size_t i = 0; i < names.count; i++) {
        struct diags diags = DIAGS_INIT;
        struct toolchain_definition d = TOOLCHAIN_DEFINITION_INIT;
        _cleanup_free_ char *path = xasprintf("toolchains/%s.yaml", names.items[i]);
        assert_true(toolchain_definition_load(&d, path, &diags));
        bool in = true;
        if (d.download.url)
            assert_ok(version_in_range(d.download.version, d.version, &in, &err), &err);
        assert_true(in);
        toolchain_definition_release(&d);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_that_is_missing_is_downloaded_once),
        TEST(the_one_on_path_comes_first),
        TEST(one_of_a_wrong_version_on_path_is_passed_over),
        TEST(the_manifest_may_choose),
        TEST(a_download_that_nobody_asks_for_is_not_made),
        TEST(nothing_is_downloaded_offline_or_when_only_looking),
        TEST(another_archive_is_refused),
        TEST(without_a_hash_the_first_is_recorded),
        TEST(it_is_read_only),
        TEST(a_changed_file_is_named),
        TEST(a_file_that_came_later_is_named),
        TEST(one_without_its_tools_says_so),
        TEST(its_version_is_what_it_says_itself),
        TEST(a_mistake_for_another_host_is_found_here),
        TEST(what_is_shipped_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
