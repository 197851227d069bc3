#include "flasher/dfuse.h"

#include <inttypes.h>

enum dfuse_command {
    COMMAND_SET_ADDRESS = 0x21,
    COMMAND_ERASE = 0x41,
};

#define BLOCK_COMMAND 0
#define BLOCK_FIRST 2
#define BLOCK_LAST 65535 /* wValue has 16 bits */

static bool send_command(struct dfu *dfu, enum dfuse_command command, uint32_t address,
                         unsigned limit_ms, struct err **err)
{
    uint8_t bytes[5] = {(uint8_t)command, (uint8_t)address, (uint8_t)(address >> 8),
                        (uint8_t)(address >> 16), (uint8_t)(address >> 24)};
    return dfu_download(dfu, BLOCK_COMMAND, bytes, sizeof(bytes), err) &&
           dfu_wait(dfu, DFU_STATE_DNLOAD_IDLE, limit_ms, err);
}

static bool set_address(struct dfu *dfu, uint32_t address, struct err **err)
{
    return send_command(dfu, COMMAND_SET_ADDRESS, address, DFUSE_COMMAND_LIMIT_MS, err);
}

bool dfuse_erase_sector(struct dfu *dfu, uint32_t address, struct err **err)
{
    return send_command(dfu, COMMAND_ERASE, address, DFUSE_ERASE_LIMIT_MS, err) ||
           err_wrap(err, "cannot erase the sector at 0x%08" PRIx32, address);
}

/* A run on its way, block by block. */
struct run {
    struct dfu *dfu;
    uint32_t address;
    size_t size, done;
    uint32_t block; /* the next one's number; 0 = the address has to be set first */
};

/* Where the next block is and how long. True: it needs a SET_ADDRESS and gets block 2, because it
 * is the first, block numbers have run out, or it is the short one at the end. */
static bool next_block(struct run *run, uint32_t *address, uint16_t *len)
{
    size_t left = run->size - run->done;
    bool is_short = left < run->dfu->transfer_size;
    *address = run->address + (uint32_t)run->done;
    *len = is_short ? (uint16_t)left : run->dfu->transfer_size;
    if (run->block && run->block <= BLOCK_LAST && !is_short)
        return false;
    run->block = BLOCK_FIRST;
    return true;
}

static bool write_block(struct run *run, const uint8_t *data, uint16_t *len, struct err **err)
{
    uint32_t address;
    if (next_block(run, &address, len) && !set_address(run->dfu, address, err))
        return err_wrap(err, "cannot write at 0x%08" PRIx32, address);
    if (!dfu_download(run->dfu, (uint16_t)run->block, data + run->done, *len, err) ||
        !dfu_wait(run->dfu, DFU_STATE_DNLOAD_IDLE, DFUSE_WRITE_LIMIT_MS, err))
        return err_wrap(err, "cannot write at 0x%08" PRIx32, address);
    return true;
}

bool dfuse_write_run(struct dfu *dfu, uint32_t address, const uint8_t *data, size_t size,
                     const struct dfuse_watch *watch, struct err **err)
{
    struct run run = {.dfu = dfu, .address = address, .size = size};
    while (run.done < size) {
        uint16_t len;
        if (!write_block(&run, data, &len, err))
            return false;
        run.done += len;
        run.block++;
        if (!watch->block_done(watch->data, len, err))
            return false;
    }
    return true;
}

/* UPLOAD is legal in dfuIDLE and dfuUPLOAD-IDLE only, SET_ADDRESS in neither of the busy ones:
 * ABORT stands between the two. */
static bool read_block(struct run *run, uint8_t *data, uint16_t *len, struct err **err)
{
    uint32_t address;
    bool first = run->block == 0;
    if (next_block(run, &address, len) &&
        !((first || dfu_abort(run->dfu, err)) && set_address(run->dfu, address, err) &&
          dfu_abort(run->dfu, err)))
        return err_wrap(err, "cannot read at 0x%08" PRIx32, address);
    return dfu_upload(run->dfu, (uint16_t)run->block, data + run->done, *len, err) ||
           err_wrap(err, "cannot read at 0x%08" PRIx32, address);
}

bool dfuse_read_run(struct dfu *dfu, uint32_t address, uint8_t *data, size_t size,
                    const struct dfuse_watch *watch, struct err **err)
{
    struct run run = {.dfu = dfu, .address = address, .size = size};
    while (run.done < size) {
        uint16_t len;
        if (!read_block(&run, data, &len, err))
            return false;
        run.done += len;
        run.block++;
        if (!watch->block_done(watch->data, len, err))
            return false;
    }
    return dfu_abort(dfu, err) ||
           err_wrap(err, "cannot end reading at 0x%08" PRIx32, address + (uint32_t)size);
}

/* What is left to see after a board was told to leave: that it does not report an error. */
static bool check_left(struct dfu *dfu, struct err **err)
{
    _cleanup_err_ struct err *ignored = NULL;
    if (!dfu_get_status(dfu, DFU_TRANSFER_TIMEOUT_MS, &ignored) ||
        dfu->status.state != DFU_STATE_ERROR)
        return true;
    return err_set(err, ERR_DEVICE, "the board refuses (state %s, status %s)",
                   dfu_state_label(dfu->status.state), dfu_status_label(dfu->status.code));
}

/* AN3156, "Leave DFU mode": a DNLOAD without data, carried out on the GETSTATUS after it. */
bool dfuse_leave(struct dfu *dfu, uint32_t address, struct err **err)
{
    bool told = set_address(dfu, address, err) && dfu_download(dfu, BLOCK_COMMAND, NULL, 0, err);
    if (told && check_left(dfu, err))
        return true;
    return err_wrap(err, "cannot leave the bootloader");
}
