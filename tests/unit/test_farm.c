/* Links to a base's objects, and what is written beside them. */
#include "builder/farm.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

static char root[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/firn-farm-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;
    return fs_remove_tree(root, &err) ? 0 : -1;
}

static void put(const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(root, name), *parent = path_dirname(path);
    assert_ok(fs_mkdirs(parent, &err) && fs_write(path, text, strlen(text), 0644, &err), &err);
}

static void assert_text(const char *name, const char *expected)
{
    struct err *err = NULL;
    _cleanup_(buf_release) struct buf got = BUF_INIT;
    _cleanup_free_ char *path = path_join(root, name);
    assert_ok(fs_read(path, 1000, &got, &err), &err);
    assert_string_equal(got.data, expected);
}

/* Where it leads; "" for what is no link. The caller frees. */
static char *target_of(const char *name)
{
    char target[256] = "";
    _cleanup_free_ char *path = path_join(root, name);
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    if (S_ISLNK(st.st_mode))
        assert_true(readlink(path, target, sizeof(target) - 1) > 0);
    return xstrdup(target);
}

static void assert_link(const char *name, const char *expected)
{
    _cleanup_free_ char *target = target_of(name);
    assert_string_equal(target, expected);
}

static bool make(const char *from_at, const char *const *written, struct err **err)
{
    _cleanup_(strv_release) struct strv list = STRV_INIT;
    _cleanup_free_ char *from = path_join(root, "base"), *to = path_join(root, "build");
    strv_add_all(&list, written);
    return farm_make(from, from_at ? from_at : from, to, &list, err);
}

static void put_base(void)
{
    put("base/main.o", "main");
    put("base/py/modsys.o", "modsys");
    put("base/py/deep/vm.o", "vm");
    put("base/pyexec/a.o", "a");
    put("base/lib/m/sin.o", "sin");
}

static void everything_is_there_as_links(void **state)
{
    (void)state;
    struct err *err = NULL;
    put_base();
    assert_ok(make(NULL, (const char *const[]){"firmware.elf", NULL}, &err), &err);
    assert_text("build/main.o", "main");
    assert_text("build/py/deep/vm.o", "vm");
    assert_text("build/lib/m/sin.o", "sin");
}

/* One link for a directory that nothing is written into; its name, begun with another's, is not
 * that one. */
static void directories_that_are_written_are_real(void **state)
{
    (void)state;
    struct err *err = NULL;
    put_base();
    assert_ok(make("/base/obj", (const char *const[]){"py/new.o", "lib/m/cos.o", NULL}, &err),
              &err);
    assert_link("build/main.o", "/base/obj/main.o");
    assert_link("build/py", "");
    assert_link("build/py/modsys.o", "/base/obj/py/modsys.o");
    assert_link("build/py/deep", "/base/obj/py/deep");
    assert_link("build/pyexec", "/base/obj/pyexec");
    assert_link("build/lib", "");
    assert_link("build/lib/m", "");
    assert_link("build/lib/m/sin.o", "/base/obj/lib/m/sin.o");
}

static void the_base_stays_as_it_is(void **state)
{
    (void)state;
    struct err *err = NULL;
    put_base();
    assert_ok(make(NULL, (const char *const[]){"py/new.o", NULL}, &err), &err);
    put("build/py/new.o", "new");
    put("build/py/modsys.o", "replaced"); /* by rename */
    assert_text("base/py/modsys.o", "modsys");
    _cleanup_free_ char *beside = path_join(root, "base/py/new.o");
    assert_false(fs_exists(beside));
}

static void what_is_there_already_stays(void **state)
{
    (void)state;
    struct err *err = NULL;
    put_base();
    put("build/main.o", "mine");
    put("build/py/modsys.o", "mine, too");
    assert_ok(make(NULL, (const char *const[]){"py/modsys.o", NULL}, &err), &err);
    assert_text("build/main.o", "mine");
    assert_text("build/py/modsys.o", "mine, too");
    assert_text("build/py/deep/vm.o", "vm");
}

/* The base has a file where the product wants a directory: it is the maker's business. */
static void a_file_is_linked_whatever_is_written_below_it(void **state)
{
    (void)state;
    struct err *err = NULL;
    put_base();
    assert_ok(make("/b", (const char *const[]){"main.o/x", NULL}, &err), &err);
    assert_link("build/main.o", "/b/main.o");
}

static void a_base_that_is_gone(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_false(make(NULL, (const char *const[]){NULL}, &err));
    assert_error(&err, ERR_NOT_FOUND, "/base");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(everything_is_there_as_links),
        TEST(directories_that_are_written_are_real),
        TEST(the_base_stays_as_it_is),
        TEST(what_is_there_already_stays),
        TEST(a_file_is_linked_whatever_is_written_below_it),
        TEST(a_base_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
