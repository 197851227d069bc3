#include "flasher/device.h"

#include <inttypes.h>
#include <string.h>

#include "flasher/task.h"

/* For a device without a functional descriptor, or with a transfer size of 0: what every full-speed
 * endpoint 0 can take. */
#define TRANSFER_SIZE_DEFAULT 64

static void read_targets(struct usb_handle *handle, struct device *device)
{
    for (size_t i = 0; i < device->target_count; i++) {
        _cleanup_err_ struct err *ignored = NULL;
        struct device_target *target = &device->targets[i];
        target->name = usb_read_string(handle, device->interface.alts[i].string);
        target->has_layout = target->name && layout_parse(target->name, strlen(target->name),
                                                          &target->layout, &ignored);
    }
}

bool device_read_targets(struct device *device, struct err **err)
{
    _cleanup_(usb_close_ptr) struct usb_handle *handle = NULL;
    if (!usb_open(device->usb, &handle, err))
        return false;
    read_targets(handle, device);
    return true;
}

static void device_init(struct device *device, const struct usb_entry *entry,
                        const struct dfu_interface *interface)
{
    *device = (struct device){.usb = entry, .interface = *interface};
    device->target_count = interface->alt_count;
    device->targets = xcalloc(interface->alt_count, sizeof(*device->targets));
    for (size_t i = 0; i < interface->alt_count; i++)
        device->targets[i].alt = interface->alts[i].number;
}

bool device_list_read(struct device_list *list, struct err **err)
{
    if (!usb_new(&list->usb, err) || !usb_list_read(list->usb, NULL, &list->entries, err))
        return false;
    list->devices = xcalloc(list->entries.count + 1, sizeof(*list->devices));
    for (size_t i = 0; i < list->entries.count; i++) {
        const struct usb_entry *entry = &list->entries.entries[i];
        struct dfu_interface interface;
        if (dfu_interface_find((const uint8_t *)entry->descriptors.data, entry->descriptors.len,
                               &interface))
            device_init(&list->devices[list->count++], entry, &interface);
    }
    return true;
}

static void device_release(struct device *device)
{
    usb_close(device->handle);
    for (size_t i = 0; i < device->target_count; i++) {
        free(device->targets[i].name);
        layout_release(&device->targets[i].layout);
    }
    free(device->targets);
}

void device_list_release(struct device_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        device_release(&list->devices[i]);
    free(list->devices);
    usb_list_release(&list->entries);
    usb_free(list->usb);
    *list = (struct device_list)DEVICE_LIST_INIT;
}

void device_find_quirks(const struct usb_entry *entry, struct quirks *quirks)
{
    const struct quirk_key key = {.vendor = entry->vendor,
                                  .product = entry->product,
                                  .version = entry->version,
                                  .manufacturer = entry->manufacturer,
                                  .product_name = entry->name,
                                  .serial = entry->serial};
    quirks_find(&key, quirks);
}

bool device_in_dfu_mode(const struct device *device)
{
    return device->interface.protocol == DFU_PROTOCOL_DFU;
}

void device_add_line(const struct device *device, struct buf *out)
{
    const struct usb_entry *usb = device->usb;
    buf_addf(out, "%s  %04x:%04x", usb->path, usb->vendor, usb->product);
    if (usb->name)
        buf_addf(out, "  %s", usb->name);
    if (usb->serial)
        buf_addf(out, "  serial %s", usb->serial);
    if (!device_in_dfu_mode(device))
        buf_adds(out, "  (runs its program, not in DFU mode)");
}

static bool is_id(uint32_t wanted, uint16_t id)
{
    return wanted == DEVICE_ID_ANY || wanted == id;
}

static bool matches(const struct device *device, const struct device_match *match)
{
    return is_id(match->vendor, device->usb->vendor) &&
           is_id(match->product, device->usb->product) &&
           (!match->path || strcmp(match->path, device->usb->path) == 0) &&
           (!match->serial ||
            (device->usb->serial && strcmp(match->serial, device->usb->serial) == 0));
}

/* "a board 0483:df11 on port 1-1.4 with serial 3569" */
static void add_match(const struct device_match *match, struct buf *out)
{
    buf_adds(out, "a board");
    if (match->vendor != DEVICE_ID_ANY && match->product != DEVICE_ID_ANY)
        buf_addf(out, " %04" PRIx32 ":%04" PRIx32, match->vendor, match->product);
    else if (match->vendor != DEVICE_ID_ANY)
        buf_addf(out, " of vendor %04" PRIx32, match->vendor);
    buf_adds(out, " in DFU mode");
    if (match->path)
        buf_addf(out, " on port %s", match->path);
    if (match->serial)
        buf_addf(out, " with serial %s", match->serial);
}

static struct device *none_found(const struct device_list *list, const struct device_match *match,
                                 struct err **err)
{
    _cleanup_(buf_release) struct buf wanted = BUF_INIT;
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    add_match(match, &wanted);
    err_set(err, ERR_DEVICE, "no board to flash: looked for %s, %s", wanted.data,
            list->count ? "which is none of these:" : "but there is no DFU device at all");
    for (size_t i = 0; i < list->count; i++) {
        buf_adds(&hint, "  ");
        device_add_line(&list->devices[i], &hint);
        buf_addc(&hint, '\n');
    }
    if (list->count)
        buf_adds(&hint, "to flash one of them all the same, choose it with --usb VID:PID; or\n");
    buf_adds(&hint, DEVICE_ENTER_ADVICE);
    err_hint(err, "%s", hint.data);
    return NULL;
}

static struct device *several_found(const struct device_list *list,
                                    const struct device_match *match, struct err **err)
{
    _cleanup_(buf_release) struct buf wanted = BUF_INIT;
    _cleanup_(buf_release) struct buf hint = BUF_INIT;
    size_t count = 0;
    buf_adds(&hint, "choose one of them:");
    for (size_t i = 0; i < list->count; i++) {
        const struct device *device = &list->devices[i];
        if (!device_in_dfu_mode(device) || !matches(device, match))
            continue;
        buf_adds(&hint, "\n  --path ");
        device_add_line(device, &hint);
        count++;
    }
    add_match(match, &wanted);
    err_set(err, ERR_DEVICE, "%zu boards match: looked for %s", count, wanted.data);
    err_hint(err, "%s", hint.data);
    return NULL;
}

struct device *device_choose(struct device_list *list, const struct device_match *match,
                             struct err **err)
{
    struct device *found = NULL;
    for (size_t i = 0; i < list->count; i++) {
        struct device *device = &list->devices[i];
        if (!device_in_dfu_mode(device) || !matches(device, match))
            continue;
        if (found)
            return several_found(list, match, err);
        found = device;
    }
    return found ? found : none_found(list, match, err);
}

static enum usb_fault io_control(void *data, const struct usb_control *control, size_t *moved)
{
    const struct device *device = data;
    return usb_control(device->handle, control, moved);
}

static bool io_set_alt(void *data, uint8_t alt, struct err **err)
{
    const struct device *device = data;
    return usb_set_alt(device->handle, device->interface.number, alt, err);
}

static enum usb_fault io_reset(void *data)
{
    const struct device *device = data;
    return usb_reset(device->handle);
}

static long long io_now_us(void *data)
{
    (void)data;
    return task_now_us();
}

static void io_sleep_until(void *data, long long when_us)
{
    (void)data;
    task_sleep_until(when_us);
}

bool device_open(struct device *device, struct err **err)
{
    uint16_t size =
        device->interface.has_functional ? device->interface.functional.transfer_size : 0;
    if (!usb_open(device->usb, &device->handle, err) ||
        !usb_claim(device->handle, device->interface.number, err))
        return false;
    read_targets(device->handle, device);
    device->dfu = (struct dfu){
        .io = {io_control, io_set_alt, io_reset, io_now_us, io_sleep_until, device},
        .interface = device->interface.number,
        .transfer_size = size ? size : TRANSFER_SIZE_DEFAULT,
    };
    return true;
}

bool device_check(const struct device *device, struct err **err)
{
    const struct dfu_interface *interface = &device->interface;
    uint8_t attributes = interface->functional.attributes;
    bool is_dfuse = false;
    for (size_t i = 0; i < device->target_count; i++)
        is_dfuse |= device->targets[i].has_layout;
    if (!is_dfuse) {
        err_set(err, ERR_DEVICE, "it describes no memory with addresses, so it is no DfuSe board");
        return err_hint(err, "firn flashes DfuSe boards (STM32) only; dfu-util can do plain DFU");
    }
    if (device->dfu.transfer_size > USB_CONTROL_MAX) {
        err_set(err, ERR_DEVICE, "its blocks are %u bytes, and USB here carries %d at a time",
                device->dfu.transfer_size, USB_CONTROL_MAX);
        return err_hint(err, "no bootloader of an STM32 is like that; is it the right device?");
    }
    if (!interface->has_functional ||
        (attributes & DFU_CAN_DOWNLOAD && attributes & DFU_CAN_UPLOAD))
        return true;
    err_set(err, ERR_DEVICE, "its bootloader does not let the memory be %s",
            attributes & DFU_CAN_DOWNLOAD ? "read" : "written");
    return err_hint(err, "firn has to write and to read back; dfu-util may do what it can");
}
