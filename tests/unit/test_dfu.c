#include "fake_board.h"

static int setup(void **state)
{
    struct fake_board *b = xmalloc(sizeof(*b));
    fake_board_init(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct fake_board *b = *state;
    buf_release(&b->log);
    free(b);
    return 0;
}

static const uint8_t set_address[] = {0x21, 0, 0, 0, 8};
static const uint8_t erase[] = {0x41, 0, 0, 0, 8};

static void names(void **state)
{
    (void)state;
    assert_string_equal(dfu_state_label(0), "appIDLE");
    assert_string_equal(dfu_state_label(4), "dfuDNBUSY");
    assert_string_equal(dfu_state_label(8), "dfuMANIFEST-WAIT-RESET");
    assert_string_equal(dfu_state_label(10), "dfuERROR");
    assert_string_equal(dfu_state_label(11), "an unknown state");
    assert_string_equal(dfu_status_label(0), "OK");
    assert_string_equal(dfu_status_label(11), "errVENDOR");
    assert_string_equal(dfu_status_label(15), "errSTALLEDPKT");
    assert_string_equal(dfu_status_label(16), "an unknown status");
}

static void status_bytes(void **state)
{
    struct dfu_status status;
    (void)state;
    dfu_status_parse((const uint8_t[]){8, 0x01, 0x02, 0x03, 10, 7}, &status);
    assert_int_equal(status.code, DFU_STATUS_ERR_ADDRESS);
    assert_int_equal(status.poll_timeout_ms, 0x030201);
    assert_int_equal(status.state, DFU_STATE_ERROR);
    assert_int_equal(status.string, 7);
}

/* Two GETSTATUS for a piece of work, and none before the announced time. */
static void waits_as_asked(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    b->erase_ms = 700;
    b->now_us = 1999; /* not at a whole millisecond */
    assert_ok(dfu_download(&dfu, 0, erase, 5, &err) &&
                  dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 35000, &err),
              &err);
    assert_string_equal(b->log.data, "dnload 41 08000000\ngetstatus\ngetstatus\n");
    assert_int_equal(b->early_polls, 0);
    assert_in_range(b->now_us, 700000, 710000);
}

/* A time that is not to be believed is not waited for. */
static void poll_time_by_quirk(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    b->announce_ms = 0xffffff;
    dfu.quirks.poll_timeout_ms = 5;
    assert_ok(dfu_download(&dfu, 0, erase, 5, &err) &&
                  dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 1000, &err),
              &err);
    assert_in_range(b->now_us, 5000, 10000);
}

static void stuck(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    b->stuck = true;
    assert_ok(dfu_download(&dfu, 0, erase, 5, &err), &err);
    assert_false(dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 35000, &err));
    assert_error(&err, ERR_DEVICE,
                 "still busy after 35.0 s (state dfuDNBUSY, status OK)\n  unplug the board");
    assert_in_range(b->transfers, 300, 1000); /* neither spinning nor asleep */
}

static void asks_for_too_long(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    b->announce_ms = 0xffffff;
    assert_ok(dfu_download(&dfu, 0, erase, 5, &err), &err);
    assert_false(dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 35000, &err));
    assert_error(&err, ERR_DEVICE,
                 "asks to wait 16777.2 s, more than the 35.0 s allowed (state dfuDNBUSY");
    assert_in_range(b->now_us, 0, 1000000);
}

/* A board that answers GETSTATUS only when it is ready, and is not within the limit. */
static enum usb_fault never_answers(void *data, const struct usb_control *c, size_t *moved)
{
    struct fake_board *b = data;
    if (c->request != DFU_GETSTATUS || b->state != DFU_STATE_DNBUSY)
        return fake_control(data, c, moved);
    b->now_us += c->timeout_ms * 1000LL;
    return USB_TIMED_OUT;
}

static void blocked_get_status(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    dfu.io.control = never_answers;
    assert_ok(dfu_download(&dfu, 0, erase, 5, &err), &err);
    assert_false(dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 2000, &err));
    assert_error(&err, ERR_DEVICE, "still busy after 2.0 s (state dfuDNBUSY, status OK)");
}

static void reported_errors(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    b->fail_erase = DFU_STATUS_ERR_ERASE;
    assert_ok(dfu_download(&dfu, 0, erase, 5, &err), &err);
    assert_false(dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 1000, &err));
    assert_error(&err, ERR_DEVICE,
                 "the memory could not be erased (state dfuERROR, status errERASE)");
}

/* mboot: dfuERROR with status OK is an error all the same. */
static void error_state_with_status_ok(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    b->fail_erase = DFU_STATUS_ERR_ERASE;
    b->ok_in_error = true;
    assert_ok(dfu_download(&dfu, 0, erase, 5, &err), &err);
    assert_false(dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 1000, &err));
    assert_error(&err, ERR_DEVICE, "an error state (state dfuERROR, status OK)");
}

/* A refused block: the reason is in the status, not in the stall. */
static void refusal_is_explained(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    uint8_t bytes[16];
    b->read_protected = true;
    assert_false(dfu_upload(&dfu, 2, bytes, sizeof(bytes), &err));
    assert_error(&err, ERR_DEVICE,
                 "the memory is read-protected (state dfuERROR, status errVENDOR)\n"
                 "  `firn unprotect` lifts the protection, and erases the whole flash");
}

static void short_upload(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    uint8_t bytes[16];
    b->pointer = FAKE_BASE;
    b->short_read = 0;
    assert_false(dfu_upload(&dfu, 2, bytes, sizeof(bytes), &err));
    assert_error(&err, ERR_DEVICE, "sent 15 of 16 bytes");
}

static enum usb_fault takes_half(void *data, const struct usb_control *c, size_t *moved)
{
    enum usb_fault fault = fake_control(data, c, moved);
    *moved /= 2;
    return fault;
}

static void short_answers(void **state)
{
    struct dfu dfu = fake_dfu(*state);
    struct err *err = NULL;
    dfu.io.control = takes_half;
    assert_false(dfu_download(&dfu, 0, erase, 5, &err));
    assert_error(&err, ERR_DEVICE, "took 2 of 5 bytes");
    assert_false(dfu_get_status(&dfu, 100, &err));
    assert_error(&err, ERR_DEVICE, "a status of 3 bytes instead of 6");
}

static void unplugged(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    b->unplug_before = 1;
    assert_ok(dfu_download(&dfu, 0, set_address, 5, &err), &err);
    assert_false(dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 1000, &err));
    assert_error(&err, ERR_DEVICE, "the board is gone\n  it was unplugged or has reset itself");
    assert_int_equal(dfu.fault, USB_GONE);
}

static void idle_from_any_state(void **state)
{
    static const struct {
        uint8_t state, code;
        const char *log; /* NULL: it fails */
    } cases[] = {
        {DFU_STATE_IDLE, 0, "getstatus\n"},
        {DFU_STATE_ERROR, DFU_STATUS_ERR_FIRMWARE, "getstatus\nclrstatus\ngetstatus\n"},
        {DFU_STATE_DNLOAD_IDLE, 0, "getstatus\nabort\ngetstatus\n"},
        {DFU_STATE_UPLOAD_IDLE, 0, "getstatus\nabort\ngetstatus\n"},
        {DFU_STATE_DNBUSY, 0, "getstatus\nabort\ngetstatus\n"},
        {DFU_STATE_APP_IDLE, 0, NULL},
        {DFU_STATE_MANIFEST_WAIT_RESET, 0, NULL},
        {DFU_STATE_MANIFEST, 0, NULL},
        {200, 0, NULL},
    };
    struct fake_board *b = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dfu dfu = fake_dfu(b);
        struct err *err = NULL;
        buf_clear(&b->log);
        b->state = cases[i].state;
        b->code = cases[i].code;
        b->work[0] = 0x21;
        if (cases[i].log) {
            assert_ok(dfu_make_idle(&dfu, 1000, &err), &err);
            assert_string_equal(b->log.data, cases[i].log);
        } else {
            assert_false(dfu_make_idle(&dfu, 1000, &err));
            assert_error(&err, ERR_DEVICE, "does not become idle");
        }
    }
}

/* Requests are taken and nothing changes. */
static enum usb_fault never_idle(void *data, const struct usb_control *c, size_t *moved)
{
    struct fake_board *b = data;
    enum usb_fault fault = fake_control(data, c, moved);
    b->state = DFU_STATE_ERROR;
    b->code = DFU_STATUS_ERR_UNKNOWN;
    return fault;
}

static void never_becomes_idle(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    dfu.io.control = never_idle;
    b->state = DFU_STATE_ERROR;
    assert_false(dfu_make_idle(&dfu, 1000, &err));
    assert_error(&err, ERR_DEVICE, "does not become idle (state dfuERROR, status errUNKNOWN)");
    assert_in_range(b->transfers, 2, 20);
}

/* STM32L4: a GETSTATUS before the announced time has passed is refused. */
static bool stall_once;
static enum usb_fault stalls_early(void *data, const struct usb_control *c, size_t *moved)
{
    const struct fake_board *b = data;
    if (c->request == DFU_GETSTATUS && b->state == DFU_STATE_DNBUSY && stall_once) {
        stall_once = false;
        return USB_STALLED;
    }
    return fake_control(data, c, moved);
}

static void early_poll_is_repeated(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    dfu.io.control = stalls_early;
    b->erase_ms = 300;
    for (int has_quirk = 1; has_quirk >= 0; has_quirk--) {
        dfu.quirks.flags = has_quirk ? QUIRK_STALLS_EARLY_POLL : 0;
        stall_once = true;
        long long start_us = b->now_us;
        assert_ok(dfu_download(&dfu, 0, erase, 5, &err), &err);
        assert_true(dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 1000, &err) == has_quirk);
        if (has_quirk)
            assert_in_range(b->now_us - start_us, 600000, 610000);
        else
            assert_error(&err, ERR_DEVICE, "the board refuses GETSTATUS (stall)");
    }
}

/* STM32H743: busy for ever, until two CLRSTATUS. */
static void wedged_board_is_freed(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    for (int has_quirk = 0; has_quirk <= 1; has_quirk++) {
        dfu.quirks.flags = has_quirk ? QUIRK_WEDGES_IN_BUSY : 0;
        b->state = DFU_STATE_DNBUSY;
        b->stuck = true;
        assert_true(dfu_make_idle(&dfu, 1000, &err) == has_quirk);
        if (!has_quirk)
            assert_error(&err, ERR_DEVICE, "still busy after 1.0 s (state dfuDNBUSY");
    }
    assert_int_equal(b->state, DFU_STATE_IDLE);
}

/* mboot says why, in a string. */
static enum usb_fault has_strings(void *data, const struct usb_control *c, size_t *moved)
{
    static const uint8_t text[] = {10, 3, 'b', 0, 'a', 0, 'd', 0, '\n', 0};
    if (c->request_type == USB_REQUEST_IN) {
        assert_int_equal(c->request, 6);
        assert_int_equal(c->value, 0x0311);
        memcpy(c->data, text, sizeof(text));
        *moved = sizeof(text);
        return USB_OK;
    }
    enum usb_fault fault = fake_control(data, c, moved);
    if (c->request == DFU_GETSTATUS)
        ((uint8_t *)c->data)[5] = 0x11;
    return fault;
}

static void status_string_is_shown(void **state)
{
    struct fake_board *b = *state;
    struct dfu dfu = fake_dfu(b);
    struct err *err = NULL;
    dfu.io.control = has_strings;
    b->fail_erase = DFU_STATUS_ERR_ADDRESS;
    for (int has_quirk = 0; has_quirk <= 1; has_quirk++) {
        dfu.quirks.flags = has_quirk ? QUIRK_MBOOT_STRINGS : 0;
        b->state = DFU_STATE_IDLE;
        b->code = DFU_STATUS_OK;
        assert_ok(dfu_download(&dfu, 0, erase, 5, &err), &err);
        assert_false(dfu_wait(&dfu, DFU_STATE_DNLOAD_IDLE, 1000, &err));
        assert_error(&err, ERR_DEVICE,
                     has_quirk ? "(state dfuERROR, status errADDRESS, the board says: bad\\x0a)"
                               : "(state dfuERROR, status errADDRESS)");
        assert_int_equal(dfu.fault, USB_OK);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names),
        TEST(status_bytes),
        TEST(waits_as_asked),
        TEST(poll_time_by_quirk),
        TEST(stuck),
        TEST(asks_for_too_long),
        TEST(blocked_get_status),
        TEST(reported_errors),
        TEST(error_state_with_status_ok),
        TEST(refusal_is_explained),
        TEST(short_upload),
        TEST(short_answers),
        TEST(unplugged),
        TEST(idle_from_any_state),
        TEST(never_becomes_idle),
        TEST(early_poll_is_repeated),
        TEST(wedged_board_is_freed),
        TEST(status_string_is_shown),
    };
    return cmocka_run_group_tests_name("dfu", tests, NULL, NULL);
}
