#include "tests/unit/unit.h"

#include "builder/mpy_file.h"

/* What mpy-cross v1.25.0 wrote for a module "a/bad.py" with a native function, -march=armv7m. */
static const unsigned char NATIVE[] = {0x4d, 0x06, 0x17, 0x1f, 0x04, 0x01, 0x10, 'a', '/',
                                       'b',  'a',  'd',  '.',  'p',  'y',  0x00, 0x0f};

static void test_head(void **state)
{
    (void)state;
    _cleanup_(mpy_head_release) struct mpy_head head = MPY_HEAD_INIT;
    struct err *err = NULL;
    assert_true(mpy_head_read(NATIVE, sizeof(NATIVE), &head, &err));
    assert_int_equal(head.version, 6);
    assert_int_equal(head.sub_version, 3);
    assert_string_equal(mpy_arch_name(head.arch), "armv7m");
    assert_int_equal(head.small_int_bits, 31);
    assert_string_equal(head.name, "a/bad.py");
}

static void test_architecture_flags_are_skipped(void **state)
{
    (void)state;
    const unsigned char data[] = {'M', 6, 0x17 | 0x40, 31, 0x81, 0x01, 1, 0, 8, 'x', '.', 'p', 'y'};
    _cleanup_(mpy_head_release) struct mpy_head head = MPY_HEAD_INIT;
    struct err *err = NULL;
    assert_true(mpy_head_read(data, sizeof(data), &head, &err));
    assert_string_equal(head.name, "x.py");
    assert_string_equal(mpy_arch_name(head.arch), "armv7m");
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < 15; size++) {
        _cleanup_(mpy_head_release) struct mpy_head head = MPY_HEAD_INIT;
        _cleanup_err_ struct err *err = NULL;
        assert_false(mpy_head_read(NATIVE, size, &head, &err));
        assert_null(head.name);
    }
}

static void test_other_files(void **state)
{
    (void)state;
    _cleanup_(mpy_head_release) struct mpy_head head = MPY_HEAD_INIT;
    _cleanup_err_ struct err *err = NULL;
    assert_false(mpy_head_read("import x", 8, &head, &err));
    const unsigned char old[] = {'M', 5, 2, 31, 32, 0};
    struct err *none = NULL;
    assert_true(mpy_head_read(old, sizeof(old), &head, &none));
    assert_int_equal(head.version, 5);
    assert_null(head.name);
    const unsigned char huge[] = {'M',  6,    0,    31,   1,    0,    0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
    assert_false(mpy_head_read(huge, sizeof(huge), &head, &none));
    err_free(none);
}

static void test_architectures(void **state)
{
    (void)state;
    unsigned m0 = mpy_arch_number("armv6m"), m3 = mpy_arch_number("armv7m"),
             m4 = mpy_arch_number("armv7emsp"), riscv = mpy_arch_number("rv32imc");
    assert_int_equal(mpy_arch_number("z80"), 0);
    assert_true(mpy_arch_runs(m3, m3));
    assert_true(mpy_arch_runs(m0, m4));
    assert_false(mpy_arch_runs(m4, m3));
    assert_false(mpy_arch_runs(m3, riscv));
    assert_false(mpy_arch_runs(riscv, m3));
    assert_false(mpy_arch_runs(mpy_arch_number("x64"), m3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_architecture_flags_are_skipped),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_architectures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
