#include "simulator/dfu_device.h"

#include <string.h>

#include "simulator/usb_standard.h"

#define RESTART_MS 10 /* off the bus after option bytes changed, beyond the erase time */

static uint32_t read_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

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

void dfu_device_init(struct dfu_device *dfu, struct sim_board *board, const struct sim_clock *clock)
{
    *dfu = (struct dfu_device){.board = board, .clock = clock};
    dfu_device_power_on(dfu);
}

void dfu_device_power_on(struct dfu_device *dfu)
{
    dfu->crashed = false;
    dfu_device_bus_reset(dfu);
    dfu->configuration = 0;
    dfu->busy_until_us = 0;
    dfu->pointer = dfu->board->model->areas[0].address;
}

void dfu_device_bus_reset(struct dfu_device *dfu)
{
    dfu->state = DFU_STATE_IDLE;
    dfu->status = DFU_STATUS_OK;
    dfu->alt = 0;
    dfu->work.kind = DFU_WORK_NOTHING;
    dfu->sabotage = (struct dfu_sabotage){0};
}

void dfu_device_fail(struct dfu_device *dfu, enum dfu_status status)
{
    dfu->state = DFU_STATE_ERROR;
    dfu->status = status;
}

/* In dfuERROR already: the first error stays the one that is reported. */
static void stall(struct dfu_device *dfu, enum dfu_status status, struct usb_reply *reply)
{
    if (dfu->state != DFU_STATE_ERROR)
        dfu_device_fail(dfu, status);
    reply->outcome = USB_STALL;
}

/* ---- DNLOAD: store what is to be done ------------------------------------------------------- */

/* The commands of block 0 (AN3156, 5). False: not one. */
static bool decode_command(struct dfu_work *work, const uint8_t *data, uint16_t len)
{
    if (len == 5 && data[0] == DFUSE_SET_ADDRESS)
        work->kind = DFU_WORK_SET_ADDRESS;
    else if (len == 5 && data[0] == DFUSE_ERASE)
        work->kind = DFU_WORK_ERASE;
    else if (len == 1 && data[0] == DFUSE_ERASE)
        work->kind = DFU_WORK_MASS_ERASE;
    else if (len == 1 && data[0] == DFUSE_READ_UNPROTECT)
        work->kind = DFU_WORK_UNPROTECT;
    else if (len == 1 && data[0] == DFUSE_GET_COMMANDS)
        work->kind = DFU_WORK_NOTHING;
    else
        return false;
    work->address = len == 5 ? read_le32(data + 1) : 0;
    return true;
}

static bool store_work(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out)
{
    uint16_t transfer_size = dfu->board->model->transfer_size;
    if (setup->length > transfer_size || setup->value == 1)
        return false;
    if (setup->value == 0)
        return decode_command(&dfu->work, out, setup->length);
    dfu->work.kind = DFU_WORK_PROGRAM;
    dfu->work.address = dfu->pointer + (uint32_t)(setup->value - 2) * transfer_size;
    dfu->work.len = setup->length;
    memcpy(dfu->work.data, out, setup->length);
    return true;
}

static void download(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                     struct usb_reply *reply)
{
    if (dfu->state != DFU_STATE_IDLE && dfu->state != DFU_STATE_DNLOAD_IDLE) {
        stall(dfu, DFU_STATUS_STALLED, reply);
    } else if (setup->length == 0) {
        dfu->state = DFU_STATE_MANIFEST_SYNC;
    } else if (!store_work(dfu, setup, out)) {
        stall(dfu, DFU_STATUS_STALLED, reply);
    } else {
        dfu->work.sabotage = dfu->sabotage;
        dfu->sabotage = (struct dfu_sabotage){0};
        dfu->state = DFU_STATE_DNLOAD_SYNC;
        reply->length = setup->length;
    }
}

/* ---- GETSTATUS: do it ----------------------------------------------------------------------- */

static bool locate(const struct dfu_device *dfu, uint32_t address, uint32_t len, unsigned *area,
                   uint32_t *offset)
{
    return sim_board_locate(dfu->board, address, area, offset) &&
           len <= dfu->board->memory[*area].size - *offset;
}

static uint64_t do_erase(struct dfu_device *dfu, uint32_t address)
{
    unsigned area;
    uint32_t offset;
    if (!locate(dfu, address, 1, &area, &offset) || area != 0) {
        dfu->status = DFU_STATUS_TARGET;
        return 0;
    }
    dfu->counters.erases++;
    return sim_board_erase_sector_us(dfu->board, offset);
}

static uint64_t do_program(struct dfu_device *dfu, struct dfu_work *work, struct usb_reply *reply)
{
    unsigned area;
    uint32_t offset;
    if (!locate(dfu, work->address, work->len, &area, &offset)) {
        dfu->status = DFU_STATUS_TARGET;
        return 0;
    }
    if (work->sabotage.corrupt)
        work->data[work->len / 2] ^= 0x55;
    if (dfu->board->model->areas[area].kind == AREA_OPTIONS) {
        reply->event = USB_RESTARTS;
        reply->event_ms = RESTART_MS;
    }
    dfu->counters.downloaded_bytes += work->len;
    return sim_board_write_us(dfu->board, area, offset, work->data, work->len);
}

static uint64_t do_unprotect(struct dfu_device *dfu, struct usb_reply *reply)
{
    dfu->counters.erases++;
    uint64_t cost_us = sim_board_erase_all_us(dfu->board);
    reply->event = USB_RESTARTS;
    reply->event_ms = RESTART_MS + (uint32_t)(cost_us / 1000);
    return cost_us;
}

/* Do the stored work at once; its duration is served by busy_until_us. The outcome is in status. */
static uint64_t do_work(struct dfu_device *dfu, struct usb_reply *reply)
{
    struct dfu_work *work = &dfu->work;
    unsigned area;
    uint32_t offset;
    dfu->status = (enum dfu_status)work->sabotage.status;
    if (work->sabotage.ignore || work->sabotage.status)
        return 0;
    switch (work->kind) {
    case DFU_WORK_SET_ADDRESS:
        if (locate(dfu, work->address, 1, &area, &offset))
            dfu->pointer = work->address;
        else
            dfu->status = DFU_STATUS_TARGET;
        return 0;
    case DFU_WORK_ERASE:
        return do_erase(dfu, work->address);
    case DFU_WORK_MASS_ERASE:
        dfu->counters.erases++;
        return sim_board_erase_all_us(dfu->board);
    case DFU_WORK_UNPROTECT:
        return do_unprotect(dfu, reply);
    case DFU_WORK_PROGRAM:
        return do_program(dfu, work, reply);
    case DFU_WORK_NOTHING:
        break;
    }
    return 0;
}

static uint32_t announced_ms(const struct dfu_device *dfu)
{
    const struct dfu_work *work = &dfu->work;
    const struct board_timing *timing = &dfu->board->timing;
    if (work->sabotage.announce)
        return work->sabotage.announce_ms;
    if (work->kind == DFU_WORK_PROGRAM)
        return (uint32_t)(((uint64_t)work->len * timing->program_ns_per_byte + 999999) / 1000000);
    bool erases = work->kind == DFU_WORK_ERASE || work->kind == DFU_WORK_MASS_ERASE ||
                  work->kind == DFU_WORK_UNPROTECT;
    return erases ? timing->announced_erase_ms : 0;
}

/* The transition that this GETSTATUS causes; the state after it is what is reported (DFU 1.1,
 * A.2). Returns the poll timeout to announce. */
static uint32_t advance(struct dfu_device *dfu, struct usb_reply *reply)
{
    switch (dfu->state) {
    case DFU_STATE_DNLOAD_SYNC:
        dfu->state = DFU_STATE_DNBUSY;
        dfu->busy_until_us = clock_now_us(dfu->clock) + do_work(dfu, reply);
        return announced_ms(dfu);
    case DFU_STATE_DNBUSY:
        if (dfu->work.sabotage.stuck)
            return announced_ms(dfu);
        dfu->state = dfu->status == DFU_STATUS_OK ? DFU_STATE_DNLOAD_IDLE : DFU_STATE_ERROR;
        return 0;
    case DFU_STATE_MANIFEST_SYNC:
        dfu->state = DFU_STATE_MANIFEST;
        reply->event = USB_LEAVES;
        return 0;
    default:
        return 0;
    }
}

static void get_status(struct dfu_device *dfu, uint8_t *in, struct usb_reply *reply)
{
    uint32_t poll_ms = advance(dfu, reply);
    /* While it is busy the outcome is not known yet. */
    in[0] = dfu->state == DFU_STATE_DNBUSY ? DFU_STATUS_OK : (uint8_t)dfu->status;
    in[1] = (uint8_t)poll_ms;
    in[2] = (uint8_t)(poll_ms >> 8);
    in[3] = (uint8_t)(poll_ms >> 16);
    in[4] = (uint8_t)dfu->state;
    in[5] = 0;
    reply->length = 6;
}

/* ---- the other requests --------------------------------------------------------------------- */

static void upload_data(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                        struct usb_reply *reply)
{
    uint32_t step = (uint32_t)(setup->value - 2) * dfu->board->model->transfer_size;
    unsigned area;
    uint32_t offset;
    if (!sim_board_locate(dfu->board, dfu->pointer + step, &area, &offset)) {
        stall(dfu, DFU_STATUS_TARGET, reply);
        return;
    }
    const struct nor *memory = &dfu->board->memory[area];
    if (setup->length > memory->size - offset) {
        dfu->crashed = true;
        reply->outcome = USB_SILENT;
        return;
    }
    memcpy(in, memory->bytes + offset, setup->length);
    dfu->state = DFU_STATE_UPLOAD_IDLE;
    dfu->counters.uploaded_bytes += setup->length;
    reply->length = setup->length;
    reply->delay_us += (uint64_t)setup->length * dfu->board->timing.read_ns_per_byte / 1000;
}

static void upload(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                   struct usb_reply *reply)
{
    static const uint8_t commands[] = {DFUSE_GET_COMMANDS, DFUSE_SET_ADDRESS, DFUSE_ERASE,
                                       DFUSE_READ_UNPROTECT};
    bool legal = dfu->state == DFU_STATE_IDLE || dfu->state == DFU_STATE_UPLOAD_IDLE;
    if (!legal || setup->value == 1 || setup->length > dfu->board->model->transfer_size) {
        stall(dfu, DFU_STATUS_STALLED, reply);
    } else if (setup->length == 0) {
        dfu->state = DFU_STATE_IDLE;
    } else if (setup->value == 0) {
        reply->length = setup->length < sizeof(commands) ? setup->length : sizeof(commands);
        memcpy(in, commands, reply->length);
        dfu->state = setup->length > sizeof(commands) ? DFU_STATE_IDLE : DFU_STATE_UPLOAD_IDLE;
    } else {
        upload_data(dfu, setup, in, reply);
    }
}

static void clear_status(struct dfu_device *dfu)
{
    if (dfu->state == DFU_STATE_ERROR) {
        dfu->state = DFU_STATE_IDLE;
        dfu->status = DFU_STATUS_OK;
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
        stall(dfu, DFU_STATUS_STALLED, reply);
}

static void dfu_request(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
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
        clear_status(dfu);
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
        stall(dfu, DFU_STATUS_STALLED, reply);
        break;
    }
}

/* Does the transfer's direction fit the request? A wrong one is not a DFU request at all. */
static bool is_dfu_request(const struct usb_setup *setup)
{
    bool in = setup->request == DFU_UPLOAD || setup->request == DFU_GETSTATUS ||
              setup->request == DFU_GETSTATE;
    uint8_t type = USB_TYPE_CLASS | USB_RECIPIENT_INTERFACE | (in ? USB_DIR_IN : 0);
    return setup->request_type == type && setup->index == 0 && setup->length <= USB_CONTROL_MAX;
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
    if (dfu->busy_until_us > now_us)
        reply->delay_us = dfu->busy_until_us - now_us;
    if ((setup->request_type & USB_TYPE_MASK) == USB_TYPE_STANDARD)
        usb_standard_control(dfu, setup, in, reply);
    else if (is_dfu_request(setup))
        dfu_request(dfu, setup, out, in, reply);
    else
        reply->outcome = USB_STALL;
    if (reply->length > setup->length)
        reply->length = setup->length;
}
