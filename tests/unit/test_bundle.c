#include "base/bundle.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

static bool parse(const char *text, struct bundle *bundle, struct err **err)
{
    json_t *files = json_loads(text, JSON_ALLOW_NUL, NULL);

    assert_non_null(files);
    bool ok = bundle_parse(files, bundle, err);
    json_decref(files);
    return ok;
}

static void one_content_has_one_text(void **state)
{
    (void)state;
    _cleanup_(bundle_release) struct bundle a = BUNDLE_INIT, b = BUNDLE_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT, again = BUF_INIT;
    struct err *err = NULL;
    char hex[HASH_HEX_SIZE], other[HASH_HEX_SIZE];

    assert_ok(parse("[{\"path\":\"manifest.yaml\",\"text\":\"firn: 1\\n\"},"
                    "{\"path\":\"lib/x.mpy\",\"base64\":\"TQYA/w==\"},"
                    "{\"path\":\"lib/a.py\",\"text\":\"caf\\u00e9\"}]",
                    &a, &err),
              &err);
    bundle_add_text(&a, &text);
    assert_string_equal(text.data, "{\"files\":[{\"path\":\"lib/a.py\",\"text\":\"caf\xc3\xa9\"},"
                                   "{\"base64\":\"TQYA/w==\",\"path\":\"lib/x.mpy\"},"
                                   "{\"path\":\"manifest.yaml\",\"text\":\"firn: 1\\n\"}]}");
    hash_bytes(text.data, text.len, other);
    bundle_digest(&a, hex);
    assert_string_equal(hex, other);
    /* Text that came as Base64 is text again. */
    assert_ok(parse("[{\"path\":\"lib/a.py\",\"base64\":\"Y2Fmw6k=\"},"
                    "{\"path\":\"lib/x.mpy\",\"base64\":\"TQYA/w==\"},"
                    "{\"path\":\"manifest.yaml\",\"text\":\"firn: 1\\n\"}]",
                    &b, &err),
              &err);
    bundle_add_text(&b, &again);
    assert_string_equal(again.data, text.data);
    assert_int_equal(b.bytes, 5 + 4 + 8);
    assert_null(bundle_find(&b, "lib"));
    assert_int_equal(bundle_find(&b, "lib/x.mpy")->size, 4);
}

static void nul_and_broken_utf8_are_not_text(void **state)
{
    (void)state;
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;

    assert_ok(bundle_add(&bundle, "a", "a\0b", 3, &err), &err);
    assert_ok(bundle_add(&bundle, "b", "\xed\xa0\x80", 3, &err), &err);
    assert_ok(bundle_add(&bundle, "c", "\x7f\x01", 2, &err), &err);
    assert_ok(bundle_add(&bundle, "d", NULL, 0, &err), &err);
    bundle_add_text(&bundle, &text);
    assert_string_equal(
        text.data, "{\"files\":[{\"base64\":\"YQBi\",\"path\":\"a\"},"
                   "{\"base64\":\"7aCA\",\"path\":\"b\"},"
                   "{\"path\":\"c\",\"text\":\"\x7f\\u0001\"},{\"path\":\"d\",\"text\":\"\"}]}");
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *reason;
    } bad[] = {
        {"", "empty"},
        {"/etc/passwd", "not relative"},
        {"..", "leads up"},
        {"a/../b", "leads up"},
        {"a//b", "empty"},
        {"a/", "empty"},
        {".git/config", "hidden"},
        {"a/.x", "hidden"},
        {".", "hidden"},
        {"a\\b", "backslash"},
        {"a\nb", "control"},
        {"a\x7f", "control"},
        {"a\xc2\x9b", "control"},
        {"a\xff", "UTF-8"},
        {"a\xc0\xaf", "UTF-8"},
    };
    static const char *const good[] = {"manifest.yaml", "a/b/c.py", "a b",        "\xc3\xa9.py",
                                       "a..b",          "x./y",     "__init__.py"};
    struct err *err = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(bundle_check_path(bad[i].path, &err));
        assert_error(&err, ERR_USAGE, bad[i].reason);
    }
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_ok(bundle_check_path(good[i], &err), &err);
}

static void lengths_of_paths(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf path = BUF_INIT;
    struct err *err = NULL;

    buf_fill(&path, 'a', 255);
    assert_ok(bundle_check_path(path.data, &err), &err);
    buf_addc(&path, 'a');
    assert_false(bundle_check_path(path.data, &err));
    assert_error(&err, ERR_USAGE, "255");
    buf_clear(&path);
    for (int i = 0; i < 512; i++)
        buf_adds(&path, "a/");
    buf_truncate(&path, 1023);
    buf_addc(&path, 'b');
    assert_ok(bundle_check_path(path.data, &err), &err);
    buf_addc(&path, 'b');
    assert_false(bundle_check_path(path.data, &err));
    assert_error(&err, ERR_USAGE, "1024");
}

#define M "{\"path\":\"manifest.yaml\",\"text\":\"\"}"
static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *files, *reason;
    } bad[] = {
        {"{}", "must be a list"},
        {"[]", "no file 'manifest.yaml'"},
        {"[1]", "file 1 of the list"},
        {"[" M ",{\"text\":\"\"}]", "file 2 of the list"},
        {"[" M ",{\"path\":\"a\\u0000/../../b\",\"text\":\"\"}]", "file 2"},
        {"[" M "," M "]", "two files 'manifest.yaml'"},
        {"[" M ",{\"path\":\"a\"}]", "must have"},
        {"[" M ",{\"path\":\"a\",\"text\":\"\",\"base64\":\"\"}]", "must have"},
        {"[" M ",{\"path\":\"a\",\"text\":1}]", "not a string"},
        {"[" M ",{\"path\":\"a\",\"base64\":null}]", "not a string"},
        {"[" M ",{\"path\":\"a\",\"base64\":\"Zh==\"}]", "not Base64"},
        {"[" M ",{\"path\":\"a\",\"base64\":\"Zg==\\u0000\"}]", "not Base64"},
        {"[" M ",{\"path\":\"a\",\"text\":\"\",\"mode\":511}]", "unknown member 'mode'"},
        {"[" M ",{\"path\":\"../a\",\"text\":\"\"}]", "leads up"},
        {"[" M ",{\"path\":\"a\",\"text\":\"\"},{\"path\":\"a-b\",\"text\":\"\"},"
         "{\"path\":\"a/b/c\",\"text\":\"\"}]",
         "'a' is a file, and the directory of 'a/b/c'"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT;
        struct err *err = NULL;

        assert_false(parse(bad[i].files, &bundle, &err));
        assert_error(&err, ERR_USAGE, bad[i].reason);
    }
}

static void limits(void **state)
{
    (void)state;
    _cleanup_(bundle_release) struct bundle many = BUNDLE_INIT, large = BUNDLE_INIT;
    _cleanup_free_ char *data = xcalloc(1, BUNDLE_BYTES_MAX);
    struct err *err = NULL;

    for (int i = 0; i < BUNDLE_FILES_MAX; i++) {
        _cleanup_free_ char *path = xasprintf("f%d", i);
        assert_ok(bundle_add(&many, path, "", 0, &err), &err);
    }
    assert_false(bundle_add(&many, "g", "", 0, &err));
    assert_error(&err, ERR_USAGE, "more than 2000 files");
    assert_ok(bundle_add(&large, "a", data, BUNDLE_BYTES_MAX - 1, &err), &err);
    assert_false(bundle_add(&large, "b", data, 2, &err));
    assert_error(&err, ERR_USAGE, "8.0 MiB");
    assert_ok(bundle_add(&large, "b", data, 1, &err), &err);
    assert_int_equal(large.count, 2);
}

static void make_tree(const char *dir)
{
    static const char *const files[] = {"manifest.yaml", "lib/a.py",    "lib/deep/b.py",
                                        ".git/config",   "lib/.hidden", "lib/__pycache__/a.pyc"};
    struct err *err = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        assert_ok(fs_write_scratch_below(dir, files[i], files[i], strlen(files[i]), &err), &err);
    _cleanup_free_ char *link = path_join(dir, "passwd"), *fifo = path_join(dir, "fifo");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
}

static void directories(void **state)
{
    (void)state;
    _cleanup_(bundle_release) struct bundle bundle = BUNDLE_INIT, again = BUNDLE_INIT;
    _cleanup_free_ char *dir = NULL, *copy = NULL;
    struct err *err = NULL;
    char hex[HASH_HEX_SIZE], other[HASH_HEX_SIZE];

    assert_ok(fs_temp_dir_anywhere(&dir, &err) && fs_temp_dir_anywhere(&copy, &err), &err);
    make_tree(dir);
    assert_ok(bundle_read_dir(dir, &bundle, &err), &err);
    assert_int_equal(bundle.count, 3);
    assert_string_equal(bundle.items[0].path, "lib/a.py");
    assert_string_equal(bundle.items[1].path, "lib/deep/b.py");
    assert_string_equal(bundle.items[2].data, "manifest.yaml");
    assert_ok(bundle_write_dir(&bundle, copy, &err), &err);
    assert_ok(bundle_read_dir(copy, &again, &err), &err);
    bundle_digest(&bundle, hex);
    bundle_digest(&again, other);
    assert_string_equal(hex, other);
    assert_false(bundle_add_dir(&again, dir, "none", &err));
    assert_error(&err, ERR_NOT_FOUND, "none");
    assert_ok(fs_remove_tree(dir, &err) && fs_remove_tree(copy, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_content_has_one_text),
        cmocka_unit_test(nul_and_broken_utf8_are_not_text),
        cmocka_unit_test(paths),
        cmocka_unit_test(lengths_of_paths),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(limits),
        cmocka_unit_test(directories),
    };

    return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
