#include "wipe_board.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"

static const struct wipe_options mass = {.mass = true};

static struct wipe_options span(uint32_t address, uint32_t size)
{
    return (struct wipe_options){.address = address, .size = size};
}

static void erases(const struct wipe_options *options, unsigned sectors, const char *summary)
{
    board.erases = 0;
    assert_ok(wipe(options), &err);
    assert_int_equal(board.erases, sectors);
    assert_int_equal(result.sectors_erased, sectors);
    assert_string_equal(result.summary, summary);
    assert_int_equal(board.state, DFU_STATE_IDLE);
}

/* The memory is what it was. */
static void refuses(const struct wipe_options *options, enum err_code code, const char *message)
{
    assert_false(wipe(options));
    assert_error(&err, code, message);
    assert_null(result.summary);
    assert_int_equal(result.sectors_erased, 0);
    assert_int_equal(board.transfers, 0);
    check_erased_only(FAKE_BASE, 0);
}

/* ---- spans ---------------------------------------------------------------------------------- */

static void whole_sectors_are_erased_and_read_back(void **state)
{
    struct wipe_options options = span(FAKE_BASE + 0x4000, 0x8000);
    (void)state;
    erases(&options, 2, "erased 2 sectors (32.0 KiB) from 0x08004000 on");
    assert_true(result.verified);
    assert_int_equal(board.uploads, 0x8000 / FAKE_BLOCK);
    check_erased_only(FAKE_BASE + 0x4000, 0x8000);
}

static void sectors_of_several_sizes(void **state)
{
    struct wipe_options options = span(FAKE_BASE + 0xc000, 0x14000);
    (void)state;
    erases(&options, 2, "erased 2 sectors (80.0 KiB) from 0x0800c000 on");
    check_erased_only(FAKE_BASE + 0xc000, 0x14000);
}

static void one_sector_and_all_of_them(void **state)
{
    struct wipe_options options = span(FAKE_BASE + 0x20000, 0x20000);
    (void)state;
    erases(&options, 1, "erased 1 sector (128.0 KiB) from 0x08020000 on");
    check_erased_only(FAKE_BASE + 0x20000, 0x20000);
    options = span(FAKE_BASE, FAKE_SIZE);
    erases(&options, 6, "erased 6 sectors (256.0 KiB) from 0x08000000 on");
    check_erased_only(FAKE_BASE, FAKE_SIZE);
}

/* At its begin, at its end, in the middle; the hint is the span with what it cuts. */
static void a_span_that_cuts_a_sector_is_refused(void **state)
{
    struct wipe_options options = span(FAKE_BASE + 0x1000, 0x3000);
    (void)state;
    refuses(&options, ERR_USAGE, "0x08001000 with 12288 bytes cuts a sector");
    refuses(&options, ERR_USAGE, "whole sectors: --address 0x08000000 --size 16384");
    options = span(FAKE_BASE + 0x8000, 0x8001);
    refuses(&options, ERR_USAGE, "whole sectors: --address 0x08008000 --size 98304");
    options = span(FAKE_BASE + 0x4100, 1);
    refuses(&options, ERR_USAGE, "whole sectors: --address 0x08004000 --size 16384");
    options = span(FAKE_BASE + 0x3fff, 2);
    refuses(&options, ERR_USAGE, "whole sectors: --address 0x08000000 --size 32768");
}

static void a_span_outside_is_refused(void **state)
{
    struct wipe_options options = span(FAKE_BASE + FAKE_SIZE, 0x4000);
    (void)state;
    refuses(&options, ERR_DEVICE, "0x08040000 is not in erasable memory of the board's Flash");
    options = span(FAKE_BASE - 0x4000, 0x8000);
    refuses(&options, ERR_DEVICE, "0x07ffc000 is not in erasable memory");
    options = span(FAKE_BASE + 0x20000, 0x20001);
    refuses(&options, ERR_DEVICE, "0x08040000 is not in erasable memory");
    options = span(0xffffc000, 0x8000); /* over the last address that there is */
    device->names[0] = "@Top /0x00000000/01*016Kg/0xffffc000/01*016Kg";
    refuses(&options, ERR_DEVICE, "0x100000000 is not in erasable memory of the board's Top");
}

static void zones_are_erased_one_at_a_time(void **state)
{
    struct wipe_options options = span(FAKE_BASE + 0x4000, 0x10000);
    (void)state;
    device->names[0] = "@Zones /0x08000000/02*016Kg/0x08010000/01*064Kg/0x08020000/01*128Kg";
    refuses(&options, ERR_DEVICE, "0x08008000 is not in erasable memory of the board's Zones");
    options = span(FAKE_BASE + 0x10000, 0x30000); /* two that touch */
    erases(&options, 2, "erased 2 sectors (192.0 KiB) from 0x08010000 on");
    check_erased_only(FAKE_BASE + 0x10000, 0x30000);
}

static void what_cannot_be_erased_is_refused(void **state)
{
    struct wipe_options options = span(FAKE_BASE, 0x10000);
    (void)state;
    device->names[0] = "@Flash /0x08000000/01*016Kg,01*016Ke,02*016Kg,01*064Ka,01*128Kg";
    refuses(&options, ERR_DEVICE, "0x08004000 is not in erasable memory");
    options = span(FAKE_BASE + 0x10000, 0x10000);
    refuses(&options, ERR_DEVICE, "0x08010000 is not in erasable memory");
    options = span(FAKE_BASE + 0x8000, 0x8000);
    erases(&options, 2, "erased 2 sectors (32.0 KiB) from 0x08008000 on");
}

/* Nothing outside of the span is looked at in its place. */
static void what_cannot_be_read_is_erased_and_not_verified(void **state)
{
    struct wipe_options options = span(FAKE_BASE + 0x4000, 0x4000);
    (void)state;
    device->names[0] = "@Flash /0x08000000/01*016Kg,01*016Kf,02*016Kg,01*064Kg,01*128Kg";
    erases(&options, 1,
           "erased 1 sector (16.0 KiB) from 0x08004000 on, of which 16.0 KiB cannot be read back");
    check_erased_only(FAKE_BASE + 0x4000, 0x4000);
    assert_int_equal(board.uploads, 0);
    assert_false(result.verified);
    options = span(FAKE_BASE, 0xc000); /* what is around it is read back */
    erases(&options, 3,
           "erased 3 sectors (48.0 KiB) from 0x08000000 on, of which 16.0 KiB cannot be read back");
    assert_int_equal(board.uploads, 0x8000 / FAKE_BLOCK);
    assert_false(result.verified);
    check_erased_only(FAKE_BASE, 0xc000);
}

static void a_dry_run_only_checks_the_span(void **state)
{
    struct wipe_options options = span(FAKE_BASE, 0x8000);
    (void)state;
    options.dry_run = true;
    assert_ok(wipe(&options), &err);
    assert_string_equal(result.summary, "would erase 2 sectors (32.0 KiB) from 0x08000000 on");
    options = (struct wipe_options){.mass = true, .dry_run = true};
    assert_ok(wipe(&options), &err);
    assert_string_equal(result.summary, "would erase 6 sectors (256.0 KiB) from 0x08000000 on");
    options = (struct wipe_options){.address = FAKE_BASE, .size = 1, .dry_run = true};
    refuses(&options, ERR_USAGE, "cuts a sector");
    assert_false(result.verified);
}

static void the_memory_that_was_named(void **state)
{
    struct wipe_options options = span(FAKE_BASE, 0x4000);
    (void)state;
    device->names[0] = "no layout";
    device->names[1] = "@Internal Flash /0x08000000/04*016Kg";
    device->names[2] = "@Other /0x08020000/01*128Kg";
    erases(&options, 1, "erased 1 sector (16.0 KiB) from 0x08000000 on");
    assert_int_equal(board.alt, 1);
    options = (struct wipe_options){.alt = "other", .address = 0x08020000, .size = 0x20000};
    erases(&options, 1, "erased 1 sector (128.0 KiB) from 0x08020000 on");
    assert_int_equal(board.alt, 2);
    options.alt = "0";
    assert_false(wipe(&options));
    assert_error(&err, ERR_DEVICE, "it describes no memory with addresses");
    options.alt = "7";
    assert_false(wipe(&options));
    assert_error(&err, ERR_DEVICE, "no alternate setting '7'");
}

static void plain_dfu_has_nothing_to_erase(void **state)
{
    (void)state;
    device->names[0] = NULL;
    refuses(&mass, ERR_DEVICE, "it describes no memory with addresses (plain DFU)");
}

/* ---- what goes wrong ------------------------------------------------------------------------ */

/* It reports success, as real ones do. */
static void a_write_protected_sector_is_found_out(void **state)
{
    struct wipe_options options = span(FAKE_BASE + 0x4000, 0x8000);
    (void)state;
    board.ignore_work = true; /* the first erase */
    board.memory[0x4000] = board.memory[0x4001] = 0xff;
    assert_false(wipe(&options));
    assert_error(&err, ERR_DEVICE, "0x08004002 was erased and reads 0x48 instead of 0xff");
    assert_null(result.summary);
    assert_false(result.verified);
    board.corrupt_read = FAKE_BASE + 0xbfff; /* the last byte counts */
    assert_false(wipe(&options));
    assert_error(&err, ERR_DEVICE, "0x0800bfff was erased and reads 0xbf instead of 0xff");
}

static void an_erase_that_the_board_refuses(void **state)
{
    struct wipe_options options = span(FAKE_BASE, 0x8000);
    (void)state;
    board.fail_erase = DFU_STATUS_ERR_ERASE;
    assert_false(wipe(&options));
    assert_error(&err, ERR_DEVICE, "0x08000000");
    assert_int_equal(board.erases, 1);
    assert_int_equal(result.sectors_erased, 0);
}

/* The STM32L1, known by its pages: all bits 0. */
static void where_erased_memory_is_zero(void **state)
{
    struct wipe_options options = span(FAKE_BASE + 0x100, 0x200);
    (void)state;
    device->names[0] = "@Internal Flash /0x08000000/1024*256 g";
    board.blank = 0;
    erases(&options, 2, "erased 2 sectors (512 B) from 0x08000100 on");
    assert_true(result.verified);
    board.blank = 0xff;
    assert_false(wipe(&options));
    assert_error(&err, ERR_DEVICE, "0x08000100 was erased and reads 0xff instead of 0x00");
}

/* In a child, as the request to stop cannot be taken back. The first erase is transfers 1 to 3. */
static bool stops_in_a_child(int transfer, unsigned erased, const char *message)
{
    const struct wipe_options options = span(FAKE_BASE, 0x10000);
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        interrupt_install();
        board.interrupt_at = transfer;
        bool stopped = !wipe(&options) && err->code == ERR_INTERRUPTED && board.erases == erased;
        _exit(stopped && strstr(err->message, message) ? 0 : 1);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* What was erased then is said, and what was begun is ended. */
static void ctrl_c_stops_between_two_sectors(void **state)
{
    (void)state;
    assert_true(stops_in_a_child(1, 1, "erased from 0x08000000 to 0x08004000 only"));
    assert_true(stops_in_a_child(3, 1, "erased from 0x08000000 to 0x08004000 only"));
    assert_true(stops_in_a_child(4, 2, "erased from 0x08000000 to 0x08008000 only"));
}

/* All is erased then: it is read back all the same. */
static void ctrl_c_does_not_stop_the_reading_back(void **state)
{
    const struct wipe_options options = span(FAKE_BASE, 0x8000);
    int status = -1;
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        interrupt_install();
        board.interrupt_at = 15;
        bool ok = wipe(&options) && interrupt_requested();
        _exit(ok && result.verified ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, wipe_setup, wipe_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_sectors_are_erased_and_read_back),
        TEST(sectors_of_several_sizes),
        TEST(one_sector_and_all_of_them),
        TEST(a_span_that_cuts_a_sector_is_refused),
        TEST(a_span_outside_is_refused),
        TEST(zones_are_erased_one_at_a_time),
        TEST(what_cannot_be_erased_is_refused),
        TEST(what_cannot_be_read_is_erased_and_not_verified),
        TEST(a_dry_run_only_checks_the_span),
        TEST(the_memory_that_was_named),
        TEST(plain_dfu_has_nothing_to_erase),
        TEST(a_write_protected_sector_is_found_out),
        TEST(an_erase_that_the_board_refuses),
        TEST(where_erased_memory_is_zero),
        TEST(ctrl_c_stops_between_two_sectors),
        TEST(ctrl_c_does_not_stop_the_reading_back),
    };
    return cmocka_run_group_tests_name("wipe", tests, NULL, NULL);
}
