/* The "commit" of a working copy changes with everything that make could read there. */
#include "builder/working_copy.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

static char dir[64];

static void write_text(const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_free_ char *parent = path_dirname(path);
    assert_ok(fs_mkdirs(parent, &err) && fs_write(path, text, strlen(text), 0644, &err), &err);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/firn-working-copy-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    write_text("outside/one.c", "1");
    write_text("outside/two.c", "2");
    write_text("copy/py/main.c", "main");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_ok(fs_remove_tree(dir, &err), &err);
    return 0;
}

/* Has it changed since the last call? */
static bool changed(void)
{
    static char last[64];
    struct err *err = NULL;
    _cleanup_(source_release) struct source source = SOURCE_INIT;
    _cleanup_free_ char *path = path_join(dir, "copy");
    assert_ok(working_copy_open(path, "copy", NULL, &source, &err), &err);
    bool same = !strcmp(last, source.commit);
    strcpy(last, source.commit);
    return !same;
}

static void link_to(const char *target)
{
    _cleanup_free_ char *path = path_join(dir, "copy/py/linked.c");
    (void)unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

static void files_count_and_output_does_not(void **state)
{
    (void)state;
    (void)changed();
    assert_false(changed());
    write_text("copy/py/main.c", "other");
    assert_true(changed());
    write_text("copy/py/more.c", "");
    assert_true(changed());
    write_text("copy/ports/unix/build-standard/firmware.o", "");
    write_text("copy/.git/index", "");
    assert_false(changed());
}

/* make reads through them. */
static void links_count(void **state)
{
    (void)state;
    (void)changed();
    link_to("../../outside/one.c");
    assert_true(changed());
    link_to("../../outside/two.c");
    assert_true(changed());
    write_text("outside/two.c", "changed");
    assert_true(changed());
    link_to("nowhere");
    assert_true(changed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_count_and_output_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_count, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
