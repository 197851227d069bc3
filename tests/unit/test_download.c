#include "download_board.h"

static void whole_way(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    set_image(f, 0, 130);
    f->board.write_ms = 12;
    f->board.manifest_ms = 300;
    assert_ok(run(f, &err), &err);
    assert_true(holds_image(f) && f->board.runs);
    assert_true(f->result.verified && f->result.left);
    assert_int_equal(f->result.bytes_written, 130);
    assert_int_equal(f->board.early_polls, 0);
    assert_string_equal(f->board.log.data, "getstatus\n"
                                           "dnload 0 64\ngetstatus\ngetstatus\n"
                                           "dnload 1 64\ngetstatus\ngetstatus\n"
                                           "dnload 2 2\ngetstatus\ngetstatus\n"
                                           "dnload 3 0\ngetstatus\ngetstatus\n"
                                           "upload 0 64\nupload 1 64\nupload 2 64\nreset\n");
    assert_string_equal(f->seen.data,
                        "begin plan\n"
                        "end plan: send 3 blocks of up to 64 bytes, 130 B; then read it back\n"
                        "begin write\nend write: 130 B\n"
                        "begin manifest\nend manifest: the device says that it is done\n"
                        "begin verify\nend verify: all bytes read back as sent\n"
                        "begin leave\nend leave: the device was reset\n");
    assert_int_equal(f->last_done, 130);
    assert_int_equal(f->last_total, 130);
}

/* Blocks that end with the image: there is no short one, neither written nor read. */
static void whole_blocks(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    set_image(f, 0, 2 * FAKE11_BLOCK);
    f->options.leave = false;
    assert_ok(run(f, &err), &err);
    assert_true(f->result.verified && holds_image(f) && !f->result.left);
    assert_int_equal(f->board.state, DFU_STATE_IDLE);
    assert_contains(f->board.log.data, "dnload 2 0\n");
    assert_contains(f->board.log.data, "upload 1 64\nabort\n");
}

static void dry_run(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->options.dry_run = true;
    assert_ok(run(f, &err), &err);
    assert_int_equal(f->board.transfers, 0);
    assert_string_equal(f->seen.data,
                        "begin plan\n"
                        "end plan: send 16 blocks of up to 64 bytes, 1000 B; then read it back\n");
    assert_contains(f->result.sends, "send 16 blocks");
    f->board.attributes = DETACHES;
    assert_ok(run(f, &err), &err);
    assert_contains(f->seen.data, "1000 B; it cannot be read back");
}

/* wBlockNum goes on with 0 after 65535 (the fake checks each). */
static void block_number_wraps(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.transfer_size = 2;
    set_image(f, 0, 2 * 70000 + 1);
    assert_ok(run(f, &err), &err);
    assert_true(f->result.verified && holds_image(f));
}

static void other_alternate_setting(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    set_image(f, 3, 10);
    assert_ok(run(f, &err), &err);
    assert_contains(f->board.log.data, "getstatus\nalt 3\ndnload 0 10\n");
}

static void refusals(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_false(
        run_with(f, (struct quirks){.flags = QUIRK_IS_NOT_DFU, .name = "Atmel FLIP"}, &err));
    assert_error(&err, ERR_DEVICE, "it speaks another protocol over DFU's requests (Atmel FLIP)");
    f->board.attributes = DFU_CAN_UPLOAD;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "cannot be written (bitCanDnload is 0)");
    f->board.attributes = TOLERANT;
    assert_ok(image_add(&f->image, 0, 0x2000, "x", 1, &err), &err);
    assert_false(run(f, &err));
    assert_error(&err, ERR_FAILED, "which plain DFU has no addresses to tell apart by");
    image_release(&f->image);
    set_image(f, 0, SIZE);
    f->options.erase = FLASH_ERASE_MASS;
    assert_false(run(f, &err));
    assert_error(&err, ERR_USAGE, "a plain DFU device cannot be told to erase");
    assert_int_equal(f->board.transfers, 0);
}

/* A DFU 1.0 device has a descriptor of 7 bytes, or none that can be read. */
static void dfu_1_0(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    static const uint8_t bytes[] = {7, 0x21, TOLERANT, 0xe8, 3, FAKE11_BLOCK, 0};
    struct dfu_functional functional;
    assert_true(dfu_functional_parse(bytes, sizeof(bytes), &functional));
    assert_int_equal(functional.version, 0x0100);
    f->dfu = fake_dfu11_dfu(&f->board);
    assert_ok(
        download_run(&f->dfu, &functional, &f->image, &f->options, f->events, &f->result, &err),
        &err);
    assert_true(f->result.verified);

    fake_dfu11_power_cycle(&f->board);
    f->board.attributes = NOT_TOLERANT;
    flash_result_release(&f->result);
    assert_ok(download_run(&f->dfu, NULL, &f->image, &f->options, f->events, &f->result, &err),
              &err);
    assert_false(f->result.verified);
    assert_true(holds_image(f) && f->result.left);
}

static void not_verified(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.attributes = DFU_CAN_DOWNLOAD | DFU_MANIFESTATION_TOLERANT;
    assert_ok(run(f, &err), &err);
    assert_false(f->result.verified);
    assert_true(f->result.left);
    assert_contains(f->seen.data,
                    "warning: sent, not verified: this device cannot be read back; that it reports "
                    "success itself is all there is to go by\n");
    fake_dfu11_power_cycle(&f->board);
    f->board.attributes = TOLERANT;
    assert_ok(run_with(f, (struct quirks){.flags = QUIRK_NO_UPLOAD}, &err), &err);
    assert_false(f->result.verified);
    assert_contains(f->seen.data, "warning: sent, not verified: this device cannot be read back;");
    fake_dfu11_power_cycle(&f->board);
    f->options.verify = false;
    assert_ok(run(f, &err), &err);
    assert_false(f->result.verified);
    assert_contains(f->seen.data, "warning: not verified, as --no-verify asks");
}

/* ---- times that lie, and boards that are stuck ----------------------------------------------- */

static void stuck_writing(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.stuck_write = true;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot send block 1 of 16 (bytes 0 to 63): the board is still busy after 35.0 s "
                 "(state dfuDNBUSY, status OK)");
    f->board.stuck_write = false;
    assert_second_run_verifies(f);
}

static void stuck_manifesting(void **state)
{
    static const uint8_t attributes[] = {TOLERANT, NOT_TOLERANT, DETACHES};
    struct fixture *f = *state;
    f->board.stuck_manifest = true;
    for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
        struct err *err = NULL;
        fake_dfu11_power_cycle(&f->board);
        f->board.attributes = attributes[i];
        f->board.now_us = 0;
        assert_false(run(f, &err));
        assert_error(&err, ERR_DEVICE,
                     "does not put it in place: the device is still busy after 120.0 s (state "
                     "dfuMANIFEST, status OK; at most 120 s are allowed)");
        assert_in_range(f->board.now_us, 120000000, 121000000);
        assert_int_equal(f->board.resets, 0);
    }
}

static void lying_times(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.write_ms = f->board.manifest_ms = 900;
    f->board.announce_ms = 0; /* ready at once, it says */
    assert_ok(run(f, &err), &err);
    assert_true(f->result.verified);
    fake_dfu11_power_cycle(&f->board);
    f->board.announce_ms = 0xffffff;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "the board asks to wait 16777.2 s, more than the 35.0 s");
    fake_dfu11_power_cycle(&f->board);
    f->board.write_ms = 0;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE, "the device asks to wait 16777.2 s (state dfuMANIFEST");
    f->board.announce_ms = -1;
    assert_second_run_verifies(f);
}

/* ---- reading back ---------------------------------------------------------------------------- */

static void wrong_read_back(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.corrupt_at = 999;
    assert_false(run(f, &err));
    assert_error(&err, ERR_DEVICE,
                 "verification failed at byte 999 of 1000: sent 0x57, read back "
                 "0x56");
    assert_false(f->result.verified || f->result.left);
    assert_contains(f->seen.data, "end verify failed\n");
    f->board.corrupt_at = FAKE11_NEVER;
    assert_second_run_verifies(f);
}

static void upload_sizes(void **state)
{
    struct fixture *f = *state;
    static const size_t shorter[] = {1, 63, 64, 65, 960, 999}, longer[] = {1001, 1024, 1025, 5000};
    for (size_t i = 0; i < ARRAY_SIZE(shorter); i++) {
        struct err *err = NULL;
        fake_dfu11_power_cycle(&f->board);
        f->board.upload_size = shorter[i];
        assert_false(run(f, &err));
        _cleanup_free_ char *text =
            xasprintf("verification failed: the device holds %zu bytes of 1000", shorter[i]);
        assert_error(&err, ERR_DEVICE, text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(longer); i++) {
        struct err *err = NULL;
        fake_dfu11_power_cycle(&f->board);
        f->board.upload_size = longer[i];
        assert_ok(run(f, &err), &err);
        assert_true(f->result.verified);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_way),
        TEST(whole_blocks),
        TEST(dry_run),
        TEST(block_number_wraps),
        TEST(other_alternate_setting),
        TEST(refusals),
        TEST(dfu_1_0),
        TEST(not_verified),
        TEST(stuck_writing),
        TEST(stuck_manifesting),
        TEST(lying_times),
        TEST(wrong_read_back),
        TEST(upload_sizes),
    };
    return cmocka_run_group_tests_name("download", tests, NULL, NULL);
}
