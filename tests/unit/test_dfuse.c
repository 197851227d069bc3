#include "fake_board.h"

#include "flasher/dfuse.h"

struct fixture {
    struct fake_board board;
    struct dfu dfu;
    size_t blocks, bytes;
    size_t stop_after; /* blocks, 0 = never */
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    fake_board_init(&f->board);
    f->dfu = fake_dfu(&f->board);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_release(&f->board.log);
    free(f);
    return 0;
}

static bool block_done(void *data, size_t bytes, struct err **err)
{
    struct fixture *f = data;
    f->blocks++;
    f->bytes += bytes;
    return f->blocks != f->stop_after || err_set(err, ERR_INTERRUPTED, "enough");
}

static uint8_t *pattern(size_t size)
{
    uint8_t *data = xmalloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    return data;
}

static const char *const two_polls = "getstatus\ngetstatus\n";

static void erases(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    memset(f->board.memory, 0, FAKE_SIZE);
    f->board.erase_ms = 2200;
    assert_ok(dfuse_erase_sector(&f->dfu, FAKE_BASE + 0x10000, &err), &err);
    assert_int_equal(f->board.memory[0xffff], 0);
    assert_int_equal(f->board.memory[0x10000], 0xff);
    assert_int_equal(f->board.memory[0x1ffff], 0xff);
    assert_int_equal(f->board.memory[0x20000], 0);
    assert_int_equal(f->board.early_polls, 0);
}

static void erase_names_the_address(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.stuck = true;
    assert_false(dfuse_erase_sector(&f->dfu, FAKE_BASE + 0x4000, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot erase the sector at 0x08004000: the board is still busy after 35.0 s "
                 "(state dfuDNBUSY, status OK)");
}

/* One SET_ADDRESS for the run, blocks 2, 3, 4; the short tail with its own, as block 2. */
static void writes_a_run(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    const struct dfuse_watch watch = {block_done, f};
    size_t size = 2 * FAKE_BLOCK + 100;
    _cleanup_free_ uint8_t *data = pattern(size);
    _cleanup_free_ char *log = xasprintf(
        "dnload 21 08004000\n%sdnload 2 2048\n%sdnload 3 2048\n%sdnload 21 08005000\n%sdnload 2 "
        "100\n%s",
        two_polls, two_polls, two_polls, two_polls, two_polls);
    assert_ok(dfuse_write_run(&f->dfu, FAKE_BASE + 0x4000, data, size, &watch, &err), &err);
    assert_string_equal(f->board.log.data, log);
    assert_memory_equal(f->board.memory + 0x4000, data, size);
    assert_int_equal(f->board.memory[0x4000 + size], 0xff);
    assert_int_equal(f->blocks, 3);
    assert_int_equal(f->bytes, size);
}

static void write_names_the_address(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    const struct dfuse_watch watch = {block_done, f};
    _cleanup_free_ uint8_t *data = pattern(4 * FAKE_BLOCK);
    f->board.unplug_before = 7; /* SET_ADDRESS and block 2 are through */
    assert_false(dfuse_write_run(&f->dfu, FAKE_BASE, data, 4 * FAKE_BLOCK, &watch, &err));
    assert_error(&err, ERR_DEVICE, "cannot write at 0x08000800: the board is gone");
    f->board.gone = false;
    f->board.state = DFU_STATE_IDLE;
    f->board.unplug_before = FAKE_NEVER;
    f->board.fail_write = DFU_STATUS_ERR_PROG;
    assert_false(dfuse_write_run(&f->dfu, FAKE_BASE + 0x800, data, 10, &watch, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot write at 0x08000800: the memory could not be programmed (state dfuERROR, "
                 "status errPROG)");
}

static void watch_stops(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    const struct dfuse_watch watch = {block_done, f};
    _cleanup_free_ uint8_t *data = pattern(4 * FAKE_BLOCK);
    f->stop_after = 2;
    assert_false(dfuse_write_run(&f->dfu, FAKE_BASE, data, 4 * FAKE_BLOCK, &watch, &err));
    assert_error(&err, ERR_INTERRUPTED, "enough");
    assert_int_equal(f->bytes, 2 * FAKE_BLOCK);
    assert_memory_equal(f->board.memory, data, 2 * FAKE_BLOCK);
    assert_int_equal(f->board.memory[2 * FAKE_BLOCK], 0xff);
}

/* A board of 1-byte blocks, as far as addresses go: the run outlasts the block numbers. */
static uint32_t first_after_wrap;
static unsigned addresses_set, highest_block;
static enum usb_fault wrap_control(void *data, const struct usb_control *c, size_t *moved)
{
    struct fake_board *b = data;
    if (c->request == DFU_DNLOAD && c->value == 0) {
        addresses_set++;
        first_after_wrap = fake_le32((const uint8_t *)c->data + 1);
    } else if (c->request == DFU_DNLOAD && c->value > highest_block) {
        highest_block = c->value;
    }
    b->state = DFU_STATE_DNLOAD_IDLE;
    if (c->request == DFU_GETSTATUS)
        memcpy(c->data, (uint8_t[]){0, 0, 0, 0, b->state, 0}, 6);
    *moved = c->length;
    return USB_OK;
}

static void block_numbers_do_not_wrap(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    const struct dfuse_watch watch = {block_done, f};
    _cleanup_free_ uint8_t *data = pattern(70000);
    f->dfu.io.control = wrap_control;
    f->dfu.transfer_size = 1;
    assert_ok(dfuse_write_run(&f->dfu, FAKE_BASE, data, 70000, &watch, &err), &err);
    assert_int_equal(addresses_set, 2);
    assert_int_equal(highest_block, 65535);
    assert_int_equal(first_after_wrap, FAKE_BASE + 65534);
}

static void reads_a_run(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    const struct dfuse_watch watch = {block_done, f};
    size_t size = 2 * FAKE_BLOCK + 100;
    _cleanup_free_ uint8_t *data = pattern(FAKE_SIZE), *got = xmalloc(size);
    _cleanup_free_ char *log = xasprintf("dnload 21 0803f000\n%sabort\ngetstatus\nupload 2 2048\n"
                                         "upload 3 2048\nabort\ngetstatus\n",
                                         two_polls);
    memcpy(f->board.memory, data, FAKE_SIZE);
    /* Up to the very end of the memory. */
    assert_ok(dfuse_read_run(&f->dfu, FAKE_BASE + 0x3f000, got, 2 * FAKE_BLOCK, &watch, &err),
              &err);
    assert_memory_equal(got, data + 0x3f000, 2 * FAKE_BLOCK);
    assert_string_equal(f->board.log.data, log);
    assert_ok(
        dfuse_read_run(&f->dfu, FAKE_BASE + 0x40000 - (uint32_t)size, got, size, &watch, &err),
        &err);
    assert_memory_equal(got, data + FAKE_SIZE - size, size);
    assert_int_equal(f->board.state, DFU_STATE_IDLE);
}

static void read_protection(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    const struct dfuse_watch watch = {block_done, f};
    uint8_t got[16];
    f->board.read_protected = true;
    assert_false(dfuse_read_run(&f->dfu, FAKE_BASE, got, sizeof(got), &watch, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot read at 0x08000000: the memory is read-protected (state dfuERROR, "
                 "status errVENDOR)");
}

static void leaves(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(dfuse_leave(&f->dfu, FAKE_BASE, &err), &err);
    assert_true(f->board.left);
    assert_string_equal(f->board.log.data,
                        "dnload 21 08000000\ngetstatus\ngetstatus\ndnload 0 0\ngetstatus\n");
}

static void leaves_without_an_answer(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.silent_leave = true;
    assert_ok(dfuse_leave(&f->dfu, FAKE_BASE, &err), &err);
    assert_true(f->board.left);
}

/* Told to leave, it goes into dfuERROR instead. */
static enum usb_fault refuse_to_leave(void *data, const struct usb_control *c, size_t *moved)
{
    struct fake_board *b = data;
    if (b->state == DFU_STATE_MANIFEST_SYNC)
        fake_fail(b, DFU_STATUS_ERR_FIRMWARE);
    return fake_control(data, c, moved);
}

static void leave_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->dfu.io.control = refuse_to_leave;
    assert_false(dfuse_leave(&f->dfu, FAKE_BASE, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot leave the bootloader: the board refuses (state dfuERROR, status "
                 "errFIRMWARE)");
}

static void gone_before_leave(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.unplug_before = 1;
    assert_false(dfuse_leave(&f->dfu, FAKE_BASE, &err));
    assert_error(&err, ERR_DEVICE, "cannot leave the bootloader: the board is gone");
    assert_int_equal(f->dfu.fault, USB_GONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(erases),           TEST(erase_names_the_address),
        TEST(writes_a_run),     TEST(write_names_the_address),
        TEST(watch_stops),      TEST(block_numbers_do_not_wrap),
        TEST(reads_a_run),      TEST(read_protection),
        TEST(leaves),           TEST(leaves_without_an_answer),
        TEST(leave_is_refused), TEST(gone_before_leave),
    };
    return cmocka_run_group_tests_name("dfuse", tests, NULL, NULL);
}
