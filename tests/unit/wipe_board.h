/* What the tests of flasher/wipe.c share: one fake board, full of other data, that is to be erased.
 */
#ifndef FIRN_TESTS_UNIT_WIPE_BOARD_H
#define FIRN_TESTS_UNIT_WIPE_BOARD_H

#include "fake_board.h"
#include "fake_usb.h"

#include "flasher/wipe.h"

static struct fake_board board;
static struct fake_usb_device *device;
static struct flash_result result;
static struct err *err;

/* What the board holds before: no byte is that of erased memory. */
static inline uint8_t wipe_byte(uint32_t offset)
{
    return (uint8_t)(1 + offset % 251);
}

static int wipe_setup(void **state)
{
    (void)state;
    fake_usb_clear();
    fake_board_init(&board);
    for (uint32_t i = 0; i < FAKE_SIZE; i++)
        board.memory[i] = wipe_byte(i);
    device = fake_usb_add("1-1", fake_dfu(&board).io);
    device->names[0] = FAKE_LAYOUT;
    result = (struct flash_result)FLASH_RESULT_INIT;
    err = NULL;
    return 0;
}

static int wipe_teardown(void **state)
{
    (void)state;
    flash_result_release(&result);
    buf_release(&board.log);
    return 0;
}

/* One of wipe.h's functions, with a board of a fleet. */
typedef bool (*wipe_fn)(struct fleet_board *one, const void *options);

static inline bool wipe_with(wipe_fn fn, const void *options)
{
    _cleanup_(usb_free_ptr) struct usb *usb = NULL;
    _cleanup_(device_list_release) struct device_list list = DEVICE_LIST_INIT;
    flash_result_release(&result);
    result = (struct flash_result)FLASH_RESULT_INIT;
    result.path = xstrdup(device->path);
    assert_ok(usb_new(&usb, &err) && device_list_read(&list, usb, NULL, &err), &err);
    struct fleet_board one = {usb, &list.entries, &list.devices[0], NULL, &result};
    buf_clear(&board.log);
    bool ok = fn(&one, options);
    assert_int_equal(device->open, 0);
    return ok;
}

static inline bool wipe_call_board(struct fleet_board *one, const void *options)
{
    return wipe_board(one, options, &err);
}

static inline bool wipe(const struct wipe_options *options)
{
    return wipe_with(wipe_call_board, options);
}

/* These bytes are erased, and the others are what they were. */
static inline void check_erased_only(uint32_t address, uint32_t size)
{
    uint32_t begin = address - FAKE_BASE;
    for (uint32_t i = 0; i < FAKE_SIZE; i++) {
        bool erased = i - begin < size;
        uint8_t expected = erased ? board.blank : wipe_byte(i);
        if (board.memory[i] != expected)
            fail_msg("0x%08x is 0x%02x, expected 0x%02x", FAKE_BASE + i, board.memory[i], expected);
    }
}

#endif
