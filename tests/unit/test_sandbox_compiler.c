/* How a compiler is reached that is on nobody's PATH, in the sandbox and outside. */
#include <stdlib.h>

#include "builder/sandbox.h"
#include "tests/unit/unit.h"

static void outside_the_sandbox_its_directory_comes_first(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = SANDBOX_INIT;
    setenv("PATH", "/usr/bin:/bin", 1);
    sandbox_set_compiler(&box, "/opt/store/bin/fake-gcc");
    _cleanup_(sandbox_release) struct sandbox copy = sandbox_fork(&box);
    assert_string_equal(sandbox_path_variable(&copy), "/opt/store/bin:/usr/bin:/bin");
    assert_null(box.toolchain_dir);
}

static void one_that_is_on_path_changes_nothing(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = SANDBOX_INIT;
    setenv("PATH", "/usr/bin:/bin", 1);
    sandbox_set_compiler(&box, "/usr/bin/env");
    assert_string_equal(sandbox_path_variable(&box), "/usr/bin:/bin");
}

static void in_the_sandbox_it_is_bound(void **state)
{
    (void)state;
    _cleanup_(sandbox_release) struct sandbox box = SANDBOX_INIT;
    box.on = true;
    sandbox_set_compiler(&box, "/opt/store/bin/fake-gcc");
    assert_string_equal(box.toolchain_dir, "/opt/store");
    assert_null(box.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outside_the_sandbox_its_directory_comes_first),
        cmocka_unit_test(one_that_is_on_path_changes_nothing),
        cmocka_unit_test(in_the_sandbox_it_is_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
