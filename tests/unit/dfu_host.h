/*
 * A host's side of a simulated bootloader, for the tests of its dialects: one board, its device on
 * a clock that stands still, and the requests of DFU.
 */
#ifndef FIRN_TESTS_UNIT_DFU_HOST_H
#define FIRN_TESTS_UNIT_DFU_HOST_H

#include "simulator/dfu_device.h"

#include "fake_clock.h"
#include "unit.h"

#define OUT 0x21
#define IN 0xA1
#define HOST_FLASH 0x08000000

static struct fake_clock fake;
static struct sim_board board;
static struct dfu_device dfu;
static struct usb_reply reply;
static uint8_t in[USB_CONTROL_MAX];

static inline int host_start(const char *model, enum board_timing_kind timing)
{
    struct err *err = NULL;
    fake_clock_init(&fake);
    sim_board_init(&board, board_model_find(model), timing, 0);
    assert_ok(sim_board_open(&board, NULL, &err), &err);
    dfu_device_init(&dfu, &board, &fake.clock);
    return 0;
}

static inline int host_stop(void **state)
{
    (void)state;
    dfu_device_release(&dfu);
    sim_board_release(&board);
    return 0;
}

static inline enum usb_outcome request(uint8_t type, uint8_t number, uint16_t value,
                                       const void *out, uint16_t length)
{
    const struct usb_setup packet = {type, number, value, 0, length};
    memset(in, 0xEE, sizeof(in));
    dfu_device_control(&dfu, &packet, out, in, &reply);
    return reply.outcome;
}

static inline void download(uint16_t block, const void *data, uint16_t length)
{
    assert_int_equal(request(OUT, DFU_DNLOAD, block, data, length), USB_DONE);
}

static inline void check_string_status(enum dfu_state state, enum dfu_status status,
                                       unsigned poll_ms, unsigned string)
{
    assert_int_equal(request(IN, DFU_GETSTATUS, 0, NULL, 6), USB_DONE);
    assert_int_equal(reply.length, 6);
    assert_string_equal(dfu_state_name(in[4]), dfu_state_name(state));
    assert_int_equal(in[0], status);
    assert_int_equal(in[1] | in[2] << 8 | in[3] << 16, poll_ms);
    assert_int_equal(in[5], string);
}

static inline void check_status(enum dfu_state state, enum dfu_status status, unsigned poll_ms)
{
    check_string_status(state, status, poll_ms, 0);
}

/* DNLOAD was stored: run the work, which ends like this. */
static inline void finish(enum dfu_state state, enum dfu_status status)
{
    check_status(DFU_STATE_DNBUSY, DFU_STATUS_OK, 0);
    check_status(state, status, 0);
}

/* DfuSe: five bytes to block 0. */
static inline void command(uint8_t code, uint32_t address)
{
    const uint8_t bytes[] = {code, (uint8_t)address, (uint8_t)(address >> 8),
                             (uint8_t)(address >> 16), (uint8_t)(address >> 24)};
    download(0, bytes, 5);
}

static inline void abort_to_idle(void)
{
    assert_int_equal(request(OUT, DFU_ABORT, 0, NULL, 0), USB_DONE);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
}

static inline void clear_error(void)
{
    assert_int_equal(request(OUT, DFU_CLRSTATUS, 0, NULL, 0), USB_DONE);
    check_status(DFU_STATE_IDLE, DFU_STATUS_OK, 0);
}

#endif
