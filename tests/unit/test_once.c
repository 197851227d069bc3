#include "builder/once.h"

#include "base/fs.h"
#include "tests/unit/unit.h"

/* What is made: a directory with one file. */
struct made {
    const char *dir;
    bool fails;
    unsigned takes, makes;
};

static bool take(void *data)
{
    struct made *made = data;
    _cleanup_free_ char *file = path_join(made->dir, "file");
    made->takes++;
    return fs_is_file(file);
}

static bool make(void *data, const char *temp, struct err **err)
{
    struct made *made = data;
    _cleanup_free_ char *kept = path_join(temp, "kept"), *file = path_join(kept, "file");
    made->makes++;
    if (!fs_mkdirs(kept, err) || !fs_write(file, "x", 1, 0644, err))
        return false;
    if (made->fails)
        return err_set(err, ERR_FAILED, "it cannot be made");
    return fs_publish_dir(kept, made->dir, err);
}

static void made_once_then_taken(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *root = NULL;
    assert_ok(fs_temp_dir("/tmp", &root, &err), &err);
    _cleanup_free_ char *dir = xasprintf("%s/a/b/key", root), *aside = xasprintf("%s.tmp", dir);
    _cleanup_free_ char *left = path_join(aside, "left"), *broken = path_join(dir, "broken");
    struct made made = {.dir = dir, .fails = true};
    const struct once once = {
        .dir = dir, .waiting = "waiting", .data = &made, .take = take, .make = make};

    /* A failure leaves nothing under the name, and nothing aside. */
    assert_false(once_get(&once, &err));
    assert_error(&err, ERR_FAILED, "it cannot be made");
    assert_false(fs_exists(dir));
    assert_false(fs_exists(aside));

    /* What a killed run left goes, and so does an entry that is not whole. */
    assert_ok(fs_mkdirs(left, &err) && fs_mkdirs(broken, &err), &err);
    made.fails = false;
    assert_ok(once_get(&once, &err), &err);
    assert_int_equal(made.makes, 2);
    assert_false(fs_exists(aside));
    assert_false(fs_exists(broken));
    assert_true(take(&made));

    assert_ok(once_get(&once, &err), &err);
    assert_int_equal(made.makes, 2);
    assert_ok(fs_remove_tree(root, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(made_once_then_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
