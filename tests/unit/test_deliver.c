/* All files in the output directory are of one build. */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/fs.h"
#include "builder/deliver.h"

static char *dir, *image, *out;

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    if (!fs_temp_dir("/tmp", &dir, &err))
        return -1;
    image = path_join(dir, "image");
    out = path_join(dir, "out");
    return fs_mkdirs(image, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    struct err *err = NULL;
    bool ok = fs_remove_tree(dir, &err);
    free(dir);
    free(image);
    free(out);
    return ok ? 0 : -1;
}

static void put(const char *in, const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(in, name);
    _cleanup_free_ char *parent = path_dirname(path);
    assert_ok(fs_mkdirs(parent, &err), &err);
    assert_ok(fs_write(path, text, strlen(text), 0644, &err), &err);
}

/* "name=content " of each, sorted. */
static void assert_out(const char *expected)
{
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(buf_release) struct buf all = BUF_INIT;
    assert_ok(fs_list(out, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        _cleanup_free_ char *path = path_join(out, names.items[i]);
        assert_ok(fs_read(path, 1000, &text, &err), &err);
        buf_addf(&all, "%s=%s ", names.items[i], text.data);
    }
    assert_string_equal(all.data, expected);
}

static void all_are_of_the_new_build(void **state)
{
    (void)state;
    struct err *err = NULL;
    put(out, "p-1.json", "old");
    put(out, "p-1.bin", "old"); /* the new one has none */
    put(out, "p-1.dfu", "old");
    put(out, "mine.txt", "mine");
    put(out, ".firn-new/p-1.hex", "left by a killed one");
    put(image, "p-1.json", "new");
    put(image, "p-1.dfu", "new");
    put(image, "build.log", "not for the user");
    assert_ok(deliver(image, "p-1", out, &err), &err);
    assert_out("mine.txt=mine p-1.dfu=new p-1.json=new ");
}

static void what_is_the_same_is_left_alone(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct stat before, after;
    _cleanup_free_ char *same = path_join(out, "p-1.json");
    put(image, "p-1.json", "same");
    put(image, "p-1.dfu", "first");
    assert_ok(deliver(image, "p-1", out, &err), &err);
    assert_int_equal(stat(same, &before), 0);
    put(image, "p-1.dfu", "second");
    assert_ok(deliver(image, "p-1", out, &err), &err);
    assert_int_equal(stat(same, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_out("p-1.dfu=second p-1.json=same ");
}

/* What cannot be written takes nothing away. */
static void a_failure_leaves_the_old_files(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *huge = path_join(image, "p-1.dfu");
    put(out, "p-1.json", "old");
    put(out, "p-1.dfu", "old");
    put(image, "p-1.json", "new");
    put(image, "p-1.dfu", "new");
    assert_int_equal(truncate(huge, 300 << 20), 0); /* more than is read */
    assert_false(deliver(image, "p-1", out, &err));
    assert_error(&err, ERR_FAILED, "cannot write the image to");
    assert_out("p-1.dfu=old p-1.json=old ");
    put(dir, "file", "");
    _cleanup_free_ char *file = path_join(dir, "file");
    assert_false(deliver(image, "p-1", file, &err));
    assert_error(&err, ERR_FAILED, "cannot write the image to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_are_of_the_new_build, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_the_same_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_leaves_the_old_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
