#include "builder/frozen_files.h"

#include "tests/unit/manifest_fixture.h"

/* All entries of the manifest, as "target=path target=path ..." with paths beneath the fixture. */
static void assert_frozen(struct fixture *f, const char *frozen, const char *expected)
{
    _cleanup_free_ char *text = xasprintf(MANIFEST_HEAD "frozen:\n%s", frozen);
    _cleanup_(freeze_files_release) struct freeze_files files = FREEZE_FILES_INIT;
    _cleanup_(buf_release) struct buf got = BUF_INIT;
    const struct manifest *m = fixture_load_ok(f, text);

    for (size_t i = 0; i < m->frozen_count; i++)
        assert_true(freeze_files_list(&files, m, &m->frozen[i], &f->diags));
    for (size_t i = 0; i < files.count; i++)
        buf_addf(&got, "%s%s=%s", i ? " " : "", files.items[i].target,
                 files.items[i].path + strlen(m->dir) + 1);
    assert_string_equal(got.data, expected);
}

static void fill(struct fixture *f)
{
    fixture_write(f, "main.py", "");
    fixture_write(f, "src/acme/__init__.py", "");
    fixture_write(f, "src/acme/io/spi.py", "");
    fixture_write(f, "src/acme/io/notes.txt", "");
    fixture_write(f, "src/acme/Upper.py", "");
    fixture_write(f, "src/z.py", "");
    fixture_write(f, "vendor/filter.mpy", "");
    fixture_write(f, "vendor/deep/er.mpy", "");
}

static void names_are_those_of_manifestfile_py(void **state)
{
    struct fixture *f = *state;
    fill(f);

    assert_frozen(f, "  - module: main.py\n", "main.py=main.py");
    assert_frozen(f, "  - {module: acme/io/spi.py, base_path: src}\n",
                  "acme/io/spi.py=src/acme/io/spi.py");
    assert_frozen(f, "  - {package: acme, base_path: src}\n",
                  "acme/Upper.py=src/acme/Upper.py acme/__init__.py=src/acme/__init__.py "
                  "acme/io/spi.py=src/acme/io/spi.py");
    assert_frozen(f, "  - {package: acme, base_path: src, files: [io/spi.py]}\n",
                  "acme/io/spi.py=src/acme/io/spi.py");
    assert_frozen(f, "  - freeze_as_str: src/acme/io\n", "spi.py=src/acme/io/spi.py");
    assert_frozen(f, "  - freeze_as_str: src/z.py\n", "z.py=src/z.py");
    assert_frozen(f, "  - {freeze_as_mpy: src, script: acme/io}\n",
                  "acme/io/spi.py=src/acme/io/spi.py");
    assert_frozen(f, "  - {freeze_as_mpy: src, script: [z.py, acme/io]}\n",
                  "acme/io/spi.py=src/acme/io/spi.py z.py=src/z.py");
    assert_frozen(f, "  - freeze_mpy: vendor\n",
                  "deep/er.mpy=vendor/deep/er.mpy filter.mpy=vendor/filter.mpy");
    assert_frozen(f, "  - freeze_mpy: vendor/filter.mpy\n", "filter.mpy=vendor/filter.mpy");
}

static void python_directives_list_nothing(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "other/manifest.py", "");
    assert_frozen(f, "  - board\n  - require: aioble\n  - include: other\n", "");
    assert_false(freeze_kind_is_local(FREEZE_BOARD));
    assert_true(freeze_kind_is_local(FREEZE_MPY));
}

static void links_are_followed_inside(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "real/a.py", "");
    fixture_write(f, "pkg/b.py", "");
    fixture_link(f, "../real", "pkg/sub");
    assert_frozen(f, "  - package: pkg\n", "pkg/b.py=pkg/b.py pkg/sub/a.py=pkg/sub/a.py");
    fixture_link(f, "../nowhere", "pkg/dangling.py");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - package: pkg\n", 7, 14, "link to nothing");
}

static void a_circle_of_links_ends(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "pkg/a.py", "");
    fixture_link(f, ".", "pkg/again");
    fixture_link(f, ".", "pkg/andagain");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - package: pkg\n", 7, 14,
                    "leads through too many directories");
}

static void depth_has_a_limit(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf path = BUF_INIT, deep = BUF_INIT;

    buf_adds(&path, "pkg");
    for (int i = 0; i < FREEZE_DEPTH_MAX; i++)
        buf_adds(&path, "/d");
    buf_addf(&deep, "%s/a.py", path.data);
    fixture_write(f, deep.data, "");
    fixture_load_ok(f, MANIFEST_HEAD "frozen:\n  - package: pkg\n");
    buf_adds(&path, "/d/a.py");
    fixture_write(f, path.data, "");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - package: pkg\n", 7, 14, "too many directories");
}

static void nothing_found_is_an_error(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "pkg/readme.txt", "");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - package: pkg\n", 7, 14, "holds no .py file");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - freeze_mpy: pkg\n", 7, 17, "no .mpy file");
}

static void names_that_are_no_module(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "src/a.py", "");
    fixture_write(f, "b.py", "");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - {module: ../b.py, base_path: src}\n", 7, 14,
                    "put the directory into base_path");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - module: ./b.py\n", 7, 13, "base_path");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - module: src\n", 7, 13, "not a .py file");
    fixture_refused(f, MANIFEST_HEAD "frozen:\n  - {package: src, files: [../b.py]}\n", 7, 15,
                    "base_path");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(names_are_those_of_manifestfile_py),
        WITH(python_directives_list_nothing),
        WITH(links_are_followed_inside),
        WITH(a_circle_of_links_ends),
        WITH(depth_has_a_limit),
        WITH(nothing_found_is_an_error),
        WITH(names_that_are_no_module),
    };

    return cmocka_run_group_tests_name("frozen_files", tests, NULL, NULL);
}
