/* Paths as a sandbox has them, and back. */
#include "builder/view.h"

#include "tests/unit/unit.h"

static void check(char *got, const char *expected)
{
    if (expected)
        assert_string_equal(got, expected);
    else
        assert_null(got);
    free(got);
}

static void paths_are_translated_both_ways(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = SANDBOX_INIT;
    _cleanup_(view_release) struct view view = VIEW_INIT;
    box.on = true;
    view_add(&view, &box, "/home/u/p/cache/src", "/src");
    view_add(&view, &box, "/home/u/p", "/product");
    check(view_inside(&view, "/home/u/p/main.py"), "/product/main.py");
    check(view_inside(&view, "/home/u/p/cache/src/py"), "/src/py"); /* the first that fits */
    check(view_inside(&view, "/home/u/password"), NULL);
    check(view_outside(&view, "/product/lib/a.py"), "/home/u/p/lib/a.py");
    check(view_outside(&view, "/src"), "/home/u/p/cache/src");
    check(view_outside(&view, "/productive"), NULL);
    check(view_outside(&view, "/etc/shadow"), NULL);
    check(view_outside(&view, "/product/../etc/shadow"), NULL);
    check(view_outside(&view, "/product/lib/../main.py"), "/home/u/p/main.py");
}

static void off_changes_nothing(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = SANDBOX_INIT;
    _cleanup_(view_release) struct view view = VIEW_INIT;
    view_add(&view, &box, "/home/u/p", "/product");
    check(view_inside(&view, "/home/u/p/main.py"), "/home/u/p/main.py");
    check(view_outside(&view, "/elsewhere"), "/elsewhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_translated_both_ways),
        cmocka_unit_test(off_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
