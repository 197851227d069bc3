#include "sequence_board.h"

/* Numbers of transfers, exactly: docs/flasher.md has the same. */
static void blank_board(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x14321);
    fill(f, 0xff);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_true(f->board.left);
    assert_int_equal(f->board.alt, 0);
    assert_true(f->result.verified && f->result.left);
    assert_int_equal(f->result.sectors_erased, 0);
    assert_int_equal(f->result.bytes_written, 0x14800);
    assert_string_equal(f->seen.data, "begin plan\nend plan\nbegin write\nend write\n"
                                      "begin verify\nend verify\nbegin leave\nend leave\n");
    assert_int_equal(f->last_done, f->last_total);
    unsigned blocks = 0x14800 / FAKE_BLOCK;
    assert_int_equal(f->board.downloads, blocks);
    assert_int_equal(f->board.uploads, 2 * blocks); /* compared, read back */
    /* 5 = a run that is read, 3 = a run that is written */
    assert_int_equal(f->board.transfers, 3 * blocks + 2 * blocks + 1 /* is it idle? */ +
                                             5 /* compare */ + 3 /* write */ + 5 /* read back */ +
                                             3 + 5 /* the vector table's block */ + 5 /* leave */);
}

/* Another program is in it: its first block in each sector is enough to know. */
static void old_program(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    fill(f, 0x00);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    unsigned blocks = 0x20000 / FAKE_BLOCK, sectors = 5;
    assert_int_equal(f->result.sectors_erased, sectors);
    assert_int_equal(f->result.bytes_compared, sectors * FAKE_BLOCK);
    assert_int_equal(f->board.uploads, sectors + blocks);
    assert_int_equal(f->board.transfers, 3 * blocks + blocks + sectors + 1 + 5 /* compare */ +
                                             sectors * (3 + 3) /* erase, write */ +
                                             5 /* read back */ + 3 + 5 /* the vector table */ + 5);
}

static void unchanged(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    hold_image(f, 0xa5, 0x08000000, 0);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_true(f->result.verified && f->result.left);
    assert_int_equal(f->result.bytes_written, 0);
    assert_int_equal(f->result.bytes_unchanged, 0x20000);
    assert_string_equal(f->seen.data, "begin plan\nend plan\nbegin leave\nend leave\n");
    assert_int_equal(f->board.transfers, 0x20000 / FAKE_BLOCK + 1 + 5 + 5);
}

/* One sector changes: that one and the vector table's are erased, the rest is left alone. */
static void one_sector_changed(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    hold_image(f, 0xa5, 0x08009000, 1);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 2);
    assert_int_equal(f->result.bytes_written, 0x8000);
    assert_int_equal(f->result.bytes_unchanged, 0x20000 - 0x8000);
}

static void vector_sector_changed(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    hold_image(f, 0xa5, 0x08000123, 1);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 1);
    assert_int_equal(f->result.bytes_written, 0x4000);
}

/* What an interrupted run left blank is programmed without another erase. */
static void blank_is_not_erased(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x20000);
    hold_image(f, 0xff, 0x08000000, 0);
    memset(f->board.memory, 0xff, FAKE_BLOCK);
    memset(f->board.memory + 0x18000, 0xff, 0x8000);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 0);
    assert_int_equal(f->result.bytes_written, 0x8800);
}

/* Blocks of the image that are like erased memory are not written, but read back. */
static void blank_blocks_are_skipped(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xcalloc(1, 0x10000);
    memset(data + 0x5000, 0xff, 0x6000);
    assert_ok(image_add(&f->image, 0, 0x08000000, data, 0x10000, &err), &err);
    fill(f, 0x55);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->result.bytes_written, 0xa000);
    assert_int_equal(f->board.uploads, 0x10000 / FAKE_BLOCK + 4);
    /* An erase that does nothing and says nothing: a protected sector. */
    fill(f, 0x55);
    f->board.state = DFU_STATE_IDLE;
    f->board.gone = false;
    forget(f);
    assert_ok(flash(f, &err), &err);
    int third = (int)(strstr(f->board.log.data, "dnload 41 08008000") - f->board.log.data), at = 0;
    for (int i = 0; i < third; i++)
        at += f->board.log.data[i] == '\n';
    fill(f, 0x55);
    f->board.state = DFU_STATE_IDLE;
    f->board.gone = false;
    forget(f);
    f->board.fault_at = at - 1; /* the log has a line for the alternate setting */
    f->board.fault = FAKE_IGNORE;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "verification failed at 0x08008000: wrote 0xff, read back 0x55");
    f->board.overwritten = 0;
}

/* The first block too, which nothing else is read back for. */
static void blank_vector_is_read_back(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    uint8_t data[FAKE_BLOCK];
    memset(data, 0xff, sizeof(data));
    assert_ok(image_add(&f->image, 0, 0x08000000, data, sizeof(data), &err), &err);
    f->options.erase = FLASH_ERASE_ALL;
    f->options.discard = true; /* so that nothing is read before */
    fill(f, 0x55);
    f->board.ignore_work = true; /* the erase */
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "verification failed at 0x08000000: wrote 0xff, read back 0x55");
    assert_false(f->result.verified);
}

static void erases_to_zero(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    f->board.blank = 0;
    f->dfu.quirks.flags = QUIRK_ERASES_TO_ZERO;
    fill(f, 0xff);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 2);
}

static void erase_all(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    hold_image(f, 0xa5, 0x08000000, 0);
    f->options.erase = FLASH_ERASE_ALL;
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->board.erases, 2);
    assert_int_equal(f->result.bytes_kept, 0x3f00);
}

static void mass_erase(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    f->options.erase = FLASH_ERASE_MASS;
    fill(f, 0xff);
    memset(f->board.memory, 0xa5, FAKE_SIZE);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->result.bytes_compared, 0);
    assert_int_equal(f->result.sectors_erased, 6);
    assert_contains(f->seen.data, "--erase=mass: all 256.0 KiB of the flash are erased");
    assert_int_equal(f->last_done, f->last_total);
}

static void two_memories(void **state)
{
    static const char text[] = "@Other /0x08020000/01*128Kg";
    struct fixture *f = *state;
    struct err *err = NULL;
    uint8_t byte = 0x3c;
    _cleanup_(layout_release) struct layout other = LAYOUT_INIT;
    assert_ok(layout_parse(text, strlen(text), &other, &err), &err);
    const struct plan_memory memories[] = {f->memory, {1, &other}};
    add(f, 0x08000000, 0x4000);
    memset(f->board.memory, 0xa5, FAKE_SIZE);
    assert_ok(image_add(&f->image, 1, 0x08020000, &byte, 1, &err), &err);
    assert_ok(
        sequence_run(&f->dfu, memories, 2, &f->image, &f->options, f->events, &f->result, &err),
        &err);
    assert_holds_image(f);
    size_t at = position(f, "alt 0\ndnload 21 08000000", 0); /* what is there */
    at = position(f, "getstatus\nabort\ngetstatus\nalt 1\ndnload 21 08020000", at);
    at = position(f, "abort\ndnload 21 08020000", at); /* what is kept, once more */
    at = position(f, "getstatus\nabort\ngetstatus\nalt 0\ndnload 41 08000000", at);
    at = position(f, "getstatus\nabort\ngetstatus\nalt 1\ndnload 41 08020000", at);
    at = position(f, "getstatus\nabort\ngetstatus\nalt 0\ndnload 21 08000800", at); /* read back */
    at = position(f, "alt 0\ndnload 21 08000000", at); /* the vector's block */
    position(f, "dnload 21 08000000\ngetstatus\ngetstatus\ndnload 0 0", at);
    assert_int_equal(f->board.alt, 0);
}

static void out_of_error(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 100);
    f->board.state = DFU_STATE_ERROR;
    f->board.code = DFU_STATUS_ERR_FIRMWARE;
    assert_ok(flash(f, &err), &err);
    assert_holds_image(f);
}

static void dry_run(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4100);
    memset(f->board.memory, 0x5a, FAKE_SIZE);
    f->options.dry_run = true;
    assert_ok(flash(f, &err), &err);
    for (size_t i = 0; i < FAKE_SIZE; i++)
        assert_int_equal(f->board.memory[i], 0x5a);
    assert_null(strstr(f->board.log.data, "dnload 41"));
    assert_true(plan_keeps(&f->result.plan.sectors[1]));
    assert_false(f->result.verified);
    assert_true(f->result.expected_seconds > 1 && f->result.expected_seconds < 2);
    assert_int_equal(f->board.state, DFU_STATE_IDLE);
}

static void no_verify_no_leave(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4000);
    f->options.verify = f->options.leave = false;
    assert_ok(flash(f, &err), &err);
    assert_holds_image(f);
    assert_false(f->result.verified || f->result.left || f->board.left);
    assert_int_equal(f->board.uploads, 0x4000 / FAKE_BLOCK); /* compared */
    assert_contains(f->seen.data, "not verified, as --no-verify asks");
}

static void wrong_read_back(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x8000);
    f->board.corrupt_read = 0x08006123;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "verification failed at 0x08006123: wrote 0x");
    assert_false(f->result.verified);
    assert_false(f->board.left);
    /* It cannot start: the vector table was not written. */
    for (size_t i = 0; i < FAKE_BLOCK; i++)
        assert_int_equal(f->board.memory[i], 0xff);
}

static void writes_that_do_nothing(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x4000);
    f->board.ignore_writes = true;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "(2040 of 2048 bytes from 0x08000800 on differ)");
}

static void left_before_told(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 100);
    assert_ok(flash(f, &err), &err);
    int leave = (int)f->board.transfers - 5; /* SET_ADDRESS, 2 status, DNLOAD, status */
    power_cycle(f);
    f->board.unplug_before = leave;
    assert_ok(flash(f, &err), &err);
    assert_true(f->result.verified);
    /* The same without a verified image is a failure. */
    f->options.verify = false;
    for (int silent = 1; silent >= 0; silent--) {
        fill(f, 0x00);
        power_cycle(f);
        f->board.silent_leave = silent;
        f->board.unplug_before = silent ? FAKE_NEVER : leave;
        if (flash(f, &err))
            leave = (int)f->board.transfers - 4;
        else
            assert_error(&err, ERR_DEVICE,
                         "the image is written, but: cannot leave the bootloader: the board is "
                         "gone\n  reset the board to start it");
        assert_true(f->result.left == silent);
    }
}

/* What the board holds before, and how it is flashed. */

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blank_board),
        TEST(old_program),
        TEST(unchanged),
        TEST(one_sector_changed),
        TEST(vector_sector_changed),
        TEST(blank_is_not_erased),
        TEST(blank_blocks_are_skipped),
        TEST(blank_vector_is_read_back),
        TEST(erases_to_zero),
        TEST(erase_all),
        TEST(mass_erase),
        TEST(two_memories),
        TEST(out_of_error),
        TEST(dry_run),
        TEST(no_verify_no_leave),
        TEST(wrong_read_back),
        TEST(writes_that_do_nothing),
        TEST(left_before_told),
    };
    return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}
