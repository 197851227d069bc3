/* The real firmware-src/micropython.yaml, and small files that must be refused. */
#include "tests/unit/unit.h"

#include "base/fs.h"
#include "builder/interpreter.h"

static void fail_with(const struct diags *diags)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    diags_format_errors(diags, &text);
    if (diags->error_count)
        fail_msg("%s", text.data);
}

static struct interpreter *load_real(void)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct interpreter *in = interpreter_load(FIRN_SOURCE_DIR, "micropython", &diags);
    fail_with(&diags);
    assert_non_null(in);
    return in;
}

static const char *make_value(const struct target *target, const char *name)
{
    for (size_t i = 0; i < target->make_count; i++) {
        if (!strcmp(target->make[i].name, name))
            return target->make[i].value;
    }
    return NULL;
}

static void test_netduino2(void **state)
{
    (void)state;
    _cleanup_(interpreter_free_ptr) struct interpreter *in = load_real();
    const struct port *port = interpreter_port(in, "qemu");
    assert_non_null(port);
    const struct target *t = interpreter_target(port, "NETDUINO2");
    assert_int_equal(t->usb_vendor, 0x0483);
    assert_int_equal(t->usb_product, 0xdf11);
    assert_int_equal(t->link_map_count, 1);
    assert_int_equal(t->link_maps[0].link, 0);
    assert_int_equal(t->link_maps[0].flash, 0x08000000);
    assert_int_equal(t->link_maps[0].size, 1024 * 1024);
    assert_string_equal(t->emulator, "qemu-system-arm");
    assert_string_equal(t->machine, "netduino2");
    assert_string_equal(make_value(t, "MICROPY_HEAP_SIZE"), "81920");
    assert_string_equal(t->toolchain, "arm-none-eabi");
    assert_true(t->has_image);
}

static void test_a_board_overrides_its_port(void **state)
{
    (void)state;
    _cleanup_(interpreter_free_ptr) struct interpreter *in = load_real();
    const struct port *stm32 = interpreter_port(in, "stm32");
    assert_int_equal(interpreter_target(stm32, "PYBV11")->usb_vendor, 0x0483);
    assert_int_equal(interpreter_target(stm32, "ARDUINO_GIGA")->usb_vendor, 0x2341);
    assert_int_equal(interpreter_target(stm32, "MY_OWN")->usb_product, 0xdf11);
    const struct port *minimal = interpreter_port(in, "minimal");
    assert_false(minimal->frozen);
    assert_null(minimal->board_var);
    assert_false(interpreter_target(minimal, "host")->has_image);
    assert_string_equal(interpreter_target(minimal, "STM32F405")->toolchain, "arm-none-eabi");
    assert_string_equal(make_value(interpreter_target(minimal, "STM32F405"), "CROSS"), "1");
    assert_false(interpreter_target(interpreter_port(in, "unix"), "standard")->has_image);
    assert_null(interpreter_port(in, "esp8266"));
}

static void test_what_a_board_needs_is_data(void **state)
{
    (void)state;
    _cleanup_(interpreter_free_ptr) struct interpreter *in = load_real();
    const struct port *stm32 = interpreter_port(in, "stm32");
    assert_string_equal(stm32->board_files[0], "mpconfigboard.h");
    assert_string_equal(stm32->board_file_vars[0], "LD_FILES");
    assert_string_equal(stm32->board_variant_files, "mpconfigvariant_*.mk");
    assert_string_equal(stm32->board_usb_macro, "MICROPY_HW_ENABLE_USB");
    const struct port *minimal = interpreter_port(in, "minimal");
    assert_null(minimal->board_files[0]);
    assert_null(minimal->board_file_vars[0]);
    assert_null(minimal->board_variant_files);
}

static void test_a_ports_boot_loader(void **state)
{
    (void)state;
    _cleanup_(interpreter_free_ptr) struct interpreter *in = load_real();
    const struct bootloader_def *def = interpreter_port(in, "stm32")->bootloader;
    assert_string_equal(def->name, "mboot");
    assert_string_equal(def->dir, "ports/stm32/mboot");
    assert_int_equal(def->make_count, 1);
    assert_string_equal(def->make[0].name, "USE_MBOOT");
    assert_string_equal(def->make[0].value, "1");
    assert_string_equal(def->program_address_var, "TEXT0_ADDR");
    assert_string_equal(def->keys_var, "MBOOT_PACK_KEYS_FILE");
    assert_null(interpreter_port(in, "qemu")->bootloader);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(interpreter_is_name("PYBV11"));
    assert_true(interpreter_is_name("a-b_c.d+1"));
    assert_false(interpreter_is_name(""));
    assert_false(interpreter_is_name(".."));
    assert_false(interpreter_is_name("a/b"));
    assert_false(interpreter_is_name("a b"));
    assert_false(interpreter_is_name("\xc3\xa4"));
}

static void test_boards_are_found_by_name(void **state)
{
    (void)state;
    _cleanup_(interpreter_free_ptr) struct interpreter *in = load_real();
    size_t matches;
    assert_string_equal(interpreter_find_board(in, NULL, "PYBV11", &matches)->name, "stm32");
    assert_string_equal(interpreter_find_board(in, NULL, "NETDUINO2", &matches)->name, "qemu");
    assert_null(interpreter_find_board(in, NULL, "PYBV99", &matches));
    assert_int_equal(matches, 0);
    assert_string_equal(interpreter_nearest_board(in, NULL, "NETDUINO3"), "NETDUINO2");
    assert_null(interpreter_nearest_board(in, NULL, "whatever_this_is"));
}

static void test_boards_of_the_checkout_count(void **state)
{
    (void)state;
    _cleanup_(interpreter_free_ptr) struct interpreter *in = load_real();
    char *dir;
    size_t matches;
    struct err *err = NULL;
    assert_true(fs_temp_dir("/tmp", &dir, &err));
    _cleanup_free_ char *board = path_join(dir, "ports/stm32/boards/NEW_BOARD");
    _cleanup_free_ char *header = path_join(board, "mpconfigboard.h");
    assert_true(fs_mkdirs(board, &err));
    assert_null(interpreter_find_board(in, dir, "NEW_BOARD", &matches));
    assert_true(fs_write(header, "", 0, 0644, &err));
    assert_string_equal(interpreter_find_board(in, dir, "NEW_BOARD", &matches)->name, "stm32");
    assert_null(interpreter_find_board(in, dir, "..", &matches));
    _cleanup_(strv_release) struct strv names = STRV_INIT, listed = STRV_INIT;
    interpreter_list_boards(interpreter_port(in, "stm32"), dir, &names);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.items[0], "NEW_BOARD");
    interpreter_list_boards(interpreter_port(in, "minimal"), dir, &listed);
    assert_int_equal(listed.count, 2);
    assert_string_equal(listed.items[1], "host");
    assert_true(fs_remove_tree(dir, &err));
    free(dir);
}

/* Load a definition made of the given text and expect exactly this error. */
static void refuse(const char *text, const char *expected)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(buf_release) struct buf shown = BUF_INIT;
    struct err *err = NULL;
    char *dir;
    assert_true(fs_temp_dir("/tmp", &dir, &err));
    _cleanup_free_ char *sub = path_join(dir, "firmware-src");
    _cleanup_free_ char *path = path_join(sub, "x.yaml");
    assert_true(fs_mkdirs(sub, &err) && fs_write(path, text, strlen(text), 0644, &err));
    assert_null(interpreter_load(dir, "x", &diags));
    diags_format_errors(&diags, &shown);
    if (!strstr(shown.data, expected))
        fail_msg("expected '%s' in: %s", expected, shown.data);
    assert_true(fs_remove_tree(dir, &err));
    free(dir);
}

#define TOP "upstream: u\ndefault_ref: r\nmpy_cross: m\nlibrary: l\npython: p\nports:\n  a:\n"
#define PORT "    dir: d\n    elf: e\n    cflags_var: c\n    config_header: h\n"

static void test_wrong_definitions(void **state)
{
    (void)state;
    refuse("upstream: u\n", "default_ref");
    refuse(TOP PORT, "names no toolchain");
    refuse(TOP PORT "    toolchain: t\n    usb: 483:df11\n", "not a USB id");
    refuse(TOP PORT "    toolchain: t\n    usbs: x\n", "usbs");
    refuse(TOP PORT "    toolchain: t\n    boards: {B: {dir: x}}\n", "dir");
    refuse(TOP PORT "    toolchain: t\n    link: [{link: x, flash: 0, size: 1}]\n",
           "not an address");
    refuse(TOP PORT "    toolchain: t\n    make: [1]\n", "x.yaml:13:");
    refuse(TOP PORT "    toolchain: t\n    bootloader: mboot\n", "x.yaml:13:");
    refuse(TOP PORT "    toolchain: t\n    bootloader: {name: m, dir: d}\n", "'elf' is missing");
    refuse(TOP PORT "    toolchain: t\n    bootloader: {nam: m}\n", "did you mean 'name'");
    refuse(TOP PORT "    toolchain: t\n    board_files: pins.csv\n", "x.yaml:13:");
    refuse(TOP PORT "    toolchain: t\n    board_file_vars: [[LD_FILES]]\n", "x.yaml:13:");
}

static void test_unknown_interpreter_lists_the_known(void **state)
{
    (void)state;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    assert_null(interpreter_load(FIRN_SOURCE_DIR, "circuitpython", &diags));
    assert_string_equal(diags.errors[0]->message, "unknown interpreter 'circuitpython'");
    assert_string_equal(diags.errors[0]->hint, "there are: micropython");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netduino2),
        cmocka_unit_test(test_a_board_overrides_its_port),
        cmocka_unit_test(test_what_a_board_needs_is_data),
        cmocka_unit_test(test_a_ports_boot_loader),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_boards_are_found_by_name),
        cmocka_unit_test(test_boards_of_the_checkout_count),
        cmocka_unit_test(test_wrong_definitions),
        cmocka_unit_test(test_unknown_interpreter_lists_the_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
