/* flasher/wipe.h: a mass erase, and read protection. */
#include "wipe_board.h"

static const struct wipe_options mass = {.mass = true};

static void erases(const char *summary)
{
    assert_ok(wipe(&mass), &err);
    assert_string_equal(result.summary, summary);
    assert_true(result.verified);
    assert_int_equal(board.erases, 0); /* no sector by itself */
    assert_int_equal(board.state, DFU_STATE_IDLE);
}

/* ---- mass erase ----------------------------------------------------------------------------- */

static void all_of_it_is_erased_by_one_command_and_read_back(void **state)
{
    (void)state;
    erases("erased 6 sectors (256.0 KiB) from 0x08000000 on");
    assert_contains(board.log.data, "dnload 0 1\n");
    assert_int_equal(board.uploads, FAKE_SIZE / FAKE_BLOCK);
    assert_int_equal(result.sectors_erased, 6);
    check_erased_only(FAKE_BASE, FAKE_SIZE);
}

/* Between zones is no memory, and to read there crashes some. */
static void holes_and_what_cannot_be_read_are_left_out(void **state)
{
    (void)state;
    device->names[0] =
        "@Flash /0x08000000/01*016Kg,01*016Kf/0x0800c000/01*016Kg/0x08020000/01*128Kg";
    erases("erased 3 sectors (160.0 KiB) from 0x08000000 on");
    assert_int_equal(board.uploads, (0x4000 + 0x4000 + 0x20000) / FAKE_BLOCK);
}

/* A bootloader in the same flash that says which sectors are its own: not for erasing. */
static void what_says_that_it_cannot_be_erased_may_stay(void **state)
{
    (void)state;
    device->names[0] = "@Flash /0x08000000/02*016Ka,02*016Kg,01*064Kg,01*128Kg";
    board.own_bytes = 0x8000;
    erases("erased 4 sectors (224.0 KiB) from 0x08000000 on");
    check_erased_only(FAKE_BASE + 0x8000, FAKE_SIZE - 0x8000);
}

static void a_byte_that_is_left_is_found(void **state)
{
    (void)state;
    board.corrupt_read = FAKE_BASE + FAKE_SIZE - 1;
    assert_false(wipe(&mass));
    assert_error(&err, ERR_DEVICE, "0x0803ffff was erased and reads 0xbf instead of 0xff");
    assert_false(result.verified);
    assert_null(result.summary);
}

/* Only of mboot it is expected. */
static void what_another_bootloader_leaves_is_an_error(void **state)
{
    (void)state;
    board.own_bytes = 0x4000;
    assert_false(wipe(&mass));
    assert_error(&err, ERR_DEVICE, "0x08000000 was erased and reads 0x01 instead of 0xff");
}

static void mboot_keeps_its_own_sectors(void **state)
{
    (void)state;
    device->product = "Pyboard DFU";
    board.own_bytes = 0x8000;
    erases("erased 4 sectors (224.0 KiB) from 0x08008000 on");
    assert_int_equal(result.sectors_erased, 4);
    check_erased_only(FAKE_BASE + 0x8000, FAKE_SIZE - 0x8000);
}

/* Not more than it can have, not behind what was erased, and not when it was told sectors. */
static void mboot_keeps_nothing_else(void **state)
{
    const struct wipe_options span = {.address = FAKE_BASE, .size = 0x4000};
    (void)state;
    device->product = "Pyboard DFU";
    board.ignore_work = true;
    assert_false(wipe(&mass));
    assert_error(&err, ERR_DEVICE, "0x08010000 was erased and reads");
    board.own_bytes = 0x4000;
    board.corrupt_read = FAKE_BASE + 0x8000;
    assert_false(wipe(&mass));
    assert_error(&err, ERR_DEVICE, "0x08008000 was erased and reads");
    board.corrupt_read = 0;
    board.ignore_work = true;
    assert_false(wipe(&span));
    assert_error(&err, ERR_DEVICE, "0x08000000 was erased and reads");
}

static void a_mass_erase_that_the_board_refuses(void **state)
{
    (void)state;
    board.read_protected = true;
    assert_false(wipe(&mass));
    assert_error(&err, ERR_DEVICE, "errVENDOR");
    assert_int_equal(board.uploads, 0);
    check_erased_only(FAKE_BASE, 0);
}

/* ---- read protection ------------------------------------------------------------------------ */

static bool call_is_protected(struct fleet_board *one, const void *options)
{
    (void)options;
    bool is_protected = false;
    return wipe_is_protected(one, &is_protected, &err) && is_protected;
}

static bool call_unprotect(struct fleet_board *one, const void *options)
{
    (void)options;
    return wipe_unprotect(one, &err);
}

static void protection_is_seen_by_reading(void **state)
{
    (void)state;
    assert_ok(!wipe_with(call_is_protected, NULL) && !err, &err);
    assert_int_equal(board.uploads, 1);
    assert_int_equal(board.state, DFU_STATE_IDLE);
    board.read_protected = true;
    assert_true(wipe_with(call_is_protected, NULL));
    check_erased_only(FAKE_BASE, 0);
}

/* At whichever transfer it happens. */
static void fails_otherwise(enum fake_fault fault)
{
    board.fault = fault;
    for (board.fault_at = 0; board.fault_at < 6; board.fault_at++) {
        board.transfers = 0;
        assert_false(wipe_with(call_is_protected, NULL));
        assert_non_null(err);
        err_free_ptr(&err);
    }
}

static void another_error_is_no_protection(void **state)
{
    (void)state;
    fails_otherwise(FAKE_BROKEN);
}

static void nor_is_another_status(void **state)
{
    (void)state;
    board.fault = FAKE_STATUS;
    board.fault_at = 5; /* the upload */
    assert_false(wipe_with(call_is_protected, NULL));
    assert_error(&err, ERR_DEVICE, "errSTALLEDPKT");
}

static void unprotecting_waits_for_the_board_and_looks_again(void **state)
{
    (void)state;
    board.read_protected = true;
    device->restarts = true;
    device->restart_looks = 3;
    assert_true(wipe_with(call_unprotect, NULL));
    assert_null(err);
    assert_false(board.read_protected);
    assert_string_equal(result.summary, "unprotected; its whole flash is erased");
    assert_int_equal(board.uploads, 1); /* the look whether it is gone */
    assert_int_equal(fake_usb_looks,
                     6); /* for the board, then until it is there, then as a board */
}

static void a_board_that_comes_back_as_something_else(void **state)
{
    (void)state;
    board.read_protected = true;
    device->restarts = true;
    device->restart_protocol = DFU_PROTOCOL_RUNTIME;
    assert_false(wipe_with(call_unprotect, NULL));
    assert_error(&err, ERR_DEVICE, "did not come back in its bootloader");
}

static void protection_that_stays_is_an_error(void **state)
{
    (void)state;
    board.read_protected = board.protected_for_ever = true;
    device->restarts = true;
    assert_false(wipe_with(call_unprotect, NULL));
    assert_error(&err, ERR_DEVICE, "still protected against reading");
    assert_null(result.summary);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, wipe_setup, wipe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_of_it_is_erased_by_one_command_and_read_back),
        TEST(holes_and_what_cannot_be_read_are_left_out),
        TEST(what_says_that_it_cannot_be_erased_may_stay),
        TEST(a_byte_that_is_left_is_found),
        TEST(what_another_bootloader_leaves_is_an_error),
        TEST(mboot_keeps_its_own_sectors),
        TEST(mboot_keeps_nothing_else),
        TEST(a_mass_erase_that_the_board_refuses),
        TEST(protection_is_seen_by_reading),
        TEST(another_error_is_no_protection),
        TEST(nor_is_another_status),
        TEST(unprotecting_waits_for_the_board_and_looks_again),
        TEST(a_board_that_comes_back_as_something_else),
        TEST(protection_that_stays_is_an_error),
    };
    return cmocka_run_group_tests_name("wipe_mass", tests, NULL, NULL);
}
