#include "tests/unit/dfu_host.h"

#include <stdio.h>

#define FLASH HOST_FLASH

static int setup(void **state)
{
    (void)state;
    return host_start("stm32f205", BOARD_TIMING_ZERO);
}

static int setup_x8(void **state)
{
    (void)state;
    return host_start("stm32f205", BOARD_TIMING_X8);
}

/* ---- the state machine ---------------------------------------------------------------------- */

/* Every state against every request: the state after it; '!' = with a stall. */
static const struct row {
    enum dfu_state state;
    const char *after[8];
} table[] = {
    /*                          DNLOAD  DNLOAD(0) UPLOAD GETSTATUS CLRSTATUS GETSTATE ABORT DETACH
     */
    {DFU_STATE_IDLE, {"SYNC", "MSYNC", "UP", "IDLE", "ERR", "IDLE", "IDLE", "IDLE"}},
    {DFU_STATE_DNLOAD_SYNC, {"ERR!", "ERR!", "ERR!", "BUSY", "ERR", "SYNC", "ERR!", "ERR!"}},
    {DFU_STATE_DNBUSY, {"ERR!", "ERR!", "ERR!", "DN", "ERR", "BUSY", "ERR!", "ERR!"}},
    {DFU_STATE_DNLOAD_IDLE, {"SYNC", "MSYNC", "ERR!", "DN", "ERR", "DN", "IDLE", "IDLE"}},
    {DFU_STATE_MANIFEST_SYNC, {"ERR!", "ERR!", "ERR!", "MAN", "ERR", "MSYNC", "ERR!", "ERR!"}},
    {DFU_STATE_MANIFEST, {"ERR!", "ERR!", "ERR!", "MAN", "ERR", "MAN", "ERR!", "ERR!"}},
    {DFU_STATE_UPLOAD_IDLE, {"ERR!", "ERR!", "UP", "UP", "ERR", "UP", "IDLE", "IDLE"}},
    {DFU_STATE_ERROR, {"ERR!", "ERR!", "ERR!", "ERR", "IDLE", "ERR", "ERR!", "ERR!"}},
};

static const char *short_name(enum dfu_state state)
{
    static const char *const names[] = {"",      "",    "IDLE", "SYNC", "BUSY", "DN",
                                        "MSYNC", "MAN", "",     "UP",   "ERR"};
    return names[state];
}

static void enter(enum dfu_state state)
{
    dfu_device_power_on(&dfu);
    switch (state) {
    case DFU_STATE_DNLOAD_SYNC:
    case DFU_STATE_DNBUSY:
    case DFU_STATE_DNLOAD_IDLE:
        command(DFUSE_SET_ADDRESS, FLASH);
        for (int i = DFU_STATE_DNLOAD_SYNC; i < (int)state; i++)
            request(IN, DFU_GETSTATUS, 0, NULL, 6);
        break;
    case DFU_STATE_MANIFEST_SYNC:
    case DFU_STATE_MANIFEST:
        download(0, NULL, 0);
        if (state == DFU_STATE_MANIFEST)
            request(IN, DFU_GETSTATUS, 0, NULL, 6);
        break;
    case DFU_STATE_UPLOAD_IDLE:
        request(IN, DFU_UPLOAD, 2, NULL, 16);
        break;
    case DFU_STATE_ERROR:
        request(OUT, DFU_DNLOAD, 1, "ab", 2);
        break;
    default:
        break;
    }
    assert_int_equal(dfu.state, state);
}

static void every_request_in_every_state(void **unused)
{
    (void)unused;
    static const struct {
        uint8_t type, request;
        uint16_t value, length;
    } requests[] = {
        {OUT, DFU_DNLOAD, 2, 4},   {OUT, DFU_DNLOAD, 0, 0},    {IN, DFU_UPLOAD, 2, 4},
        {IN, DFU_GETSTATUS, 0, 6}, {OUT, DFU_CLRSTATUS, 0, 0}, {IN, DFU_GETSTATE, 0, 1},
        {OUT, DFU_ABORT, 0, 0},    {OUT, DFU_DETACH, 1000, 0},
    };
    for (size_t r = 0; r < ARRAY_SIZE(table); r++) {
        for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
            enter(table[r].state);
            enum usb_outcome outcome = request(requests[i].type, requests[i].request,
                                               requests[i].value, "abcd", requests[i].length);
            char got[16];
            snprintf(got, sizeof(got), "%s%s", short_name(dfu.state),
                     outcome == USB_STALL ? "!" : "");
            if (strcmp(got, table[r].after[i]) != 0)
                fail_msg("%s, request %zu: got %s, expected %s", short_name(table[r].state), i, got,
                         table[r].after[i]);
        }
    }
}

static void getstate_tells_the_state(void **state)
{
    (void)state;
    enter(DFU_STATE_UPLOAD_IDLE);
    assert_int_equal(request(IN, DFU_GETSTATE, 0, NULL, 1), USB_DONE);
    assert_int_equal(reply.length, 1);
    assert_int_equal(in[0], DFU_STATE_UPLOAD_IDLE);
}

static void a_stall_is_reported_and_cleared(void **state)
{
    (void)state;
    assert_int_equal(request(OUT, DFU_DNLOAD, 1, "ab", 2), USB_STALL);
    check_status(DFU_STATE_ERROR, DFU_STATUS_STALLED, 0);
    clear_error();
    assert_int_equal(request(OUT, DFU_CLRSTATUS, 0, NULL, 0), USB_DONE);
    check_status(DFU_STATE_ERROR, DFU_STATUS_UNKNOWN, 0);
    clear_error();
}

static void what_is_no_dfu_request_stalls(void **state)
{
    (void)state;
    assert_int_equal(request(0x40, 1, 0, NULL, 0), USB_STALL);
    assert_int_equal(request(OUT, DFU_GETSTATUS, 0, "abcdef", 6), USB_STALL);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
}

/* ---- commands and data ---------------------------------------------------------------------- */

static void blocks_follow_the_pointer(void **state)
{
    (void)state;
    uint8_t data[2048];
    memset(data, 0x5A, sizeof(data));
    command(DFUSE_SET_ADDRESS, FLASH + 0x8000);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(2, data, sizeof(data));
    assert_int_equal(board.memory[0].bytes[0x8000], 0xFF); /* not before GETSTATUS */
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(5, data, 10);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    const uint8_t *flash = board.memory[0].bytes;
    assert_int_equal(flash[0x7FFF], 0xFF);
    assert_memory_equal(flash + 0x8000, data, 2048);
    assert_int_equal(flash[0x8800], 0xFF);
    assert_memory_equal(flash + 0x8000 + 3 * 2048, data, 10);
    assert_int_equal(flash[0x8000 + 3 * 2048 + 10], 0xFF);
    assert_int_equal(dfu.counters.downloaded_bytes, 2058);
}

static void uploads_follow_the_pointer(void **state)
{
    (void)state;
    memcpy(board.memory[0].bytes + 0x10000 + 2048, "hello", 5);
    command(DFUSE_SET_ADDRESS, FLASH + 0x10000);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    abort_to_idle();
    assert_int_equal(request(IN, DFU_UPLOAD, 3, NULL, 2048), USB_DONE);
    assert_int_equal(reply.length, 2048);
    assert_memory_equal(in, "hello\xFF", 6);
    assert_int_equal(dfu.counters.uploaded_bytes, 2048);
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 0), USB_DONE);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
}

static void the_rom_lists_its_commands(void **state)
{
    (void)state;
    assert_int_equal(request(IN, DFU_UPLOAD, 0, NULL, 64), USB_DONE);
    assert_int_equal(reply.length, 4);
    assert_memory_equal(in, "\x00\x21\x41\x92", 4);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(request(IN, DFU_UPLOAD, 0, NULL, 2), USB_DONE);
    assert_int_equal(reply.length, 2);
    check_status(DFU_STATE_UPLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(request(IN, DFU_UPLOAD, 1, NULL, 4), USB_STALL);
}

static void erasing(void **state)
{
    (void)state;
    struct nor *flash = &board.memory[0];
    memset(flash->bytes, 0, flash->size);
    command(DFUSE_ERASE, FLASH + 0x4000);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(flash->bytes[0x3FFF], 0);
    assert_int_equal(flash->bytes[0x4000], 0xFF);
    assert_int_equal(flash->bytes[0x7FFF], 0xFF);
    assert_int_equal(flash->bytes[0x8000], 0);
    download(0, "\x41", 1);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(flash->bytes[0x8000], 0xFF);
    assert_int_equal(dfu.counters.erases, 2);
}

static void check_bad_address(uint8_t code, uint32_t address)
{
    command(code, address);
    finish(DFU_STATE_ERROR, DFU_STATUS_TARGET);
    clear_error();
}

static void bad_addresses_are_errTARGET(void **state)
{
    (void)state;
    check_bad_address(DFUSE_SET_ADDRESS, FLASH + 0x100000);
    check_bad_address(DFUSE_SET_ADDRESS, 0);
    check_bad_address(DFUSE_ERASE, FLASH - 1);
    check_bad_address(DFUSE_ERASE, 0x1FFFC000); /* option bytes are not erased */
    assert_int_equal(dfu.pointer, FLASH);

    command(DFUSE_SET_ADDRESS, FLASH + 0xFFFF0);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(2, "0123456789abcdef", 17); /* one byte too many */
    finish(DFU_STATE_ERROR, DFU_STATUS_TARGET);
    assert_int_equal(board.memory[0].bytes[0xFFFF0], 0xFF);
    clear_error();
    assert_int_equal(request(IN, DFU_UPLOAD, 3, NULL, 16), USB_STALL);
    check_status(DFU_STATE_ERROR, DFU_STATUS_TARGET, 0);
}

static void what_is_too_long_stalls(void **state)
{
    (void)state;
    static const uint8_t data[2049];
    assert_int_equal(request(OUT, DFU_DNLOAD, 2, data, 2049), USB_STALL);
    clear_error();
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 2049), USB_STALL);
    clear_error();
    assert_int_equal(request(OUT, DFU_DNLOAD, 0, "\x21\x00", 2), USB_STALL);
    clear_error();
    assert_int_equal(request(OUT, DFU_DNLOAD, 0, "\x77", 1), USB_STALL);
}

static void an_upload_over_the_end_crashes(void **state)
{
    (void)state;
    command(DFUSE_SET_ADDRESS, FLASH + 0xFFFF0);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    abort_to_idle();
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 16), USB_DONE);
    assert_int_equal(request(IN, DFU_UPLOAD, 2, NULL, 17), USB_SILENT);
    assert_int_equal(request(IN, DFU_GETSTATUS, 0, NULL, 6), USB_SILENT);
    dfu_device_bus_reset(&dfu);
    assert_int_equal(request(IN, DFU_GETSTATUS, 0, NULL, 6), USB_SILENT);
    dfu_device_power_on(&dfu);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
}

static void leaving(void **state)
{
    (void)state;
    download(0, NULL, 0);
    assert_int_equal(reply.event, USB_STAYS);
    check_status(DFU_STATE_MANIFEST, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_LEAVES);
}

static void option_bytes_restart_the_device(void **state)
{
    (void)state;
    command(DFUSE_SET_ADDRESS, 0x1FFFC000);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(2, "\x12\x34", 2);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_RESTARTS);
    assert_true(reply.event_ms > 0);
    assert_memory_equal(board.memory[1].bytes, "\x12\x34", 2);
}

static void unprotecting_erases_and_restarts(void **state)
{
    (void)state;
    board.memory[0].bytes[0x54321] = 0;
    download(0, "\x92", 1);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_RESTARTS);
    assert_int_equal(board.memory[0].bytes[0x54321], 0xFF);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void an_erase_takes_longer_than_announced(void **state)
{
    (void)state;
    command(DFUSE_ERASE, FLASH + 0x20000);
    assert_int_equal(reply.delay_us, 0);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 100);
    assert_int_equal(reply.delay_us, 0);
    fake_clock_advance(&fake, 100000);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, 1900000);
    fake_clock_advance(&fake, 1900000);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, 0);
}

static void programming_takes_its_time(void **state)
{
    (void)state;
    uint8_t data[2048] = {0};
    download(2, data, sizeof(data));
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 33); /* 2048 * 16 us, rounded up */
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, 2048 * 16);
}

static void reading_takes_its_time(void **state)
{
    (void)state;
    request(IN, DFU_UPLOAD, 2, NULL, 2048);
    assert_int_equal(reply.delay_us, 2048 * UINT64_C(4883) / 1000);
    request(IN, DFU_GETSTATUS, 0, NULL, 6);
    assert_int_equal(reply.delay_us, 0);
}

static void setting_the_address_takes_none(void **state)
{
    (void)state;
    command(DFUSE_SET_ADDRESS, FLASH);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, 0);
}

/* ---- sabotage ------------------------------------------------------------------------------- */

static void sabotage_spoils_one_work(void **state)
{
    (void)state;
    dfu.sabotage = (struct dfu_sabotage){.ignore = true};
    download(2, "\x00\x00", 2);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(board.memory[0].bytes[0], 0xFF);
    dfu.sabotage = (struct dfu_sabotage){.corrupt = true};
    download(2, "\x00\x00", 2);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_memory_equal(board.memory[0].bytes, "\x00\x55", 2);
    dfu.sabotage = (struct dfu_sabotage){.status = 6};
    download(3, "\x00\x00", 2);
    finish(DFU_STATE_ERROR, 6);
    assert_int_equal(board.memory[0].bytes[2048], 0xFF);
    clear_error();
    download(3, "\x00\x00", 2); /* used up */
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(board.memory[0].bytes[2048], 0);
}

static void sabotage_keeps_it_busy(void **state)
{
    (void)state;
    dfu.sabotage = (struct dfu_sabotage){.stuck = true, .announce = true, .announce_ms = 70000};
    download(2, "\x00\x00", 2);
    for (int i = 0; i < 5; i++)
        check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 70000);
    assert_int_equal(request(OUT, DFU_CLRSTATUS, 0, NULL, 0), USB_DONE);
    check_status(DFU_STATE_ERROR, DFU_STATUS_UNKNOWN, 0);
    clear_error();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, host_stop)
#define TEST_X8(name) cmocka_unit_test_setup_teardown(name, setup_x8, host_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_request_in_every_state),
        TEST(getstate_tells_the_state),
        TEST(a_stall_is_reported_and_cleared),
        TEST(what_is_no_dfu_request_stalls),
        TEST(blocks_follow_the_pointer),
        TEST(uploads_follow_the_pointer),
        TEST(the_rom_lists_its_commands),
        TEST(erasing),
        TEST(bad_addresses_are_errTARGET),
        TEST(what_is_too_long_stalls),
        TEST(an_upload_over_the_end_crashes),
        TEST(leaving),
        TEST(option_bytes_restart_the_device),
        TEST(unprotecting_erases_and_restarts),
        TEST_X8(an_erase_takes_longer_than_announced),
        TEST_X8(programming_takes_its_time),
        TEST_X8(reading_takes_its_time),
        TEST_X8(setting_the_address_takes_none),
        TEST(sabotage_spoils_one_work),
        TEST(sabotage_keeps_it_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
