#include "fake_dfu11.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "flasher/download.h"

#define TOLERANT (DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD | DFU_MANIFESTATION_TOLERANT)
#define NOT_TOLERANT (DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD)
#define DETACHES (DFU_CAN_DOWNLOAD | DFU_WILL_DETACH)
#define SIZE 1000 /* 15 blocks and a part of one */

struct fixture {
    struct fake_dfu11 board;
    struct dfu dfu;
    struct dfu_functional functional;
    struct image image;
    struct flash_options options;
    struct flash_result result;
    struct events *events;
    struct buf seen; /* "begin write", "end write: 1000", warnings */
    uint64_t last_done, last_total;
};

static void take_event(void *data, const json_t *event)
{
    struct fixture *f = data;
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *detail = json_string_value(json_object_get(event, "detail"));
    if (strcmp(kind, "phase") == 0) {
        buf_addf(&f->seen, "%s %s%s", json_string_value(json_object_get(event, "state")),
                 json_string_value(json_object_get(event, "phase")),
                 json_is_false(json_object_get(event, "ok")) ? " failed" : "");
        buf_addf(&f->seen, detail ? ": %s\n" : "\n", detail);
    } else if (strcmp(kind, "progress") == 0) {
        f->last_done = (uint64_t)json_integer_value(json_object_get(event, "done"));
        f->last_total = (uint64_t)json_integer_value(json_object_get(event, "total"));
        assert_true(f->last_done <= f->last_total);
    } else {
        buf_addf(&f->seen, "%s: %s\n", json_string_value(json_object_get(event, "level")),
                 json_string_value(json_object_get(event, "text")));
    }
}

static void set_image(struct fixture *f, uint8_t alt, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xmalloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 256 + 3);
    image_release(&f->image);
    f->image = (struct image)IMAGE_INIT;
    assert_ok(image_add(&f->image, alt, 0, data, size, &err), &err);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    *f = (struct fixture){.image = IMAGE_INIT,
                          .result = FLASH_RESULT_INIT,
                          .options = {.verify = true, .leave = true},
                          .seen = BUF_INIT};
    fake_dfu11_init(&f->board, TOLERANT);
    set_image(f, 0, SIZE);
    f->events = events_new();
    events_add_sink(f->events, take_event, f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    flash_result_release(&f->result);
    image_release(&f->image);
    events_free(f->events);
    buf_release(&f->seen);
    buf_release(&f->board.log);
    free(f);
    return 0;
}

static bool run_with(struct fixture *f, struct quirks quirks, struct err **err)
{
    flash_result_release(&f->result);
    buf_clear(&f->seen);
    f->functional =
        (struct dfu_functional){f->board.attributes, 1000, f->board.transfer_size, 0x0110};
    f->dfu = fake_dfu11_dfu(&f->board);
    f->dfu.quirks = quirks;
    return download_run(&f->dfu, &f->functional, &f->image, &f->options, f->events, &f->result,
                        err);
}

static bool run(struct fixture *f, struct err **err)
{
    return run_with(f, (struct quirks){0}, err);
}

static bool holds_image(const struct fixture *f)
{
    const struct segment *s = &f->image.segments[0];
    return f->board.used == s->size && memcmp(f->board.memory, s->data, s->size) == 0;
}

/* Nothing is wrong any more: running it again mends whatever was left behind. */
static void assert_second_run_verifies(struct fixture *f)
{
    struct err *err = NULL;
    fake_dfu11_power_cycle(&f->board);
    assert_ok(run(f, &err), &err);
    assert_true(f->result.verified && holds_image(f));
}

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

/* ---- something goes wrong at every transfer -------------------------------------------------- */

static unsigned transfers_of_a_run(struct fixture *f)
{
    struct err *err = NULL;
    f->board.write_ms = f->board.manifest_ms = 3; /* so that it is busy on the way */
    fake_dfu11_power_cycle(&f->board);
    assert_ok(run(f, &err), &err);
    return f->board.transfers;
}

/* A run with the fault that the board has now: a success is one that was earned, and the next run
 * mends whatever it was. Returns whether it failed. */
static bool fails_and_recovers(struct fixture *f, int point)
{
    struct err *err = NULL;
    f->board.at = point;
    memset(f->board.memory, 0, FAKE11_SIZE);
    bool ok = run(f, &err);
    if (ok != (err == NULL))
        fail_msg("at %d: result and error disagree", point);
    if (ok && !(f->result.verified && holds_image(f)))
        fail_msg("at %d with fault %d: a success that was not earned", point, f->board.fault);
    if (!ok && err->code != ERR_DEVICE)
        fail_msg("at %d: code %d", point, err->code);
    err_free_ptr(&err);
    assert_second_run_verifies(f);
    fake_dfu11_power_cycle(&f->board);
    return !ok;
}

static void fault_everywhere(void **state)
{
    static const enum fake11_fault faults[] = {FAKE11_UNPLUG_BEFORE, FAKE11_UNPLUG_AFTER,
                                               FAKE11_STALL,         FAKE11_TIMEOUT,
                                               FAKE11_BREAK,         FAKE11_SHORT_READ};
    struct fixture *f = *state;
    unsigned count = transfers_of_a_run(f), failed = 0;
    fake_dfu11_power_cycle(&f->board);
    assert_in_range(count, 60, 100);
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
        for (unsigned point = 0; point < count; point++) {
            f->board.fault = faults[i];
            failed += fails_and_recovers(f, (int)point);
        }
    assert_in_range(failed, 5 * count, 6 * count);
}

static void every_status_everywhere(void **state)
{
    struct fixture *f = *state;
    unsigned count = transfers_of_a_run(f), failed = 0;
    fake_dfu11_power_cycle(&f->board);
    for (uint8_t status = DFU_STATUS_ERR_TARGET; status <= DFU_STATUS_ERR_STALLEDPKT; status++)
        for (unsigned point = 0; point < count; point++) {
            f->board.fault = FAKE11_STATUS;
            f->board.fault_status = status;
            failed += fails_and_recovers(f, (int)point);
        }
    /* Only the state before the first block may be anything. */
    assert_int_equal(failed, 15 * (count - 1));
}

/* For a device that is not tolerant: never "verified", and no success before it has all. */
static void unplugged_without_read_back(void **state)
{
    struct fixture *f = *state;
    f->board.attributes = NOT_TOLERANT;
    unsigned count = transfers_of_a_run(f), succeeded = 0;
    for (unsigned point = 0; point < 2 * count; point++) {
        struct err *err = NULL;
        fake_dfu11_power_cycle(&f->board);
        memset(f->board.memory, 0, FAKE11_SIZE);
        f->board.fault = point % 2 ? FAKE11_UNPLUG_AFTER : FAKE11_UNPLUG_BEFORE;
        f->board.at = (int)(point / 2);
        bool ok = run(f, &err);
        err_free_ptr(&err);
        assert_false(f->result.verified);
        succeeded += ok;
        if (ok)
            assert_true(holds_image(f));
        if (ok)
            assert_contains(f->seen.data, "warning: sent, not verified");
    }
    assert_int_equal(succeeded, 2); /* before and after the last GETSTATUS */
}

/* In a process of its own: a request to stop is never taken back. */
static void interrupt_at(struct fixture *f, int point)
{
    struct err *err = NULL;
    interrupt_install();
    fake_dfu11_power_cycle(&f->board);
    memset(f->board.memory, 0, FAKE11_SIZE);
    f->board.fault = FAKE11_INTERRUPT;
    f->board.at = point;
    bool ok = run(f, &err);
    if (!ok && err->code != ERR_INTERRUPTED)
        fail_msg("interrupted at %d: %s", point, err->message);
    if (!ok && f->board.state != DFU_STATE_IDLE && f->board.state != DFU_STATE_DNLOAD_IDLE &&
        f->board.state != DFU_STATE_UPLOAD_IDLE)
        fail_msg("interrupted at %d: left in state %u", point, f->board.state);
    if (ok && !(f->result.verified && holds_image(f)))
        fail_msg("interrupted at %d: not earned", point);
    _exit(ok ? 0 : err_exit_status(err));
}

static void interrupt_everywhere(void **state)
{
    struct fixture *f = *state;
    unsigned count = transfers_of_a_run(f), stopped = 0;
    for (unsigned point = 0; point < count; point++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            interrupt_at(f, (int)point);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 130))
            fail_msg("interrupt at transfer %u: status %d", point, status);
        stopped += WEXITSTATUS(status) == 130;
    }
    assert_in_range(stopped, count - 5, count);
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
        TEST(stuck_writing),
        TEST(stuck_manifesting),
        TEST(lying_times),
        TEST(wrong_read_back),
        TEST(upload_sizes),
        TEST(fault_everywhere),
        TEST(every_status_everywhere),
        TEST(unplugged_without_read_back),
        TEST(interrupt_everywhere),
    };
    return cmocka_run_group_tests_name("download", tests, NULL, NULL);
}
