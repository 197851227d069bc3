#include <stdio.h>

#include "tests/unit/dfu_host.h"

static int setup(void **state)
{
    (void)state;
    return host_start("dfu-tolerant", BOARD_TIMING_ZERO);
}

static int setup_reset(void **state)
{
    (void)state;
    return host_start("dfu-reset", BOARD_TIMING_ZERO);
}

static int setup_detach(void **state)
{
    (void)state;
    return host_start("dfu-detach", BOARD_TIMING_ZERO);
}

static int setup_no_upload(void **state)
{
    (void)state;
    return host_start("dfu-no-upload", BOARD_TIMING_ZERO);
}

static int setup_timed(void **state)
{
    (void)state;
    return host_start("dfu-tolerant", BOARD_TIMING_X8);
}

static uint8_t data[4096];

/* Download `len` bytes of a pattern in blocks and announce the end of it. */
static void download_image(uint32_t len)
{
    uint32_t transfer_size = board.model->transfer_size;
    uint16_t block = 0;
    for (uint32_t at = 0; at < len; at += transfer_size) {
        uint32_t part = len - at < transfer_size ? len - at : transfer_size;
        for (uint32_t i = 0; i < part; i++)
            data[i] = (uint8_t)((at + i) * 7 >> 3);
        download(block++, data, (uint16_t)part);
        finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    }
    download(block, NULL, 0);
    assert_int_equal(reply.event, USB_STAYS);
}

static void check_image(uint32_t len)
{
    const uint8_t *flash = board.memory[0].bytes;
    for (uint32_t i = 0; i < len; i++)
        if (flash[i] != (uint8_t)(i * 7 >> 3))
            fail_msg("byte %u is 0x%02x", (unsigned)i, flash[i]);
    assert_int_equal(flash[len], 0xFF);
    assert_int_equal(board.memory[0].overwritten, 0);
}

/* ---- states --------------------------------------------------------------------------------- */

/* Every state against every request: the state after it; '!' = with a stall (DFU 1.1, A.2). */
static const struct row {
    enum dfu_state state;
    const char *after[8];
} table[] = {
    /*                          DNLOAD  DNLOAD(0) UPLOAD GETSTATUS CLRSTATUS GETSTATE ABORT DETACH
     */
    {DFU_STATE_IDLE, {"SYNC", "ERR!", "UP", "IDLE", "ERR!", "IDLE", "IDLE", "IDLE"}},
    {DFU_STATE_DNLOAD_SYNC, {"ERR!", "ERR!", "ERR!", "BUSY", "ERR!", "SYNC", "ERR!", "ERR!"}},
    {DFU_STATE_DNBUSY, {"ERR!", "ERR!", "ERR!", "DN", "ERR!", "BUSY", "ERR!", "ERR!"}},
    {DFU_STATE_DNLOAD_IDLE, {"SYNC", "MSYNC", "ERR!", "DN", "ERR!", "DN", "IDLE", "IDLE"}},
    {DFU_STATE_MANIFEST_SYNC, {"ERR!", "ERR!", "ERR!", "MAN", "ERR!", "MSYNC", "ERR!", "ERR!"}},
    {DFU_STATE_MANIFEST, {"ERR!", "ERR!", "ERR!", "WAIT", "ERR!", "MAN", "ERR!", "ERR!"}},
    {DFU_STATE_MANIFEST_WAIT_RESET,
     {"WAIT!", "WAIT!", "WAIT!", "WAIT", "WAIT!", "WAIT", "WAIT!", "WAIT!"}},
    {DFU_STATE_UPLOAD_IDLE, {"ERR!", "ERR!", "UP", "UP", "ERR!", "UP", "IDLE", "IDLE"}},
    {DFU_STATE_ERROR, {"ERR!", "ERR!", "ERR!", "ERR", "IDLE", "ERR", "ERR!", "ERR!"}},
};

static const char *short_name(enum dfu_state state)
{
    static const char *const names[] = {"",      "",    "IDLE", "SYNC", "BUSY", "DN",
                                        "MSYNC", "MAN", "WAIT", "UP",   "ERR"};
    return names[state];
}

static void enter(enum dfu_state state)
{
    dfu_device_power_on(&dfu);
    if (state >= DFU_STATE_DNLOAD_SYNC && state <= DFU_STATE_DNLOAD_IDLE) {
        download(0, "abcd", 4);
        for (int i = DFU_STATE_DNLOAD_SYNC; i < (int)state; i++)
            request(IN, DFU_GETSTATUS, 0, NULL, 6);
    } else if (state >= DFU_STATE_MANIFEST_SYNC && state <= DFU_STATE_MANIFEST_WAIT_RESET) {
        download(0, "abcd", 4);
        finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
        download(1, NULL, 0);
        for (int i = DFU_STATE_MANIFEST_SYNC; i < (int)state; i++)
            request(IN, DFU_GETSTATUS, 0, NULL, 6);
    } else if (state == DFU_STATE_UPLOAD_IDLE) {
        request(IN, DFU_UPLOAD, 0, NULL, 16);
    } else if (state == DFU_STATE_ERROR) {
        request(OUT, DFU_DNLOAD, 0, NULL, 0);
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
        {OUT, DFU_DNLOAD, 0, 4},   {OUT, DFU_DNLOAD, 0, 0},    {IN, DFU_UPLOAD, 0, 4},
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

/* ---- manifestation -------------------------------------------------------------------------- */

static void a_tolerant_device_comes_back(void **state)
{
    (void)state;
    download_image(5000);
    check_status(DFU_STATE_MANIFEST, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_STAYS);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
    check_image(5000);
    download_image(3000); /* and takes another one */
    assert_int_equal(board.memory[0].overwritten, 0);
}

static void others_wait_for_a_reset(void **state)
{
    (void)state;
    download_image(9000);
    check_status(DFU_STATE_MANIFEST, DFU_STATUS_OK, 0);
    check_status(DFU_STATE_MANIFEST_WAIT_RESET, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_STAYS);
    check_image(9000);
    assert_int_equal(dfu_device_bus_reset(&dfu), USB_LEAVES);
}

static void or_detach(void **state)
{
    (void)state;
    download_image(100);
    check_status(DFU_STATE_MANIFEST, DFU_STATUS_OK, 0);
    assert_int_equal(reply.event, USB_LEAVES);
}

/* ---- bus resets ----------------------------------------------------------------------------- */

static void a_reset_runs_what_is_there(void **state)
{
    (void)state;
    assert_int_equal(dfu_device_bus_reset(&dfu), USB_STAYS); /* enumeration */
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(dfu_device_bus_reset(&dfu), USB_STAYS);
    check_status(DFU_STATE_ERROR, DFU_STATUS_FIRMWARE, 0);
    clear_error();
    download_image(100);
    check_status(DFU_STATE_MANIFEST, DFU_STATUS_OK, 0);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(dfu_device_bus_reset(&dfu), USB_LEAVES);
}

static void a_reset_during_a_download_is_an_error(void **state)
{
    (void)state;
    download(0, "abcd", 4);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    assert_int_equal(dfu_device_bus_reset(&dfu), USB_STAYS);
    check_status(DFU_STATE_ERROR, DFU_STATUS_FIRMWARE, 0);
}

/* ---- data ----------------------------------------------------------------------------------- */

static void sectors_are_erased_on_the_way(void **state)
{
    (void)state;
    uint8_t *flash = board.memory[0].bytes;
    memset(flash, 0, 8192);
    download_image(2100);
    assert_int_equal(flash[2100], 0xFF);
    assert_int_equal(flash[4095], 0xFF);
    assert_int_equal(flash[4096], 0);
    assert_int_equal(dfu.counters.erases, 2);
    assert_int_equal(board.memory[0].overwritten, 0);
}

static void too_much_is_an_error(void **state)
{
    (void)state;
    download(239, data, 1024);
    finish(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK);
    download(240, data, 1);
    finish(DFU_STATE_ERROR, DFU_STATUS_ADDRESS);
    clear_error();
    assert_int_equal(request(OUT, DFU_DNLOAD, 0, data, 1025), USB_STALL);
}

static void an_upload_ends_with_a_short_frame(void **state)
{
    (void)state;
    board.memory[0].bytes[61 * 4096] = 0x12;
    for (uint16_t block = 0; block < 62; block++) {
        assert_int_equal(request(IN, DFU_UPLOAD, block, NULL, 4096), USB_DONE);
        assert_int_equal(reply.length, 4096);
    }
    check_status(DFU_STATE_UPLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(request(IN, DFU_UPLOAD, 62, NULL, 4096), USB_DONE);
    assert_int_equal(reply.length, 2048);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(dfu.counters.uploaded_bytes, 250 * 1024);
}

static void or_an_empty_one(void **state)
{
    (void)state;
    assert_int_equal(request(IN, DFU_UPLOAD, 239, NULL, 1024), USB_DONE);
    assert_int_equal(reply.length, 1024);
    assert_int_equal(request(IN, DFU_UPLOAD, 240, NULL, 1024), USB_DONE);
    assert_int_equal(reply.length, 0);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
}

static void some_do_not_upload(void **state)
{
    (void)state;
    assert_int_equal(request(IN, DFU_UPLOAD, 0, NULL, 64), USB_STALL);
    check_status(DFU_STATE_ERROR, DFU_STATUS_STALLED, 0);
}

static void erasing_and_programming_are_announced(void **state)
{
    (void)state;
    download(0, data, 1024);
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 33); /* 22 ms and 1024 x 10.211 us */
    check_status(DFU_STATE_DNLOAD_IDLE, DFU_STATUS_OK, 0);
    assert_int_equal(reply.delay_us, 22000 + 10456);
    fake_clock_advance(&fake, reply.delay_us);
    download(1, data, 1024); /* the same sector */
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_request_in_every_state, setup_reset, host_stop),
        cmocka_unit_test_setup_teardown(a_tolerant_device_comes_back, setup, host_stop),
        cmocka_unit_test_setup_teardown(others_wait_for_a_reset, setup_reset, host_stop),
        cmocka_unit_test_setup_teardown(or_detach, setup_detach, host_stop),
        cmocka_unit_test_setup_teardown(a_reset_runs_what_is_there, setup, host_stop),
        cmocka_unit_test_setup_teardown(a_reset_during_a_download_is_an_error, setup, host_stop),
        cmocka_unit_test_setup_teardown(sectors_are_erased_on_the_way, setup, host_stop),
        cmocka_unit_test_setup_teardown(too_much_is_an_error, setup, host_stop),
        cmocka_unit_test_setup_teardown(an_upload_ends_with_a_short_frame, setup_reset, host_stop),
        cmocka_unit_test_setup_teardown(or_an_empty_one, setup, host_stop),
        cmocka_unit_test_setup_teardown(some_do_not_upload, setup_no_upload, host_stop),
        cmocka_unit_test_setup_teardown(erasing_and_programming_are_announced, setup_timed,
                                        host_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
