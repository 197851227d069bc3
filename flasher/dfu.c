#include "flasher/dfu.h"

#include <string.h>

#include "base/text.h"
#include "flasher/descriptor.h"

#define CLASS_OUT USB_REQUEST_CLASS_INTERFACE
#define CLASS_IN (USB_REQUEST_CLASS_INTERFACE | USB_REQUEST_IN)

/* Between two GETSTATUS that both said "busy" with a poll timeout of 0. The first of them is free:
 * some boards (mboot) work while they delay the second answer. Later ones wait for a part of the
 * time that has gone by: a board that is busy for long is not asked thousands of times, and the end
 * is still noticed soon after it. */
#define BUSY_PAUSE_US 1000
#define BUSY_PAUSE_MAX_US 100000
#define BUSY_PAUSE_PART 32
/* Requests sent to leave a state; a healthy board needs one. */
#define MAKE_IDLE_TRIES 4

/* Strings (USB 2.0, 9.4.3 and 9.6.7) */
#define GET_DESCRIPTOR 6
#define DESCRIPTOR_STRING 0x0300
#define LANGUAGE_ENGLISH 0x0409
#define STRING_MAX 255

#define START_AGAIN_HINT                                                                           \
    "unplug the board, plug it in again in its bootloader and run the command again"

static long long now_us(const struct dfu *dfu)
{
    return dfu->io.now_us(dfu->io.data);
}

/* A wait that has begun. */
struct wait {
    long long start_us, deadline_us;
    unsigned limit_ms;
    bool again;   /* the board said already that it is busy */
    bool retried; /* a GETSTATUS that came too early was sent again */
};

static struct wait wait_begin(const struct dfu *dfu, unsigned limit_ms)
{
    long long start_us = now_us(dfu);
    return (struct wait){start_us, start_us + limit_ms * 1000LL, limit_ms, false, false};
}

static bool set_fault(const struct dfu *dfu, const char *request, struct err **err)
{
    if (dfu->fault == USB_GONE) {
        err_set(err, ERR_DEVICE, "the board is gone");
        return err_hint(err, "it was unplugged or has reset itself; plug it in again in its "
                             "bootloader and run the command again");
    }
    if (dfu->fault == USB_STALLED)
        err_set(err, ERR_DEVICE, "the board refuses %s (stall)", request);
    else if (dfu->fault == USB_TIMED_OUT)
        err_set(err, ERR_DEVICE, "the board does not answer %s", request);
    else
        err_set(err, ERR_DEVICE, "%s did not get through (USB transfer error)", request);
    return err_hint(err, START_AGAIN_HINT);
}

/* The board's own words for its last status, printable: " (invalid address)". It says 0 or nonsense
 * in iString unless its quirks tell that it is a string. */
static void add_status_string(const struct dfu *dfu, struct buf *out)
{
    uint8_t bytes[STRING_MAX];
    size_t len = 0;
    struct usb_control control = {
        USB_REQUEST_IN,       GET_DESCRIPTOR, (uint16_t)(DESCRIPTOR_STRING | dfu->status.string),
        LANGUAGE_ENGLISH,     bytes,          sizeof(bytes),
        DFU_STRING_TIMEOUT_MS};
    if (!(dfu->quirks.flags & QUIRK_MBOOT_STRINGS) || !dfu->status.string ||
        dfu->io.control(dfu->io.data, &control, &len) != USB_OK)
        return;
    _cleanup_free_ char *text = descriptor_string(bytes, len);
    if (!text || !*text)
        return;
    buf_adds(out, ", the board says: ");
    text_add_printable(out, text, strlen(text));
}

/* What the board reports, as an error. */
static bool set_reported(const struct dfu *dfu, struct err **err)
{
    const struct dfu_status *status = &dfu->status;
    _cleanup_(buf_release) struct buf string = BUF_INIT;
    add_status_string(dfu, &string);
    err_set(err, ERR_DEVICE, "%s (state %s, status %s%s)",
            status->code == DFU_STATUS_OK ? "the board went into an error state"
                                          : dfu_status_meaning(status->code),
            dfu_state_label(status->state), dfu_status_label(status->code), string.data);
    if (status->code == DFU_STATUS_ERR_VENDOR)
        return err_hint(err, "`firn unprotect` lifts the protection, and erases the whole flash "
                             "with it: never done unasked");
    return err_hint(err,
                    "run the command again; if that does not help, unplug the board and plug it "
                    "in again in its bootloader");
}

static enum usb_fault transfer(struct dfu *dfu, const struct usb_control *control, size_t *moved)
{
    dfu->fault = dfu->io.control(dfu->io.data, control, moved);
    return dfu->fault;
}

bool dfu_get_status(struct dfu *dfu, unsigned timeout_ms, struct err **err)
{
    uint8_t bytes[DFU_STATUS_SIZE];
    size_t len = 0;
    struct usb_control control = {CLASS_IN, DFU_GETSTATUS,   0,         dfu->interface,
                                  bytes,    DFU_STATUS_SIZE, timeout_ms};
    if (transfer(dfu, &control, &len) != USB_OK)
        return set_fault(dfu, "GETSTATUS", err);
    if (len != DFU_STATUS_SIZE) {
        err_set(err, ERR_DEVICE, "the board sent a status of %zu bytes instead of %d", len,
                DFU_STATUS_SIZE);
        return err_hint(err, START_AGAIN_HINT);
    }
    dfu_status_parse(bytes, &dfu->status);
    if (dfu->quirks.poll_timeout_ms)
        dfu->status.poll_timeout_ms = dfu->quirks.poll_timeout_ms;
    if (dfu->status.poll_timeout_ms)
        dfu->last_poll_ms = dfu->status.poll_timeout_ms;
    return true;
}

bool dfu_get_state(struct dfu *dfu, unsigned timeout_ms, uint8_t *state, struct err **err)
{
    size_t len = 0;
    struct usb_control control = {CLASS_IN, DFU_GETSTATE, 0, dfu->interface, state, 1, timeout_ms};
    if (transfer(dfu, &control, &len) != USB_OK)
        return set_fault(dfu, "GETSTATE", err);
    if (len == 1)
        return true;
    err_set(err, ERR_DEVICE, "the board answers GETSTATE with nothing");
    return err_hint(err, START_AGAIN_HINT);
}

static bool has_failed(const struct dfu_status *status)
{
    return status->state == DFU_STATE_ERROR || status->code != DFU_STATUS_OK;
}

bool dfu_check_status(struct dfu *dfu, unsigned timeout_ms, struct err **err)
{
    if (!dfu_get_status(dfu, timeout_ms, err))
        return false;
    return !has_failed(&dfu->status) || set_reported(dfu, err);
}

/* A transfer of a block failed. If the board refused it, its status tells why. */
static bool set_block_fault(struct dfu *dfu, const char *request, struct err **err)
{
    _cleanup_err_ struct err *ignored = NULL;
    if (dfu->fault != USB_STALLED)
        return set_fault(dfu, request, err);
    if (dfu_get_status(dfu, DFU_TRANSFER_TIMEOUT_MS, &ignored) && has_failed(&dfu->status))
        return set_reported(dfu, err);
    if (dfu->fault == USB_OK)
        dfu->fault = USB_STALLED;
    return set_fault(dfu, request, err);
}

bool dfu_download(struct dfu *dfu, uint16_t block, const void *data, uint16_t len, struct err **err)
{
    struct usb_control control = {CLASS_OUT,
                                  DFU_DNLOAD,
                                  block,
                                  dfu->interface,
                                  (void *)(uintptr_t)data,
                                  len,
                                  DFU_TRANSFER_TIMEOUT_MS};
    size_t moved = 0;
    if (transfer(dfu, &control, &moved) != USB_OK)
        return set_block_fault(dfu, "DNLOAD", err);
    if (moved == len)
        return true;
    err_set(err, ERR_DEVICE, "the board took %zu of %u bytes", moved, len);
    return err_hint(err, START_AGAIN_HINT);
}

bool dfu_upload_some(struct dfu *dfu, uint16_t block, void *data, uint16_t len, size_t *moved,
                     struct err **err)
{
    struct usb_control control = {
        CLASS_IN, DFU_UPLOAD, block, dfu->interface, data, len, DFU_TRANSFER_TIMEOUT_MS};
    return transfer(dfu, &control, moved) == USB_OK || set_block_fault(dfu, "UPLOAD", err);
}

bool dfu_upload(struct dfu *dfu, uint16_t block, void *data, uint16_t len, struct err **err)
{
    size_t moved = 0;
    if (!dfu_upload_some(dfu, block, data, len, &moved, err))
        return false;
    if (moved == len)
        return true;
    err_set(err, ERR_DEVICE, "the board sent %zu of %u bytes", moved, len);
    return err_hint(err, START_AGAIN_HINT);
}

static bool is_working(uint8_t state)
{
    return state == DFU_STATE_DNBUSY || state == DFU_STATE_DNLOAD_SYNC ||
           state == DFU_STATE_MANIFEST || state == DFU_STATE_MANIFEST_SYNC;
}

static bool set_stuck(const struct dfu *dfu, const struct wait *wait, struct err **err)
{
    err_set(err, ERR_DEVICE, "the board is still busy after %.1f s (state %s, status %s)",
            (double)(now_us(dfu) - wait->start_us) / 1e6, dfu_state_label(dfu->status.state),
            dfu_status_label(dfu->status.code));
    return err_hint(err, START_AGAIN_HINT);
}

static bool set_too_long(const struct dfu *dfu, const struct wait *wait, struct err **err)
{
    err_set(err, ERR_DEVICE,
            "the board asks to wait %.1f s, more than the %.1f s allowed (state %s, status %s)",
            dfu->status.poll_timeout_ms / 1e3, wait->limit_ms / 1e3,
            dfu_state_label(dfu->status.state), dfu_status_label(dfu->status.code));
    return err_hint(err, START_AGAIN_HINT);
}

/* A GETSTATUS was refused because the board was not done yet: give it the time that it asked for
 * last once more. */
static bool may_retry(struct dfu *dfu, struct wait *wait)
{
    if (dfu->fault != USB_STALLED || !(dfu->quirks.flags & QUIRK_STALLS_EARLY_POLL) ||
        wait->retried)
        return false;
    wait->retried = true;
    long long until_us = now_us(dfu) + dfu->last_poll_ms * 1000LL;
    dfu->io.sleep_until(dfu->io.data, until_us < wait->deadline_us ? until_us : wait->deadline_us);
    return true;
}

/* GETSTATUS with what is left of the time, as some boards answer only when their work is done. */
static bool poll_status(struct dfu *dfu, struct wait *wait, struct err **err)
{
    do {
        err_free_ptr(err);
        long long left_ms = (wait->deadline_us - now_us(dfu)) / 1000;
        if (left_ms <= 0)
            return set_stuck(dfu, wait, err);
        if (dfu_get_status(dfu, (unsigned)left_ms, err))
            return true;
    } while (may_retry(dfu, wait));
    if (dfu->fault != USB_TIMED_OUT)
        return false;
    err_free_ptr(err);
    return set_stuck(dfu, wait, err);
}

static long long busy_pause_us(const struct dfu *dfu, const struct wait *wait)
{
    long long part_us = (now_us(dfu) - wait->start_us) / BUSY_PAUSE_PART;
    if (part_us < BUSY_PAUSE_US)
        return BUSY_PAUSE_US;
    return part_us < BUSY_PAUSE_MAX_US ? part_us : BUSY_PAUSE_MAX_US;
}

/* Wait as long as the board asked for, or a little if it asks again and again without a time. */
static bool wait_as_asked(struct dfu *dfu, struct wait *wait, struct err **err)
{
    long long pause_us = dfu->status.poll_timeout_ms * 1000LL;
    if (pause_us > wait->limit_ms * 1000LL)
        return set_too_long(dfu, wait, err);
    if (wait->again && pause_us < busy_pause_us(dfu, wait))
        pause_us = busy_pause_us(dfu, wait);
    wait->again = true;
    long long until_us = now_us(dfu) + pause_us;
    if (pause_us)
        dfu->io.sleep_until(dfu->io.data,
                            until_us < wait->deadline_us ? until_us : wait->deadline_us);
    return true;
}

bool dfu_wait(struct dfu *dfu, enum dfu_state wanted, unsigned limit_ms, struct err **err)
{
    struct wait wait = wait_begin(dfu, limit_ms);
    for (;;) {
        if (!poll_status(dfu, &wait, err))
            return false;
        if (has_failed(&dfu->status))
            return set_reported(dfu, err);
        if (dfu->status.state == wanted)
            return true;
        if (!is_working(dfu->status.state))
            break;
        if (!wait_as_asked(dfu, &wait, err))
            return false;
    }
    err_set(err, ERR_DEVICE, "the board is in state %s where %s was expected",
            dfu_state_label(dfu->status.state), dfu_state_label((uint8_t)wanted));
    return err_hint(err, START_AGAIN_HINT);
}

static bool simple_request(struct dfu *dfu, enum dfu_request request, const char *name,
                           struct err **err)
{
    struct usb_control control = {CLASS_OUT, (uint8_t)request,       0, dfu->interface, NULL,
                                  0,         DFU_TRANSFER_TIMEOUT_MS};
    return transfer(dfu, &control, NULL) == USB_OK || set_fault(dfu, name, err);
}

bool dfu_abort(struct dfu *dfu, struct err **err)
{
    return simple_request(dfu, DFU_ABORT, "ABORT", err);
}

static bool set_not_idle(const struct dfu *dfu, struct err **err)
{
    err_set(err, ERR_DEVICE, "the board does not become idle (state %s, status %s)",
            dfu_state_label(dfu->status.state), dfu_status_label(dfu->status.code));
    return err_hint(err, START_AGAIN_HINT);
}

/* One step from whatever state the board is in towards dfuIDLE. */
static bool step_to_idle(struct dfu *dfu, struct wait *wait, struct err **err)
{
    switch (dfu->status.state) {
    case DFU_STATE_ERROR:
        return simple_request(dfu, DFU_CLRSTATUS, "CLRSTATUS", err);
    case DFU_STATE_DNLOAD_SYNC:
    case DFU_STATE_DNLOAD_IDLE:
    case DFU_STATE_MANIFEST_SYNC:
    case DFU_STATE_UPLOAD_IDLE:
        return simple_request(dfu, DFU_ABORT, "ABORT", err);
    case DFU_STATE_DNBUSY:
        return wait_as_asked(dfu, wait, err);
    default:
        return set_not_idle(dfu, err);
    }
}

static bool poll_to_idle(struct dfu *dfu, unsigned limit_ms, struct err **err)
{
    struct wait wait = wait_begin(dfu, limit_ms);
    for (int tries = 0; tries <= MAKE_IDLE_TRIES;) {
        if (!poll_status(dfu, &wait, err))
            return false;
        if (dfu->status.state == DFU_STATE_IDLE)
            return true;
        if (!step_to_idle(dfu, &wait, err))
            return false;
        tries += dfu->status.state != DFU_STATE_DNBUSY;
    }
    return set_not_idle(dfu, err);
}

/* A busy board that never ends: the first CLRSTATUS leads to dfuERROR, the second one out of it. */
static bool is_wedged(const struct dfu *dfu)
{
    return dfu->quirks.flags & QUIRK_WEDGES_IN_BUSY && dfu->status.state == DFU_STATE_DNBUSY &&
           dfu->fault != USB_GONE;
}

bool dfu_unwedge(struct dfu *dfu, unsigned limit_ms, struct err **err)
{
    if (!is_wedged(dfu))
        return false;
    err_free_ptr(err);
    return simple_request(dfu, DFU_CLRSTATUS, "CLRSTATUS", err) && poll_to_idle(dfu, limit_ms, err);
}

bool dfu_make_idle(struct dfu *dfu, unsigned limit_ms, struct err **err)
{
    return poll_to_idle(dfu, limit_ms, err) || dfu_unwedge(dfu, limit_ms, err);
}
