/* From a manifest's directives to files, and to the staging tree that is built. */
#include "tests/unit/unit.h"

#include "base/fs.h"
#include "builder/directives.h"
#include "builder/frozen.h"

#define HEAD                                                                                       \
    "firn: 1\nproduct: p\nversion: 1\nfirmware: {git: 'https://x.org/y', ref: v1}\n"               \
    "board: NETDUINO2\nfrozen:\n"

/* A directory with a few modules. */
static const struct {
    const char *path, *text;
} FILES[] = {
    {"main.py", "import acme\n"},      {"lib/acme/__init__.py", ""},
    {"lib/acme/io.py", "x = 1\n"},     {"lib/acme_io.py", "x = 2\n"},
    {"texts/b/words.py", "T = 1\n"},   {"texts/a.py", "T = 2\n"},
    {"other/a.py", "T = 3\n"},         {"dash/my-mod.py", "x = 1\n"},
    {"own/_firn_qstrs.py", "x = 1\n"}, {"bad.mpy", "no"},
};

struct fixture {
    char *dir, *manifest_path;
    struct diags diags;
    struct manifest *manifest;
    struct frozen frozen;
};

static void write_file(const char *dir, const char *name, const void *data, size_t size)
{
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_free_ char *parent = path_dirname(path);
    struct err *err = NULL;
    assert_ok(fs_mkdirs(parent, &err), &err);
    assert_ok(fs_write(path, data, size, 0644, &err), &err);
}

static int setup(void **state)
{
    static const unsigned char mpy[] = {'M', 6,   0,   31,  1,   0,   16, 'v',
                                        '/', 'f', 'i', '.', 'p', 'y', 0,  0};
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    assert_ok(fs_temp_dir("/tmp", &f->dir, &err), &err);
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++)
        write_file(f->dir, FILES[i].path, FILES[i].text, strlen(FILES[i].text));
    write_file(f->dir, "v.mpy", mpy, sizeof(mpy));
    f->manifest_path = path_join(f->dir, "p.yaml");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    frozen_release(&f->frozen);
    manifest_free(f->manifest);
    diags_release(&f->diags);
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    free(f->dir);
    free(f->manifest_path);
    free(f);
    return 0;
}

static bool expand(struct fixture *f, const char *directives, const struct evaluation *evaluation)
{
    _cleanup_free_ char *text = xasprintf(HEAD "%s", directives);
    write_file(f->dir, "p.yaml", text, strlen(text));
    f->manifest = manifest_load(f->manifest_path, &f->diags);
    return f->manifest && frozen_expand(&f->frozen, f->manifest, evaluation, &f->diags);
}

static void expand_good(struct fixture *f, const char *directives)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    bool ok = expand(f, directives, NULL);
    diags_format_errors(&f->diags, &text);
    if (!ok)
        fail_msg("%s", text.data);
}

/* Expansion fails, and the messages contain the part. */
static void refuse(struct fixture *f, const char *directives, const struct evaluation *evaluation,
                   const char *part)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_false(expand(f, directives, evaluation));
    diags_format_errors(&f->diags, &text);
    assert_contains(text.data, part);
}

static void test_every_form_in_one_order(void **state)
{
    struct fixture *f = *state;
    expand_good(f, "  - freeze_as_str: texts\n  - module: main.py\n"
                   "  - {package: acme, base_path: lib, opt: 2}\n  - freeze_mpy: v.mpy\n");
    static const char *const targets[] = {"a.py",       "acme/__init__.py", "acme/io.py",
                                          "b/words.py", "main.py",          "v/fi.py"};
    static const enum frozen_form forms[] = {FROZEN_SOURCE, FROZEN_BYTECODE, FROZEN_BYTECODE,
                                             FROZEN_SOURCE, FROZEN_BYTECODE, FROZEN_MPY};
    assert_int_equal(f->frozen.count, ARRAY_SIZE(targets));
    for (size_t i = 0; i < f->frozen.count; i++) {
        assert_string_equal(f->frozen.files[i].target, targets[i]);
        assert_int_equal(f->frozen.files[i].form, forms[i]);
    }
    assert_int_equal(f->frozen.files[2].opt, 2);
    assert_int_equal(f->frozen.files[4].opt, -1);
    assert_string_equal(f->frozen.files[2].data, "x = 1\n");
}

static void test_staging_is_explicit(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ char *stage = path_join(f->dir, "stage");
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_free_ char *manifest = path_join(stage, "manifest.py");
    const struct buf qstrs = {(char *)"M", 1, 0};
    expand_good(f, "  - freeze_as_str: texts\n  - {package: acme, base_path: lib, opt: 2}\n"
                   "  - freeze_mpy: v.mpy\n");
    assert_ok(fs_mkdirs(stage, &err), &err);
    assert_ok(frozen_stage(&f->frozen, &qstrs, stage, &err), &err);
    assert_ok(fs_read(manifest, 4096, &text, &err), &err);
    assert_string_equal(text.data, "# Written by firn: every frozen file, by name.\n"
                                   "freeze_as_str(\"str/0000\")\n"
                                   "freeze_as_mpy(\"mpy\", \"acme/__init__.py\", opt=2)\n"
                                   "freeze_as_mpy(\"mpy\", \"acme/io.py\", opt=2)\n"
                                   "freeze_as_str(\"str/0003\")\n"
                                   "freeze_mpy(\"bin\", \"0004.mpy\")\n"
                                   "freeze_mpy(\"bin\", \"qstrs.mpy\")\n");
    assert_ok(fs_walk(stage, 100, &files, &err), &err);
    static const char *const expected[] = {
        "bin/0004.mpy",   "bin/qstrs.mpy", "manifest.py",        "mpy/acme/__init__.py",
        "mpy/acme/io.py", "str/0000/a.py", "str/0003/b/words.py"};
    assert_int_equal(files.count, ARRAY_SIZE(expected));
    for (size_t i = 0; i < files.count; i++)
        assert_string_equal(files.items[i], expected[i]);
}

/* What a Python directive (the manifest's first entry) brought. */
static struct evaluation brought(struct fixture *f, struct evaluated_file *file, const char *name,
                                 const char *append)
{
    *file = (struct evaluated_file){.entry = 0,
                                    .path = path_join(f->dir, name),
                                    .target = xstrdup(path_basename(name)),
                                    .append = xstrdup(append),
                                    .form = FROZEN_BYTECODE,
                                    .opt = -1};
    return (struct evaluation){.files = file, .count = 1};
}

static void release_brought(struct evaluated_file *file)
{
    free(file->path);
    free(file->target);
    free(file->append);
}

static void test_python_directives_join_with_their_version(void **state)
{
    struct fixture *f = *state;
    struct evaluated_file file;
    const struct evaluation evaluation =
        brought(f, &file, "other/a.py", "\n\n__version__ = '1.2'\n");
    assert_true(expand(f, "  - board\n", &evaluation));
    assert_int_equal(f->frozen.count, 1);
    assert_string_equal(f->frozen.files[0].data, "T = 3\n\n\n__version__ = '1.2'\n");
    assert_int_equal(f->frozen.files[0].size, strlen(f->frozen.files[0].data));
    release_brought(&file);
}

static void test_two_of_one_name_are_refused_at_both_lines(void **state)
{
    struct fixture *f = *state;
    struct evaluated_file file;
    const struct evaluation evaluation = brought(f, &file, "other/a.py", "");
    refuse(f, "  - board\n  - freeze_as_str: texts\n", &evaluation, "'a.py' is frozen twice");
    assert_int_equal(f->diags.error_count, 2);
    assert_int_equal(f->diags.errors[0]->line, 7);
    assert_int_equal(f->diags.errors[1]->line, 8);
    assert_contains(f->diags.errors[1]->hint, "line 7 freezes it as bytecode");
    release_brought(&file);
}

static void test_the_same_file_again_is_one(void **state)
{
    struct fixture *f = *state;
    struct evaluated_file file;
    const struct evaluation evaluation = brought(f, &file, "main.py", "");
    assert_true(expand(f, "  - board\n  - module: main.py\n", &evaluation));
    assert_int_equal(f->frozen.count, 1);
    release_brought(&file);
}

static void test_a_mpy_and_a_module_by_the_embedded_name(void **state)
{
    struct fixture *f = *state;
    write_file(f->dir, "v/fi.py", "", 0);
    refuse(f, "  - freeze_mpy: v.mpy\n  - package: v\n", NULL, "'v/fi.py' is frozen twice");
}

static void test_names_that_are_one_in_c(void **state)
{
    struct fixture *f = *state;
    refuse(f, "  - {package: acme, base_path: lib}\n  - {module: acme_io.py, base_path: lib}\n",
           NULL, "'acme/io.py' and 'acme_io.py' cannot both be frozen as bytecode");
}

static void test_names_that_are_none_in_c(void **state)
{
    struct fixture *f = *state;
    refuse(f, "  - {module: my-mod.py, base_path: dash}\n", NULL, "only letters, digits and _");
}

static void test_source_may_have_any_name(void **state)
{
    struct fixture *f = *state;
    expand_good(f, "  - freeze_as_str: dash\n");
    assert_string_equal(f->frozen.files[0].target, "my-mod.py");
}

static void test_our_own_name(void **state)
{
    struct fixture *f = *state;
    refuse(f, "  - {module: _firn_qstrs.py, base_path: own}\n", NULL, "is firn's own");
}

static void test_a_mpy_that_is_none(void **state)
{
    struct fixture *f = *state;
    refuse(f, "  - freeze_mpy: bad.mpy\n", NULL, "bad.mpy: not a .mpy file");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_form_in_one_order),
        TEST(test_staging_is_explicit),
        TEST(test_python_directives_join_with_their_version),
        TEST(test_two_of_one_name_are_refused_at_both_lines),
        TEST(test_the_same_file_again_is_one),
        TEST(test_a_mpy_and_a_module_by_the_embedded_name),
        TEST(test_names_that_are_one_in_c),
        TEST(test_names_that_are_none_in_c),
        TEST(test_source_may_have_any_name),
        TEST(test_our_own_name),
        TEST(test_a_mpy_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
