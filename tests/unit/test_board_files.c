/* Boards outside the source, for the real definition and a source with a few files. */
#include "tests/unit/source_fixture.h"

#include "builder/board_files.h"

#define HEAD                                                                                       \
    "firn: 1\nproduct: unit\nversion: 1.0\n"                                                       \
    "firmware: {git: https://example.com/m.git, ref: v1}\n"
#define BOARD HEAD "board: {port: stm32, dir: ACME}\n"
#define MCU "MCU_SERIES = f4\nAF_FILE = boards/stm32f405_af.csv\n"
#define MAKEFILE MCU "LD_FILES = boards/stm32f405.ld $(BOARD_DIR)/acme.ld\n"

/* A board that has everything, and a source. */
static int set_up(void **state)
{
    fixture_setup(state);
    struct fixture *f = *state;
    fixture_write(f, "ACME/mpconfigboard.h", "");
    fixture_write(f, "ACME/mpconfigboard.mk", MAKEFILE);
    fixture_write(f, "ACME/pins.csv", "");
    fixture_write(f, "ACME/stm32f4xx_hal_conf.h", "");
    fixture_write(f, "ACME/acme.ld", "");
    fixture_write(f, "src/ports/stm32/boards/stm32f405.ld", "");
    fixture_write(f, "src/ports/stm32/boards/stm32f405_af.csv", "");
    fixture_write(f, "src/ports/stm32/boards/BASE/mpconfigboard.mk", MAKEFILE);
    fixture_write(f, "src/ports/qemu/mcu/arm/stm32.ld", "");
    return 0;
}

/* The errors, as text; "" for a complete board. Freed by the caller. */
static char *check_port(struct fixture *f, const char *text, const char *port, bool with_source)
{
    struct buf out = BUF_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    const struct manifest *m = fixture_load_ok(f, text);
    _cleanup_free_ char *dir = path_join(f->dir, m->board.dir);
    _cleanup_free_ char *source = path_join(f->dir, "src");
    bool ok = board_files_check(interpreter_port(interpreter, port), dir,
                                with_source ? source : NULL, m, &diags);
    assert_int_equal(ok, diags.error_count == 0);
    for (size_t i = 0; i < diags.error_count; i++) {
        assert_int_equal(diags.errors[i]->line, 5);
        assert_int_equal(err_exit_status(diags.errors[i]), 2);
        buf_addf(&out, "%s; %s\n", diags.errors[i]->message,
                 diags.errors[i]->hint ? diags.errors[i]->hint : "-");
    }
    return buf_detach(&out, NULL);
}

/* With this makefile the board is complete, or incomplete in this way. */
static void is(struct fixture *f, const char *makefile, const char *expected)
{
    fixture_write(f, "ACME/mpconfigboard.mk", makefile);
    _cleanup_free_ char *errors = check_port(f, BOARD, "stm32", true);
    _cleanup_free_ char *whole =
        *expected ? xasprintf("board 'ACME' is incomplete: %s\n", expected) : xstrdup("");
    assert_string_equal(errors, whole);
}

static void remove_file(struct fixture *f, const char *name)
{
    _cleanup_free_ char *path = path_join(f->dir, name);
    assert_int_equal(unlink(path), 0);
}

static void test_a_complete_board(void **state)
{
    struct fixture *f = *state;
    is(f, MAKEFILE, "");
    _cleanup_free_ char *errors = check_port(f, BOARD, "stm32", false);
    assert_string_equal(errors, "");
}

static void test_missing_files_are_one_error(void **state)
{
    struct fixture *f = *state;
    remove_file(f, "ACME/pins.csv");
    remove_file(f, "ACME/mpconfigboard.h");
    is(f, MAKEFILE,
       "it lacks mpconfigboard.h, pins.csv; "
       "copy from a board with the same MCU: 'firn boards --port stm32' lists them");
    remove_file(f, "ACME/mpconfigboard.mk");
    _cleanup_free_ char *errors = check_port(f, BOARD, "stm32", false);
    assert_contains(errors, "it lacks mpconfigboard.h, mpconfigboard.mk, pins.csv; ");
}

static void test_hal_conf_is_of_the_series(void **state)
{
    struct fixture *f = *state;
    is(f, "MCU_SERIES = h7\nAF_FILE = boards/stm32f405_af.csv\nLD_FILES = boards/stm32f405.ld\n",
       "it lacks stm32h7xx_hal_conf.h; "
       "copy from a board with the same MCU: 'firn boards --port stm32' lists them");
    /* One that cannot be known is any. */
    is(f, "MCU_SERIES = $(X)\nAF_FILE = boards/stm32f405_af.csv\nLD_FILES = boards/stm32f405.ld\n",
       "");
}

static void test_linker_scripts_are_looked_for(void **state)
{
    struct fixture *f = *state;
    is(f, MCU "LD_FILES = boards/stm32f406.ld\n",
       "LD_FILES in its mpconfigboard.mk names 'boards/stm32f406.ld', which is not there; "
       "did you mean 'boards/stm32f405.ld'?");
    is(f, MCU "LD_FILES = $(BOARD_DIR)/acne.ld\n",
       "LD_FILES in its mpconfigboard.mk names '$(BOARD_DIR)/acne.ld', which is not there; "
       "did you mean '$(BOARD_DIR)/acme.ld'?");
    is(f, MCU "LD_FILES = acme.ld\n",
       "LD_FILES in its mpconfigboard.mk names 'acme.ld', which is not there; "
       "paths are relative to the port's directory: write $(BOARD_DIR)/acme.ld");
    is(f, MCU "LD_FILES = stm32f405.ld\n", ""); /* the linker looks in boards, too */
    is(f, MCU "LD_FILES = $(wildcard none.ld *.ld)\n", "");
    is(f, MCU, "its mpconfigboard.mk sets no LD_FILES; -");
}

static void test_pin_functions_are_looked_for(void **state)
{
    struct fixture *f = *state;
    is(f, "MCU_SERIES = f4\nAF_FILE = boards/af.csv\nLD_FILES = boards/stm32f405.ld\n",
       "AF_FILE in its mpconfigboard.mk names 'boards/af.csv', which is not there; -");
}

static void test_of_conditional_ones_one_has_to_be_right(void **state)
{
    struct fixture *f = *state;
    is(f,
       MCU "ifeq ($(USE_MBOOT),1)\nLD_FILES = boards/none.ld\nelse\n"
           "LD_FILES = boards/stm32f405.ld\nendif\n",
       "");
    is(f,
       MCU "ifeq ($(USE_MBOOT),1)\nLD_FILES = boards/stm32f405.ld\nelse\n"
           "LD_FILES = boards/none.ld\nendif\n",
       "");
    is(f,
       MCU "ifeq ($(USE_MBOOT),1)\nLD_FILES = boards/one.ld\nelse\n"
           "LD_FILES = boards/two.ld\nendif\n",
       "LD_FILES in its mpconfigboard.mk names 'boards/two.ld', which is not there; -");
    is(f, MCU "LD_FILES = boards/stm32f405.ld\nLD_FILES += boards/two.ld\n",
       "LD_FILES in its mpconfigboard.mk names 'boards/two.ld', which is not there; -");
}

static void test_another_boards_makefile_is_read(void **state)
{
    struct fixture *f = *state;
    is(f, "include boards/BASE/mpconfigboard.mk\n", "");
    is(f, "include boards/BASE/mpconfigboard.mk\nLD_FILES = boards/none.ld\n",
       "LD_FILES in its mpconfigboard.mk names 'boards/none.ld', which is not there; -");
    is(f, "include $(UNKNOWN)\n", "");
}

static void test_the_manifests_variables_count(void **state)
{
    struct fixture *f = *state;
    fixture_write(f, "ACME/mpconfigboard.mk", MCU);
    _cleanup_free_ char *errors =
        check_port(f, BOARD "config: {make: {LD_FILES: boards/stm32f405.ld}}\n", "stm32", true);
    assert_string_equal(errors, "");
}

/* Without the source only what is in the board's directory can be missed. */
static void test_without_a_source(void **state)
{
    struct fixture *f = *state;
    fixture_write(f, "ACME/mpconfigboard.mk",
                  MCU "LD_FILES = boards/none.ld $(BOARD_DIR)/none.ld\n");
    _cleanup_free_ char *errors = check_port(f, BOARD, "stm32", false);
    assert_string_equal(errors,
                        "board 'ACME' is incomplete: LD_FILES in its mpconfigboard.mk names "
                        "'$(BOARD_DIR)/none.ld', which is not there; -\n");
}

static void test_other_ports(void **state)
{
    struct fixture *f = *state;
    const char *text = HEAD "board: {port: qemu, dir: VIRT}\n";
    fixture_write(f, "VIRT/mpconfigboard.mk", "LDSCRIPT = mcu/arm/stm32.ld\n");
    _cleanup_free_ char *complete = check_port(f, text, "qemu", true);
    assert_string_equal(complete, "");
    fixture_write(f, "VIRT/mpconfigboard.mk", "LDSCRIPT = mcu/arm/none.ld\n");
    _cleanup_free_ char *errors = check_port(f, text, "qemu", true);
    assert_contains(errors, "LDSCRIPT in its mpconfigboard.mk names 'mcu/arm/none.ld'");
}

static void test_variants_are_files(void **state)
{
    struct fixture *f = *state;
    _cleanup_(strv_release) struct strv names = STRV_INIT, none = STRV_INIT;
    _cleanup_free_ char *dir = path_join(f->dir, "ACME");
    fixture_write(f, "ACME/mpconfigvariant_THREAD.mk", "");
    fixture_write(f, "ACME/mpconfigvariant_DP_THREAD.mk", "");
    fixture_write(f, "ACME/mpconfigvariant.mk", "");
    fixture_write(f, "ACME/mpconfigvariant_DP.mk.orig", "");
    board_files_variants(interpreter_port(interpreter, "stm32"), dir, &names);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "DP_THREAD");
    assert_string_equal(names.items[1], "THREAD");
    board_files_variants(interpreter_port(interpreter, "qemu"), dir, &none);
    assert_int_equal(none.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_complete_board),
        TEST(test_missing_files_are_one_error),
        TEST(test_hal_conf_is_of_the_series),
        TEST(test_linker_scripts_are_looked_for),
        TEST(test_pin_functions_are_looked_for),
        TEST(test_of_conditional_ones_one_has_to_be_right),
        TEST(test_another_boards_makefile_is_read),
        TEST(test_the_manifests_variables_count),
        TEST(test_without_a_source),
        TEST(test_other_ports),
        TEST(test_variants_are_files),
    };
    return cmocka_run_group_tests(tests, load_interpreter, free_interpreter);
}
