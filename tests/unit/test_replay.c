/* From what make would run to the script that finishes a product. */
#include "builder/replay.h"

#include "tests/unit/unit.h"

static const char *const OBJECTS[] = {"py/modsys.o", NULL};
static const char *const VARS[] = {"BOARD=A", "CFLAGS_EXTRA=-DX='1'", "-x=no name", NULL};
static const struct replay REPLAY = {.dir = "/src/port",
                                     .build = "/build",
                                     .elf = "firmware.elf",
                                     .objects = OBJECTS,
                                     .exported_vars = VARS};

/* False: err has what is wrong. */
static bool write_script(const char *const *lines, struct buf *script, struct err **err)
{
    _cleanup_(strv_release) struct strv v = STRV_INIT;
    strv_add_all(&v, lines);
    return replay_write(&REPLAY, &v, script, err);
}

static void objects_run_beside_the_rest_and_before_the_link(void **state)
{
    (void)state;
    static const char *const lines[] = {"# a comment",
                                        "echo \"CC modsys.c\"",
                                        "gcc -c \\",
                                        " -o /build/py/modsys.o modsys.c",
                                        "cp /build/py/modsys.d /build/py/modsys.P; sed x",
                                        "freeze -o /build/frozen_content.c",
                                        "gcc -o /build/firmware.elf.not x",
                                        "gcc -o /build/firmware.elf all",
                                        "size /build/firmware.elf",
                                        NULL};
    static const char expected[] = "set -e\n"
                                   "export BOARD='A'\n"
                                   "export CFLAGS_EXTRA='-DX='\\''1'\\'''\n"
                                   "cd '/src/port'\n"
                                   "( gcc -c \\\n -o /build/py/modsys.o modsys.c\n) &\np0=$!\n"
                                   "echo \"CC modsys.c\"\n"
                                   "freeze -o /build/frozen_content.c\n"
                                   "gcc -o /build/firmware.elf.not x\n"
                                   "wait $p0\n"
                                   "gcc -o /build/firmware.elf all\n"
                                   "size /build/firmware.elf\n";
    _cleanup_(buf_release) struct buf script = BUF_INIT;
    struct err *err = NULL;
    assert_ok(write_script(lines, &script, &err), &err);
    assert_string_equal(script.data, expected);
}

static void an_object_that_nobody_compiles_is_an_error(void **state)
{
    (void)state;
    static const char *const lines[] = {"gcc -o /build/firmware.elf all", NULL};
    _cleanup_(buf_release) struct buf script = BUF_INIT;
    struct err *err = NULL;
    assert_false(write_script(lines, &script, &err));
    assert_error(&err, ERR_FAILED, "0 of the product's 1 objects");
}

static void a_program_that_nobody_links_is_an_error(void **state)
{
    (void)state;
    static const char *const lines[] = {"gcc -o /build/py/modsys.o x", NULL};
    _cleanup_(buf_release) struct buf script = BUF_INIT;
    struct err *err = NULL;
    assert_false(write_script(lines, &script, &err));
    assert_error(&err, ERR_FAILED, "make would not link firmware.elf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_run_beside_the_rest_and_before_the_link),
        cmocka_unit_test(an_object_that_nobody_compiles_is_an_error),
        cmocka_unit_test(a_program_that_nobody_links_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
