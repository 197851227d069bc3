#include "flasher/dfuse.h"

#include <inttypes.h>

enum dfuse_command {
    COMMAND_SET_ADDRESS = 0x21,
    COMMAND_ERASE = 0x41,
    COMMAND_READ_UNPROTECT = 0x92,
};

#define BLOCK_COMMAND 0
#define BLOCK_FIRST 2
#define BLOCK_LAST 65535 /* wValue has 16 bits */

/* DNLOAD is legal in dfuIDLE and dfuDNLOAD-IDLE: ABORT leads out of reading. */
static bool stop_reading(struct dfuse *dfuse, struct err **err)
{
    if (dfuse->mode != DFUSE_UPLOADING)
        return true;
    dfuse->mode = DFUSE_IDLE;
    dfuse->block = 0;
    return dfu_abort(dfuse->dfu, err);
}

static bool send_command(struct dfuse *dfuse, const void *bytes, uint16_t len, unsigned limit_ms,
                         struct err **err)
{
    if (!stop_reading(dfuse, err))
        return false;
    dfuse->mode = DFUSE_DOWNLOADING;
    dfuse->block = 0; /* the pointer is anywhere now */
    return dfu_download(dfuse->dfu, BLOCK_COMMAND, bytes, len, err) &&
           dfu_wait(dfuse->dfu, DFU_STATE_DNLOAD_IDLE, limit_ms, err);
}

static bool send_address(struct dfuse *dfuse, enum dfuse_command command, uint32_t address,
                         unsigned limit_ms, struct err **err)
{
    const uint8_t bytes[5] = {(uint8_t)command, (uint8_t)address, (uint8_t)(address >> 8),
                              (uint8_t)(address >> 16), (uint8_t)(address >> 24)};
    return send_command(dfuse, bytes, sizeof(bytes), limit_ms, err);
}

static bool set_address(struct dfuse *dfuse, uint32_t address, struct err **err)
{
    return send_address(dfuse, COMMAND_SET_ADDRESS, address, DFUSE_COMMAND_LIMIT_MS, err);
}

/* Whether a board that got wedged has erased the sector is seen where it is read back. */
bool dfuse_erase_sector(struct dfuse *dfuse, uint32_t address, struct err **err)
{
    struct dfu *dfu = dfuse->dfu;
    bool wedges = dfu->quirks.flags & QUIRK_WEDGES_IN_BUSY;
    unsigned limit_ms = wedges ? DFUSE_WEDGED_ERASE_LIMIT_MS : DFUSE_ERASE_LIMIT_MS;
    if (send_address(dfuse, COMMAND_ERASE, address, limit_ms, err))
        return true;
    if (!dfu_unwedge(dfu, DFUSE_COMMAND_LIMIT_MS, err))
        return err_wrap(err, "cannot erase the sector at 0x%08" PRIx32, address);
    dfuse->mode = DFUSE_IDLE;
    return true;
}

bool dfuse_mass_erase(struct dfuse *dfuse, struct err **err)
{
    const uint8_t command = COMMAND_ERASE;
    return send_command(dfuse, &command, 1, DFUSE_MASS_ERASE_LIMIT_MS, err) ||
           err_wrap(err, "cannot erase the whole flash");
}

bool dfuse_unprotect(struct dfuse *dfuse, struct err **err)
{
    const uint8_t command = COMMAND_READ_UNPROTECT;
    struct dfu *dfu = dfuse->dfu;
    if (stop_reading(dfuse, err) && dfu_download(dfu, BLOCK_COMMAND, &command, 1, err)) {
        dfuse->mode = DFUSE_DOWNLOADING;
        dfuse->block = 0;
        if (dfu_wait(dfu, DFU_STATE_DNLOAD_IDLE, DFUSE_MASS_ERASE_LIMIT_MS, err))
            return true;
        /* It resets itself, and may take the transfer with it. */
        if (dfu->fault == USB_GONE || dfu->fault == USB_BROKEN) {
            err_free_ptr(err);
            return true;
        }
    }
    return err_wrap(err, "cannot lift the read protection");
}

/* How many blocks ahead of the next one an address is, as far as block numbers tell; false: it
 * takes another pointer. */
static bool blocks_ahead(const struct dfuse *dfuse, uint32_t address, uint16_t len,
                         uint32_t *blocks)
{
    uint32_t size = dfuse->dfu->transfer_size;
    if (!dfuse->block || len != size || address < dfuse->next || (address - dfuse->next) % size)
        return false;
    *blocks = (address - dfuse->next) / size;
    return *blocks <= BLOCK_LAST && dfuse->block + *blocks <= BLOCK_LAST;
}

/* Make the next block of this kind be the one at an address. While reading, a block number says as
 * much. What is written only ever follows the last block: a board that just counts would otherwise
 * write where nobody meant to. */
static bool seek(struct dfuse *dfuse, enum dfuse_mode mode, uint32_t address, uint16_t len,
                 struct err **err)
{
    uint32_t ahead;
    if (dfuse->mode == mode && blocks_ahead(dfuse, address, len, &ahead) &&
        (mode == DFUSE_UPLOADING || ahead == 0)) {
        dfuse->block += ahead;
        dfuse->next = address;
        return true;
    }
    if (!set_address(dfuse, address, err))
        return false;
    dfuse->block = BLOCK_FIRST;
    dfuse->next = address;
    if (mode == DFUSE_DOWNLOADING)
        return true;
    dfuse->mode = DFUSE_UPLOADING; /* legal from dfuIDLE only: SET_ADDRESS left it elsewhere */
    return dfu_abort(dfuse->dfu, err);
}

static void block_done(struct dfuse *dfuse, uint16_t len)
{
    dfuse->block = len == dfuse->dfu->transfer_size ? dfuse->block + 1 : 0;
    dfuse->next += len;
}

bool dfuse_write(struct dfuse *dfuse, uint32_t address, const void *data, uint16_t len,
                 struct err **err)
{
    if (!seek(dfuse, DFUSE_DOWNLOADING, address, len, err) ||
        !dfu_download(dfuse->dfu, (uint16_t)dfuse->block, data, len, err) ||
        !dfu_wait(dfuse->dfu, DFU_STATE_DNLOAD_IDLE, DFUSE_WRITE_LIMIT_MS, err))
        return err_wrap(err, "cannot write at 0x%08" PRIx32, address);
    block_done(dfuse, len);
    return true;
}

bool dfuse_read(struct dfuse *dfuse, uint32_t address, void *data, uint16_t len, struct err **err)
{
    if (!seek(dfuse, DFUSE_UPLOADING, address, len, err) ||
        !dfu_upload(dfuse->dfu, (uint16_t)dfuse->block, data, len, err))
        return err_wrap(err, "cannot read at 0x%08" PRIx32, address);
    block_done(dfuse, len);
    return true;
}

bool dfuse_end(struct dfuse *dfuse, struct err **err)
{
    bool is_idle = dfuse->mode == DFUSE_IDLE;
    dfuse->mode = DFUSE_IDLE;
    dfuse->block = 0;
    return is_idle || dfu_abort(dfuse->dfu, err);
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
bool dfuse_leave(struct dfuse *dfuse, uint32_t address, struct err **err)
{
    bool told =
        set_address(dfuse, address, err) && dfu_download(dfuse->dfu, BLOCK_COMMAND, NULL, 0, err);
    if (told && check_left(dfuse->dfu, err))
        return true;
    return err_wrap(err, "cannot leave the bootloader");
}
