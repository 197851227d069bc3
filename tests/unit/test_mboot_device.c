#include "simulator/mboot_device.h"

#include "tests/unit/dfu_host.h"

#define APPLICATION (HOST_FLASH + 0x8000)

static int setup(void **state)
{
    (void)state;
    return host_start("mboot", BOARD_TIMING_ZERO);
}

static int setup_timed(void **state)
{
    (void)state;
    return host_start("mboot", BOARD_TIMING_X32);
}

/* The work that was stored ends in dfuERROR with this status and string, which are told once. */
static void check_refused(enum dfu_status status, unsigned string)
{
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    check_string_status(DFU_STATE_ERROR, status, 0, string);
    check_status(DFU_STATE_ERROR, DFU_STATUS_OK, 0);
    clear_error();
}

static void set_address(uint32_t address)
{
    command(DFUSE_SET_ADDRESS, address);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
}

static void blocks_follow_the_pointer(void **state)
{
    (void)state;
    uint8_t data[2048];
    memset(data, 0x5A, sizeof(data));
    set_address(APPLICATION);
    download(2, data, sizeof(data));
    assert_int_equal(board.memory[0].bytes[0x8000], 0xFF); /* not before GETSTATUS */
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(5, data, 8); /* 2048 a block, however short */
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    const uint8_t *flash = board.memory[0].bytes;
    assert_memory_equal(flash + 0x8000, data, 2048);
    assert_int_equal(flash[0x8800], 0xFF);
    assert_memory_equal(flash + 0x8000 + 3 * 2048, data, 8);
    assert_int_equal(flash[0x8000 + 3 * 2048 + 8], 0xFF);
    assert_int_equal(dfu.counters.downloaded_bytes, 2056);
}

static void words_are_filled_with_what_was_there(void **state)
{
    (void)state;
    set_address(APPLICATION);
    download(2, "abcdefgh", 8);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(3, "uvwxy", 5);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_memory_equal(board.memory[0].bytes + 0x8800, "uvwxyfgh\xFF", 9);
}

static void uploads_follow_the_pointer(void **state)
{
    (void)state;
    memcpy(board.memory[0].bytes + 0x10800, "hello", 5);
    set_address(HOST_FLASH + 0x10000);
    assert_int_equal(request(IN, DFU_UPLOAD, 3, NULL, 5), USB_DONE); /* no ABORT needed */
    assert_memory_equal(in, "hello", 5);
    check_status(DFU_STATE_UPLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(request(IN, DFU_UPLOAD, 0, NULL, 4), USB_SILENT);
    check_status(DFU_STATE_UPLOAD_IDLE, DFU_STATUS_OK, 0);
}

static void its_own_sectors_are_refused(void **state)
{
    (void)state;
    board.memory[0].bytes[0x4000] = 0x12;
    command(DFUSE_ERASE, HOST_FLASH + 0x4000);
    check_refused(DFU_STATUS_ADDRESS, MBOOT_STRING_OWN_SECTOR);
    set_address(HOST_FLASH);
    download(2, "abcd", 4);
    check_refused(DFU_STATUS_ADDRESS, MBOOT_STRING_OWN_SECTOR);
    assert_int_equal(board.memory[0].bytes[0x4000], 0x12);
    assert_int_equal(board.memory[0].bytes[0], 0xFF);
}

static void what_is_outside_is_refused(void **state)
{
    (void)state;
    set_address(0x20000000); /* taken, and found wrong when data comes */
    download(2, "abcd", 4);
    check_refused(DFU_STATUS_ADDRESS, MBOOT_STRING_BAD_ADDRESS);
    command(DFUSE_ERASE, HOST_FLASH + 0x100000);
    check_refused(DFU_STATUS_ADDRESS, MBOOT_STRING_BAD_ADDRESS);
    set_address(0x20000000);
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 4), USB_SILENT);
    assert_true(dfu.crashed);
}

/* dfuERROR with bStatus OK: what a host must not take for success. */
static void some_errors_have_no_status(void **state)
{
    (void)state;
    download(0, "\x92", 1);
    check_refused(DFU_STATUS_OK, 0);
    download(0, "\x21\x00", 2);
    check_refused(DFU_STATUS_OK, 0);
    download(1, "abcd", 4);
    check_refused(DFU_STATUS_OK, 0);
    set_address(HOST_FLASH + 0xFFFFC);
    download(2, "12345678", 8);
    check_refused(DFU_STATUS_OK, 0);
    assert_true(sim_board_write_protect(&board, 3));
    command(DFUSE_ERASE, HOST_FLASH + 0xC000);
    check_refused(DFU_STATUS_OK, 0);
}

static void requests_are_taken_in_every_state(void **state)
{
    (void)state;
    command(DFUSE_ERASE, HOST_FLASH);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    assert_int_equal(request(IN, DFU_GETSTATE, 0, NULL, 1), USB_DONE);
    assert_int_equal(in[0], DFU_STATE_ERROR); /* the work is over */
    command(DFUSE_SET_ADDRESS, APPLICATION);  /* in dfuERROR */
    check_string_status(DFU_STATE_DNBUSY, DFU_STATUS_ADDRESS, 0, MBOOT_STRING_OWN_SECTOR);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(request(OUT, DFU_CLRSTATUS, 0, NULL, 0), USB_DONE);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(request(OUT, DFU_DETACH, 0, NULL, 0), USB_DONE);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(request(IN, DFU_GETSTATUS, 0, NULL, 5), USB_SILENT);
    static const uint8_t data[2049];
    assert_int_equal(request(OUT, DFU_DNLOAD, 2, data, 2049), USB_SILENT);
    assert_int_equal(request(IN, DFU_GETSTATUS, 0, NULL, 6), USB_SILENT);
}

static void the_next_request_waits(void **state)
{
    (void)state;
    command(DFUSE_ERASE, HOST_FLASH + 0x20000);
    assert_int_equal(reply.delay_us, 0);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0); /* "ask at once" */
    assert_int_equal(reply.delay_us, 0);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, 1000000);
    assert_int_equal(dfu.counters.early_polls, 0);
}

static void a_mass_erase_spares_mboot(void **state)
{
    (void)state;
    struct nor *flash = &board.memory[0];
    memset(flash->bytes, 0x12, flash->size);
    download(0, "\x41", 1);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, (2 * 250 + 550 + 7 * 1000) * 1000);
    assert_int_equal(flash->bytes[0x7FFF], 0x12);
    assert_int_equal(flash->bytes[0x8000], 0xFF);
    assert_int_equal(flash->bytes[flash->size - 1], 0xFF);
}

static void leaving(void **state)
{
    (void)state;
    download(0, NULL, 0);
    assert_int_equal(reply.event, USB_STAYS);
    check_status(DFU_STATE_MANIFEST, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_LEAVES);
}

static void sabotage(void **state)
{
    (void)state;
    set_address(APPLICATION);
    dfu.sabotage = (struct dfu_sabotage){.ignore = true};
    download(2, "abcd", 4);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(board.memory[0].bytes[0x8000], 0xFF);
    dfu.sabotage = (struct dfu_sabotage){.corrupt = true};
    download(2, "\x00\x00\x00\x00", 4);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_memory_equal(board.memory[0].bytes + 0x8000, "\x00\x00\x55\x00", 4);
    dfu.sabotage = (struct dfu_sabotage){.status = 6};
    download(2, "abcd", 4);
    check_refused((enum dfu_status)6, 0);
    dfu.sabotage = (struct dfu_sabotage){.announce = true, .announce_ms = 70000};
    download(2, "abcd", 4);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 70000);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    dfu.sabotage = (struct dfu_sabotage){.stuck = true};
    download(2, "abcd", 4);
    for (int i = 0; i < 3; i++)
        check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    clear_error();
}

static void strings_of_errors(void **state)
{
    (void)state;
    assert_string_equal(mboot_string(&dfu, MBOOT_STRING_OWN_SECTOR), "Can't overwrite mboot");
    assert_string_equal(mboot_string(&dfu, MBOOT_STRING_BAD_ADDRESS), "Address out of range");
    assert_null(mboot_string(&dfu, MBOOT_STRING_BAD_SIGNATURE));
    assert_null(mboot_string(&dfu, 0x0F));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, host_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blocks_follow_the_pointer),
        TEST(words_are_filled_with_what_was_there),
        TEST(uploads_follow_the_pointer),
        TEST(its_own_sectors_are_refused),
        TEST(what_is_outside_is_refused),
        TEST(some_errors_have_no_status),
        TEST(requests_are_taken_in_every_state),
        cmocka_unit_test_setup_teardown(the_next_request_waits, setup_timed, host_stop),
        cmocka_unit_test_setup_teardown(a_mass_erase_spares_mboot, setup_timed, host_stop),
        TEST(leaving),
        TEST(sabotage),
        TEST(strings_of_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
