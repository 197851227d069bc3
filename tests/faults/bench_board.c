#include "bench_board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "simulator/port.h"
#include "tests/unit/fake_clock.h"

#define TRANSFER_US                                                                                \
    100 /* a transfer takes time, so that loops without a wait end at a deadline                   \
         */

struct bench_board {
    struct fake_clock clock;
    struct port port;
    bool gone, runs;
    unsigned transfers;
    int unplug_before, unplug_after; /* transfer number, -1 = none */
};

struct bench_board *bench_board_new(const char *model_name)
{
    const struct board_model *model = board_model_find(model_name);
    struct bench_board *board = xcalloc(1, sizeof(*board));
    struct err *err = NULL;
    if (!model) {
        fprintf(stderr, "there is no model %s\n", model_name);
        abort();
    }
    fake_clock_init(&board->clock);
    port_init(&board->port, 0, model, BOARD_TIMING_ZERO, &board->clock.clock);
    if (!port_open(&board->port, NULL, &err))
        abort();
    bench_board_plug(board);
    return board;
}

void bench_board_free(struct bench_board *board)
{
    port_release(&board->port);
    free(board);
}

uint8_t *bench_board_flash(struct bench_board *board, size_t *size)
{
    *size = board->port.board.memory[0].size;
    return board->port.board.memory[0].bytes;
}

uint32_t bench_board_flash_address(const struct bench_board *board)
{
    return board->port.board.model->areas[0].address;
}

const uint8_t *bench_board_descriptors(const struct bench_board *board, size_t *len)
{
    *len = board->port.device.descriptors_len;
    return board->port.device.descriptors;
}

const char *bench_board_product(const struct bench_board *board)
{
    return board->port.device.product;
}

char *bench_board_layout(const struct bench_board *board, unsigned alt)
{
    const struct board_model *model = board->port.board.model;
    struct buf text = BUF_INIT;
    if (model->dialect == BOARD_PLAIN)
        return NULL;
    area_add_layout(&model->areas[alt], &text);
    return buf_detach(&text, NULL);
}

void bench_board_plug(struct bench_board *board)
{
    board->gone = board->runs = false;
    board->transfers = 0;
    board->unplug_before = board->unplug_after = -1;
    board->port.faults.count = 0;
    port_power_on(&board->port);
}

/* An action is written for transfers that it makes sense for; here it meets any, and has to do no
 * harm where it makes none. */
static void add_fault(struct bench_board *board, unsigned number, const char *what)
{
    bool any = strncmp(what, "on=", 3) != 0;
    _cleanup_free_ char *download = xasprintf("%s%s", any ? "on=dnload," : "", what);
    _cleanup_free_ char *upload = xasprintf("%s%s", any ? "on=upload," : "", what);
    struct err *err = NULL;
    struct fault fault;
    if (!fault_parse(download, &fault, &err)) {
        err_free_ptr(&err);
        if (!fault_parse(upload, &fault, &err))
            abort();
    }
    if (any)
        fault.on = FAULT_ON_ANY;
    fault.after = number;
    if (!faults_add(&board->port.faults, &fault, &err))
        abort();
}

void bench_board_fail_at(struct bench_board *board, unsigned number, const char *what)
{
    if (strcmp(what, "unplug-before") == 0) {
        board->unplug_before = (int)number;
    } else if (strcmp(what, "unplug-after") == 0) {
        board->unplug_after = (int)number;
    } else {
        add_fault(board, number, what);
    }
}

unsigned bench_board_transfers(const struct bench_board *board)
{
    return board->transfers;
}

bool bench_board_runs(const struct bench_board *board)
{
    return board->runs;
}

unsigned long bench_board_overwritten(const struct bench_board *board)
{
    return board->port.board.memory[0].overwritten;
}

static void pass(struct bench_board *board, uint64_t us)
{
    fake_clock_advance(&board->clock, us);
}

static void take_event(struct bench_board *board, const struct usb_reply *reply)
{
    if (reply->event == USB_STAYS)
        return;
    board->gone = true;
    board->runs = reply->event == USB_LEAVES;
}

/* The device's answer as the host's kernel gives it. */
static enum bench_outcome outcome_of(struct bench_board *board, const struct usb_reply *reply,
                                     unsigned timeout_ms)
{
    if (reply->outcome == USB_SILENT && board->gone)
        return BENCH_GONE;
    if (reply->outcome == USB_SILENT || reply->delay_us > timeout_ms * UINT64_C(1000)) {
        pass(board, timeout_ms * UINT64_C(1000));
        return BENCH_TIMED_OUT;
    }
    pass(board, reply->delay_us);
    if (reply->outcome == USB_DONE)
        return BENCH_OK;
    return reply->outcome == USB_STALL ? BENCH_STALLED : BENCH_BROKEN;
}

enum bench_outcome bench_board_control(struct bench_board *board, uint8_t request_type,
                                       uint8_t request, uint16_t value, uint16_t index, void *data,
                                       uint16_t length, unsigned timeout_ms, size_t *moved)
{
    struct usb_setup setup = {request_type, request, value, index, length};
    uint8_t in[USB_CONTROL_MAX];
    struct usb_reply reply;
    int number = (int)board->transfers++;
    board->gone |= number == board->unplug_before;
    pass(board, TRANSFER_US);
    if (board->gone)
        return BENCH_GONE;
    board->port.device.control(&board->port, &setup, data, in, &reply);
    take_event(board, &reply);
    enum bench_outcome outcome = outcome_of(board, &reply, timeout_ms);
    if (number == board->unplug_after) {
        board->gone = true;
        return BENCH_GONE;
    }
    if (outcome != BENCH_OK)
        return outcome;
    if ((request_type & USB_DIR_IN) && reply.length)
        memcpy(data, in, reply.length);
    *moved = reply.length;
    return BENCH_OK;
}

static void on_event(void *data, enum usb_event event, uint32_t event_ms)
{
    struct port *port = data;
    struct bench_board *board = port->owner;
    struct usb_reply reply = {.event = event, .event_ms = event_ms};
    take_event(board, &reply);
}

enum bench_outcome bench_board_reset(struct bench_board *board)
{
    if (board->gone)
        return BENCH_GONE;
    board->port.owner = board;
    board->port.device.event = on_event;
    board->port.device.bus_reset(&board->port);
    return board->gone ? BENCH_GONE : BENCH_OK;
}

long long bench_board_now_us(const struct bench_board *board)
{
    return (long long)board->clock.now_us;
}

void bench_board_sleep_until(struct bench_board *board, long long when_us)
{
    if (when_us > (long long)board->clock.now_us)
        pass(board, (uint64_t)when_us - board->clock.now_us);
}
