/* What ST's ROMs do besides the state machine, which test_dfu_device.c goes through. */
#include "tests/unit/dfu_host.h"

static int setup(void **state)
{
    (void)state;
    return host_start("stm32f405", BOARD_TIMING_ZERO);
}

static int setup_h743v(void **state)
{
    (void)state;
    return host_start("stm32h743v", BOARD_TIMING_ZERO);
}

static int setup_l476(void **state)
{
    (void)state;
    return host_start("stm32l476", BOARD_TIMING_X8);
}

static int setup_gd32(void **state)
{
    (void)state;
    return host_start("gd32vf103", BOARD_TIMING_ZERO);
}

static int setup_f767(void **state)
{
    (void)state;
    return host_start("stm32f767", BOARD_TIMING_X8);
}

/* ---- protection ----------------------------------------------------------------------------- */

static void read_protection_is_errVENDOR(void **state)
{
    (void)state;
    assert_true(sim_board_protect(&board));
    command(DFUSE_SET_ADDRESS, HOST_FLASH);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    abort_to_idle();
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 16), USB_STALL);
    check_status(DFU_STATE_ERROR, DFU_STATUS_VENDOR, 0);
    clear_error();
    command(DFUSE_ERASE, HOST_FLASH);
    finish(DFU_STATE_ERROR, DFU_STATUS_VENDOR);
    clear_error();
    download(0, "\x41", 1);
    finish(DFU_STATE_ERROR, DFU_STATUS_VENDOR);
    clear_error();
    download(2, "abcd", 4);
    finish(DFU_STATE_ERROR, DFU_STATUS_VENDOR);
    clear_error();
    assert_int_equal(board.memory[0].bytes[0], 0xFF);
    assert_int_equal(request(IN, DFU_UPLOAD, 0, NULL, 4), USB_DONE); /* the commands */
}

static void unprotecting_is_the_way_out(void **state)
{
    (void)state;
    board.memory[0].bytes[0x1234] = 0;
    assert_true(sim_board_protect(&board));
    download(0, "\x92", 1);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_RESTARTS);
    dfu_device_power_on(&dfu);
    assert_false(board.read_protected);
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 4), USB_DONE);
    assert_int_equal(board.memory[0].bytes[0x1234], 0xFF);
}

static void option_bytes_protect_after_the_restart(void **state)
{
    (void)state;
    static const uint8_t options[] = {0xEC, 0x00};
    command(DFUSE_SET_ADDRESS, 0x1FFFC000);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(2, options, 2);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_RESTARTS);
    dfu_device_power_on(&dfu);
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 16), USB_STALL);
}

static void write_protection_is_success(void **state)
{
    (void)state;
    assert_true(sim_board_write_protect(&board, 0));
    board.memory[0].bytes[0] = 0x12;
    command(DFUSE_ERASE, HOST_FLASH);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(2, "\x00", 1);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(board.memory[0].bytes[0], 0x12);
}

/* ---- quirks --------------------------------------------------------------------------------- */

static void some_stall_early_polls(void **state)
{
    (void)state;
    command(DFUSE_ERASE, HOST_FLASH);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 100);
    fake_clock_advance(&fake, 99999);
    assert_int_equal(request(IN, DFU_GETSTATUS, 0, NULL, 6), USB_STALL);
    assert_int_equal(reply.delay_us, 0);
    assert_int_equal(dfu.counters.early_polls, 1);
    fake_clock_advance(&fake, 1);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(dfu.counters.early_polls, 1);
}

static void the_announced_time_begins_with_the_answer(void **state)
{
    (void)state;
    sim_board_set_bus(&board, BUS_TIMING_FRAME);
    command(DFUSE_ERASE, HOST_FLASH);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 100);
    fake_clock_advance(&fake, reply.delay_us + 99999);
    assert_int_equal(request(IN, DFU_GETSTATUS, 0, NULL, 6), USB_STALL);
    fake_clock_advance(&fake, 1);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
}

static void revision_V_wedges_in_its_second_bank(void **state)
{
    (void)state;
    board.memory[0].bytes[0x100000] = 0;
    command(DFUSE_ERASE, HOST_FLASH + 0xE0000);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    command(DFUSE_ERASE, HOST_FLASH + 0x100000);
    for (int i = 0; i < 5; i++)
        check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    assert_int_equal(request(OUT, DFU_CLRSTATUS, 0, NULL, 0), USB_DONE);
    check_status(DFU_STATE_ERROR, DFU_STATUS_UNKNOWN, 0);
    clear_error();
    assert_int_equal(board.memory[0].bytes[0x100000], 0xFF);
}

static void some_stall_a_needless_CLRSTATUS(void **state)
{
    (void)state;
    board.quirks |= BOARD_STALLS_CLRSTATUS;
    assert_int_equal(request(OUT, DFU_CLRSTATUS, 0, NULL, 0), USB_STALL);
    check_status(DFU_STATE_ERROR, DFU_STATUS_STALLED, 0);
    clear_error();
}

static void some_start_in_error(void **state)
{
    (void)state;
    check_status(DFU_STATE_ERROR, DFU_STATUS_FIRMWARE, 0);
    clear_error();
    dfu_device_power_on(&dfu);
    check_status(DFU_STATE_ERROR, DFU_STATUS_FIRMWARE, 0);
}

static void some_leave_at_once(void **state)
{
    (void)state;
    clear_error();
    download(0, NULL, 0);
    assert_int_equal(reply.event, USB_LEAVES);
}

/* wTransferSize is this buffer's length to them: a short block lands too low. */
static void some_measure_blocks(void **state)
{
    (void)state;
    board.quirks |= BOARD_MEASURES_BLOCKS;
    download(3, "abcd", 4);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_memory_equal(board.memory[0].bytes + 4, "abcd", 4);
    assert_int_equal(board.memory[0].bytes[2048], 0xFF);
    abort_to_idle();
    assert_int_equal(request(IN, DFU_UPLOAD, 4, NULL, 2), USB_DONE);
    assert_memory_equal(in, "ab", 2);
}

static void some_announce_the_same_for_each_block(void **state)
{
    (void)state;
    download(2, "abcd", 4);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 104);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, 4 * 16);
}

/* ---- the bus -------------------------------------------------------------------------------- */

static void work_begins_when_the_answer_is_there(void **state)
{
    (void)state;
    static const uint8_t data[2048];
    sim_board_set_bus(&board, BUS_TIMING_FRAME);
    download(2, data, 2048);
    assert_int_equal(reply.delay_us, 1000);
    fake_clock_advance(&fake, 1000);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 104);
    assert_int_equal(reply.delay_us, 1000);
    fake_clock_advance(&fake, 1000);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, 2048 * 16 + 1000);
    assert_int_equal(dfu.counters.bus_us, 3000);
    assert_int_equal(board.counters.program_us, 2048 * 16);
}

static void bytes_cost_in_both_directions(void **state)
{
    (void)state;
    static const uint8_t data[1024];
    sim_board_set_bus(&board, BUS_TIMING_ROM);
    download(2, data, 1024);
    assert_int_equal(reply.delay_us, 5000);
    dfu_device_power_on(&dfu);
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 1024), USB_DONE);
    assert_int_equal(reply.delay_us, 5000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, host_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(read_protection_is_errVENDOR),
        TEST(unprotecting_is_the_way_out),
        TEST(option_bytes_protect_after_the_restart),
        TEST(write_protection_is_success),
        cmocka_unit_test_setup_teardown(some_stall_early_polls, setup_l476, host_stop),
        cmocka_unit_test_setup_teardown(the_announced_time_begins_with_the_answer, setup_l476,
                                        host_stop),
        cmocka_unit_test_setup_teardown(revision_V_wedges_in_its_second_bank, setup_h743v,
                                        host_stop),
        TEST(some_stall_a_needless_CLRSTATUS),
        cmocka_unit_test_setup_teardown(some_start_in_error, setup_gd32, host_stop),
        cmocka_unit_test_setup_teardown(some_leave_at_once, setup_gd32, host_stop),
        TEST(some_measure_blocks),
        cmocka_unit_test_setup_teardown(some_announce_the_same_for_each_block, setup_f767,
                                        host_stop),
        cmocka_unit_test_setup_teardown(work_begins_when_the_answer_is_there, setup_f767,
                                        host_stop),
        cmocka_unit_test_setup_teardown(bytes_cost_in_both_directions, setup_f767, host_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
