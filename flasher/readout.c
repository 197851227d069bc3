#include "flasher/readout.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "flasher/retarget.h"
#include "flasher/session.h"

/* A board being read. */
struct readout {
    struct session session;
    const struct device_target *target;
    uint32_t address;
    uint64_t size;
};

static const struct device_target *find_target(const struct device *device, const char *alt,
                                               struct err **err)
{
    if (alt)
        return retarget_find(device, alt, err);
    for (size_t i = 0; i < device->target_count; i++)
        if (device->targets[i].has_layout)
            return &device->targets[i];
    return &device->targets[0];
}

/* The first byte behind contiguous readable sectors from an address on; 0 when it is in none. */
static uint64_t readable_end(const struct layout *layout, uint32_t address)
{
    struct layout_sector sector;
    uint64_t end = 0, at = address;
    while (at <= UINT32_MAX && layout_sector_at(layout, (uint32_t)at, &sector) &&
           sector.access & LAYOUT_READABLE)
        at = end = (uint64_t)sector.address + sector.size;
    return end;
}

static bool set_outside(const struct layout *layout, uint64_t address, struct err **err)
{
    err_set(err, ERR_DEVICE, "0x%08" PRIx64 " is not in readable memory of the board's %s", address,
            layout->name);
    return err_hint(err, "`firn devices` shows the board's memories; --alt chooses another one");
}

static bool find_span(struct readout *readout, const struct readout_options *options,
                      struct err **err)
{
    const struct layout *layout = &readout->target->layout;
    readout->address = options->has_address ? options->address : layout->groups[0].address;
    uint64_t end = readable_end(layout, readout->address);
    if (end == 0)
        return set_outside(layout, readout->address, err);
    readout->size = options->has_size ? options->size : end - readout->address;
    if (readout->size > end - readout->address)
        return set_outside(layout, end, err);
    if (readout->size <= IMAGE_MAX_BYTES)
        return true;
    err_set(err, ERR_USAGE, "%" PRIu64 " bytes are more than the %u that an image may have",
            readout->size, IMAGE_MAX_BYTES);
    return err_hint(err, "give a smaller part with --address and --size");
}

static bool read_blocks(struct readout *readout, uint8_t *bytes, struct err **err)
{
    struct session *session = &readout->session;
    uint16_t block = session->dfu->transfer_size;
    for (uint64_t done = 0; done < readout->size; done += block) {
        uint64_t left = readout->size - done;
        uint16_t len = left < block ? (uint16_t)left : block;
        if (!session_read(session, readout->target->alt, readout->address + (uint32_t)done, len,
                          err))
            return false;
        memcpy(bytes + done, session->block, len);
        session_advance(session, len);
    }
    return session_rest(session, err);
}

static bool read_memory(struct readout *readout, const struct readout_options *options,
                        struct image *image, struct err **err)
{
    if (!find_span(readout, options, err))
        return false;
    _cleanup_free_ uint8_t *bytes = xmalloc(readout->size);
    session_begin(&readout->session, "read", "Reading", readout->size);
    bool ok = read_blocks(readout, bytes, err);
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    text_add_size(&detail, readout->size);
    return session_end(&readout->session, ok, detail.data) &&
           image_add(image, readout->target->alt, readout->address, bytes, readout->size, err);
}

static bool set_endless(struct err **err)
{
    err_set(err, ERR_DEVICE, "the device sends more than the %u bytes that an image may have",
            IMAGE_MAX_BYTES);
    return err_hint(err, "its bootloader does not say where its memory ends; dfu-util may go on");
}

static bool set_nothing(struct err **err)
{
    err_set(err, ERR_DEVICE, "the device sent nothing");
    return err_hint(err, "it holds no firmware, or does not give it away");
}

/* Plain DFU: block after block, until a short one says that this was the last (DFU 1.1, 6.2). */
static bool upload_all(struct readout *readout, struct buf *bytes, struct err **err)
{
    struct session *session = &readout->session;
    struct dfu *dfu = session->dfu;
    _cleanup_free_ uint8_t *block = xmalloc(dfu->transfer_size);
    size_t got = dfu->transfer_size;
    if (!session_choose(session, readout->target->alt, err))
        return false;
    for (uint32_t number = 0; got == dfu->transfer_size; number++) {
        if (bytes->len > IMAGE_MAX_BYTES)
            return set_endless(err);
        if (!session_may_go_on(session, err) ||
            !dfu_upload_some(dfu, (uint16_t)number, block, dfu->transfer_size, &got, err))
            return false;
        buf_add(bytes, (const char *)block, got);
        session_advance(session, got);
    }
    return true;
}

static bool read_plain(struct readout *readout, const struct readout_options *options,
                       struct image *image, struct err **err)
{
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    if (options->has_address || options->has_size) {
        err_set(err, ERR_USAGE, "the device has no addresses: it sends what it has (plain DFU)");
        return err_hint(err, "leave --address and --size out");
    }
    session_begin(&readout->session, "read", "Reading", 0);
    bool ok = upload_all(readout, &bytes, err);
    text_add_size(&detail, bytes.len);
    if (!session_end(&readout->session, ok, detail.data))
        return false;
    if (!bytes.len)
        return set_nothing(err);
    image->addressless = true;
    return image_add(image, 0, 0, bytes.data, bytes.len, err);
}

static bool check_readable(const struct device *device, struct err **err)
{
    const struct dfu_interface *interface = &device->interface;
    if (!interface->has_functional || interface->functional.attributes & DFU_CAN_UPLOAD)
        return true;
    err_set(err, ERR_DEVICE, "its bootloader cannot be read (bitCanUpload is not set)");
    return err_hint(err, "nothing helps: the device has to allow it");
}

static bool read_open(struct device *device, struct events *events,
                      const struct readout_options *options, struct image *image, struct err **err)
{
    struct readout readout = {.target = find_target(device, options->alt, err)};
    if (!readout.target)
        return false;
    image->usb_vendor = device->usb->vendor;
    image->usb_product = device->usb->product;
    session_init(&readout.session, &device->dfu, events);
    bool ok = readout.target->has_layout ? read_memory(&readout, options, image, err)
                                         : read_plain(&readout, options, image, err);
    session_release(&readout.session);
    return ok;
}

bool readout_board(struct fleet_board *board, const struct readout_options *options,
                   struct image *image, struct err **err)
{
    struct device *device = board->device;
    bool ok = device_open(device, err) && check_readable(device, err) &&
              read_open(device, board->events, options, image, err);
    device_close(device);
    return ok;
}
