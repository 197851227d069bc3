/* Locks as they are written, read, refused at their lines, and compared. */
#include "builder/lock.h"

#include "tests/unit/manifest_fixture.h"

#define HEAD "lock: 1\ninputs:\n"
#define SHA "9c1f0000000000000000000000000000000000000000000000000000000000ab"

static char *manifest_at(struct fixture *f)
{
    return path_join(f->dir, "m.yaml");
}

static bool read_text(struct fixture *f, const char *text, struct key_parts *parts)
{
    _cleanup_free_ char *manifest = manifest_at(f), *path = lock_path(manifest);

    fixture_write(f, "m.yaml.lock", text);
    diags_release(&f->diags);
    f->diags = (struct diags)DIAGS_INIT;
    return lock_read(path, parts, &f->diags);
}

static void assert_refused(struct fixture *f, const char *text, unsigned line, unsigned column,
                           const char *part)
{
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;
    _cleanup_(buf_release) struct buf errors = BUF_INIT;

    assert_false(read_text(f, text, &parts));
    assert_int_equal(parts.count, 0);
    diags_format_errors(&f->diags, &errors);
    assert_contains(errors.data, part);
    assert_int_equal(f->diags.error_count, 1);
    assert_int_equal(f->diags.errors[0]->line, line);
    assert_int_equal(f->diags.errors[0]->column, column);
    assert_int_equal(err_exit_status(f->diags.errors[0]), 2);
}

static void written_as_it_is_documented(void **state)
{
    (void)state;
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    key_add(&parts, KEY_BASE, "source ref", "v1.25.0");
    key_add(&parts, KEY_BASE, "sandbox", "yes");
    key_add(&parts, KEY_HOST, "host version", "12.2.0");
    key_add_digest(&parts, KEY_PRODUCT, "frozen greet.py", SHA);
    key_add(&parts, KEY_PRODUCT, "board variant", "");
    key_add(&parts, KEY_PRODUCT, "qstr", "a: \"b\" #c");
    lock_format(&parts, "m.yaml", &text);
    assert_string_equal(
        text.data, "# Written by `firn lock`: what m.yaml is built of. Not to be edited.\n" HEAD
                   "- source ref: v1.25.0\n"
                   "- sandbox: \"yes\"\n"
                   "- frozen greet.py: sha256 " SHA "\n"
                   "- board variant: \"\"\n"
                   "- qstr: \"a: \\\"b\\\" #c\"\n");
}

static void read_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "",       " ",   "yes",        "null",   "~",    "1",           "0x10",  "1e3", "- a",
        "a: b",   "a:b", "a:",         "#",      "a #b", "a\\b",        "\"q\"", "'q'", "[x]",
        "{x: y}", "*a",  "&a",         "!a",     "%a",   "@a",          "`a",    "? a", "a, b",
        "a ",     "|",   ">",          "<<",     "=",    ".inf",        "---",   "...", "C:\\temp",
        "it's",   "NaN", "2026-01-01", "sha256", "no:",  "x\xc3\xa9.py"};
    struct err *err = NULL;
    _cleanup_free_ char *manifest = manifest_at(f), *path = lock_path(manifest);
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT, again = KEY_PARTS_INIT;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        _cleanup_free_ char *name = xasprintf("frozen %s", texts[i]);
        key_add_verbatim(&parts, name, texts[i]);
        key_add_verbatim(&parts, texts[i][0] ? texts[i] : "empty", "x");
    }
    assert_ok(lock_write(manifest, &parts, &err), &err);
    assert_true(lock_read(path, &again, &f->diags));
    assert_int_equal(again.count, parts.count);
    for (size_t i = 0; i < parts.count; i++) {
        assert_string_equal(again.items[i].name, parts.items[i].name);
        assert_string_equal(again.items[i].value, parts.items[i].value);
    }
    assert_ok(lock_check(&parts, &again, manifest, &err), &err);
}

static void an_empty_lock(void **state)
{
    struct fixture *f = *state;
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;

    assert_true(read_text(f, "lock: 1\ninputs: []\n", &parts));
    assert_int_equal(parts.count, 0);
}

static void refused_at_its_place(void **state)
{
    struct fixture *f = *state;

    assert_refused(f, "inputs: []\n", 1, 1, "'lock' is missing");
    assert_refused(f, "lock: 1\n", 1, 1, "'inputs' is missing");
    assert_refused(f, "lock: 1\ninputs: x\n", 2, 9, "is no list");
    assert_refused(f, "lock: 2\ninputs: []\n", 1, 7, "1");
    assert_refused(f, "lock: 1\ninputs: []\nmore: 1\n", 3, 1, "unknown key 'more'");
    assert_refused(f, "lock: 1\nlock: 1\ninputs: []\n", 2, 1, "duplicate key 'lock'");
    assert_refused(f, HEAD "- a: b\n<<<<<<< HEAD\n- c: d\n", 4, 1, "a key without ':'");
    assert_refused(f, HEAD "- a\n", 3, 3, "expected one 'name: value'");
    assert_refused(f, HEAD "- a: b\n  c: d\n", 3, 3, "expected one 'name: value'");
    assert_refused(f, HEAD "- a: [b]\n", 3, 3, "expected one 'name: value'");
    assert_refused(f, HEAD "- \"\": b\n", 3, 3, "an input's name is a line of text");
    assert_refused(f, HEAD "- a: \"b\\nc\"\n", 3, 6, "an input's value is a line of text");
    assert_refused(f, HEAD "- a: \"b\\u2028c\"\n", 3, 6, "an input's value is a line of text");
    assert_refused(f, HEAD "- a: sha256 12\n", 3, 6, "a SHA-256 has 64");
    assert_refused(f, HEAD "- a: sha256 " SHA "0\n", 3, 6, "a SHA-256 has 64");
    assert_refused(f, HEAD "- source commit: F498\n", 3, 18, "a commit has 40");
}

static void locked_twice(void **state)
{
    struct fixture *f = *state;
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;

    assert_refused(f, HEAD "- frozen a.py: x\n- b: c\n- frozen a.py: y\n", 5, 3,
                   "'frozen a.py' is locked twice");
    assert_contains(f->diags.errors[0]->hint, "on line 3 already");
    assert_true(read_text(f, HEAD "- qstr: a\n- qstr: b\n", &parts));
    assert_int_equal(parts.count, 2);
}

/* What lock_read() would refuse is not written, and what is there stays. */
static void not_written(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ char *manifest = manifest_at(f), *path = lock_path(manifest);
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;
    char name[600];

    fixture_write(f, "m.yaml.lock", "before");
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    key_add(&parts, KEY_PRODUCT, name, "x");
    assert_false(lock_write(manifest, &parts, &err));
    assert_error(&err, ERR_FAILED, "this cannot be locked: an input's name is a line of text");

    key_parts_release(&parts);
    for (int i = 0; i < 20000; i++)
        key_add(&parts, KEY_PRODUCT, "qstr", "x");
    assert_false(lock_write(manifest, &parts, &err));
    assert_error(&err, ERR_FAILED, "this cannot be locked: more than 50000 values");

    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_ok(fs_read(path, 100, &text, &err), &err);
    assert_string_equal(text.data, "before");
}

static void assert_differs(const struct key_parts *lock, const struct key_parts *now,
                           const char *message, const char *hint)
{
    struct err *err = NULL;

    assert_false(lock_check(lock, now, "m.yaml", &err));
    assert_non_null(err);
    assert_contains(err->hint, hint);
    assert_int_equal(err_exit_status(err), 3);
    assert_error(&err, ERR_FETCH, message);
}

static void the_first_difference(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_(key_parts_release) struct key_parts lock = KEY_PARTS_INIT, now = KEY_PARTS_INIT,
                                                  other = KEY_PARTS_INIT, less = KEY_PARTS_INIT;

    key_add_verbatim(&lock, "source ref", "v1");
    key_add_verbatim(&lock, "frozen it's.py", "sha256 " SHA);
    key_add_verbatim(&now, "source ref", "v1");
    key_add(&now, KEY_HOST, "host version", "13");
    key_add_verbatim(&now, "frozen it's.py", "sha256 " SHA);
    assert_ok(lock_check(&lock, &now, "m.yaml", &err), &err);

    key_add_verbatim(&now, "qstr", "new");
    assert_differs(&lock, &now, "m.yaml.lock does not have 'qstr', which is new now",
                   "firn lock --update='qstrs' m.yaml");

    key_add_verbatim(&other, "source ref", "v2");
    assert_differs(&lock, &other,
                   "'source ref' is not what is locked: m.yaml.lock has v1, it is v2 now",
                   "firn lock --update='source' m.yaml");

    key_add_verbatim(&less, "source ref", "v1");
    assert_differs(&lock, &less, "m.yaml.lock has 'frozen it's.py', which is gone",
                   "firn lock --update='frozen it'\\''s.py' m.yaml");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_as_it_is_documented),
        TEST(read_back_as_it_was),
        TEST(an_empty_lock),
        TEST(refused_at_its_place),
        TEST(locked_twice),
        TEST(not_written),
        cmocka_unit_test(the_first_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
