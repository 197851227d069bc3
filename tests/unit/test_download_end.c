/* How a download ends, and what an earlier program left behind. */
#include "download_board.h"

/* ---- manifestation that does not lead back to dfuIDLE ---------------------------------------- */

static void assert_sent_only(struct fixture *f, const char *log_end)
{
    struct err *err = NULL;
    const char *log;
    assert_ok(run(f, &err), &err);
    assert_true(holds_image(f) && f->result.left);
    assert_false(f->result.verified);
    assert_contains(f->seen.data, "warning: sent, not verified: this device cannot be read back");
    assert_contains(f->seen.data, "end manifest: the device has left\n");
    assert_contains(f->seen.data, "took everything and left is all there is to go by\n");
    log = strstr(f->board.log.data, "dnload 16 0\n");
    assert_non_null(log);
    assert_string_equal(log, log_end);
}

static void waits_for_reset(void **state)
{
    struct fixture *f = *state;
    f->board.attributes = NOT_TOLERANT;
    f->board.manifest_ms = 2500;
    assert_sent_only(f, "dnload 16 0\ngetstatus\ngetstatus\nreset\n");
    assert_int_equal(f->board.early_polls, 0);
    assert_contains(f->seen.data, "cannot be read back once it has left its bootloader;");
}

/* It answers nothing any more, and is not reset before its time. */
static void silent_manifestation(void **state)
{
    struct fixture *f = *state;
    f->board.attributes = NOT_TOLERANT;
    f->board.manifest_ms = 2500;
    f->board.silent = true;
    assert_sent_only(f, "dnload 16 0\ngetstatus\ngetstatus\nreset\n");
    assert_in_range(f->board.now_us, 7500000, 7600000);
}

static void detaches_by_itself(void **state)
{
    struct fixture *f = *state;
    f->board.attributes = DETACHES;
    assert_sent_only(f, "dnload 16 0\ngetstatus\ngetstatus\ngetstatus\n");
    assert_int_equal(f->board.resets, 0);
    fake_dfu11_power_cycle(&f->board);
    f->board.leaves_at_once = true;
    assert_sent_only(f, "dnload 16 0\n");
}

/* It only said that it would. */
static void does_not_detach(void **state)
{
    struct fixture *f = *state;
    f->board.attributes = DETACHES;
    f->board.stays = true;
    struct err *err = NULL;
    assert_ok(run(f, &err), &err);
    assert_true(f->board.runs && f->result.left);
    assert_int_equal(f->board.resets, 1);
    assert_in_range(f->board.now_us, 5000000, 5300000);
}

static void leaves_while_manifesting(void **state)
{
    struct fixture *f = *state;
    f->board.attributes = NOT_TOLERANT;
    f->board.leaves_in_manifest = true;
    assert_sent_only(f, "dnload 16 0\ngetstatus\ngetstatus\n");
}

/* A device that promised to come back, and one that was gone before it said that it began. */
static void left_too_early(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.leaves_in_manifest = true;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE,
                 "all of the image is sent, but the device does not put it in place: the board is "
                 "gone");
    assert_false(f->result.verified || f->result.left);
    f->board.leaves_in_manifest = false;
    assert_second_run_verifies(f);

    fake_dfu11_power_cycle(&f->board);
    f->board.attributes = NOT_TOLERANT;
    f->board.leaves_at_once = true;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "does not put it in place: the board is gone");
}

static void reset_fails(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.attributes = NOT_TOLERANT;
    f->board.reset_fault = USB_BROKEN;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "the image is sent, but: the device could not be reset");
    fake_dfu11_power_cycle(&f->board);
    f->board.attributes = TOLERANT;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "the image is sent and verified, but: the device could not be");
    assert_true(f->result.verified);
}

/* ---- states that an earlier program left behind ---------------------------------------------- */

static void any_state_is_mended(void **state)
{
    static const struct {
        uint8_t state, code;
        const char *log;
    } cases[] = {
        {DFU_STATE_IDLE, 0, "getstatus\ndnload 0"},
        {DFU_STATE_ERROR, DFU_STATUS_ERR_FIRMWARE, "getstatus\nclrstatus\ngetstatus\ndnload 0"},
        {DFU_STATE_DNLOAD_SYNC, 0, "getstatus\nabort\ngetstatus\ndnload 0"},
        {DFU_STATE_DNBUSY, 0, "getstatus\nabort\ngetstatus\ndnload 0"},
        {DFU_STATE_DNLOAD_IDLE, 0, "getstatus\nabort\ngetstatus\ndnload 0"},
        {DFU_STATE_MANIFEST_SYNC, 0, "getstatus\ngetstatus\ngetstatus\ndnload 0"},
        {DFU_STATE_MANIFEST, 0, "getstatus\ndnload 0"},
        {DFU_STATE_UPLOAD_IDLE, 0, "getstatus\nabort\ngetstatus\ndnload 0"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err *err = NULL;
        fake_dfu11_power_cycle(&f->board);
        f->board.state = cases[i].state;
        f->board.code = cases[i].code;
        assert_ok(run(f, &err), &err);
        assert_true(f->result.verified && holds_image(f));
        if (strncmp(f->board.log.data, cases[i].log, strlen(cases[i].log)) != 0)
            fail_msg("from state %u: %.80s", cases[i].state, f->board.log.data);
    }
}

/* It waits for a USB reset; after that it may still be in its bootloader, or not. */
static void waiting_for_reset_before(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.state = DFU_STATE_MANIFEST_WAIT_RESET;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "ended an earlier download and left its bootloader");
    assert_int_equal(f->board.resets, 1);
    assert_second_run_verifies(f);

    fake_dfu11_power_cycle(&f->board);
    f->board.attributes = NOT_TOLERANT;
    f->board.state = DFU_STATE_MANIFEST;
    f->board.manifest_ms = 100;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "ended an earlier download and left its bootloader");
}

static void states_without_a_way_out(void **state)
{
    static const uint8_t states[] = {DFU_STATE_APP_IDLE, DFU_STATE_APP_DETACH, 200};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        struct err *err = NULL;
        fake_dfu11_power_cycle(&f->board);
        f->board.state = states[i];
        assert_false(run(f, &err));
        assert_error(&err, ERR_DEVICE, "does not become idle");
    }
    struct err *err = NULL;
    fake_dfu11_power_cycle(&f->board);
    f->board.state = DFU_STATE_MANIFEST;
    f->board.stuck_manifest = true;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "an earlier download does not come to an end: the device is");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(waits_for_reset),
        TEST(silent_manifestation),
        TEST(detaches_by_itself),
        TEST(does_not_detach),
        TEST(leaves_while_manifesting),
        TEST(left_too_early),
        TEST(reset_fails),
        TEST(any_state_is_mended),
        TEST(waiting_for_reset_before),
        TEST(states_without_a_way_out),
    };
    return cmocka_run_group_tests_name("download_end", tests, NULL, NULL);
}
