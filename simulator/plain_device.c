/* DFU 1.0 and 1.1 without ST's additions: blocks 0, 1, 2 ... of one image, which has no address. */
#include <string.h>

#include "simulator/dialect.h"

static bool store(struct dfu_device *dfu, const struct usb_setup *setup, const uint8_t *out)
{
    dfu->work.kind = DFU_WORK_PROGRAM;
    dfu->work.address = (uint32_t)setup->value * dfu->board->model->transfer_size;
    dfu->work.len = setup->length;
    memcpy(dfu->work.data, out, setup->length);
    return true;
}

/* The device erases what the block is the first to touch. */
static uint64_t erase_ahead(struct dfu_device *dfu, uint32_t offset, uint32_t len)
{
    uint64_t us = 0;
    uint32_t start = 0, size;
    for (uint32_t at = offset; at < offset + len; at = start + size) {
        size = sim_board_sector(dfu->board, at, &start);
        if (start < offset)
            continue;
        dfu->counters.erases++;
        us += sim_board_erase_sector_us(dfu->board, start);
    }
    return us;
}

static uint64_t work(struct dfu_device *dfu, struct usb_reply *reply)
{
    (void)reply;
    const struct dfu_work *block = &dfu->work;
    size_t size = dfu->board->memory[0].size;
    if (block->address > size || block->len > size - block->address) {
        dfu->status = DFU_STATUS_ADDRESS;
        return 0;
    }
    dfu->counters.downloaded_bytes += block->len;
    uint64_t us = erase_ahead(dfu, block->address, block->len);
    return us + sim_board_write_us(dfu->board, 0, block->address, block->data, block->len);
}

/* The whole memory; the end is a frame that is short, or empty (DFU 1.1, 6.2). */
static void upload(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                   struct usb_reply *reply)
{
    const struct nor *flash = &dfu->board->memory[0];
    size_t offset = (size_t)setup->value * dfu->board->model->transfer_size;
    size_t left = offset < flash->size ? flash->size - offset : 0;
    reply->length = setup->length < left ? setup->length : left;
    memcpy(in, flash->bytes + flash->size - left, reply->length);
    dfu->counters.uploaded_bytes += reply->length;
    dfu->state = reply->length < setup->length ? DFU_STATE_IDLE : DFU_STATE_UPLOAD_IDLE;
}

const struct dfu_dialect dialect_plain = {
    .request = dfu_device_request,
    .store = store,
    .work = work,
    .upload = upload,
    .runs_after_reset = true,
};
