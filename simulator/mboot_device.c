#include "simulator/mboot_device.h"

#include <string.h>

#include "simulator/dialect.h"
#include "simulator/mboot_chunk.h"

/* dfu->pending */
enum mboot_pending { PENDING_NOTHING, PENDING_EXIT, PENDING_UPLOAD, PENDING_DOWNLOAD };

const char *mboot_string(const struct dfu_device *dfu, unsigned index)
{
    static const char *const texts[] = {"Can't overwrite mboot", "Address out of range",
                                        "Invalid signature in file",
                                        "Read support disabled on encrypted bootloader"};
    unsigned last = dfu->pack ? MBOOT_STRING_NO_READING : MBOOT_STRING_BAD_ADDRESS;
    if (dfu->board->model->dialect != BOARD_MBOOT || index < MBOOT_STRING_OWN_SECTOR ||
        index > last)
        return NULL;
    return texts[index - MBOOT_STRING_OWN_SECTOR];
}

uint32_t mboot_application_address(const struct dfu_device *dfu)
{
    return dfu->board->model->areas[0].address + dfu->board->model->own_bytes;
}

/* ---- flash ---------------------------------------------------------------------------------- */

static bool refuse(struct dfu_device *dfu, enum mboot_string string)
{
    dfu->status = DFU_STATUS_ADDRESS;
    dfu->string = (uint8_t)string;
    return false;
}

bool mboot_erase(struct dfu_device *dfu, uint32_t address, uint32_t *next, uint64_t *us)
{
    unsigned area;
    uint32_t offset, start, base = dfu->board->model->areas[0].address;
    if (!sim_board_locate(dfu->board, address, &area, &offset)) {
        *next = 0;
        return refuse(dfu, MBOOT_STRING_BAD_ADDRESS);
    }
    uint32_t size = sim_board_sector(dfu->board, offset, &start);
    *next = base + start + size;
    if (start < dfu->board->model->own_bytes)
        return refuse(dfu, MBOOT_STRING_OWN_SECTOR);
    if (sim_board_is_write_protected(dfu->board, offset))
        return false; /* the flash refuses, and mboot has no status for that */
    dfu->counters.erases++;
    *us += sim_board_erase_sector_us(dfu->board, offset);
    return true;
}

bool mboot_write(struct dfu_device *dfu, uint32_t address, const uint8_t *data, uint32_t len,
                 uint64_t *us)
{
    unsigned area;
    uint32_t offset;
    if (!sim_board_locate(dfu->board, address, &area, &offset))
        return refuse(dfu, MBOOT_STRING_BAD_ADDRESS);
    if (offset < dfu->board->model->own_bytes)
        return refuse(dfu, MBOOT_STRING_OWN_SECTOR);
    if (len > dfu->board->memory[0].size - offset ||
        sim_board_is_write_protected(dfu->board, offset))
        return false;
    dfu->counters.downloaded_bytes += len;
    *us += sim_board_write_us(dfu->board, 0, offset, data, len);
    return true;
}

/* Everything but mboot itself, and never a failure. */
static bool erase_all(struct dfu_device *dfu, uint64_t *us)
{
    uint32_t at = dfu->board->model->areas[0].address;
    uint32_t end = at + (uint32_t)dfu->board->memory[0].size;
    while (at < end)
        (void)mboot_erase(dfu, at, &at, us);
    dfu->status = DFU_STATUS_OK;
    dfu->string = 0;
    return true;
}

/* ---- work ----------------------------------------------------------------------------------- */

static bool program(struct dfu_device *dfu, uint64_t *us)
{
    struct dfu_work *work = &dfu->work;
    if (work->sabotage.corrupt)
        work->data[work->len / 2] ^= 0x55;
    if (dfu->pack)
        return mboot_chunk_write(dfu, work->address, work->data, work->len, us);
    /* Words: the last one is filled with what an earlier block left in the buffer. */
    return mboot_write(dfu, work->address, work->data, (work->len + 3) / 4 * 4, us);
}

static bool process(struct dfu_device *dfu, uint64_t *us)
{
    uint32_t next;
    switch (dfu->work.kind) {
    case DFU_WORK_SET_ADDRESS:
        dfu->pointer = dfu->work.address;
        return true;
    case DFU_WORK_ERASE:
        return dfu->pack || mboot_erase(dfu, dfu->work.address, &next, us);
    case DFU_WORK_MASS_ERASE:
        return erase_all(dfu, us);
    case DFU_WORK_PROGRAM:
        return program(dfu, us);
    case DFU_WORK_NOTHING:
    case DFU_WORK_UNPROTECT:
    case DFU_WORK_INVALID:
        break;
    }
    return false;
}

/* Called when dfuDNBUSY has been reported: the next request waits until this is done. */
static void run_work(struct dfu_device *dfu)
{
    const struct dfu_sabotage *sabotage = &dfu->work.sabotage;
    uint64_t us = 0;
    bool ok = !sabotage->status;
    if (sabotage->status)
        dfu->status = (enum dfu_status)sabotage->status;
    else if (!sabotage->ignore)
        ok = process(dfu, &us);
    if (!sabotage->stuck)
        dfu->state = ok ? DFU_STATE_DNLOAD_IDLE : DFU_STATE_ERROR;
    dfu->busy_until_us = clock_now_us(dfu->clock) + us;
}

/* ---- requests: each is taken in every state -------------------------------------------------- */

static void download(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                     struct usb_reply *reply)
{
    struct dfu_work *work = &dfu->work;
    uint32_t transfer_size = dfu->board->model->transfer_size;
    dfu->pending = setup->length ? PENDING_DOWNLOAD : PENDING_EXIT;
    if (setup->length > transfer_size) { /* overruns its buffer */
        dfu->crashed = true;
        reply->outcome = USB_SILENT;
        return;
    }
    reply->length = setup->length;
    if (setup->length == 0)
        return;
    work->sabotage = dfu->sabotage;
    dfu->sabotage = (struct dfu_sabotage){0};
    work->len = setup->length;
    memcpy(work->data, out, setup->length);
    work->kind = setup->value > 1 ? DFU_WORK_PROGRAM : DFU_WORK_INVALID;
    work->address = dfu->pointer + (setup->value - 2u) * transfer_size;
    if (setup->value == 0 && !dfuse_decode_command(work, out, setup->length))
        work->kind = DFU_WORK_INVALID;
}

static void upload(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                   struct usb_reply *reply)
{
    uint32_t address = dfu->pointer + (setup->value - 2u) * dfu->board->model->transfer_size;
    unsigned area;
    uint32_t offset;
    if (setup->value < 2) {
        reply->outcome = USB_SILENT;
        return;
    }
    dfu->pending = PENDING_UPLOAD;
    reply->length = setup->length;
    dfu->counters.uploaded_bytes += setup->length;
    if (dfu->pack) {
        /* Nothing is put into the buffer: out goes what the answer before left there. */
        dfu_device_report(dfu, DFU_STATUS_OK, 0, in, reply);
        memset(in + reply->length, 0, USB_CONTROL_MAX - reply->length);
        reply->length = setup->length;
        dfu->status = DFU_STATUS_FILE;
        dfu->string = MBOOT_STRING_NO_READING;
    } else if (!sim_board_locate(dfu->board, address, &area, &offset) ||
               setup->length > dfu->board->memory[area].size - offset) {
        dfu->crashed = true; /* a bus fault */
        reply->outcome = USB_SILENT;
    } else {
        memcpy(in, dfu->board->memory[area].bytes + offset, setup->length);
    }
}

static void get_status(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                       struct usb_reply *reply)
{
    const struct dfu_sabotage *sabotage = &dfu->work.sabotage;
    bool works = dfu->pending == PENDING_DOWNLOAD;
    if (setup->length != 6) {
        reply->outcome = USB_SILENT;
        return;
    }
    if (works)
        dfu->state = DFU_STATE_DNBUSY;
    else if (dfu->pending == PENDING_EXIT)
        dfu->state = DFU_STATE_MANIFEST;
    else if (dfu->pending == PENDING_UPLOAD)
        dfu->state = DFU_STATE_UPLOAD_IDLE;
    bool announces = works && sabotage->announce;
    dfu_device_report(dfu, dfu->status, announces ? sabotage->announce_ms : 0, in, reply);
    dfu->status = DFU_STATUS_OK; /* told once */
    dfu->string = 0;
    if (dfu->state == DFU_STATE_MANIFEST)
        reply->event = USB_LEAVES;
    if (works) {
        dfu->pending = PENDING_NOTHING;
        run_work(dfu);
    }
}

static void request(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out,
                    uint8_t *in, struct usb_reply *reply)
{
    switch (setup->request) {
    case DFU_CLRSTATUS:
    case DFU_ABORT:
        dfu->state = DFU_STATE_IDLE;
        dfu->status = DFU_STATUS_OK;
        dfu->string = 0;
        dfu->pending = PENDING_NOTHING;
        break;
    case DFU_DNLOAD:
        download(dfu, setup, out, reply);
        break;
    case DFU_UPLOAD:
        upload(dfu, setup, in, reply);
        break;
    case DFU_GETSTATUS:
        get_status(dfu, setup, in, reply);
        break;
    case DFU_GETSTATE:
        in[0] = (uint8_t)dfu->state;
        reply->length = 1;
        break;
    default: /* taken, and nothing done */
        reply->length = setup->length;
        break;
    }
}

const struct dfu_dialect dialect_mboot = {.request = request};
