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

/* Another board than the fixture's. */
static void open_other(struct sim_board *other, const char *model)
{
    struct err *err = NULL;
    sim_board_init(other, board_model_find(model), BOARD_TIMING_X8, 0);
    assert_ok(sim_board_open(other, NULL, &err), &err);
}

static void rests_of_a_unit_are_lost(void **state)
{
    (void)state;
    static const uint8_t data[40] = {0};
    struct sim_board other;
    open_other(&other, "stm32l476");
    const uint8_t *flash = other.memory[0].bytes;
    sim_board_write_us(&other, 0, 0x100, data, 13);
    assert_int_equal(flash[0x107], 0x00);
    assert_int_equal(flash[0x108], 0xFF);
    sim_board_write_us(&other, 0, 0x203, data, 13);
    assert_int_equal(flash[0x207], 0xFF);
    assert_int_equal(flash[0x208], 0x00);
    assert_int_equal(flash[0x20F], 0x00);
    assert_int_equal(flash[0x210], 0xFF);
    sim_board_write_us(&other, 0, 0x301, data, 6); /* fills none */
    assert_int_equal(flash[0x301], 0xFF);
    sim_board_release(&other);
    open_other(&other, "stm32h743");
    sim_board_write_us(&other, 0, 0, data, 40);
    assert_int_equal(other.memory[0].bytes[31], 0x00);
    assert_int_equal(other.memory[0].bytes[32], 0xFF);
    sim_board_release(&other);
}

static void some_flash_is_zero_when_erased(void **state)
{
    (void)state;
    struct sim_board other;
    open_other(&other, "stm32l152");
    const uint8_t *flash = other.memory[0].bytes;
    assert_int_equal(flash[0], 0x00);
    sim_board_write_us(&other, 0, 0, (const uint8_t *)"\x0F\x00\xFF\x01", 4);
    assert_memory_equal(flash, "\x0F\x00\xFF\x01", 4);
    assert_int_equal(other.memory[0].overwritten, 0);
    sim_board_write_us(&other, 0, 0, (const uint8_t *)"\xF0\x00\x00\x02", 4);
    assert_memory_equal(flash, "\xFF\x00\xFF\x03", 4);
    assert_int_equal(other.memory[0].overwritten, 3);
    sim_board_erase_sector_us(&other, 0);
    assert_memory_equal(flash, "\x00\x00\x00\x00", 4);
    sim_board_write_us(&other, 2, 0, (const uint8_t *)"\x0F\x12", 2); /* EEPROM */
    sim_board_write_us(&other, 2, 0, (const uint8_t *)"\xF0\x34", 2);
    assert_memory_equal(other.memory[2].bytes, "\xF0\x34", 2);
    sim_board_release(&other);
}

static void write_protection_says_nothing(void **state)
{
    (void)state;
    static const uint8_t data[0x10] = {0};
    uint8_t *flash = board.memory[0].bytes;
    board.memory[1].bytes[8] = 0xFD; /* nWRP of sector 1 */
    assert_true(sim_board_write_protect(&board, 2));
    sim_board_write_us(&board, 0, 0x3FF8, data, 16);
    assert_int_equal(flash[0x3FFF], 0x00);
    assert_int_equal(flash[0x4000], 0xFF);
    flash[0x4000] = flash[0x8000] = flash[0xC000] = 0x12;
    assert_int_equal(sim_board_erase_sector_us(&board, 0x4000), 0);
    assert_int_equal(sim_board_erase_sector_us(&board, 0x8000), 0);
    assert_int_equal(sim_board_erase_sector_us(&board, 0xC000), 400000);
    assert_int_equal(flash[0x4000], 0x12);
    assert_int_equal(flash[0x8000], 0x12);
    assert_int_equal(flash[0xC000], 0xFF);
    sim_board_erase_all_us(&board);
    assert_int_equal(flash[0x4000], 0x12);
    assert_int_equal(flash[0x3FFF], 0xFF);
    assert_false(sim_board_write_protect(&board, 12));
}

static void read_protection_is_in_the_option_bytes(void **state)
{
    (void)state;
    uint8_t *rdp = &board.memory[1].bytes[1];
    assert_int_equal(*rdp, 0xAA);
    sim_board_write_us(&board, 1, 1, (const uint8_t *)"\x55", 1);
    assert_false(board.read_protected); /* not before it starts again */
    sim_board_power_on(&board);
    assert_true(board.read_protected);
    board.memory[0].bytes[0] = 0x12;
    assert_int_equal(sim_board_unprotect_us(&board), 16800000);
    assert_int_equal(board.memory[0].bytes[0], 0xFF);
    assert_int_equal(*rdp, 0xAA);
    assert_false(board.read_protected);
    assert_true(sim_board_protect(&board));
    assert_int_not_equal(*rdp, 0xAA);
}

static void some_erase_all_at_once(void **state)
{
    (void)state;
    struct sim_board other;
    open_other(&other, "stm32l476");
    assert_int_equal(sim_board_erase_all_us(&other), 22000);
    assert_int_equal(other.counters.mass_erases, 1);
    assert_int_equal(other.counters.erase_us, 22000);
    sim_board_release(&other);
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
        cmocka_unit_test_setup_teardown(serials_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(erases_take_their_sector_and_time, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_do_what_the_area_allows, setup, teardown),
        cmocka_unit_test_setup_teardown(rests_of_a_unit_are_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(some_flash_is_zero_when_erased, setup, teardown),
        cmocka_unit_test_setup_teardown(write_protection_says_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(read_protection_is_in_the_option_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(some_erase_all_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(timing_models, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
