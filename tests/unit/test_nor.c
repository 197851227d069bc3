#include "simulator/nor.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/unit.h"

static void programming_only_clears_bits(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct nor nor = NOR_INIT;
    assert_ok(nor_open(&nor, NULL, 16, 0xFF, &err), &err);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(nor.bytes[i], 0xFF);

    nor_program(&nor, 4, (const uint8_t[]){0x0F, 0xF0}, 2);
    assert_int_equal(nor.overwritten, 0);
    nor_program(&nor, 4, (const uint8_t[]){0xF0, 0xFF}, 2);
    assert_int_equal(nor.bytes[4], 0x00);
    assert_int_equal(nor.bytes[5], 0xF0);
    assert_int_equal(nor.overwritten, 2);

    nor_erase(&nor, 4, 1);
    assert_int_equal(nor.bytes[4], 0xFF);
    assert_int_equal(nor.bytes[5], 0xF0);
    nor_close(&nor);
    assert_null(nor.bytes);
}

static void a_file_keeps_the_bytes(void **state)
{
    (void)state;
    struct err *err = NULL;
    char dir[] = "/tmp/firn-nor-XXXXXX";
    assert_non_null(mkdtemp(dir));
    _cleanup_free_ char *path = path_join(dir, "flash");
    struct nor nor = NOR_INIT;
    assert_ok(nor_open(&nor, path, 4096, 0xFF, &err), &err);
    assert_int_equal(nor.bytes[4095], 0xFF);
    nor_program(&nor, 0, (const uint8_t[]){1, 2, 3}, 3);
    nor_close(&nor);

    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    assert_ok(fs_read(path, 8192, &bytes, &err), &err);
    assert_int_equal(bytes.len, 4096);
    assert_memory_equal(bytes.data, "\1\2\3\xFF", 4);

    assert_ok(nor_open(&nor, path, 4096, 0xFF, &err), &err);
    assert_int_equal(nor.bytes[1], 2);
    struct nor other = NOR_INIT;
    assert_false(nor_open(&other, path, 4096, 0xFF, &err));
    assert_error(&err, ERR_USAGE, "belongs to a board that is simulated just now");
    nor_close(&nor);
    assert_false(nor_open(&nor, path, 8192, 0xFF, &err));
    assert_error(&err, ERR_USAGE, "has 4096 bytes, the board's flash has 8192");
    assert_ok(fs_remove_tree(dir, &err), &err);
}

static void errors_name_the_file(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct nor nor = NOR_INIT;
    assert_false(nor_open(&nor, "/nonexistent/flash", 4096, 0xFF, &err));
    assert_error(&err, ERR_NOT_FOUND, "'/nonexistent/flash'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programming_only_clears_bits),
        cmocka_unit_test(a_file_keeps_the_bytes),
        cmocka_unit_test(errors_name_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
