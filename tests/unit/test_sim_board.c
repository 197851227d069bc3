#include "simulator/sim_board.h"

#include "tests/unit/unit.h"

static struct sim_board board;

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    sim_board_init(&board, board_model_find("stm32f405"), BOARD_TIMING_X8, 2);
    assert_ok(sim_board_open(&board, NULL, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_board_release(&board);
    return 0;
}

static void check_layout(unsigned area, const char *expected)
{
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    area_add_layout(&board.model->areas[area], &b);
    assert_string_equal(b.data, expected);
}

static void layouts_are_those_of_the_rom(void **state)
{
    (void)state;
    assert_int_equal(board_model_area_count(board.model), 4);
    check_layout(0, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg");
    check_layout(1, "@Option Bytes  /0x1FFFC000/01*016 e");
    check_layout(2, "@OTP Memory /0x1FFF7800/01*512 e,01*016 e");
    check_layout(3, "@Device Feature/0xFFFF0000/01*004 e");
    assert_int_equal(area_size(&board.model->areas[0]), 1024 * 1024);
}

static void models_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; board_model_names[i]; i++)
        assert_string_equal(board_model_find(board_model_names[i])->name, board_model_names[i]);
    assert_null(board_model_find("stm32z9"));
    enum board_timing_kind kind;
    assert_true(board_timing_parse("x32", &kind));
    assert_int_equal(kind, BOARD_TIMING_X32);
    assert_true(board_timing_parse("quick", &kind));
    assert_int_equal(kind, BOARD_TIMING_QUICK);
    assert_false(board_timing_parse("x16", &kind));
}

static void serials_differ(void **state)
{
    (void)state;
    struct sim_board other;
    sim_board_init(&other, board.model, BOARD_TIMING_ZERO, 3);
    assert_string_not_equal(board.serial, other.serial);
    assert_int_equal(strlen(board.serial), 12);
}

static void check_address(uint32_t address, int expected_area, uint32_t expected_offset)
{
    unsigned area = 99;
    uint32_t offset = 99;
    assert_int_equal(sim_board_locate(&board, address, &area, &offset), expected_area >= 0);
    if (expected_area < 0)
        return;
    assert_int_equal(area, expected_area);
    assert_int_equal(offset, expected_offset);
}

static void addresses(void **state)
{
    (void)state;
    check_address(0x08000000, 0, 0);
    check_address(0x080FFFFF, 0, 0xFFFFF);
    check_address(0x08100000, -1, 0);
    check_address(0x07FFFFFF, -1, 0);
    check_address(0x1FFFC00F, 1, 15);
    check_address(0x1FFFC010, -1, 0);
    check_address(0xFFFF0003, 3, 3);
    check_address(0xFFFFFFFF, -1, 0);
}

/* Fill the flash with zeros, erase the sector at an offset, and see what was erased. */
static void check_erase(uint32_t offset, uint32_t start, uint32_t size, unsigned ms)
{
    struct nor *flash = &board.memory[0];
    memset(flash->bytes, 0, flash->size);
    assert_int_equal(sim_board_erase_sector_us(&board, offset), ms * 1000);
    for (size_t i = 0; i < flash->size; i++)
        if ((flash->bytes[i] == 0xFF) != (i >= start && i < start + size))
            fail_msg("byte 0x%zx is 0x%02x", i, flash->bytes[i]);
}

static void erases_take_their_sector_and_time(void **state)
{
    (void)state;
    check_erase(0, 0, 0x4000, 400);
    check_erase(0x7FFF, 0x4000, 0x4000, 400);
    check_erase(0x10000, 0x10000, 0x10000, 1200);
    check_erase(0x20000, 0x20000, 0x20000, 2000);
    check_erase(0xFFFFF, 0xE0000, 0x20000, 2000);
    assert_int_equal(sim_board_erase_all_us(&board), (4 * 400 + 1200 + 7 * 2000) * 1000);
    assert_int_equal(board.memory[0].bytes[0x12345], 0xFF);
}

static void writes_do_what_the_area_allows(void **state)
{
    (void)state;
    const uint8_t first[] = {0x0F, 0x12}, second[] = {0xF0, 0xFF};
    assert_int_equal(sim_board_write_us(&board, 0, 0x100, first, 2), 32);
    sim_board_write_us(&board, 0, 0x100, second, 2);
    assert_int_equal(board.memory[0].bytes[0x100], 0x00);
    assert_int_equal(board.memory[0].overwritten, 2);
    sim_board_write_us(&board, 1, 0, first, 2);
    sim_board_write_us(&board, 1, 0, second, 2);
    assert_memory_equal(board.memory[1].bytes, second, 2);
    sim_board_write_us(&board, 2, 0, first, 2);
    sim_board_write_us(&board, 2, 0, second, 2);
    assert_memory_equal(board.memory[2].bytes, ((uint8_t[]){0x00, 0x12}), 2);
    sim_board_write_us(&board, 3, 0, first, 2);
    assert_int_equal(board.memory[3].bytes[0], 0xFF);
}

static void timing_models(void **state)
{
    (void)state;
    struct sim_board other;
    sim_board_init(&other, board.model, BOARD_TIMING_X32, 0);
    assert_int_equal(other.timing.erase_ms[2], 1000);
    assert_int_equal(other.timing.program_ns_per_byte, 4000);
    sim_board_init(&other, board.model, BOARD_TIMING_QUICK, 0);
    assert_int_equal(other.timing.erase_ms[2], 200);
    assert_int_equal(other.timing.program_ns_per_byte, 800);
    sim_board_init(&other, board.model, BOARD_TIMING_ZERO, 0);
    assert_int_equal(other.timing.erase_ms[2], 0);
    assert_int_equal(other.timing.read_ns_per_byte, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(layouts_are_those_of_the_rom, setup, teardown),
        cmocka_unit_test_setup_teardown(models_have_names, setup, teardown),
        cmocka_unit_test_setup_teardown(serials_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(erases_take_their_sector_and_time, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_do_what_the_area_allows, setup, teardown),
        cmocka_unit_test_setup_teardown(timing_models, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
