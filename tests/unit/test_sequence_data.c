/* Other data of the board, and the order in which things are changed. */
#include "sequence_board.h"

#include "image/dfuse_file.h"

/* Vector's sector erased first; the vector written behind the last byte that was verified. */
static void vector_table_last(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x8000);
    fill(f, 0xa5);
    assert_ok(flash(f, &err), &err);
    size_t at = position(f, "dnload 41 08000000", 0);
    at = position(f, "dnload 21 08000800", at); /* write */
    at = position(f, "dnload 2 2048", at);
    at = position(f, "dnload 41 08004000", at);
    at = position(f, "dnload 21 08004000", at);
    at = position(f, "dnload 21 08000800", at); /* read back */
    at = position(f, "upload 2 2048", at);
    at = position(f, "dnload 21 08000000", at); /* the vector's block */
    at = position(f, "dnload 2 2048", at);
    at = position(f, "dnload 21 08000000", at);
    at = position(f, "upload 2 2048", at);
    at = position(f, "dnload 0 0", at);
}

static void keeps_other_data(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08004100, 0x4000); /* parts of two sectors */
    fill(f, 0xa5);
    f->options.rescue_dir = f->dir;
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->result.bytes_kept, 0x4000);
    assert_null(f->result.rescue);
    assert_int_equal(rescue_files(f), 0);
}

static void discards_other_data(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08004100, 0x4000);
    fill(f, 0xa5);
    memset(f->expected + 0x4000, 0xff, 0x100);
    memset(f->expected + 0x8100, 0xff, 0x3f00);
    f->options.discard = true;
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(f->result.bytes_kept, 0);
}

/* What is to be kept is read twice: a wrong byte would be written back for good. */
static void unsteady_read(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->board.fault_at = 8; /* idle?, SET_ADDRESS, ABORT, first block, second */
    f->board.fault = FAKE_CORRUPT;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE,
                 "0x08001803 reads 0xff, then 0xa5: other data there cannot be "
                 "kept safely\n  nothing of it was erased");
    assert_int_equal(f->board.erases, 0);
}

/* Two memories: the setting is changed between them, from dfuIDLE only, and the program is started
 * in the first. */

static void lost_data_is_named(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->board.fail_write = DFU_STATUS_ERR_WRITE;
    assert_false(flash(f, &err));
    assert_error(&err, ERR_DEVICE, "cannot write at 0x08000800: the memory could not be written");
    assert_contains(f->seen.data, "16128 bytes in the board");
    assert_null(f->result.rescue);
}

/* With a place for it, it is not lost: it is in a file, and the next run puts it back. */
static void lost_data_is_rescued(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->options.rescue_dir = f->dir;
    f->board.fail_write = DFU_STATUS_ERR_WRITE;
    assert_false(flash(f, &err));
    err_free_ptr(&err);
    _cleanup_free_ char *file = xasprintf("%s/rescue-1-1.4-3569_FE-0x08000000.dfu", f->dir);
    assert_string_equal(f->result.rescue, file);
    _cleanup_free_ char *advice =
        xasprintf("to put it back: firn flash '%s' --path 1-1.4 --no-leave", file);
    assert_contains(f->seen.data, advice);
    assert_int_equal(f->board.memory[0x200], 0xff);
    f->board.fail_write = 0;
    forget(f);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_contains(f->seen.data, "putting back 16128 bytes of other data at 0x08000100, saved in");
    assert_null(f->result.rescue);
    assert_int_equal(rescue_files(f), 0);
}

/* The board was used in between: its newer data is kept, the file stays and is named. */
static void newer_data_wins(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->options.rescue_dir = f->dir;
    f->board.fail_write = DFU_STATUS_ERR_WRITE;
    assert_false(flash(f, &err));
    err_free_ptr(&err);
    fill(f, 0xb6);
    assert_false(flash(f, &err)); /* this one's data goes into a file of its own */
    err_free_ptr(&err);
    assert_int_equal(rescue_files(f), 2);
    f->board.fail_write = 0;
    forget(f);
    assert_ok(flash(f, &err), &err);
    assert_as_expected(f);
    assert_int_equal(rescue_files(f), 1);
    assert_contains(f->seen.data, "which now holds something else there; to put it back: firn");
    _cleanup_free_ char *file = xasprintf("%s/rescue-1-1.4-3569_FE-0x08000000.dfu", f->dir);
    assert_string_equal(f->result.rescue, file);
}

static void no_room_for_rescue(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    add(f, 0x08000000, 0x100);
    fill(f, 0xa5);
    f->options.rescue_dir = "/dev/null/nowhere";
    assert_false(flash(f, &err));
    assert_error(&err, ERR_FAILED,
                 "cannot save the other data in the sector at 0x08000000 before erasing it: ");
    assert_int_equal(f->board.erases, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(vector_table_last), TEST(keeps_other_data),   TEST(discards_other_data),
        TEST(unsteady_read),     TEST(lost_data_is_named), TEST(lost_data_is_rescued),
        TEST(newer_data_wins),   TEST(no_room_for_rescue),
    };
    return cmocka_run_group_tests_name("sequence_data", tests, NULL, NULL);
}
