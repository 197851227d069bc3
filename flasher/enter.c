#include "flasher/enter.h"

#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "flasher/descriptor.h"
#include "flasher/device.h"
#include "flasher/presence.h"
#include "flasher/serial.h"
#include "flasher/task.h"

#define DETACH_TIMEOUT_MS 1000     /* where the device names none */
#define DETACH_TIMEOUT_MAX_MS 5000 /* it may name up to 65 s */
#define PORT_WAIT_MS 2000 /* for the serial port of a device that has just been plugged in */
#define TOUCH_BAUD 1200

/* USB CDC 1.2, 4.2 and 4.3: a serial port. */
#define CLASS_COMMUNICATIONS 2
#define SUBCLASS_ACM 2

#define BY_HAND                                                                                    \
    "hold BOOT0 (or the DFU button) while you reset the board, then run the command again"

static const char *const labels[] = {
    [ENTER_NONE] = "none", [ENTER_AUTO] = "auto",           [ENTER_DETACH] = "detach",
    [ENTER_REPL] = "repl", [ENTER_TOUCH1200] = "touch1200",
};

bool enter_method_parse(const char *text, enum enter_method *method)
{
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
        if (strcmp(labels[i], text) != 0)
            continue;
        *method = (enum enter_method)i;
        return true;
    }
    return false;
}

const char *enter_method_label(enum enter_method method)
{
    return labels[method];
}

/* ---- the serial port ------------------------------------------------------------------------- */

/* INTERFACE/tty/ttyACM0; in old kernels (CONFIG_SYSFS_DEPRECATED) INTERFACE/tty:ttyACM0. */
static char *find_tty(const char *interface)
{
    _cleanup_err_ struct err *none = NULL, *ignored = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT, files = STRV_INIT;
    _cleanup_free_ char *tty = path_join(interface, "tty");
    if (fs_list(tty, &names, &none) && names.count)
        return path_join("/dev", names.items[0]);
    if (!fs_list(interface, &files, &ignored))
        return NULL;
    for (size_t i = 0; i < files.count; i++)
        if (text_starts_with(files.items[i], "tty:"))
            return path_join("/dev", files.items[i] + strlen("tty:"));
    return NULL;
}

/* "1-1:1.2" before "1-1:1.10" */
static int compare_names(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

char *enter_serial_port_in(const char *sysfs, const char *path)
{
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_free_ char *dir = xasprintf("%s/bus/usb/devices/%s", sysfs, path);
    _cleanup_free_ char *prefix = xasprintf("%s:", path);
    char *port = NULL;
    if (!fs_list(dir, &names, &ignored))
        return NULL;
    qsort(names.items, names.count, sizeof(*names.items), compare_names);
    for (size_t i = 0; i < names.count && !port; i++) {
        _cleanup_free_ char *interface = path_join(dir, names.items[i]);
        if (text_starts_with(names.items[i], prefix))
            port = find_tty(interface);
    }
    return port;
}

char *enter_serial_port(const struct usb_entry *entry)
{
    return enter_serial_port_in("/sys", entry->path);
}

static bool describes_port(const struct usb_entry *entry)
{
    return interface_class_find((const uint8_t *)entry->descriptors.data, entry->descriptors.len,
                                CLASS_COMMUNICATIONS, SUBCLASS_ACM);
}

static char *wait_for_port(const struct usb_entry *entry, struct err **err)
{
    unsigned wait_ms = describes_port(entry) ? PORT_WAIT_MS : 0;
    long long deadline_us = task_now_us() + wait_ms * 1000LL;
    for (;;) {
        char *port = enter_serial_port(entry);
        if (port)
            return port;
        if (task_now_us() >= deadline_us)
            break;
        task_sleep_ms(50);
    }
    if (!wait_ms) {
        err_set(err, ERR_DEVICE, "the device has no serial port");
        err_hint(err, BY_HAND);
    } else {
        err_set(err, ERR_DEVICE, "the device has a serial port, but Linux makes no terminal of it");
        err_hint(err, "load its driver with `sudo modprobe cdc_acm`, then run the command again");
    }
    return NULL;
}

/* ---- which ways ------------------------------------------------------------------------------ */

static bool find_dfu(const struct usb_entry *entry, struct dfu_interface *interface)
{
    return dfu_interface_find((const uint8_t *)entry->descriptors.data, entry->descriptors.len,
                              interface);
}

static bool has_port(const struct usb_entry *entry)
{
    _cleanup_free_ char *port = enter_serial_port(entry);
    return port || describes_port(entry);
}

static bool says_micropython(const char *text)
{
    return text && strcasestr(text, "MicroPython");
}

size_t enter_ways(const struct usb_entry *entry, enum enter_method ways[ENTER_WAYS_MAX])
{
    struct dfu_interface interface;
    struct quirks quirks;
    size_t count = 0;
    device_find_quirks(entry, &quirks);
    if (presence_in_dfu_mode(entry))
        return 0;
    if (find_dfu(entry, &interface) && !(quirks.flags & QUIRK_IS_NOT_DFU))
        ways[count++] = ENTER_DETACH;
    if (!has_port(entry))
        return count;
    if (quirks.flags & QUIRK_MICROPYTHON_RUNTIME || says_micropython(entry->manufacturer) ||
        says_micropython(entry->name))
        ways[count++] = ENTER_REPL;
    if (quirks.flags & QUIRK_TOUCH_1200)
        ways[count++] = ENTER_TOUCH1200;
    return count;
}

/* ---- DETACH ---------------------------------------------------------------------------------- */

static bool will_detach(const struct usb_entry *entry, const struct dfu_interface *interface)
{
    struct quirks quirks;
    device_find_quirks(entry, &quirks);
    return interface->functional.attributes & DFU_WILL_DETACH || quirks.flags & QUIRK_WILL_DETACH;
}

/* wDetachTimeOut, within reason. */
static unsigned detach_timeout(const struct dfu_interface *interface)
{
    unsigned ms = interface->has_functional ? interface->functional.detach_timeout_ms : 0;
    if (!ms)
        return DETACH_TIMEOUT_MS;
    return ms < DETACH_TIMEOUT_MAX_MS ? ms : DETACH_TIMEOUT_MAX_MS;
}

/* DFU 1.1, 5.1. A board that is gone before it could acknowledge was told, too. */
static bool send_detach(struct usb_handle *handle, const struct dfu_interface *interface,
                        struct err **err)
{
    const struct usb_control control = {
        .request_type = USB_REQUEST_CLASS_INTERFACE,
        .request = DFU_DETACH,
        .value = (uint16_t)detach_timeout(interface),
        .index = interface->number,
        .timeout_ms = DFU_TRANSFER_TIMEOUT_MS,
    };
    enum usb_fault fault = usb_control(handle, &control, NULL);
    if (fault != USB_STALLED && fault != USB_TIMED_OUT)
        return true;
    if (fault == USB_STALLED)
        err_set(err, ERR_DEVICE, "the board refuses DETACH (STALL)");
    else
        err_set(err, ERR_DEVICE, "the board did not answer DETACH within %d s",
                DFU_TRANSFER_TIMEOUT_MS / 1000);
    return err_hint(err, BY_HAND);
}

/* Has it detached by itself, as it says that it will? */
static bool has_left(struct usb *usb, const struct usb_entry *entry, unsigned limit_ms)
{
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_(usb_list_release) struct usb_list now = USB_LIST_INIT;
    struct usb_entry copy = *entry;
    const struct usb_list before = {&copy, 1};
    return presence_wait(usb, &before, entry->path, PRESENCE_CHANGED,
                         task_now_us() + limit_ms * 1000LL, &now, &ignored);
}

static bool reset(struct usb_handle *handle, struct err **err)
{
    if (usb_reset(handle) != USB_BROKEN)
        return true;
    err_set(err, ERR_DEVICE, "the USB reset after DETACH failed");
    return err_hint(err, "unplug the board, plug it in again and run the command again");
}

static bool detach(struct usb *usb, const struct usb_entry *entry, struct err **err)
{
    _cleanup_(usb_close_ptr) struct usb_handle *handle = NULL;
    struct dfu_interface interface;
    if (!find_dfu(entry, &interface)) {
        err_set(err, ERR_DEVICE, "the device has no DFU interface");
        return err_hint(err, BY_HAND);
    }
    if (!usb_open(entry, &handle, err) || !usb_claim(handle, interface.number, err) ||
        !send_detach(handle, &interface, err))
        return false;
    /* Some that say that they will wait for the reset all the same. */
    if (will_detach(entry, &interface) && has_left(usb, entry, detach_timeout(&interface)))
        return true;
    return reset(handle, err);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool run_serial(const struct usb_entry *entry, enum enter_method method, struct err **err)
{
    _cleanup_free_ char *port = wait_for_port(entry, err);
    if (!port)
        return err_wrap(err, "%s", labels[method]);
    return (method == ENTER_REPL ? enter_repl(port, err) : serial_touch(port, TOUCH_BAUD, err)) ||
           err_wrap(err, "%s on %s", labels[method], port);
}

static bool run(struct usb *usb, const struct usb_entry *entry, enum enter_method method,
                struct err **err)
{
    if (method == ENTER_DETACH)
        return detach(usb, entry, err) || err_wrap(err, "%s", labels[method]);
    return run_serial(entry, method, err);
}

static bool no_way(enum enter_method method, struct err **err)
{
    if (method == ENTER_NONE)
        err_set(err, ERR_DEVICE, "the board runs its program and is to be left alone (none)");
    else
        err_set(err, ERR_DEVICE,
                "no way into its bootloader is known: it has no DFU runtime interface, and no "
                "serial port that would be MicroPython's");
    return err_hint(err, BY_HAND);
}

bool enter_run(struct usb *usb, const struct usb_entry *entry, enum enter_method method,
               enum enter_method *way, struct err **err)
{
    enum enter_method ways[ENTER_WAYS_MAX] = {method};
    size_t count = method == ENTER_AUTO ? enter_ways(entry, ways) : method != ENTER_NONE;
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    _cleanup_err_ struct err *first = NULL;
    if (!count)
        return no_way(method, err);
    for (size_t i = 0; i < count; i++) {
        struct err *failure = NULL;
        *way = ways[i];
        if (run(usb, entry, *way, &failure))
            return true;
        buf_adds(&said, i ? "; " : "");
        err_add_message(failure, &said);
        if (failure->code == ERR_INTERRUPTED) {
            *err = failure;
            return false;
        }
        if (first)
            err_free(failure);
        else
            first = failure;
    }
    err_set(err, ERR_DEVICE, "cannot enter the bootloader: %s", said.data);
    return err_hint(err, "%s", err_get_hint(first));
}
