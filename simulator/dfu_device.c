#include "simulator/dfu_device.h"

#include <stdlib.h>
#include <string.h>

#include "simulator/dialect.h"
#include "simulator/mboot_chunk.h"
#include "simulator/usb_standard.h"

const char *dfu_state_name(enum dfu_state state)
{
    static const char *const names[] = {
        "appIDLE",          "appDETACH",   "dfuIDLE",
        "dfuDNLOAD-SYNC",   "dfuDNBUSY",   "dfuDNLOAD-IDLE",
        "dfuMANIFEST-SYNC", "dfuMANIFEST", "dfuMANIFEST-WAIT-RESET",
        "dfuUPLOAD-IDLE",   "dfuERROR",
    };
    return names[state];
}

/* ---- life ----------------------------------------------------------------------------------- */

void dfu_device_init(struct dfu_device *dfu, struct sim_board *board, const struct sim_clock *clock)
{
    static const struct dfu_dialect *const dialects[] = {
        [BOARD_DFUSE] = &dialect_dfuse,
        [BOARD_MBOOT] = &dialect_mboot,
        [BOARD_PLAIN] = &dialect_plain,
    };
    *dfu = (struct dfu_device){
        .board = board, .clock = clock, .dialect = dialects[board->model->dialect]};
    if (board->model->quirks & BOARD_PACKED)
        dfu->pack = xcalloc(1, sizeof(*dfu->pack));
    dfu_device_power_on(dfu);
}

void dfu_device_release(struct dfu_device *dfu)
{
    free(dfu->pack);
    dfu->pack = NULL;
}

static void reset_state(struct dfu_device *dfu)
{
    dfu->state = DFU_STATE_IDLE;
    dfu->status = DFU_STATUS_OK;
    dfu->string = 0;
    dfu->alt = 0;
    dfu->pending = 0;
    dfu->poll_at_us = 0;
    dfu->used = false;
    dfu->work.kind = DFU_WORK_NOTHING;
    dfu->sabotage = (struct dfu_sabotage){0};
}

void dfu_device_power_on(struct dfu_device *dfu)
{
    dfu->crashed = false;
    reset_state(dfu);
    dfu->configuration = 0;
    dfu->busy_until_us = 0;
    dfu->pointer = dfu->board->model->areas[0].address;
    if (dfu->pack)
        *dfu->pack = (struct mboot_chunk){0};
    sim_board_power_on(dfu->board);
    if (dfu->board->quirks & BOARD_STARTS_IN_ERROR)
        dfu_device_fail(dfu, DFU_STATUS_FIRMWARE);
}

/* Is there something at the start of the flash, and no download under way? */
static bool has_firmware(const struct dfu_device *dfu)
{
    const struct nor *flash = &dfu->board->memory[0];
    if (dfu->state >= DFU_STATE_DNLOAD_SYNC && dfu->state <= DFU_STATE_DNLOAD_IDLE)
        return false;
    for (unsigned i = 0; i < 8; i++)
        if (flash->bytes[i] != flash->erased)
            return true;
    return false;
}

enum usb_event dfu_device_bus_reset(struct dfu_device *dfu)
{
    bool could_run = dfu->used && !dfu->crashed && dfu->dialect->runs_after_reset;
    bool runs = could_run && has_firmware(dfu);
    reset_state(dfu);
    if (could_run && !runs)
        dfu_device_fail(dfu, DFU_STATUS_FIRMWARE);
    return runs ? USB_LEAVES : USB_STAYS;
}

/* ---- what dialects use ---------------------------------------------------------------------- */

void dfu_device_fail(struct dfu_device *dfu, enum dfu_status status)
{
    dfu->state = DFU_STATE_ERROR;
    dfu->status = status;
}

/* In dfuERROR already: the first error stays the one that is reported. Waiting for a reset: nothing
 * else gets out of that (DFU 1.1, A.2.9). */
void dfu_device_stall(struct dfu_device *dfu, enum dfu_status status, struct usb_reply *reply)
{
    if (dfu->state != DFU_STATE_ERROR && dfu->state != DFU_STATE_MANIFEST_WAIT_RESET)
        dfu_device_fail(dfu, status);
    reply->outcome = USB_STALL;
}

void dfu_device_start_work(struct dfu_device *dfu, struct usb_reply *reply)
{
    struct dfu_work *work = &dfu->work;
    uint64_t cost_us = 0;
    dfu->status = (enum dfu_status)work->sabotage.status;
    if (work->sabotage.corrupt && work->kind == DFU_WORK_PROGRAM)
        work->data[work->len / 2] ^= 0x55;
    if (!work->sabotage.ignore && !work->sabotage.status)
        cost_us = dfu->dialect->work(dfu, reply);
    dfu->busy_until_us = clock_now_us(dfu->clock) + cost_us;
}

void dfu_device_report(struct dfu_device *dfu, enum dfu_status status, uint32_t poll_ms,
                       uint8_t *in, struct usb_reply *reply)
{
    in[0] = (uint8_t)status;
    in[1] = (uint8_t)poll_ms;
    in[2] = (uint8_t)(poll_ms >> 8);
    in[3] = (uint8_t)(poll_ms >> 16);
    in[4] = (uint8_t)dfu->state;
    in[5] = dfu->string;
    reply->length = 6;
    dfu->poll_at_us = clock_now_us(dfu->clock) + poll_ms * UINT64_C(1000);
}

/* ---- the state machine: DNLOAD and GETSTATUS ------------------------------------------------- */

static void download(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                     struct usb_reply *reply)
{
    const struct board_model *model = dfu->board->model;
    bool idle = dfu->state == DFU_STATE_IDLE;
    if ((!idle && dfu->state != DFU_STATE_DNLOAD_IDLE) || setup->length > model->transfer_size ||
        (idle && setup->length == 0 && !dfu->dialect->leaves_when_idle)) {
        dfu_device_stall(dfu, DFU_STATUS_STALLED, reply);
    } else if (setup->length == 0) {
        dfu->state = DFU_STATE_MANIFEST_SYNC;
        if (dfu->board->quirks & BOARD_LEAVES_AT_ONCE)
            reply->event = USB_LEAVES;
    } else if (!dfu->dialect->store(dfu, setup, out)) {
        dfu_device_stall(dfu, DFU_STATUS_STALLED, reply);
    } else {
        dfu->work.sabotage = dfu->sabotage;
        dfu->sabotage = (struct dfu_sabotage){0};
        dfu->state = DFU_STATE_DNLOAD_SYNC;
        reply->length = setup->length;
    }
}

static uint32_t announced_ms(const struct dfu_device *dfu)
{
    const struct dfu_work *work = &dfu->work;
    const struct board_timing *timing = &dfu->board->timing;
    if (work->sabotage.announce)
        return work->sabotage.announce_ms;
    if (work->kind == DFU_WORK_PROGRAM && timing->announced_write_ms)
        return timing->announced_write_ms;
    if (work->kind == DFU_WORK_PROGRAM) {
        uint64_t now_us = clock_now_us(dfu->clock);
        uint64_t program_ns = (uint64_t)work->len * timing->program_ns_per_byte;
        uint64_t cost_ns = (dfu->busy_until_us - now_us) * 1000; /* erasing too, in plain DFU */
        return (uint32_t)(((cost_ns > program_ns ? cost_ns : program_ns) + 999999) / 1000000);
    }
    bool erases = work->kind == DFU_WORK_ERASE || work->kind == DFU_WORK_MASS_ERASE ||
                  work->kind == DFU_WORK_UNPROTECT;
    return erases ? timing->announced_erase_ms : 0;
}

/* How manifestation goes is in bmAttributes (DFU 1.1, A.2.8). */
static void finish_manifest(struct dfu_device *dfu)
{
    uint8_t attributes = dfu->board->model->attributes;
    if (attributes & DFU_TOLERANT)
        dfu->state = DFU_STATE_IDLE;
    else if (!(attributes & DFU_WILL_DETACH))
        dfu->state = DFU_STATE_MANIFEST_WAIT_RESET;
}

/* The transition that this GETSTATUS causes; the state after it is what is reported (DFU 1.1,
 * A.2). Returns the poll timeout to announce. */
static uint32_t advance(struct dfu_device *dfu, struct usb_reply *reply)
{
    switch (dfu->state) {
    case DFU_STATE_DNLOAD_SYNC:
        dfu->state = DFU_STATE_DNBUSY;
        dfu_device_start_work(dfu, reply);
        return announced_ms(dfu);
    case DFU_STATE_DNBUSY:
        if (dfu->work.sabotage.stuck)
            return announced_ms(dfu);
        dfu->state = dfu->status == DFU_STATUS_OK ? DFU_STATE_DNLOAD_IDLE : DFU_STATE_ERROR;
        return 0;
    case DFU_STATE_MANIFEST_SYNC:
        dfu->state = DFU_STATE_MANIFEST;
        if (dfu->board->model->attributes & DFU_WILL_DETACH)
            reply->event = USB_LEAVES;
        return 0;
    case DFU_STATE_MANIFEST:
        finish_manifest(dfu);
        return 0;
    default:
        return 0;
    }
}

static void get_status(struct dfu_device *dfu, uint8_t *in, struct usb_reply *reply)
{
    bool early = clock_now_us(dfu->clock) < dfu->poll_at_us;
    if (early && (dfu->board->quirks & BOARD_STALLS_EARLY_POLLS)) {
        reply->outcome = USB_STALL;
        reply->delay_us = 0;
        return;
    }
    uint32_t poll_ms = advance(dfu, reply);
    /* While it is busy the outcome is not known yet. */
    enum dfu_status status = dfu->state == DFU_STATE_DNBUSY ? DFU_STATUS_OK : dfu->status;
    dfu_device_report(dfu, status, poll_ms, in, reply);
}

/* ---- the other requests --------------------------------------------------------------------- */

static void upload(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                   struct usb_reply *reply)
{
    const struct board_model *model = dfu->board->model;
    bool legal = dfu->state == DFU_STATE_IDLE || dfu->state == DFU_STATE_UPLOAD_IDLE;
    if (!legal || !(model->attributes & DFU_CAN_UPLOAD) || setup->length > model->transfer_size)
        dfu_device_stall(dfu, DFU_STATUS_STALLED, reply);
    else if (setup->length == 0)
        dfu->state = DFU_STATE_IDLE;
    else
        dfu->dialect->upload(dfu, setup, in, reply);
}

static void clear_status(struct dfu_device *dfu, struct usb_reply *reply)
{
    if (dfu->state == DFU_STATE_ERROR) {
        dfu->state = DFU_STATE_IDLE;
        dfu->status = DFU_STATUS_OK;
    } else if (dfu->board->quirks & BOARD_STALLS_CLRSTATUS) {
        dfu_device_stall(dfu, DFU_STATUS_STALLED, reply);
    } else {
        dfu_device_fail(dfu, DFU_STATUS_UNKNOWN);
    }
}

/* ABORT, and DETACH, which in DFU mode does no more than that. */
static void abort_transfer(struct dfu_device *dfu, struct usb_reply *reply)
{
    if (dfu->state == DFU_STATE_IDLE || dfu->state == DFU_STATE_DNLOAD_IDLE ||
        dfu->state == DFU_STATE_UPLOAD_IDLE)
        dfu->state = DFU_STATE_IDLE;
    else
        dfu_device_stall(dfu, DFU_STATUS_STALLED, reply);
}

void dfu_device_request(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                        uint8_t *in, struct usb_reply *reply)
{
    switch (setup->request) {
    case DFU_DNLOAD:
        download(dfu, setup, out, reply);
        break;
    case DFU_UPLOAD:
        upload(dfu, setup, in, reply);
        break;
    case DFU_GETSTATUS:
        get_status(dfu, in, reply);
        break;
    case DFU_CLRSTATUS:
        clear_status(dfu, reply);
        break;
    case DFU_GETSTATE:
        in[0] = (uint8_t)dfu->state;
        reply->length = 1;
        break;
    case DFU_DETACH:
    case DFU_ABORT:
        abort_transfer(dfu, reply);
        break;
    default:
        dfu_device_stall(dfu, DFU_STATUS_STALLED, reply);
        break;
    }
}

/* ---- control transfers ---------------------------------------------------------------------- */

/* Does the transfer's direction fit the request? A wrong one is not a DFU request at all. */
static bool is_dfu_request(const struct usb_setup *setup)
{
    bool in = setup->request == DFU_UPLOAD || setup->request == DFU_GETSTATUS ||
              setup->request == DFU_GETSTATE;
    uint8_t type = USB_TYPE_CLASS | USB_RECIPIENT_INTERFACE | (in ? USB_DIR_IN : 0);
    return setup->request_type == type && setup->index == 0 && setup->length <= USB_CONTROL_MAX;
}

static void count(struct dfu_device *dfu, const struct usb_setup *setup)
{
    struct dfu_counters *counters = &dfu->counters;
    bool addressed = dfu->board->model->dialect != BOARD_PLAIN;
    if (setup->request == DFU_GETSTATUS) {
        counters->getstatus++;
        counters->early_polls += clock_now_us(dfu->clock) < dfu->poll_at_us;
    } else if (setup->request == DFU_UPLOAD) {
        counters->uploads++;
    } else if (setup->request == DFU_DNLOAD && setup->length && addressed && setup->value == 0) {
        counters->commands++;
    } else if (setup->request == DFU_DNLOAD && setup->length) {
        counters->blocks++;
    } else {
        counters->others++;
    }
}

/* The transfer takes its time on the bus after the wait for the flash; what it started and what it
 * announced count from its end. */
static void charge_bus(struct dfu_device *dfu, const struct usb_setup *setup, bool started,
                       bool announced, struct usb_reply *reply)
{
    if (reply->outcome == USB_SILENT)
        return;
    bool in = setup->request_type & USB_DIR_IN;
    bool upload_data = is_dfu_request(setup) && setup->request == DFU_UPLOAD;
    uint64_t us = sim_board_bus_us(dfu->board, upload_data, in ? reply->length : setup->length);
    reply->delay_us += us;
    dfu->counters.bus_us += us;
    if (started)
        dfu->busy_until_us += us;
    if (announced)
        dfu->poll_at_us += reply->delay_us;
}

void dfu_device_control(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                        uint8_t *in, struct usb_reply *reply)
{
    *reply = (struct usb_reply){.outcome = USB_DONE};
    if (dfu->crashed) {
        reply->outcome = USB_SILENT;
        return;
    }
    uint64_t now_us = clock_now_us(dfu->clock);
    uint64_t busy_until_us = dfu->busy_until_us, poll_at_us = dfu->poll_at_us;
    if (busy_until_us > now_us)
        reply->delay_us = busy_until_us - now_us;
    if ((setup->request_type & USB_TYPE_MASK) == USB_TYPE_STANDARD) {
        usb_standard_control(dfu, setup, in, reply);
    } else if (is_dfu_request(setup)) {
        dfu->used = true;
        count(dfu, setup);
        dfu->dialect->request(dfu, setup, out, in, reply);
    } else {
        reply->outcome = USB_STALL;
    }
    if (reply->length > setup->length)
        reply->length = setup->length;
    charge_bus(dfu, setup, dfu->busy_until_us != busy_until_us, dfu->poll_at_us != poll_at_us,
               reply);
}
