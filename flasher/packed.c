#include "flasher/packed.h"

#include <inttypes.h>

#include "base/proc.h"
#include "base/text.h"
#include "flasher/dfuse.h"
#include "image/mboot_pack.h"

/* iString of a status: MicroPython 1.25, ports/stm32/mboot/dfu.h. */
enum mboot_string {
    MBOOT_OVERWRITES_ITSELF = 0x10,
    MBOOT_ADDRESS_INVALID = 0x11,
    MBOOT_SIGNATURE_INVALID = 0x12,
    MBOOT_READING_DISABLED = 0x13,
};

#define COMMAND_SET_ADDRESS 0x21
#define BLOCK_COMMAND 0
#define BLOCK_FIRST 2
#define PROBE_BYTES 64

/* One board that takes a packed image. */
struct packed {
    struct dfu *dfu;
    const struct image *image;
    struct events *events;
    struct flash_result *result;
    uint64_t done, total;
};

/* ---- which mboot is it? ---------------------------------------------------------------------- */

static bool set_address(struct dfu *dfu, uint32_t address, struct err **err)
{
    const uint8_t command[] = {COMMAND_SET_ADDRESS, (uint8_t)address, (uint8_t)(address >> 8),
                               (uint8_t)(address >> 16), (uint8_t)(address >> 24)};
    return dfu_download(dfu, BLOCK_COMMAND, command, sizeof(command), err) &&
           dfu_wait(dfu, DFU_STATE_DNLOAD_IDLE, DFUSE_COMMAND_LIMIT_MS, err);
}

/* mboot may be asked to read in any state, but only where there is memory. */
static bool probe(struct dfu *dfu, uint32_t address, bool *packed, struct err **err)
{
    uint8_t bytes[PROBE_BYTES];
    uint16_t len = dfu->transfer_size < PROBE_BYTES ? dfu->transfer_size : PROBE_BYTES;
    if (!dfu_make_idle(dfu, DFUSE_ERASE_LIMIT_MS, err) || !set_address(dfu, address, err) ||
        !dfu_abort(dfu, err) || !dfu_upload(dfu, BLOCK_FIRST, bytes, len, err) ||
        !dfu_get_status(dfu, DFUSE_COMMAND_LIMIT_MS, err))
        return err_wrap(err, "cannot find out whether this mboot takes packed images");
    *packed =
        dfu->status.code == DFU_STATUS_ERR_FILE && dfu->status.string == MBOOT_READING_DISABLED;
    return dfu_make_idle(dfu, DFUSE_ERASE_LIMIT_MS, err);
}

static bool set_not_packed(const struct dfu *dfu, struct err **err)
{
    err_set(err, ERR_DEVICE,
            "the image is packed (signed and encrypted), and this board's bootloader (%s) cannot "
            "unpack it",
            dfu->quirks.name ? dfu->quirks.name : "DfuSe");
    return err_hint(err, "flash the firmware as it was before it was packed (firmware.dfu, not "
                         "firmware.pack.dfu); or give the board an mboot with your keys "
                         "(MBOOT_ENABLE_PACKING) first");
}

static bool set_needs_packed(struct err **err)
{
    err_set(err, ERR_DEVICE,
            "this board's mboot takes packed images only (signed and encrypted), "
            "and this one is not");
    return err_hint(err, "flash firmware.pack.dfu; MicroPython's build makes it where "
                         "MBOOT_ENABLE_PACKING is set, or pack one with the board's keys: "
                         "`mboot_pack_dfu.py -k KEYS pack-dfu 16384 IN.dfu OUT.pack.dfu`");
}

bool packed_check(struct dfu *dfu, uint32_t address, const struct image *image, struct err **err)
{
    bool packed = false;
    if (dfu->quirks.flags & QUIRK_MBOOT_STRINGS && !probe(dfu, address, &packed, err))
        return false;
    if (packed == image->packed)
        return true;
    return packed ? set_needs_packed(err) : set_not_packed(dfu, err);
}

/* ---- write ----------------------------------------------------------------------------------- */

static bool plan(struct packed *p, struct err **err)
{
    _cleanup_(mboot_pack_release) struct mboot_pack pack = MBOOT_PACK_INIT;
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    uint64_t bytes = 0;
    event_phase_begin(p->events, "plan", "Looking at the image");
    bool ok = mboot_pack_read(p->image, &pack, err);
    for (size_t i = 0; i < pack.region_count; i++)
        bytes += pack.regions[i].size;
    if (ok) {
        buf_addf(&detail, "send %zu chunks, ", p->image->count);
        text_add_size(&detail, p->total);
        buf_adds(&detail, ", that the board makes ");
        text_add_size(&detail, bytes);
        buf_addf(&detail, " of firmware of, from 0x%08" PRIx32 " on", pack.regions[0].address);
    }
    event_phase_end(p->events, "plan", ok, ok ? detail.data : NULL);
    if (ok)
        p->result->sends = buf_detach(&detail, NULL);
    return ok;
}

static bool block_done(struct packed *p, size_t bytes, struct err **err)
{
    p->done += bytes;
    p->result->bytes_written += bytes;
    event_progress(p->events, "write", p->done, p->total, "bytes", NULL);
    if (!interrupt_requested() || p->done == p->total)
        return true;
    err_set(err, ERR_INTERRUPTED,
            "interrupted after %" PRIu64 " of %" PRIu64 " bytes; the board has no complete program "
            "now and stays in its bootloader",
            p->done, p->total);
    return err_hint(err, "run the same command again to flash it");
}

/* The next step, by what mboot says was wrong. */
static bool add_hint(const struct dfu *dfu, struct err **err)
{
    switch ((enum mboot_string)dfu->status.string) {
    case MBOOT_OVERWRITES_ITSELF:
        return err_hint(err, "the image would overwrite mboot itself: link the firmware behind it "
                             "(TEXT0_ADDR) and pack it again");
    case MBOOT_ADDRESS_INVALID:
        return err_hint(err, "the image is for another board, or for one with more flash");
    case MBOOT_SIGNATURE_INVALID:
        return err_hint(err, "the image was packed with other keys than this board's mboot was "
                             "built with, or in chunks larger than it takes, or it is damaged: "
                             "pack it again with mboot_keys.h of the board");
    case MBOOT_READING_DISABLED:
        break;
    }
    return false;
}

static bool send_blocks(struct packed *p, const struct segment *chunk, struct err **err)
{
    struct dfuse dfuse = {.dfu = p->dfu, .mode = DFUSE_DOWNLOADING};
    uint16_t len = p->dfu->transfer_size;
    for (size_t done = 0; done < chunk->size; done += len) {
        size_t left = chunk->size - done;
        len = left < len ? (uint16_t)left : len;
        if (!dfuse_write(&dfuse, chunk->address + (uint32_t)done, chunk->data + done, len, err) ||
            !block_done(p, len, err))
            return false;
    }
    return true;
}

static bool send_chunk(struct packed *p, size_t index, struct err **err)
{
    if (send_blocks(p, &p->image->segments[index], err))
        return true;
    if ((*err)->code == ERR_INTERRUPTED)
        return false;
    err_wrap(err, "chunk %zu of %zu", index + 1, p->image->count);
    return p->dfu->fault == USB_OK && add_hint(p->dfu, err);
}

static bool write_chunks(struct packed *p, struct err **err)
{
    if (interrupt_requested()) {
        err_set(err, ERR_INTERRUPTED, "interrupted before anything was changed");
        return err_hint(err, "run the same command again to flash it");
    }
    if (!dfu_make_idle(p->dfu, DFUSE_ERASE_LIMIT_MS, err))
        return false;
    for (size_t i = 0; i < p->image->count; i++)
        if (!send_chunk(p, i, err))
            return false;
    return true;
}

static bool write_phase(struct packed *p, struct err **err)
{
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    event_phase_begin(p->events, "write", "Sending packed chunks");
    bool ok = write_chunks(p, err);
    text_add_size(&detail, p->total);
    event_phase_end(p->events, "write", ok, ok ? detail.data : NULL);
    if (ok)
        event_warning(p->events, "not read back: a board that takes packed images lets nobody read "
                                 "its flash; it has checked the signature of the whole firmware "
                                 "itself, and took it");
    return ok;
}

static bool leave_phase(struct packed *p, struct err **err)
{
    event_phase_begin(p->events, "leave", "Starting the program");
    struct dfuse dfuse = {.dfu = p->dfu, .mode = DFUSE_DOWNLOADING};
    p->result->left = dfuse_leave(&dfuse, p->image->segments[0].address, err);
    event_phase_end(p->events, "leave", p->result->left,
                    p->result->left ? "the board starts its program" : NULL);
    if (p->result->left)
        return true;
    err_wrap(err, "the board has taken the image, but");
    return err_hint(err, "reset the board to start it");
}

static bool may_do(const struct flash_options *options, struct err **err)
{
    if (options->erase == FLASH_ERASE_NEEDED)
        return true;
    err_set(err, ERR_USAGE,
            "--erase is not for a packed image: the board's mboot erases itself "
            "what it is about to write");
    return err_hint(err, "leave --erase out");
}

bool packed_run(struct dfu *dfu, const struct image *image, const struct flash_options *options,
                struct events *events, struct flash_result *result, struct err **err)
{
    struct packed packed = {
        .dfu = dfu, .image = image, .events = events, .result = result, .total = image_size(image)};
    if (!may_do(options, err) || !plan(&packed, err))
        return false;
    return options->dry_run ||
           (write_phase(&packed, err) && (!options->leave || leave_phase(&packed, err)));
}
