#include "fake_board.h"
#include "fake_dfu11.h"
#include "fake_usb.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "flasher/readout.h"

static struct fake_board board;
static struct fake_usb_device *device;
static struct image image;
static struct err *err;

static int setup(void **state)
{
    (void)state;
    fake_usb_clear();
    fake_board_init(&board);
    for (uint32_t i = 0; i < FAKE_SIZE; i++)
        board.memory[i] = (uint8_t)(i * 7 + i / 256);
    device = fake_usb_add("1-1", fake_dfu(&board).io);
    device->names[0] = FAKE_LAYOUT;
    image = (struct image)IMAGE_INIT;
    err = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    image_release(&image);
    buf_release(&board.log);
    assert_int_equal(board.erases + board.downloads, 0); /* whatever was asked for */
    return 0;
}

static bool read_with(const struct readout_options *options)
{
    _cleanup_(usb_free_ptr) struct usb *usb = NULL;
    _cleanup_(device_list_release) struct device_list list = DEVICE_LIST_INIT;
    struct flash_result result = FLASH_RESULT_INIT;
    assert_ok(usb_new(&usb, &err) && device_list_read(&list, usb, NULL, &err), &err);
    struct fleet_board one = {usb, &list.entries, &list.devices[0], NULL, &result};
    image_release(&image);
    image = (struct image)IMAGE_INIT;
    buf_clear(&board.log);
    board.uploads = 0;
    bool ok = readout_board(&one, options, &image, &err);
    assert_int_equal(device->open, 0);
    return ok;
}

static struct readout_options span(uint32_t address, uint32_t size)
{
    return (struct readout_options){
        .has_address = true, .address = address, .has_size = size > 0, .size = size};
}

/* The image is what the board holds there, all of it and nothing else. */
static void holds(uint32_t address, uint32_t size)
{
    assert_int_equal(image.count, 1);
    assert_int_equal(image.segments[0].alt, 0);
    assert_int_equal(image.segments[0].address, address);
    assert_int_equal(image.segments[0].size, size);
    assert_memory_equal(image.segments[0].data, board.memory + (address - FAKE_BASE), size);
    assert_int_equal(board.uploads, (size + FAKE_BLOCK - 1) / FAKE_BLOCK);
    assert_int_equal(board.state, DFU_STATE_IDLE);
}

static void reads(const struct readout_options *options, uint32_t address, uint32_t size)
{
    assert_ok(read_with(options), &err);
    holds(address, size);
}

/* Not one byte was asked for. */
static void refuses(const struct readout_options *options, enum err_code code, const char *message)
{
    assert_false(read_with(options));
    assert_error(&err, code, message);
    assert_int_equal(image.count, 0);
    assert_int_equal(board.uploads, 0);
}

static void without_a_span_all_of_it_is_read(void **state)
{
    const struct readout_options all = {0};
    (void)state;
    reads(&all, FAKE_BASE, FAKE_SIZE);
    assert_int_equal(image.usb_vendor, 0x0483);
    assert_int_equal(image.usb_product, 0xdf11);
    assert_false(image.addressless);
}

/* From an address on it is the rest, from a size on the beginning; neither has to be a block's. */
static void a_span_begins_and_ends_where_it_was_asked_to(void **state)
{
    struct readout_options options = span(FAKE_BASE + 0x123, 5000);
    (void)state;
    reads(&options, FAKE_BASE + 0x123, 5000);
    assert_contains(board.log.data, "dnload 21 08000123\n");
    assert_contains(board.log.data, "dnload 21 08001123\n");
    assert_contains(board.log.data, "upload 2 904\n");
    options = span(FAKE_BASE + 0x20000, 0);
    reads(&options, FAKE_BASE + 0x20000, 0x20000);
    options = (struct readout_options){.has_size = true, .size = 1};
    reads(&options, FAKE_BASE, 1);
    options = span(FAKE_BASE + FAKE_SIZE - 1, 0);
    reads(&options, FAKE_BASE + FAKE_SIZE - 1, 1);
    options = span(FAKE_BASE + 0xffff, 2); /* over the end of a group of sectors */
    reads(&options, FAKE_BASE + 0xffff, 2);
}

static void a_span_ends_in_the_memory(void **state)
{
    struct readout_options options = span(FAKE_BASE + FAKE_SIZE - 16, 17);
    (void)state;
    refuses(&options, ERR_DEVICE, "0x08040000 is not in readable memory of the board's Flash");
    options = span(FAKE_BASE + FAKE_SIZE, 1);
    refuses(&options, ERR_DEVICE, "0x08040000 is not in readable memory");
    options = span(FAKE_BASE - 1, 1);
    refuses(&options, ERR_DEVICE, "0x07ffffff is not in readable memory");
    options = span(FAKE_BASE, UINT32_MAX);
    refuses(&options, ERR_DEVICE, "0x08040000 is not in readable memory");
    options = (struct readout_options){.has_size = true, .size = FAKE_SIZE + 1};
    refuses(&options, ERR_DEVICE, "0x08040000 is not in readable memory");
}

/* Two zones with a hole, and one that touches the second. */
static void zones_are_read_one_at_a_time(void **state)
{
    const struct readout_options all = {0};
    (void)state;
    device->names[0] = "@Zones /0x08000000/02*016Kg/0x08010000/01*064Kg/0x08020000/01*128Kg";
    reads(&all, FAKE_BASE, 0x8000);
    struct readout_options options = span(FAKE_BASE + 0x10000, 0);
    reads(&options, FAKE_BASE + 0x10000, 0x30000);
    options = span(FAKE_BASE + 0x8000, 0);
    refuses(&options, ERR_DEVICE, "0x08008000 is not in readable memory of the board's Zones");
    options = span(FAKE_BASE + 0x4000, 0xc001);
    refuses(&options, ERR_DEVICE, "0x08008000 is not in readable memory");
}

static void what_cannot_be_read_is_left_out(void **state)
{
    const struct readout_options all = {0};
    (void)state;
    device->names[0] = "@Flash /0x08000000/01*016Kg,01*016Ka,02*016Kf,01*064Kg,01*128Kd";
    reads(&all, FAKE_BASE, 0x8000); /* what may only be read is read */
    struct readout_options options = span(FAKE_BASE + 0x10000, 0);
    reads(&options, FAKE_BASE + 0x10000, 0x10000);
    options = span(FAKE_BASE + 0x8000, 1);
    refuses(&options, ERR_DEVICE, "0x08008000 is not in readable memory");
    options = span(FAKE_BASE + 0x7fff, 2);
    refuses(&options, ERR_DEVICE, "0x08008000 is not in readable memory");
    device->names[0] = "@Flash /0x08000000/04*016Kf";
    refuses(&all, ERR_DEVICE, "0x08000000 is not in readable memory");
}

/* Behind the last byte that there can be is not the first one. */
static void memory_at_the_end_of_all_addresses(void **state)
{
    struct readout_options options = span(0xffff0000, UINT32_MAX);
    (void)state;
    device->names[0] = "@Top /0x00000000/01*064Kg/0xffff0000/01*064Kg";
    refuses(&options, ERR_DEVICE, "0x100000000 is not in readable memory of the board's Top");
}

static void more_than_an_image_may_have(void **state)
{
    const struct readout_options all = {0};
    (void)state;
    device->names[0] = "@Large /0x90000000/128*001Mg";
    refuses(&all, ERR_USAGE, "134217728 bytes are more than the 67108864 that an image may have");
}

static void the_first_memory_with_addresses_or_the_one_that_was_named(void **state)
{
    struct readout_options options = {0};
    (void)state;
    device->names[0] = "no layout";
    device->names[1] = "@Internal Flash /0x08000000/01*016Kg";
    device->names[2] = "@Other /0x08020000/01*128Kg";
    assert_ok(read_with(&options), &err);
    assert_int_equal(image.segments[0].size, 0x4000);
    assert_int_equal(image.segments[0].alt, 1);
    assert_int_equal(board.alt, 1);
    options.alt = "2";
    assert_ok(read_with(&options), &err);
    assert_int_equal(image.segments[0].address, FAKE_BASE + 0x20000);
    assert_int_equal(image.segments[0].alt, 2);
    options.alt = "other";
    assert_ok(read_with(&options), &err);
    assert_int_equal(board.alt, 2);
    options.alt = "3";
    refuses(&options, ERR_DEVICE, "the board has no alternate setting '3'");
}

static void read_protection_is_named(void **state)
{
    const struct readout_options all = {0};
    (void)state;
    board.read_protected = true;
    refuses(&all, ERR_DEVICE, "read-protected");
}

static void a_read_that_fails_gives_no_image(void **state)
{
    const struct readout_options all = {0};
    (void)state;
    for (int i = 0; i < 20; i++) {
        board.fault_at = i;
        board.fault = FAKE_BROKEN;
        board.transfers = 0;
        if (read_with(&all))
            fail_msg("transfer %d broke and nobody noticed", i);
        err_free_ptr(&err);
        assert_int_equal(image.count, 0);
    }
    board.fault_at = FAKE_NEVER;
    reads(&all, FAKE_BASE, FAKE_SIZE); /* and whatever state it was left in, it is read then */
}

static void another_program_has_it(void **state)
{
    const struct readout_options all = {0};
    (void)state;
    device->busy = true;
    refuses(&all, ERR_DEVICE, "another program is using the board");
}

static void a_bootloader_that_cannot_be_read(void **state)
{
    const struct readout_options all = {0};
    (void)state;
    device->attributes = DFU_CAN_DOWNLOAD;
    refuses(&all, ERR_DEVICE, "bitCanUpload is not set");
    assert_int_equal(board.transfers, 0);
}

/* In a child, as the request to stop cannot be taken back. */
static bool stops_in_a_child(const unsigned *transfers, unsigned expected)
{
    const struct readout_options all = {0};
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        interrupt_install();
        bool stopped = !read_with(&all) && err->code == ERR_INTERRUPTED && *transfers == expected;
        _exit(stopped && !image.count ? 0 : 1);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void ctrl_c_stops_between_two_blocks(void **state)
{
    (void)state;
    board.interrupt_at = 20;
    assert_true(stops_in_a_child(&board.transfers, 21));
}

/* ---- plain DFU ------------------------------------------------------------------------------ */

static void plain_dfu_sends_what_it_has(size_t size)
{
    static struct fake_dfu11 plain;
    const struct readout_options all = {0};
    fake_dfu11_init(&plain, DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD);
    for (size_t i = 0; i < size; i++)
        plain.memory[i] = (uint8_t)(i * 3);
    plain.used = size;
    device->io = fake_dfu11_dfu(&plain).io;
    device->names[0] = NULL;
    device->transfer_size = FAKE11_BLOCK;
    bool ok = read_with(&all);
    buf_release(&plain.log);
    if (!size) {
        assert_false(ok);
        assert_error(&err, ERR_DEVICE, "the device sent nothing");
        return;
    }
    assert_ok(ok, &err);
    assert_true(image.addressless);
    assert_int_equal(image.segments[0].address, 0);
    assert_int_equal(image.segments[0].size, size);
    assert_memory_equal(image.segments[0].data, plain.memory, size);
    assert_int_equal(plain.state, DFU_STATE_IDLE);
}

/* A short block is the last one; an empty one, where the blocks come out even. */
static void plain_dfu(void **state)
{
    (void)state;
    plain_dfu_sends_what_it_has(5 * FAKE11_BLOCK + 1);
    plain_dfu_sends_what_it_has(5 * FAKE11_BLOCK);
    plain_dfu_sends_what_it_has(1);
    plain_dfu_sends_what_it_has(0);
}

static void ctrl_c_stops_plain_dfu(void **state)
{
    static struct fake_dfu11 plain;
    (void)state;
    fake_dfu11_init(&plain, DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD);
    plain.used = FAKE11_SIZE;
    plain.at = 20;
    plain.fault = FAKE11_INTERRUPT;
    device->io = fake_dfu11_dfu(&plain).io;
    device->names[0] = NULL;
    device->transfer_size = FAKE11_BLOCK;
    assert_true(stops_in_a_child(&plain.transfers, 21));
}

static void plain_dfu_has_no_spans(void **state)
{
    struct readout_options options = span(0, 0);
    (void)state;
    device->names[0] = NULL;
    refuses(&options, ERR_USAGE, "the device has no addresses");
    options = (struct readout_options){.has_size = true, .size = 10};
    refuses(&options, ERR_USAGE, "the device has no addresses");
    assert_int_equal(board.transfers, 0);
}

static enum usb_fault endless_control(void *data, const struct usb_control *c, size_t *moved)
{
    if (c->request != DFU_UPLOAD)
        return fake11_control(data, c, moved);
    memset(c->data, 0x5a, c->length);
    *moved = c->length;
    return USB_OK;
}

/* It does not say where its memory ends. */
static void plain_dfu_without_an_end(void **state)
{
    static struct fake_dfu11 plain;
    const struct readout_options all = {0};
    (void)state;
    fake_dfu11_init(&plain, DFU_CAN_DOWNLOAD | DFU_CAN_UPLOAD);
    device->io = fake_dfu11_dfu(&plain).io;
    device->io.control = endless_control;
    device->names[0] = NULL;
    device->transfer_size = 4096;
    assert_false(read_with(&all));
    assert_error(&err, ERR_DEVICE, "the device sends more than the 67108864 bytes");
    buf_release(&plain.log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_span_all_of_it_is_read),
        TEST(a_span_begins_and_ends_where_it_was_asked_to),
        TEST(a_span_ends_in_the_memory),
        TEST(zones_are_read_one_at_a_time),
        TEST(what_cannot_be_read_is_left_out),
        TEST(memory_at_the_end_of_all_addresses),
        TEST(more_than_an_image_may_have),
        TEST(the_first_memory_with_addresses_or_the_one_that_was_named),
        TEST(read_protection_is_named),
        TEST(a_read_that_fails_gives_no_image),
        TEST(another_program_has_it),
        TEST(a_bootloader_that_cannot_be_read),
        TEST(ctrl_c_stops_between_two_blocks),
        TEST(plain_dfu),
        TEST(ctrl_c_stops_plain_dfu),
        TEST(plain_dfu_has_no_spans),
        TEST(plain_dfu_without_an_end),
    };
    return cmocka_run_group_tests_name("readout", tests, NULL, NULL);
}
