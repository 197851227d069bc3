#include "flasher/download.h"

#include <string.h>

#include "base/proc.h"
#include "base/text.h"

/* One block: a device may erase all of its memory before it answers for the first one. */
#define WRITE_LIMIT_MS 35000
/* Putting it in place: copying from one memory to another, checking signatures. */
#define MANIFEST_LIMIT_MS 120000
/* Between two GETSTATUS of a device that manifests and announces no time. */
#define MANIFEST_PAUSE_MS 20
/* A device that detaches by itself, when it is done. */
#define DETACH_LIMIT_MS 5000
#define DETACH_PAUSE_MS 100

#define AGAIN_HINT "run the same command again to flash it"

/* How manifestation ended. */
enum ending {
    ENDING_IDLE,        /* back in dfuIDLE */
    ENDING_WANTS_RESET, /* in dfuMANIFEST-WAIT-RESET, or it does not answer any more */
    ENDING_GONE,        /* it left the bus */
};

/* One device that takes a file. */
struct download {
    struct dfu *dfu;
    const struct flash_options *options;
    struct events *events;
    struct flash_result *result;
    const uint8_t *data;
    size_t size;
    uint8_t alt; /* 0 is chosen by itself, and some devices refuse to be told so */
    bool can_upload, tolerant, will_detach;
    const char *phase;
    uint64_t done;
};

static void begin_phase(struct download *d, const char *phase, const char *title)
{
    d->phase = phase;
    d->done = 0;
    event_phase_begin(d->events, phase, title);
}

static bool end_phase(const struct download *d, bool ok, const char *detail)
{
    event_phase_end(d->events, d->phase, ok, ok ? detail : NULL);
    return ok;
}

static void advance(struct download *d, size_t bytes)
{
    d->done += bytes;
    event_progress(d->events, d->phase, d->done, d->size, "bytes", NULL);
}

static size_t block_count(const struct download *d)
{
    return (d->size + d->dfu->transfer_size - 1) / d->dfu->transfer_size;
}

static void init(struct download *d, const struct dfu_functional *functional,
                 const struct segment *payload)
{
    uint8_t attributes = functional ? functional->attributes : DFU_CAN_DOWNLOAD;
    uint32_t quirks = d->dfu->quirks.flags;
    d->data = payload->data;
    d->size = payload->size;
    d->alt = payload->alt;
    d->can_upload = attributes & DFU_CAN_UPLOAD && !(quirks & QUIRK_NO_UPLOAD);
    d->will_detach = attributes & DFU_WILL_DETACH || quirks & QUIRK_WILL_DETACH;
    d->tolerant = attributes & DFU_MANIFESTATION_TOLERANT && !(quirks & QUIRK_WILL_DETACH);
}

static bool may_take(const struct dfu *dfu, const struct dfu_functional *functional,
                     const struct flash_options *options, struct err **err)
{
    if (dfu->quirks.flags & QUIRK_IS_NOT_DFU) {
        err_set(err, ERR_DEVICE, "it speaks another protocol over DFU's requests (%s)",
                dfu->quirks.name ? dfu->quirks.name : "not DFU");
        return err_hint(err, "it would take an image for commands; `dfu-programmer` flashes it");
    }
    if (functional && !(functional->attributes & DFU_CAN_DOWNLOAD)) {
        err_set(err, ERR_DEVICE, "the device says that it cannot be written (bitCanDnload is 0)");
        return err_hint(err, "its maker's own tool may know another way");
    }
    if (options->erase != FLASH_ERASE_MASS)
        return true;
    err_set(err, ERR_USAGE, "a plain DFU device cannot be told to erase: it does as it likes");
    return err_hint(err, "leave --erase out");
}

static void plan(struct download *d)
{
    size_t blocks = block_count(d);
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    begin_phase(d, "plan", "Looking at the image");
    buf_addf(&detail, "send %zu block%s of up to %u bytes, ", blocks, blocks == 1 ? "" : "s",
             d->dfu->transfer_size);
    text_add_size(&detail, d->size);
    buf_adds(&detail,
             d->can_upload && d->tolerant ? "; then read it back" : "; it cannot be read back");
    end_phase(d, true, detail.data);
    d->result->sends = buf_detach(&detail, NULL);
}

/* ---- getting it ready ------------------------------------------------------------------------ */

static bool set_away(struct err **err)
{
    err_set(err, ERR_DEVICE, "the device ended an earlier download and left its bootloader");
    return err_hint(err, "bring it into its bootloader again and run the command again");
}

static bool wait_manifest(const struct download *d, enum ending *ending, struct err **err);

/* Also out of the states to which dfu_make_idle() knows no way out: an earlier download is still
 * being put in place, or was and waits for the reset. */
static bool make_idle(const struct download *d, struct err **err)
{
    struct dfu *dfu = d->dfu;
    enum ending ending = ENDING_WANTS_RESET;
    if (dfu_make_idle(dfu, WRITE_LIMIT_MS, err))
        return true;
    uint8_t state = dfu->status.state;
    if (dfu->fault != USB_OK ||
        (state != DFU_STATE_MANIFEST && state != DFU_STATE_MANIFEST_WAIT_RESET))
        return false;
    err_free_ptr(err);
    if (state == DFU_STATE_MANIFEST && !wait_manifest(d, &ending, err))
        return err_wrap(err, "an earlier download does not come to an end");
    if (ending == ENDING_GONE ||
        (ending == ENDING_WANTS_RESET && dfu->io.reset(dfu->io.data) != USB_OK))
        return set_away(err);
    return dfu_make_idle(dfu, WRITE_LIMIT_MS, err);
}

static bool make_ready(const struct download *d, struct err **err)
{
    const struct dfu_io *io = &d->dfu->io;
    return make_idle(d, err) && (!d->alt || io->set_alt(io->data, d->alt, err));
}

/* ---- write ----------------------------------------------------------------------------------- */

static bool may_go_on(const struct download *d, size_t block, struct err **err)
{
    if (!interrupt_requested())
        return true;
    if (block == 0)
        err_set(err, ERR_INTERRUPTED, "interrupted before anything was sent");
    else
        err_set(err, ERR_INTERRUPTED,
                "interrupted after block %zu of %zu; the device has a part of the image and waits "
                "for the rest in its bootloader (state %s)",
                block, block_count(d), dfu_state_label(d->dfu->status.state));
    return err_hint(err, AGAIN_HINT);
}

static bool write_block(struct download *d, size_t block, struct err **err)
{
    struct dfu *dfu = d->dfu;
    size_t at = block * dfu->transfer_size, left = d->size - at;
    uint16_t len = left < dfu->transfer_size ? (uint16_t)left : dfu->transfer_size;
    if (!dfu_download(dfu, (uint16_t)block, d->data + at, len, err) ||
        !dfu_wait(dfu, DFU_STATE_DNLOAD_IDLE, WRITE_LIMIT_MS, err))
        return err_wrap(err, "cannot send block %zu of %zu (bytes %zu to %zu)", block + 1,
                        block_count(d), at, at + len - 1);
    d->result->bytes_written += len;
    advance(d, len);
    return true;
}

/* wBlockNum has 16 bits and simply wraps (DFU 1.1, 6.1.1). */
static bool write_blocks(struct download *d, struct err **err)
{
    for (size_t block = 0; block < block_count(d); block++)
        if (!may_go_on(d, block, err) || !write_block(d, block, err))
            return false;
    return may_go_on(d, block_count(d), err);
}

static bool write_phase(struct download *d, struct err **err)
{
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    begin_phase(d, "write", "Sending");
    bool ok = make_ready(d, err) && write_blocks(d, err);
    text_add_size(&detail, d->size);
    return end_phase(d, ok, detail.data);
}

/* ---- manifest -------------------------------------------------------------------------------- */

static bool set_manifest_time(const struct dfu *dfu, const char *what, double seconds,
                              struct err **err)
{
    err_set(err, ERR_DEVICE, "%s %.1f s (state %s, status %s; at most %d s are allowed)", what,
            seconds, dfu_state_label(dfu->status.state), dfu_status_label(dfu->status.code),
            MANIFEST_LIMIT_MS / 1000);
    return err_hint(err, "leave it plugged in for a while, in case it still works; then run the "
                         "command again");
}

/* The transfer did not get through. A device that may not be spoken to any more, or that detaches
 * by itself, does that when it is done; from any other it is no success. */
static bool judge_silence(const struct download *d, bool manifesting, enum ending *ending,
                          struct err **err)
{
    bool is_gone = d->dfu->fault == USB_GONE;
    if (d->tolerant || !(manifesting || (is_gone && d->will_detach)))
        return false;
    err_free_ptr(err);
    *ending = is_gone ? ENDING_GONE : ENDING_WANTS_RESET;
    return true;
}

static bool set_unexpected(const struct dfu *dfu, struct err **err)
{
    err_set(err, ERR_DEVICE, "the device is in state %s instead of putting the image in place",
            dfu_state_label(dfu->status.state));
    return err_hint(err, AGAIN_HINT);
}

/* DFU 1.1, 7 and A.2: from dfuMANIFEST-SYNC each GETSTATUS leads on, after the time announced. */
static bool wait_manifest(const struct download *d, enum ending *ending, struct err **err)
{
    struct dfu *dfu = d->dfu;
    long long start_us = dfu->io.now_us(dfu->io.data);
    long long deadline_us = start_us + MANIFEST_LIMIT_MS * 1000LL;
    for (bool manifesting = false;; manifesting = true) {
        if (!dfu_check_status(dfu, DFU_TRANSFER_TIMEOUT_MS, err))
            return dfu->fault != USB_OK && judge_silence(d, manifesting, ending, err);
        uint8_t state = dfu->status.state;
        *ending = state == DFU_STATE_IDLE ? ENDING_IDLE : ENDING_WANTS_RESET;
        if (state == DFU_STATE_IDLE || state == DFU_STATE_MANIFEST_WAIT_RESET)
            return true;
        if (state != DFU_STATE_MANIFEST && state != DFU_STATE_MANIFEST_SYNC)
            return set_unexpected(dfu, err);
        long long now_us = dfu->io.now_us(dfu->io.data);
        uint32_t pause_ms =
            dfu->status.poll_timeout_ms ? dfu->status.poll_timeout_ms : MANIFEST_PAUSE_MS;
        if (pause_ms > MANIFEST_LIMIT_MS)
            return set_manifest_time(dfu, "the device asks to wait", pause_ms / 1e3, err);
        if (now_us >= deadline_us)
            return set_manifest_time(dfu, "the device is still busy after",
                                     (double)(now_us - start_us) / 1e6, err);
        dfu->io.sleep_until(dfu->io.data, now_us + pause_ms * 1000LL);
    }
}

/* Gone within the time, or not? */
static bool detaches(struct dfu *dfu)
{
    long long deadline_us = dfu->io.now_us(dfu->io.data) + DETACH_LIMIT_MS * 1000LL;
    for (;;) {
        _cleanup_err_ struct err *ignored = NULL;
        if (!dfu_get_status(dfu, DETACH_PAUSE_MS, &ignored) && dfu->fault == USB_GONE)
            return true;
        long long now_us = dfu->io.now_us(dfu->io.data);
        if (now_us >= deadline_us)
            return false;
        dfu->io.sleep_until(dfu->io.data, now_us + DETACH_PAUSE_MS * 1000LL);
    }
}

static bool reset(struct download *d, struct err **err)
{
    enum usb_fault fault = d->dfu->io.reset(d->dfu->io.data);
    d->result->left = fault == USB_OK || fault == USB_GONE;
    if (d->result->left)
        return true;
    err_set(err, ERR_DEVICE, "the device could not be reset");
    return err_hint(err, "unplug it and plug it in again to start its program");
}

/* bitWillDetach: it leaves by itself (DFU 1.1, 4.1.3). If it does not, the reset does no harm. */
static bool see_off(struct download *d, enum ending ending, struct err **err)
{
    d->result->left = ending == ENDING_GONE || (d->will_detach && detaches(d->dfu));
    return d->result->left || reset(d, err);
}

static bool manifest_phase(struct download *d, enum ending *ending, struct err **err)
{
    begin_phase(d, "manifest", "Putting it in place");
    bool ok = (dfu_download(d->dfu, (uint16_t)block_count(d), NULL, 0, err) &&
               wait_manifest(d, ending, err)) ||
              err_wrap(err, "all of the image is sent, but the device does not put it in place");
    if (ok && *ending != ENDING_IDLE)
        ok = see_off(d, *ending, err) || err_wrap(err, "the image is sent, but");
    return end_phase(d, ok,
                     ok && *ending == ENDING_IDLE ? "the device says that it is done"
                                                  : "the device has left");
}

/* ---- verify ---------------------------------------------------------------------------------- */

static bool set_short(const struct download *d, size_t got, struct err **err)
{
    err_set(err, ERR_DEVICE, "verification failed: the device holds %zu bytes of %zu", got,
            d->size);
    return err_hint(err, "run the command again; --no-verify is for a device that is known not to "
                         "give back what it was sent");
}

static bool compare(const struct download *d, const uint8_t *got, size_t at, size_t len,
                    struct err **err)
{
    for (size_t i = 0; i < len; i++) {
        if (got[i] == d->data[at + i])
            continue;
        err_set(err, ERR_DEVICE,
                "verification failed at byte %zu of %zu: sent 0x%02x, read back 0x%02x", at + i,
                d->size, d->data[at + i], got[i]);
        return err_hint(err, "run the command again; --no-verify is for a device that is known not "
                             "to give back what it was sent");
    }
    return true;
}

/* Whole blocks are asked for: a device may hold more than the image, and ends by a short one. */
static bool read_back(struct download *d, struct err **err)
{
    struct dfu *dfu = d->dfu;
    _cleanup_free_ uint8_t *got = xmalloc(dfu->transfer_size);
    size_t moved = dfu->transfer_size;
    for (size_t at = 0, block = 0; at < d->size; at += moved, block++) {
        if (moved < dfu->transfer_size)
            return set_short(d, at, err);
        if (!dfu_upload_some(dfu, (uint16_t)block, got, dfu->transfer_size, &moved, err))
            return err_wrap(err, "cannot read back from byte %zu of %zu", at, d->size);
        size_t len = moved < d->size - at ? moved : d->size - at;
        if (!compare(d, got, at, len, err))
            return false;
        advance(d, len);
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED,
                           "interrupted while reading back: the image is sent, but not verified");
    }
    return moved < dfu->transfer_size || dfu_abort(dfu, err) ||
           err_wrap(err, "cannot end reading back");
}

static bool verify_phase(struct download *d, enum ending ending, struct err **err)
{
    if (!d->options->verify) {
        event_warning(d->events, "not verified, as --no-verify asks: nothing proves what the "
                                 "device holds now");
        return true;
    }
    if (!d->can_upload || ending != ENDING_IDLE) {
        event_warning(d->events,
                      "sent, not verified: this device cannot be read back%s; that it %s is all "
                      "there is to go by",
                      d->can_upload ? " once it has left its bootloader" : "",
                      ending == ENDING_IDLE ? "reports success itself"
                                            : "took everything and left");
        return true;
    }
    begin_phase(d, "verify", "Reading back");
    d->result->verified = read_back(d, err);
    return end_phase(d, d->result->verified, "all bytes read back as sent");
}

/* From dfuIDLE a USB reset leads to the program (DFU 1.1, A.2.3). */
static bool leave_phase(struct download *d, enum ending ending, struct err **err)
{
    if (!d->options->leave || ending != ENDING_IDLE)
        return true;
    begin_phase(d, "leave", "Starting the program");
    bool ok = reset(d, err) ||
              err_wrap(err, "the image is sent%s, but", d->result->verified ? " and verified" : "");
    return end_phase(d, ok, "the device was reset");
}

bool download_run(struct dfu *dfu, const struct dfu_functional *functional,
                  const struct image *image, const struct flash_options *options,
                  struct events *events, struct flash_result *result, struct err **err)
{
    struct download download = {.dfu = dfu, .options = options, .events = events, .result = result};
    struct download *d = &download;
    enum ending ending = ENDING_IDLE;
    const struct segment *payload = image_payload(image, err);
    if (!payload || !may_take(dfu, functional, options, err))
        return false;
    init(d, functional, payload);
    plan(d);
    return options->dry_run || (write_phase(d, err) && manifest_phase(d, &ending, err) &&
                                verify_phase(d, ending, err) && leave_phase(d, ending, err));
}
