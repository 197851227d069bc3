#include "tests/unit/source_fixture.h"

#include "builder/board_dfu.h"

#define MACRO "MICROPY_HW_ENABLE_USB"

/* A board with this header, deployed by this page ("" = none is named). */
static bool is_dfu(struct fixture *f, const char *name, const char *header, const char *deploy)
{
    _cleanup_(board_json_release) struct board_json json = BOARD_JSON_INIT;
    _cleanup_free_ char *path = xasprintf(BOARDS "%s", name);
    _cleanup_free_ char *file = xasprintf("%s/mpconfigboard.h", path);
    const char *const pages[] = {deploy, NULL};
    if (*deploy)
        json.deploy = pages;
    fixture_write(f, file, header);
    return board_dfu(interpreter_port(interpreter, "stm32"), name, f->dir, path, &json);
}

static void test_usb_and_a_page_that_says_so(void **state)
{
    struct fixture *f = *state;
    fixture_write(f, BOARDS "stlink.md", "By ST-Link.");
    assert_true(is_dfu(f, "A", "#define " MACRO " (1)\n", "../deploy.md"));
    assert_false(is_dfu(f, "A", "#define " MACRO " (0)\n", "../deploy.md"));
    assert_false(is_dfu(f, "A", "", "../deploy.md"));
    assert_false(is_dfu(f, "A", "#define " MACRO " (1)\n", "../stlink.md"));
    assert_false(is_dfu(f, "A", "#define " MACRO " (1)\n", "../none.md"));
    assert_true(is_dfu(f, "A", "#define " MACRO " (1)\n", ""));
    assert_false(is_dfu(f, "A", "", ""));
}

static void test_pages_outside_the_source_are_not_read(void **state)
{
    struct fixture *f = *state;
    fixture_write(f, "page.md", "DFU");
    _cleanup_free_ char *outside = path_join(f->dir, "page.md");
    fixture_link(f, "page.md", "link.md");
    assert_true(is_dfu(f, "A", "#define " MACRO " (1)\n", "../../../../page.md"));
    assert_false(is_dfu(f, "A", "#define " MACRO " (1)\n", "../../../../link.md"));
    assert_false(is_dfu(f, "A", "#define " MACRO " (1)\n", outside));
    assert_false(is_dfu(f, "A", "#define " MACRO " (1)\n", "../../../../../../etc/passwd"));
}

/* The definition knows no boot loader of MPS2_AN385, and a program has none. */
static void test_the_boot_loaders_id_has_to_be_known(void **state)
{
    struct fixture *f = *state;
    _cleanup_(board_json_release) struct board_json json = BOARD_JSON_INIT;
    const struct port *qemu = interpreter_port(interpreter, "qemu");
    const struct port *minimal = interpreter_port(interpreter, "minimal");
    assert_true(board_dfu(qemu, "NETDUINO2", f->dir, "ports/qemu/boards/NETDUINO2", &json));
    assert_false(board_dfu(qemu, "MPS2_AN385", f->dir, "ports/qemu/boards/MPS2_AN385", &json));
    assert_true(board_dfu(minimal, "STM32F405", f->dir, NULL, &json));
    assert_false(board_dfu(minimal, "host", f->dir, NULL, &json));
}

static void macro_is(struct fixture *f, const char *header, int expected)
{
    fixture_write(f, "b/h.h", header);
    assert_int_equal(board_dfu_macro(f->dir, "b/h.h", "ports/stm32", MACRO), expected);
}

static void test_what_a_header_defines(void **state)
{
    struct fixture *f = *state;
    macro_is(f, "#define " MACRO " (1)\n", 1);
    macro_is(f, "#define " MACRO " 1", 1);
    macro_is(f, "  #  define\t" MACRO "\t( 1 ) // on\r\n", 1);
    macro_is(f, "#define " MACRO " (0) // can be enabled\n", 0);
    macro_is(f, "#define " MACRO "\n", 0);
    macro_is(f, "#define " MACRO " (10)\n", 0);
    macro_is(f, "#define " MACRO " (1)\n#define " MACRO " (0)\n", 0);
    macro_is(f, "#define " MACRO "_HS (1)\n#define X" MACRO " (1)\n", -1);
    macro_is(f, "// #define " MACRO " (1)\n", -1);
    macro_is(f, "", -1);
}

static void test_headers_include_others(void **state)
{
    struct fixture *f = *state;
    fixture_write(f, "ports/stm32/boards/X/h.h", "#define " MACRO " (1)\n");
    fixture_write(f, "b/near.h", "#define " MACRO " (1)\n");
    macro_is(f, "#include \"boards/X/h.h\"\n", 1);
    macro_is(f, "#include \"near.h\"\n", 1);
    macro_is(f, "#include \"near.h\"\n#define " MACRO " (0)\n", 0);
    macro_is(f, "#include <near.h>\n", -1);
    macro_is(f, "#include \"none.h\"\n", -1);
    macro_is(f, "#include \"h.h\"\n#include \"h.h\"\n#define " MACRO " 1\n", 1); /* in a circle */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SOURCE_TEST(test_usb_and_a_page_that_says_so),
        SOURCE_TEST(test_pages_outside_the_source_are_not_read),
        SOURCE_TEST(test_the_boot_loaders_id_has_to_be_known),
        SOURCE_TEST(test_what_a_header_defines),
        SOURCE_TEST(test_headers_include_others),
    };
    return cmocka_run_group_tests(tests, load_interpreter, free_interpreter);
}
