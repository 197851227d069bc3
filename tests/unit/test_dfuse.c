#include "fake_board.h"

#include "flasher/dfuse.h"

struct fixture {
    struct fake_board board;
    struct dfu dfu;
    struct dfuse dfuse;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    fake_board_init(&f->board);
    f->dfu = fake_dfu(&f->board);
    f->dfuse = (struct dfuse){.dfu = &f->dfu};
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

/* Blocks of the transfer size, the last one as it comes. */
static bool write_run(struct fixture *f, uint32_t address, const uint8_t *data, size_t size,
                      struct err **err)
{
    for (size_t done = 0; done < size; done += f->dfu.transfer_size) {
        size_t left = size - done, len = f->dfu.transfer_size;
        if (!dfuse_write(&f->dfuse, address + (uint32_t)done, data + done,
                         (uint16_t)(left < len ? left : len), err))
            return false;
    }
    return true;
}

static bool read_run(struct fixture *f, uint32_t address, uint8_t *data, size_t size,
                     struct err **err)
{
    for (size_t done = 0; done < size; done += f->dfu.transfer_size) {
        size_t left = size - done, len = f->dfu.transfer_size;
        if (!dfuse_read(&f->dfuse, address + (uint32_t)done, data + done,
                        (uint16_t)(left < len ? left : len), err))
            return false;
    }
    return true;
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
    assert_ok(dfuse_erase_sector(&f->dfuse, FAKE_BASE + 0x10000, &err), &err);
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
    assert_false(dfuse_erase_sector(&f->dfuse, FAKE_BASE + 0x4000, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot erase the sector at 0x08004000: the board is still busy after 35.0 s "
                 "(state dfuDNBUSY, status OK)");
}

/* An STM32H7 that stays busy when it is done: what is in the sector is seen where it is read. */
static void wedged_erase_goes_on(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    uint8_t block[FAKE_BLOCK];
    long long start_us = f->board.now_us;
    f->dfu.quirks.flags = QUIRK_WEDGES_IN_BUSY;
    f->board.stuck = true;
    assert_ok(dfuse_erase_sector(&f->dfuse, FAKE_BASE, &err), &err);
    assert_in_range(f->board.now_us - start_us, 5000000, 5200000);
    f->board.stuck = false;
    assert_ok(dfuse_erase_sector(&f->dfuse, FAKE_BASE + 0x4000, &err), &err);
    assert_ok(dfuse_read(&f->dfuse, FAKE_BASE, block, FAKE_BLOCK, &err), &err);
    f->board.stuck = true;
    f->dfu.quirks.flags = 0;
    assert_false(dfuse_erase_sector(&f->dfuse, FAKE_BASE, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot erase the sector at 0x08000000: the board is still busy");
}

/* One SET_ADDRESS for the run, blocks 2, 3, 4; the short tail with its own, as block 2. */
static void writes_a_run(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    size_t size = 2 * FAKE_BLOCK + 100;
    _cleanup_free_ uint8_t *data = pattern(size);
    _cleanup_free_ char *log = xasprintf(
        "dnload 21 08004000\n%sdnload 2 2048\n%sdnload 3 2048\n%sdnload 21 08005000\n%sdnload 2 "
        "100\n%s",
        two_polls, two_polls, two_polls, two_polls, two_polls);
    assert_ok(write_run(f, FAKE_BASE + 0x4000, data, size, &err), &err);
    assert_string_equal(f->board.log.data, log);
    assert_memory_equal(f->board.memory + 0x4000, data, size);
    assert_int_equal(f->board.memory[0x4000 + size], 0xff);
}

static void write_names_the_address(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = pattern(4 * FAKE_BLOCK);
    f->board.unplug_before = 7; /* SET_ADDRESS and block 2 are through */
    assert_false(write_run(f, FAKE_BASE, data, 4 * FAKE_BLOCK, &err));
    assert_error(&err, ERR_DEVICE, "cannot write at 0x08000800: the board is gone");
    f->board.gone = false;
    f->board.state = DFU_STATE_IDLE;
    f->board.unplug_before = FAKE_NEVER;
    f->board.fail_write = DFU_STATUS_ERR_PROG;
    assert_false(write_run(f, FAKE_BASE + 0x800, data, 10, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot write at 0x08000800: the memory could not be programmed (state dfuERROR, "
                 "status errPROG)");
}

/* A block that does not follow the last one, and one behind an erase, have their address set. */
static void addresses_where_needed(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = pattern(FAKE_BLOCK), *got = xmalloc(FAKE_BLOCK);
    _cleanup_free_ char *log = xasprintf("dnload 21 08000000\n%sdnload 2 2048\n%s"
                                         "dnload 41 08004000\n%s"
                                         "dnload 21 08000800\n%sdnload 2 2048\n%s"
                                         "dnload 21 08002000\n%sdnload 2 2048\n%s"
                                         "dnload 21 08002000\n%sabort\nupload 2 2048\nabort\n",
                                         two_polls, two_polls, two_polls, two_polls, two_polls,
                                         two_polls, two_polls, two_polls);
    assert_ok(dfuse_write(&f->dfuse, FAKE_BASE, data, FAKE_BLOCK, &err), &err);
    assert_ok(dfuse_erase_sector(&f->dfuse, FAKE_BASE + 0x4000, &err), &err);
    assert_ok(dfuse_write(&f->dfuse, FAKE_BASE + 0x800, data, FAKE_BLOCK, &err), &err);
    assert_ok(dfuse_write(&f->dfuse, FAKE_BASE + 0x2000, data, FAKE_BLOCK, &err), &err);
    assert_ok(dfuse_read(&f->dfuse, FAKE_BASE + 0x2000, got, FAKE_BLOCK, &err), &err);
    assert_ok(dfuse_end(&f->dfuse, &err), &err);
    assert_ok(dfuse_end(&f->dfuse, &err), &err); /* nothing to end */
    assert_memory_equal(got, data, FAKE_BLOCK);
    assert_string_equal(f->board.log.data, log);
}

static void erases_all(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    memset(f->board.memory, 0, FAKE_SIZE);
    assert_ok(dfuse_mass_erase(&f->dfuse, &err), &err);
    assert_string_equal(f->board.log.data, "dnload 0 1\ngetstatus\ngetstatus\n");
    assert_int_equal(f->board.memory[0], 0xff);
    assert_int_equal(f->board.memory[FAKE_SIZE - 1], 0xff);
    f->board.stuck = true;
    assert_false(dfuse_mass_erase(&f->dfuse, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot erase the whole flash: the board is still busy after 150.0 s");
}

/* The board may be gone before, or after, it could say that it is done. */
static void unprotects(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(dfuse_unprotect(&f->dfuse, &err), &err);
    assert_string_equal(f->board.log.data, "dnload 0 1\ngetstatus\ngetstatus\n");
    f->board.unplug_before = (int)f->board.transfers + 1;
    assert_ok(dfuse_unprotect(&f->dfuse, &err), &err);
    assert_false(dfuse_unprotect(&f->dfuse, &err));
    assert_error(&err, ERR_DEVICE, "cannot lift the read protection: the board is gone");
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
    _cleanup_free_ uint8_t *data = pattern(70000);
    f->dfu.io.control = wrap_control;
    f->dfu.transfer_size = 1;
    assert_ok(write_run(f, FAKE_BASE, data, 70000, &err), &err);
    assert_int_equal(addresses_set, 2);
    assert_int_equal(highest_block, 65535);
    assert_int_equal(first_after_wrap, FAKE_BASE + 65534);
}

static void reads_a_run(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    size_t size = 2 * FAKE_BLOCK + 100;
    _cleanup_free_ uint8_t *data = pattern(FAKE_SIZE), *got = xmalloc(size);
    _cleanup_free_ char *log = xasprintf("dnload 21 0803f000\n%sabort\nupload 2 2048\n"
                                         "upload 3 2048\n",
                                         two_polls);
    memcpy(f->board.memory, data, FAKE_SIZE);
    /* Up to the very end of the memory. */
    assert_ok(read_run(f, FAKE_BASE + 0x3f000, got, 2 * FAKE_BLOCK, &err), &err);
    assert_memory_equal(got, data + 0x3f000, 2 * FAKE_BLOCK);
    assert_string_equal(f->board.log.data, log);
    assert_ok(read_run(f, FAKE_BASE + 0x40000 - (uint32_t)size, got, size, &err), &err);
    assert_memory_equal(got, data + FAKE_SIZE - size, size);
    assert_ok(dfuse_end(&f->dfuse, &err), &err);
    assert_int_equal(f->board.state, DFU_STATE_IDLE);
}

/* Ahead in whole blocks its number says where; back, in between, or too far ahead, an address does.
 */
static void reads_with_gaps(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    static const uint32_t offsets[] = {0, 0x4000, 0x4800, 0x2000, 0x2900, 0x3100};
    _cleanup_free_ uint8_t *data = pattern(FAKE_SIZE), *got = xmalloc(FAKE_BLOCK);
    _cleanup_free_ char *log =
        xasprintf("dnload 21 08000000\n%sabort\nupload 2 2048\nupload 10 2048\nupload 11 2048\n"
                  "abort\ndnload 21 08002000\n%sabort\nupload 2 2048\n"
                  "abort\ndnload 21 08002900\n%sabort\nupload 2 2048\nupload 3 2048\n",
                  two_polls, two_polls, two_polls);
    memcpy(f->board.memory, data, FAKE_SIZE);
    for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
        assert_ok(dfuse_read(&f->dfuse, FAKE_BASE + offsets[i], got, FAKE_BLOCK, &err), &err);
        assert_memory_equal(got, data + offsets[i], FAKE_BLOCK);
    }
    assert_string_equal(f->board.log.data, log);
}

static enum usb_fault any_upload(void *data, const struct usb_control *c, size_t *moved)
{
    if (c->request == DFU_UPLOAD && c->value > highest_block)
        highest_block = c->value;
    size_t ignored;
    return wrap_control(data, c, moved ? moved : &ignored);
}

static void reads_no_further_than_block_numbers_go(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    static const uint32_t offsets[] = {0, 65533, 65534, 200000, 0xfffffff0};
    uint8_t got;
    addresses_set = highest_block = 0;
    f->dfu.io.control = any_upload;
    f->dfu.transfer_size = 1;
    for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
        assert_ok(dfuse_read(&f->dfuse, offsets[i], &got, 1, &err), &err);
    assert_int_equal(addresses_set, 4);
    assert_int_equal(highest_block, 65535);
}

static void read_protection(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    uint8_t got[16];
    f->board.read_protected = true;
    assert_false(read_run(f, FAKE_BASE, got, sizeof(got), &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot read at 0x08000000: the memory is read-protected (state dfuERROR, "
                 "status errVENDOR)");
}

static void leaves(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(dfuse_leave(&f->dfuse, FAKE_BASE, &err), &err);
    assert_true(f->board.left);
    assert_string_equal(f->board.log.data,
                        "dnload 21 08000000\ngetstatus\ngetstatus\ndnload 0 0\ngetstatus\n");
}

static void leaves_without_an_answer(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.silent_leave = true;
    assert_ok(dfuse_leave(&f->dfuse, FAKE_BASE, &err), &err);
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
    assert_false(dfuse_leave(&f->dfuse, FAKE_BASE, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot leave the bootloader: the board refuses (state dfuERROR, status "
                 "errFIRMWARE)");
}

static void gone_before_leave(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    f->board.unplug_before = 1;
    assert_false(dfuse_leave(&f->dfuse, FAKE_BASE, &err));
    assert_error(&err, ERR_DEVICE, "cannot leave the bootloader: the board is gone");
    assert_int_equal(f->dfu.fault, USB_GONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(erases),
        TEST(erase_names_the_address),
        TEST(wedged_erase_goes_on),
        TEST(writes_a_run),
        TEST(write_names_the_address),
        TEST(addresses_where_needed),
        TEST(erases_all),
        TEST(unprotects),
        TEST(block_numbers_do_not_wrap),
        TEST(reads_a_run),
        TEST(reads_with_gaps),
        TEST(reads_no_further_than_block_numbers_go),
        TEST(read_protection),
        TEST(leaves),
        TEST(leaves_without_an_answer),
        TEST(leave_is_refused),
        TEST(gone_before_leave),
    };
    return cmocka_run_group_tests_name("dfuse", tests, NULL, NULL);
}
