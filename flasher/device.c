#include "flasher/device.h"

#include <string.h>

#include "flasher/kept.h"
#include "flasher/task.h"

/* For a device without a functional descriptor, or with a transfer size of 0: what every full-speed
 * endpoint 0 can take. */
#define TRANSFER_SIZE_DEFAULT 64
/* GETSTATE and GETSTATUS of a device that is only looked at. */
#define LOOK_TIMEOUT_MS 500

static void parse_layout(const struct device *device, struct device_target *target)
{
    _cleanup_err_ struct err *ignored = NULL;
    const char *text =
        device->quirks.layout && target == device->targets ? device->quirks.layout : target->name;
    target->has_layout = text && layout_parse(text, strlen(text), &target->layout, &ignored);
}

static char *read_name(struct usb_handle *handle, uint8_t string, uint16_t *language)
{
    if (string && !*language)
        *language = usb_read_language(handle);
    return usb_read_string(handle, string, *language);
}

static void read_targets(struct usb_handle *handle, struct device *device)
{
    uint16_t language = 0;
    for (size_t i = 0; i < device->target_count; i++) {
        struct device_target *target = &device->targets[i];
        free(target->name);
        layout_release(&target->layout);
        target->name = read_name(handle, device->interface.alts[i].string, &language);
        parse_layout(device, target);
    }
    if (device->targets[0].has_layout)
        quirks_add_layout(&device->quirks, &device->targets[0].layout);
}

/* What the kernel keeps of an interface: the name of the alternate setting that is chosen. */
static void read_kept_target(struct device *device)
{
    int alt;
    char *name = kept_interface(device->usb->path, device->interface.number, &alt);
    for (size_t i = 0; name && i < device->target_count; i++) {
        if (device->targets[i].alt != alt)
            continue;
        device->targets[i].name = name;
        parse_layout(device, &device->targets[i]);
        return;
    }
    free(name);
}

static struct dfu dfu_of(struct device *device);

/* GETSTATE changes nothing in any state (DFU 1.1, A.2); GETSTATUS may start work, or end an error,
 * so it is asked only where it tells more: why a device is in dfuERROR. */
static void read_state(struct device *device)
{
    _cleanup_err_ struct err *ignored = NULL;
    struct dfu dfu = dfu_of(device);
    uint8_t state;
    if (!dfu_get_state(&dfu, LOOK_TIMEOUT_MS, &state, &ignored))
        return;
    device->state = state;
    device->status = DFU_STATUS_OK;
    if (state == DFU_STATE_ERROR)
        device->status =
            dfu_get_status(&dfu, LOOK_TIMEOUT_MS, &ignored) ? (int)dfu.status.code : -1;
}

bool device_inspect(struct device *device, struct err **err)
{
    _cleanup_err_ struct err *busy = NULL;
    if (!usb_open(device->usb, &device->handle, err))
        return false;
    device->in_use = !usb_claim(device->handle, device->interface.number, &busy);
    if (device->in_use) {
        read_kept_target(device);
    } else {
        read_targets(device->handle, device);
        read_state(device);
    }
    device_close(device);
    return true;
}

static void device_init(struct device *device, const struct usb_entry *entry,
                        const struct dfu_interface *interface)
{
    *device = (struct device){.usb = entry, .interface = *interface, .state = -1, .status = -1};
    device_find_quirks(entry, &device->quirks);
    device->target_count = interface->alt_count;
    device->targets = xcalloc(interface->alt_count, sizeof(*device->targets));
    for (size_t i = 0; i < interface->alt_count; i++)
        device->targets[i].alt = interface->alts[i].number;
}

bool device_list_read(struct device_list *list, struct usb *usb, const char *path, struct err **err)
{
    if (!usb_list_read(usb, path, &list->entries, err))
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
    device_close(device);
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
    return device->interface.protocol == DFU_PROTOCOL_DFU ||
           device->quirks.flags & QUIRK_IS_DFU_MODE;
}

bool device_is_dfuse(const struct device *device)
{
    for (size_t i = 0; i < device->target_count; i++)
        if (device->targets[i].has_layout)
            return !(device->quirks.flags & QUIRK_IS_PLAIN_DFU);
    return false;
}

const char *device_dialect(const struct device *device)
{
    if (device->quirks.name)
        return device->quirks.name;
    if (!device->interface.has_functional)
        return "DFU";
    if (device->quirks.flags & QUIRK_IS_PLAIN_DFU)
        return "DFU 1.1";
    switch (device->interface.functional.version) {
    case 0x0100:
        return "DFU 1.0";
    case 0x0110:
        return "DFU 1.1";
    case DFU_VERSION_DFUSE:
        return "DfuSe";
    default:
        return "DFU";
    }
}

void device_add_line(const struct device *device, struct buf *out)
{
    usb_entry_add_line(device->usb, out);
    if (!device_in_dfu_mode(device))
        buf_adds(out, "  (runs its program, not in DFU mode)");
}

static enum usb_fault io_control(void *data, const struct usb_control *control, size_t *moved)
{
    const struct device *device = data;
    return usb_control(device->handle, control, moved);
}

/* A device with one setting may refuse to be asked for it (USB 2.0, 9.4.10). */
static bool io_set_alt(void *data, uint8_t alt, struct err **err)
{
    const struct device *device = data;
    return device->interface.alt_count == 1 ||
           usb_set_alt(device->handle, device->interface.number, alt, err);
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

static uint16_t transfer_size_of(const struct device *device)
{
    const struct dfu_interface *interface = &device->interface;
    if (device->quirks.transfer_size)
        return device->quirks.transfer_size;
    return interface->has_functional && interface->functional.transfer_size
               ? interface->functional.transfer_size
               : TRANSFER_SIZE_DEFAULT;
}

static struct dfu dfu_of(struct device *device)
{
    return (struct dfu){
        .io = {io_control, io_set_alt, io_reset, io_now_us, io_sleep_until, device},
        .interface = device->interface.number,
        .transfer_size = transfer_size_of(device),
        .quirks = device->quirks,
    };
}

bool device_open(struct device *device, struct err **err)
{
    if (!usb_open(device->usb, &device->handle, err) ||
        !usb_claim(device->handle, device->interface.number, err))
        return false;
    read_targets(device->handle, device);
    device->dfu = dfu_of(device);
    if (!device_is_dfuse(device) && device->dfu.transfer_size > USB_CONTROL_MAX)
        device->dfu.transfer_size = USB_CONTROL_MAX; /* DFU 1.1, 6.1.1: a block may be shorter */
    return true;
}

void device_close(struct device *device)
{
    usb_close(device->handle);
    device->handle = NULL;
}

/* A DfuSe device whose layout could not be read looks like a plain DFU device; but sent to it as
 * such, the first bytes of an image would be a command: erase, or even read unprotect. */
static bool is_unreadable_dfuse(const struct device *device)
{
    if (device_is_dfuse(device) || device->quirks.flags & QUIRK_IS_PLAIN_DFU ||
        device->interface.functional.version != DFU_VERSION_DFUSE)
        return false;
    for (size_t i = 0; i < device->target_count; i++)
        if (!device->targets[i].name && device->interface.alts[i].string)
            return true;
    return false;
}

bool device_check(const struct device *device, struct err **err)
{
    const struct dfu_interface *interface = &device->interface;
    uint8_t attributes = interface->functional.attributes;
    bool needs_upload = device_is_dfuse(device);
    if (is_unreadable_dfuse(device)) {
        err_set(err, ERR_DEVICE,
                "the board does not say what memory it has (it is a DfuSe device, "
                "and the names of its alternate settings cannot be read)");
        return err_hint(err, "unplug the board, plug it in again and run the command again");
    }
    if (device->dfu.transfer_size > USB_CONTROL_MAX) {
        err_set(err, ERR_DEVICE, "its blocks are %u bytes, and USB here carries %d at a time",
                device->dfu.transfer_size, USB_CONTROL_MAX);
        return err_hint(err, "no bootloader of an STM32 is like that; is it the right device?");
    }
    if (!interface->has_functional ||
        (attributes & DFU_CAN_DOWNLOAD && (attributes & DFU_CAN_UPLOAD || !needs_upload)))
        return true;
    err_set(err, ERR_DEVICE, "its bootloader does not let the memory be %s",
            attributes & DFU_CAN_DOWNLOAD ? "read" : "written");
    return err_hint(err, "firn has to write and to read back; dfu-util may do what it can");
}
