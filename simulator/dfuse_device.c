/* ST's dialect: addresses and sectors (AN3156, UM0424). */
#include <string.h>

#include "simulator/dialect.h"

#define RESTART_MS 10         /* off the bus after option bytes changed, beyond the erase time */
#define WEDGE_OFFSET 0x100000 /* where the second bank of an H743 begins */

static uint32_t read_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- DNLOAD --------------------------------------------------------------------------------- */

bool dfuse_decode_command(struct dfu_work *work, const uint8_t *data, uint16_t len)
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

/* Where block N is, for N >= 2. */
static uint32_t block_address(const struct dfu_device *dfu, const struct usb_setup *setup)
{
    bool measures = dfu->board->quirks & BOARD_MEASURES_BLOCKS;
    uint32_t step = measures ? setup->length : dfu->board->model->transfer_size;
    return dfu->pointer + (uint32_t)(setup->value - 2) * step;
}

static bool store(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out)
{
    if (setup->value == 1)
        return false;
    if (setup->value == 0)
        return dfuse_decode_command(&dfu->work, out, setup->length);
    dfu->work.kind = DFU_WORK_PROGRAM;
    dfu->work.address = block_address(dfu, setup);
    dfu->work.len = setup->length;
    memcpy(dfu->work.data, out, setup->length);
    return true;
}

/* ---- work ----------------------------------------------------------------------------------- */

static bool locate(const struct dfu_device *dfu, uint32_t address, uint32_t len, unsigned *area,
                   uint32_t *offset)
{
    return sim_board_locate(dfu->board, address, area, offset) &&
           len <= dfu->board->memory[*area].size - *offset;
}

static uint64_t set_address(struct dfu_device *dfu)
{
    unsigned area;
    uint32_t offset;
    if (locate(dfu, dfu->work.address, 1, &area, &offset))
        dfu->pointer = dfu->work.address;
    else
        dfu->status = DFU_STATUS_TARGET;
    return 0;
}

static uint64_t erase(struct dfu_device *dfu)
{
    unsigned area;
    uint32_t offset;
    if (!locate(dfu, dfu->work.address, 1, &area, &offset) || area != 0) {
        dfu->status = DFU_STATUS_TARGET;
        return 0;
    }
    dfu->counters.erases++;
    if ((dfu->board->quirks & BOARD_WEDGES) && offset >= WEDGE_OFFSET)
        dfu->work.sabotage.stuck = true;
    return sim_board_erase_sector_us(dfu->board, offset);
}

static uint64_t program(struct dfu_device *dfu, struct usb_reply *reply)
{
    const struct dfu_work *work = &dfu->work;
    unsigned area;
    uint32_t offset;
    if (!locate(dfu, work->address, work->len, &area, &offset)) {
        dfu->status = DFU_STATUS_TARGET;
        return 0;
    }
    if (dfu->board->model->areas[area].kind == AREA_OPTIONS) {
        reply->event = USB_RESTARTS;
        reply->event_ms = RESTART_MS;
    }
    dfu->counters.downloaded_bytes += work->len;
    return sim_board_write_us(dfu->board, area, offset, work->data, work->len);
}

static uint64_t unprotect(struct dfu_device *dfu, struct usb_reply *reply)
{
    dfu->counters.erases++;
    uint64_t cost_us = sim_board_unprotect_us(dfu->board);
    reply->event = USB_RESTARTS;
    reply->event_ms = RESTART_MS + (uint32_t)(cost_us / 1000);
    return cost_us;
}

/* Read protection (level 1) leaves two commands: SET_ADDRESS, and the way out. */
static bool is_refused(const struct dfu_device *dfu)
{
    enum dfu_work_kind kind = dfu->work.kind;
    return dfu->board->read_protected &&
           (kind == DFU_WORK_ERASE || kind == DFU_WORK_MASS_ERASE || kind == DFU_WORK_PROGRAM);
}

static uint64_t work(struct dfu_device *dfu, struct usb_reply *reply)
{
    if (is_refused(dfu)) {
        dfu->status = DFU_STATUS_VENDOR;
        return 0;
    }
    switch (dfu->work.kind) {
    case DFU_WORK_SET_ADDRESS:
        return set_address(dfu);
    case DFU_WORK_ERASE:
        return erase(dfu);
    case DFU_WORK_MASS_ERASE:
        dfu->counters.erases++;
        return sim_board_erase_all_us(dfu->board);
    case DFU_WORK_UNPROTECT:
        return unprotect(dfu, reply);
    case DFU_WORK_PROGRAM:
        return program(dfu, reply);
    case DFU_WORK_NOTHING:
    case DFU_WORK_INVALID:
        break;
    }
    return 0;
}

/* ---- UPLOAD --------------------------------------------------------------------------------- */

static void upload_commands(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                            struct usb_reply *reply)
{
    static const uint8_t commands[] = {DFUSE_GET_COMMANDS, DFUSE_SET_ADDRESS, DFUSE_ERASE,
                                       DFUSE_READ_UNPROTECT};
    reply->length = setup->length < sizeof(commands) ? setup->length : sizeof(commands);
    memcpy(in, commands, reply->length);
    dfu->state = setup->length > sizeof(commands) ? DFU_STATE_IDLE : DFU_STATE_UPLOAD_IDLE;
}

static void upload(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                   struct usb_reply *reply)
{
    unsigned area;
    uint32_t offset;
    if (setup->value == 0) {
        upload_commands(dfu, setup, in, reply);
    } else if (setup->value == 1) {
        dfu_device_stall(dfu, DFU_STATUS_STALLED, reply);
    } else if (dfu->board->read_protected) {
        dfu_device_stall(dfu, DFU_STATUS_VENDOR, reply);
    } else if (!sim_board_locate(dfu->board, block_address(dfu, setup), &area, &offset)) {
        dfu_device_stall(dfu, DFU_STATUS_TARGET, reply);
    } else if (setup->length > dfu->board->memory[area].size - offset) {
        dfu->crashed = true;
        reply->outcome = USB_SILENT;
    } else {
        memcpy(in, dfu->board->memory[area].bytes + offset, setup->length);
        dfu->state = DFU_STATE_UPLOAD_IDLE;
        dfu->counters.uploaded_bytes += setup->length;
        reply->length = setup->length;
    }
}

const struct dfu_dialect dialect_dfuse = {
    .request = dfu_device_request,
    .store = store,
    .work = work,
    .upload = upload,
    .leaves_when_idle = true,
};
