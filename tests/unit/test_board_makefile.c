#include "tests/unit/unit.h"

#include "base/fs.h"
#include "builder/board_makefile.h"

static void parse(struct board_makefile *mk, const char *text)
{
    board_makefile_parse(mk, text, strlen(text), NULL);
}

static void expands_to(const struct board_makefile *mk, const char *text, const char *expected)
{
    _cleanup_free_ char *value = board_makefile_expand(mk, text, NULL);
    if (!expected)
        assert_null(value);
    else
        assert_string_equal(value ? value : "(unknown)", expected);
}

static void test_a_board_of_the_source(void **state)
{
    (void)state;
    _cleanup_(board_makefile_release) struct board_makefile mk = BOARD_MAKEFILE_INIT;
    parse(&mk, "MCU_SERIES = f4\r\n"
               "CMSIS_MCU=STM32F405xx   # the chip\n"
               "AF_FILE := boards/stm32f405_af.csv\n"
               "  LD_FILES ::= boards/stm32f405.ld \\\n"
               "     boards/common_ifs.ld\n"
               "FROZEN_MANIFEST ?= $(BOARD_DIR)/manifest.py\n");
    expands_to(&mk, "$(MCU_SERIES)", "f4");
    expands_to(&mk, "stm32$(MCU_SERIES)xx_hal_conf.h", "stm32f4xx_hal_conf.h");
    expands_to(&mk, "${CMSIS_MCU}", "STM32F405xx");
    expands_to(&mk, "$(LD_FILES)", "boards/stm32f405.ld       boards/common_ifs.ld");
    expands_to(&mk, "$(FROZEN_MANIFEST)", NULL);
    board_makefile_set(&mk, "BOARD_DIR", "/x/ACME");
    expands_to(&mk, "$(FROZEN_MANIFEST)", "/x/ACME/manifest.py");
    assert_true(board_makefile_sets(&mk, "AF_FILE"));
    assert_false(board_makefile_sets(&mk, "TEXT0_ADDR"));
    assert_false(mk.incomplete);
}

static void test_assignments_in_makes_order(void **state)
{
    (void)state;
    _cleanup_(board_makefile_release) struct board_makefile mk = BOARD_MAKEFILE_INIT;
    parse(&mk, "A = 1\nA = 2\nA ?= 3\nA += 4\n"
               "export B = x\noverride C := y\n"
               "D != date\n"
               "E = $(A)$(B)\nF = $(F)\nG = $(H)\nH = $(G)\n");
    expands_to(&mk, "$(A)", "2 4");
    expands_to(&mk, "$(B)$(C)", "xy");
    expands_to(&mk, "$(D)", NULL);
    expands_to(&mk, "$(E)", "2 4x");
    expands_to(&mk, "$(F)", NULL);
    expands_to(&mk, "$(G)", NULL);
    expands_to(&mk, "$(A", NULL);
    expands_to(&mk, "$", NULL);
    expands_to(&mk, "$(wildcard *.c)", NULL);
}

static void test_conditions_are_not_certain(void **state)
{
    (void)state;
    _cleanup_(board_makefile_release) struct board_makefile mk = BOARD_MAKEFILE_INIT;
    parse(&mk, "ifeq ($(USE_MBOOT),1)\n"
               "LD_FILES = a.ld\n"
               "else\n"
               "LD_FILES = b.ld\n"
               "ifdef X\nLD_FILES = c.ld\nendif\n"
               "endif\n"
               "A = sure\n");
    assert_int_equal(mk.count, 4);
    assert_true(mk.items[0].conditional && mk.items[1].conditional && mk.items[2].conditional);
    expands_to(&mk, "$(LD_FILES)", NULL);
    expands_to(&mk, "$(A)", "sure");
    parse(&mk, "LD_FILES = d.ld\n");
    expands_to(&mk, "$(LD_FILES)", "d.ld");
}

static void test_rules_and_defines_assign_nothing(void **state)
{
    (void)state;
    _cleanup_(board_makefile_release) struct board_makefile mk = BOARD_MAKEFILE_INIT;
    parse(&mk, "all: A=1\n"
               "\tB = 2\n"
               "define C\nD = 3\nendef\n"
               "$(E) = 4\n"
               "# F = 5\n"
               "G\n= 6\n"
               "H = \\# 7\n");
    assert_int_equal(mk.count, 1);
    expands_to(&mk, "$(H)", "\\# 7");
}

static void test_what_is_unknown_can_be_replaced(void **state)
{
    (void)state;
    _cleanup_(board_makefile_release) struct board_makefile mk = BOARD_MAKEFILE_INIT;
    _cleanup_free_ char *value = board_makefile_expand(&mk, "stm32$(MCU_SERIES)xx_$X.h", "*");
    assert_string_equal(value, "stm32*xx_*.h");
}

static void write_file(const char *dir, const char *name, const char *text)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, name);
    assert_ok(fs_write(path, text, strlen(text), 0644, &err), &err);
}

static void load(struct board_makefile *mk, const char *dir)
{
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(dir, "board.mk");
    assert_ok(board_makefile_load(mk, path, dir, &err), &err);
}

static void test_included_makefiles_are_read(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *dir = NULL;
    _cleanup_(board_makefile_release) struct board_makefile a = BOARD_MAKEFILE_INIT,
                                                            b = BOARD_MAKEFILE_INIT,
                                                            c = BOARD_MAKEFILE_INIT;
    assert_ok(fs_temp_dir("/tmp", &dir, &err), &err);
    write_file(dir, "other.mk", "MCU_SERIES = h7\nifdef X\nendif\n");
    write_file(dir, "board.mk",
               "O = other\nMCU_SERIES = f4\n-include none.mk\ninclude $(O).mk\nY = 1\n");
    load(&a, dir);
    expands_to(&a, "$(MCU_SERIES)$(Y)", "h71");
    assert_false(a.incomplete);
    write_file(dir, "board.mk", "ifdef X\ninclude other.mk\nendif\n");
    load(&b, dir);
    expands_to(&b, "$(MCU_SERIES)", NULL);
    assert_true(board_makefile_sets(&b, "MCU_SERIES"));
    write_file(dir, "board.mk", "include none.mk\n");
    load(&c, dir);
    assert_true(c.incomplete);
    assert_ok(fs_remove_tree(dir, &err), &err);
}

static void test_there_is_a_most(void **state)
{
    (void)state;
    _cleanup_(board_makefile_release) struct board_makefile mk = BOARD_MAKEFILE_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    for (int i = 0; i < BOARD_MAKEFILE_MAX_ITEMS; i++)
        buf_addf(&text, "A%d = %d\n", i, i);
    parse(&mk, text.data);
    assert_false(mk.incomplete);
    expands_to(&mk, "$(A1999)", "1999");
    parse(&mk, "B = 1\n");
    assert_true(mk.incomplete);
    assert_false(board_makefile_sets(&mk, "B"));
}

/* Not for ever, neither in files nor in variables. */
static void test_circles_end(void **state)
{
    (void)state;
    struct err *err = NULL;
    _cleanup_free_ char *dir = NULL;
    _cleanup_(board_makefile_release) struct board_makefile mk = BOARD_MAKEFILE_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    assert_ok(fs_temp_dir("/tmp", &dir, &err), &err);
    write_file(dir, "board.mk", "include board.mk board.mk board.mk\n");
    load(&mk, dir);
    assert_true(mk.incomplete);
    assert_int_equal(mk.includes, BOARD_MAKEFILE_MAX_FILES);
    for (char name = 'A'; name < 'Z'; name++) {
        buf_addf(&text, "%c =", name);
        for (int i = 0; i < 1000; i++)
            buf_addf(&text, "$(%c)", name + 1);
        buf_adds(&text, "\n");
    }
    buf_adds(&text, "Z =\n");
    parse(&mk, text.data);
    expands_to(&mk, "$(A)", NULL);
    assert_ok(fs_remove_tree(dir, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_board_of_the_source),
        cmocka_unit_test(test_assignments_in_makes_order),
        cmocka_unit_test(test_conditions_are_not_certain),
        cmocka_unit_test(test_rules_and_defines_assign_nothing),
        cmocka_unit_test(test_what_is_unknown_can_be_replaced),
        cmocka_unit_test(test_included_makefiles_are_read),
        cmocka_unit_test(test_there_is_a_most),
        cmocka_unit_test(test_circles_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
