#include "tests/unit/manifest_fixture.h"

#define FREEZE_IT "frozen: [{module: a.py, base_path: %s}]\n"

static struct manifest *load(struct fixture *f, const char *roots, const char *base_path)
{
    _cleanup_free_ char *text =
        xasprintf(MANIFEST_HEAD "%s" FREEZE_IT, roots ? roots : "", base_path);

    return fixture_load(f, text);
}

/* The manifest is dir/m.yaml; what lies in outside/ is not beneath dir. */
static void make_outside(struct fixture *f, char *outside, size_t size)
{
    _cleanup_free_ char *manifest_dir = path_join(f->dir, "here");
    struct err *err = NULL;

    fixture_write(f, "outside/a.py", "");
    fixture_write(f, "outside/deep/a.py", "");
    assert_ok(fs_mkdirs(manifest_dir, &err), &err);
    snprintf(outside, size, "%s/outside", f->dir);
    strcat(f->dir, "/here");
}

static void undo_outside(struct fixture *f)
{
    f->dir[strlen(f->dir) - strlen("/here")] = '\0';
}

static void paths_stay_in_the_directory(void **state)
{
    struct fixture *f = *state;
    char outside[100];
    make_outside(f, outside, sizeof(outside));
    fixture_write(f, "in/a.py", "");

    assert_non_null(load(f, NULL, "in"));
    assert_non_null(load(f, NULL, "in/../in/."));
    assert_null(load(f, NULL, "../outside"));
    assert_contains(f->diags.errors[0]->message, "leaves the manifest's directory");
    assert_null(load(f, NULL, outside));
    assert_null(load(f, NULL, "../here-not"));
    assert_contains(f->diags.errors[0]->message, "leaves");
    fixture_link(f, outside, "link");
    assert_null(load(f, NULL, "link"));
    assert_contains(f->diags.errors[0]->message, "symbolic link that leads out");
    fixture_link(f, "in", "friendly");
    assert_non_null(load(f, NULL, "friendly"));
    undo_outside(f);
}

static void roots_open_further_directories(void **state)
{
    struct fixture *f = *state;
    char outside[100];
    make_outside(f, outside, sizeof(outside));
    _cleanup_free_ char *absolute = xasprintf("roots: [%s]\n", outside);

    assert_non_null(load(f, "roots: [../outside]\n", "../outside"));
    assert_string_equal(f->manifest->roots[0], outside);
    assert_non_null(load(f, "roots: ../outside/deep\n", "../outside/deep"));
    assert_null(load(f, "roots: [../outside/deep]\n", "../outside"));
    assert_non_null(load(f, absolute, outside));
    fixture_link(f, outside, "link");
    assert_non_null(load(f, "roots: [../outside]\n", "link"));
    assert_null(load(f, "roots: [../none]\n", "link"));
    undo_outside(f);
}

static void a_root_is_no_prefix(void **state)
{
    struct fixture *f = *state;
    char outside[100];
    make_outside(f, outside, sizeof(outside));
    fixture_write(f, "../outside-too/a.py", "");

    assert_null(load(f, "roots: [../outside]\n", "../outside-too"));
    undo_outside(f);
}

static void a_missing_part_gets_a_suggestion(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "source/drivers/a.py", "");
    assert_null(load(f, NULL, "sorce/drivers"));
    assert_string_equal(f->diags.errors[0]->hint, "did you mean 'source'?");
    assert_null(load(f, NULL, "source/driver"));
    assert_string_equal(f->diags.errors[0]->hint, "did you mean 'drivers'?");
    assert_null(load(f, NULL, "elsewhere/quite"));
    assert_null(f->diags.errors[0]->hint);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(paths_stay_in_the_directory),
        WITH(roots_open_further_directories),
        WITH(a_root_is_no_prefix),
        WITH(a_missing_part_gets_a_suggestion),
    };

    return cmocka_run_group_tests_name("manifest_paths", tests, NULL, NULL);
}
