#include "builder/manifest.h"

#include "tests/unit/manifest_fixture.h"
#include "tests/unit/mboot_keys_fixture.h"

static const char everything[] =
    "firn: 1\n"
    "product: acme-2\n"
    "version: 1.10\n"
    "firmware: {interpreter: micropython, git: https://example.com/m.git, ref: v1.25.0}\n"
    "board: {port: stm32, name: PYBV11, variant: DP}\n"
    "toolchain: {name: arm-none-eabi, version: \">=12,<14\"}\n"
    "frozen:\n"
    "  - board\n"
    "  - module: main.py\n"
    "  - package: acme\n"
    "    base_path: src\n"
    "    files: [io.py]\n"
    "    opt: 3\n"
    "  - freeze_as_str: texts\n"
    "  - freeze_as_mpy: tree\n"
    "    script: sub\n"
    "  - freeze_mpy: vendor/filter.mpy\n"
    "  - require: aioble\n"
    "    library: mine\n"
    "  - include: $(MPY_DIR)/extmod/asyncio\n"
    "  - add_library: mine\n"
    "    library_path: src\n"
    "    prepend: true\n"
    "qstrs:\n"
    "  - file: qstrs.txt\n"
    "  - temperature\n"
    "config:\n"
    "  defines: {MICROPY_PY_THREAD: true, A: \"x y\", B: 0x10}\n"
    "  make: {MICROPY_VFS_LFS2: 1}\n"
    "c_modules: cmods/filter\n"
    "budget: {flash: 384K, import_ms: 250}\n"
    "check: {imports: [main, acme.io], expect: ready}\n"
    "flash: {usb: \"0483:df11\", enter: repl}\n"
    "firnd: {auto_build: true, follow: hourly, memory: 1.5G, cores: 4}\n";

static void write_everything(struct fixture *f)
{
    static const char *const files[] = {
        "main.py",
        "src/acme/io.py",
        "texts/a.py",
        "tree/sub/b.py",
        "vendor/filter.mpy",
        "qstrs.txt",
        "cmods/filter/micropython.mk",
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        fixture_write(f, files[i], "");
}

static void every_key_reaches_the_struct(void **state)
{
    struct fixture *f = *state;
    write_everything(f);
    const struct manifest *m = fixture_load_ok(f, everything);

    assert_string_equal(m->product, "acme-2");
    assert_string_equal(m->version, "1.10"); /* not 1.1 */
    assert_string_equal(m->firmware.git, "https://example.com/m.git");
    assert_string_equal(m->firmware.ref, "v1.25.0");
    assert_null(m->firmware.path);
    assert_string_equal(m->board.port, "stm32");
    assert_string_equal(m->board.name, "PYBV11");
    assert_string_equal(m->board.variant, "DP");
    assert_int_equal(m->board.name_node->line, 5);
    assert_string_equal(m->toolchain.name, "arm-none-eabi");
    assert_string_equal(m->toolchain.version, ">=12,<14");
    assert_string_equal(m->c_modules[0], "cmods/filter");
    assert_null(m->c_modules[1]);
    assert_true(m->budget.given[BUDGET_FLASH]);
    assert_int_equal(m->budget.value[BUDGET_FLASH], 384 * 1024);
    assert_int_equal(m->budget.value[BUDGET_IMPORT_MS], 250);
    assert_false(m->budget.given[BUDGET_HEAP_FREE]);
    assert_string_equal(m->check.imports[1], "acme.io");
    assert_string_equal(m->check.expect, "ready");
    assert_int_equal(m->flash.vendor, 0x0483);
    assert_int_equal(m->flash.product, 0xdf11);
    assert_string_equal(m->flash.enter, "repl");
    assert_true(m->firnd.auto_build && m->firnd.auto_build_given);
    assert_string_equal(m->firnd.follow, "hourly");
    assert_int_equal(m->firnd.memory, 1536 * 1024 * 1024);
    assert_int_equal(m->firnd.cores, 4);
}

static void frozen_entries_keep_their_parameters(void **state)
{
    struct fixture *f = *state;
    write_everything(f);
    const struct manifest *m = fixture_load_ok(f, everything);
    const struct freeze_entry *e = m->frozen;

    assert_int_equal(m->frozen_count, 9);
    for (size_t i = 0; i < m->frozen_count; i++)
        assert_int_equal(e[i].kind, i); /* the text above lists them in the order of the enum */
    assert_string_equal(e[FREEZE_MODULE].base_path, "");
    assert_int_equal(e[FREEZE_MODULE].opt, -1);
    assert_int_equal(e[FREEZE_MODULE].node->line, 9);
    assert_int_equal(e[FREEZE_MODULE].node->column, 13);
    assert_string_equal(e[FREEZE_PACKAGE].name, "acme");
    assert_string_equal(e[FREEZE_PACKAGE].base_path, "src");
    assert_string_equal(e[FREEZE_PACKAGE].files[0], "io.py");
    assert_int_equal(e[FREEZE_PACKAGE].opt, 3);
    assert_string_equal(e[FREEZE_AS_MPY].files[0], "sub");
    assert_string_equal(e[FREEZE_REQUIRE].library, "mine");
    assert_string_equal(e[FREEZE_ADD_LIBRARY].library, "src");
    assert_true(e[FREEZE_ADD_LIBRARY].prepend);
}

static void lists_of_names_keep_their_order(void **state)
{
    struct fixture *f = *state;
    write_everything(f);
    const struct manifest *m = fixture_load_ok(f, everything);

    assert_int_equal(m->qstr_count, 2);
    assert_string_equal(m->qstrs[0].file, "qstrs.txt");
    assert_null(m->qstrs[0].name);
    assert_string_equal(m->qstrs[1].name, "temperature");
    assert_int_equal(m->define_count, 3);
    assert_string_equal(m->defines[0].name, "MICROPY_PY_THREAD");
    assert_string_equal(m->defines[0].value, "1");
    assert_string_equal(m->defines[1].value, "x y");
    assert_string_equal(m->defines[2].value, "0x10");
    assert_int_equal(m->make_count, 1);
}

static void what_is_left_out_has_a_default(void **state)
{
    const struct manifest *m = fixture_load_ok(*state, MANIFEST_HEAD);

    assert_string_equal(m->firmware.interpreter, "micropython");
    assert_string_equal(m->flash.enter, "auto");
    assert_int_equal(m->flash.vendor, 0);
    assert_false(m->firnd.auto_build || m->firnd.auto_build_given);
    assert_null(m->firnd.follow);
    assert_int_equal(m->firnd.memory, 0);
    assert_int_equal(m->firnd.cores, 0);
    assert_null(m->board.port);
    assert_null(m->toolchain.name);
    assert_int_equal(m->frozen_count, 0);
    assert_null(m->c_modules[0]);
    assert_null(m->check.imports[0]);
    assert_null(m->roots[0]);
}

static void mboot_is_a_wish_or_a_mapping(void **state)
{
    assert_false(manifest_has_bootloader(fixture_load_ok(*state, MANIFEST_HEAD)));
    assert_true(manifest_has_bootloader(fixture_load_ok(*state, MANIFEST_HEAD "mboot: true\n")));
    assert_false(manifest_has_bootloader(fixture_load_ok(*state, MANIFEST_HEAD "mboot: false\n")));
    assert_true(manifest_has_bootloader(fixture_load_ok(*state, MANIFEST_HEAD "mboot: {}\n")));
    assert_false(
        manifest_has_bootloader(fixture_load_ok(*state, MANIFEST_HEAD "mboot: {build: false}\n")));
    fixture_write(*state, "keys/k.h", FIXTURE_KEYS);
    const struct manifest *m = fixture_load_ok(*state, MANIFEST_HEAD "mboot: {keys: keys/k.h}\n");
    assert_true(manifest_has_bootloader(m));
    assert_string_equal(m->mboot.keys, "keys/k.h");
    fixture_refused(*state, MANIFEST_HEAD "mboot: {keys: k.h}\n", 6, 15, "does not exist");
    fixture_write(*state, "keys/k.h", FIXTURE_SECRET_LINE FIXTURE_PUBLIC_LINE);
    fixture_refused(*state, MANIFEST_HEAD "mboot: {keys: keys/k.h}\n", 6, 15,
                    "'keys/k.h': no array mboot_pack_secretbox_key");
}

static void a_plain_word_must_be_a_string_to_others_too(void **state)
{
    static const char *const bad[] = {"12", "1e5", "-0.5", "0x1F", "true", "False", "null", "~"};
    static const char *const good[] = {"'12'", "v12", "1.2.3", "nan", "x", "dead-beef"};

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        _cleanup_free_ char *text = xasprintf(MANIFEST_HEAD "check: {expect: %s}\n", bad[i]);
        fixture_refused(*state, text, 6, 17, "expect must be a string, not ");
    }
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        _cleanup_free_ char *text = xasprintf(MANIFEST_HEAD "check: {expect: %s}\n", good[i]);
        fixture_load_ok(*state, text);
    }
}

static void ranges_and_patterns_have_edges(void **state)
{
    fixture_write(*state, "a.py", "");
    fixture_load_ok(*state, MANIFEST_HEAD "frozen: [{module: a.py, opt: 0}]\n");
    fixture_load_ok(*state, MANIFEST_HEAD "frozen: [{module: a.py, opt: 3}]\n");
    fixture_refused(*state, MANIFEST_HEAD "frozen: [{module: a.py, opt: 4}]\n", 6, 30,
                    "from 0 to 3");
    fixture_refused(*state, MANIFEST_HEAD "frozen: [{module: a.py, opt: -1}]\n", 6, 30,
                    "from 0 to 3");
    fixture_load_ok(*state, MANIFEST_HEAD "flash: {usb: \"ABCD:0000\"}\n");
    fixture_refused(*state, MANIFEST_HEAD "flash: {usb: \"0483:df111\"}\n", 6, 14, "0483:df11");
    fixture_refused(*state, MANIFEST_HEAD "flash: {usb: \"0483-df11\"}\n", 6, 14, "0483:df11");
    fixture_load_ok(*state, MANIFEST_HEAD "config: {make: {A: \"-misa=2 x,y\", B: \"\"}}\n");
    fixture_refused(*state, MANIFEST_HEAD "config: {make: {A: \"a`b\"}}\n", 6, 20, "its shell");
    fixture_refused(*state, MANIFEST_HEAD "config: {defines: {A: \"a\\nb\"}}\n", 6, 23, "one line");
}

static void errors_come_in_the_order_of_the_file(void **state)
{
    struct fixture *f = *state;

    assert_null(fixture_load(f, MANIFEST_HEAD "frozen:\n"
                                              "  - module: none.py\n"
                                              "  - modul: b.py\n"
                                              "flush: {}\n"
                                              "check: {expect: 1}\n"));
    assert_int_equal(f->diags.error_count, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(f->diags.errors[i]->line, 7 + i);
}

static void a_manifest_that_is_not_there(void **state)
{
    struct fixture *f = *state;

    assert_null(manifest_load("/nonexistent/m.yaml", &f->diags));
    assert_int_equal(f->diags.error_count, 1);
    assert_contains(f->diags.errors[0]->message, "/nonexistent/m.yaml");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH(every_key_reaches_the_struct),    WITH(frozen_entries_keep_their_parameters),
        WITH(lists_of_names_keep_their_order), WITH(what_is_left_out_has_a_default),
        WITH(mboot_is_a_wish_or_a_mapping),    WITH(a_plain_word_must_be_a_string_to_others_too),
        WITH(ranges_and_patterns_have_edges),  WITH(errors_come_in_the_order_of_the_file),
        WITH(a_manifest_that_is_not_there),
    };

    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
