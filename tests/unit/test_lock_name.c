/* Which parts of a lock a name on the command line covers. */
#include "builder/lock_name.h"

#include "tests/unit/unit.h"

static void covered(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"source", "source commit"},
        {"source", "submodule lib/axtls url"},
        {"source commit", "source commit"},
        {"submodule", "submodule lib/axtls commit"},
        {"lib/axtls", "submodule lib/axtls commit"},
        {"toolchain", "toolchain file libc.a"},
        {"toolchain file gcc", "toolchain file gcc"},
        {"definition", "interpreter definition"},
        {"frozen", "frozen main.py"},
        {"main.py", "frozen main.py"},
        {"main.py", "frozen main.py as"},
        {"frozen main.py", "frozen main.py as"},
        {"acme", "frozen acme/io.py"},
        {"frozen source", "frozen source/main.py"},
        {"c_modules", "c_modules/filter/filter.c"},
        {"c_modules/filter", "c_modules/filter/filter.c"},
        {"c_modules/filter/filter.c", "c_modules/filter/filter.c"},
        {"qstr", "qstr"},
        {"qstrs", "qstr"},
        {"qstrs", "qstr line left out"},
        {"qstrs", "qstrs by QSTR_DEFS"},
        {"MICROPY_PY_THREAD", "define MICROPY_PY_THREAD"},
        {"aioble", "package aioble"},
        {"version", "version"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (!lock_name_covers(pairs[i][0], pairs[i][1]))
            fail_msg("'%s' does not cover '%s'", pairs[i][0], pairs[i][1]);
    }
}

static void not_covered(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", "frozen main.py"},
        {"version", "source version"},
        {"version", "toolchain version"},
        {"commit", "source commit"},
        {"froz", "frozen main.py"},
        {"main", "frozen main.py"},
        {"main.py", "frozen acme/main.py"},
        {"main.py", "frozen main.python"},
        {"io.py", "frozen acme/io.py"},
        {"filter.c", "c_modules/filter/filter.c"},
        {"c_modules/fil", "c_modules/filter/filter.c"},
        {"source", "frozen source/main.py"},
        {"submodule", "source commit"},
        {"qstrs", "frozen qstrs/a.py"},
        {"q", "qstr"},
        {"frozen main.py as", "frozen main.py"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (lock_name_covers(pairs[i][0], pairs[i][1]))
            fail_msg("'%s' covers '%s'", pairs[i][0], pairs[i][1]);
    }
}

/* The hint of a difference, followed, must not lead to the next one of the same cause. */
static void the_name_for_a_part_covers_it(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"source commit", "source"},
        {"submodule lib/axtls commit", "source"},
        {"toolchain file as", "toolchain"},
        {"qstr", "qstrs"},
        {"qstr module", "qstrs"},
        {"frozen main.py", "frozen main.py"},
        {"version", "version"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        assert_string_equal(lock_name_for(pairs[i][0]), pairs[i][1]);
        assert_true(lock_name_covers(pairs[i][1], pairs[i][0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covered),
        cmocka_unit_test(not_covered),
        cmocka_unit_test(the_name_for_a_part_covers_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
