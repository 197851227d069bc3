#include "flasher/usb.h"

#include <libusb.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "flasher/kept.h"

#define PORTS_MAX 7                   /* USB 2.0, 4.1.1: seven tiers */
#define SET_INTERFACE_TIMEOUT_MS 5000 /* as the kernel (USB_CTRL_SET_TIMEOUT) */
#define AWAKE_US 100                  /* a sleeper may be woken so late */
#define POLL_MAX 512 /* file descriptors of libusb: one for each open device, and three */

struct usb {
    libusb_context *context;
    void (*wait)(void *data, const bool *done); /* NULL: nothing else goes on meanwhile */
    void *wait_data;
};

struct usb_handle {
    struct usb *usb;
    libusb_device_handle *libusb;
    int claimed; /* interface, -1 = none */
    uint8_t alt; /* its alternate setting, as far as we chose it */
};

static bool set_libusb_error(struct err **err, int code, const char *what)
{
    return err_set(err, ERR_DEVICE, "%s: %s", what, libusb_strerror(code));
}

bool usb_new(struct usb **usb, struct err **err)
{
    libusb_context *context;
    int code = libusb_init(&context);
    if (code != 0) {
        set_libusb_error(err, code, "cannot use USB");
        return err_hint(err, "is /dev/bus/usb there? A container needs it passed in");
    }
    *usb = xcalloc(1, sizeof(**usb));
    (*usb)->context = context;
    return true;
}

void usb_free(struct usb *usb)
{
    if (!usb)
        return;
    libusb_exit(usb->context);
    free(usb);
}

/* "1-1.4". False for a root hub, which has no port. */
static bool format_path(libusb_device *device, char *path, size_t size)
{
    uint8_t ports[PORTS_MAX];
    int count = libusb_get_port_numbers(device, ports, PORTS_MAX);
    if (count <= 0)
        return false;
    int len = snprintf(path, size, "%d", libusb_get_bus_number(device));
    for (int i = 0; i < count; i++)
        len += snprintf(path + len, size - (size_t)len, "%c%d", i ? '.' : '-', ports[i]);
    return true;
}

static void release_entry(struct usb_entry *entry)
{
    buf_release(&entry->descriptors);
    free(entry->manufacturer);
    free(entry->name);
    free(entry->serial);
    libusb_unref_device(entry->device);
}

/* The kernel's files are those of the device that is on the port now, which may not be the one that
 * libusb knows: it hears of an unplugging a little later. */
static bool is_still_there(const struct usb_entry *entry)
{
    _cleanup_free_ char *number = kept_text(entry->path, "devnum");
    return number && atoi(number) == entry->address;
}

/* False: a root hub, or a device that left in the meantime. */
static bool fill_entry(struct usb *usb, libusb_device *device, struct usb_entry *entry)
{
    struct libusb_device_descriptor descriptor;
    *entry = (struct usb_entry){.descriptors = BUF_INIT};
    if (!format_path(device, entry->path, sizeof(entry->path)) ||
        libusb_get_device_descriptor(device, &descriptor) != 0 ||
        !kept_bytes(entry->path, "descriptors", &entry->descriptors))
        return false;
    entry->vendor = descriptor.idVendor;
    entry->product = descriptor.idProduct;
    entry->version = descriptor.bcdDevice;
    entry->address = libusb_get_device_address(device);
    entry->manufacturer = kept_text(entry->path, "manufacturer");
    entry->name = kept_text(entry->path, "product");
    entry->serial = kept_text(entry->path, "serial");
    entry->usb = usb;
    entry->device = libusb_ref_device(device);
    if (is_still_there(entry))
        return true;
    release_entry(entry);
    return false;
}

/* "1-2" before "1-10": by length of each number, which strverscmp() does. */
static int compare_entries(const void *a, const void *b)
{
    return strverscmp(((const struct usb_entry *)a)->path, ((const struct usb_entry *)b)->path);
}

static bool is_at(libusb_device *device, const char *path)
{
    char at[sizeof(((struct usb_entry *)0)->path)];
    return !path || (format_path(device, at, sizeof(at)) && strcmp(at, path) == 0);
}

bool usb_list_read(struct usb *usb, const char *path, struct usb_list *list, struct err **err)
{
    libusb_device **devices;
    ssize_t count = libusb_get_device_list(usb->context, &devices);
    if (count < 0)
        return set_libusb_error(err, (int)count, "cannot list the USB devices");
    *list = (struct usb_list){xcalloc((size_t)count + 1, sizeof(struct usb_entry)), 0};
    for (ssize_t i = 0; i < count; i++)
        if (is_at(devices[i], path) && fill_entry(usb, devices[i], &list->entries[list->count]))
            list->count++;
    libusb_free_device_list(devices, 1);
    qsort(list->entries, list->count, sizeof(struct usb_entry), compare_entries);
    return true;
}

void usb_list_release(struct usb_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        release_entry(&list->entries[i]);
    free(list->entries);
    *list = (struct usb_list)USB_LIST_INIT;
}

void usb_entry_add_line(const struct usb_entry *entry, struct buf *out)
{
    buf_addf(out, "%s  %04x:%04x", entry->path, entry->vendor, entry->product);
    if (entry->name)
        buf_addf(out, "  %s", entry->name);
    if (entry->serial)
        buf_addf(out, "  serial %s", entry->serial);
}

char *usb_udev_advice(uint16_t vendor)
{
    return xasprintf("to allow it, put this line into /etc/udev/rules.d/70-firn.rules:\n"
                     "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"%04x\", MODE=\"0660\", "
                     "GROUP=\"plugdev\", TAG+=\"uaccess\"\n"
                     "then run `sudo udevadm control --reload` and plug the board in again",
                     vendor);
}

bool usb_open(const struct usb_entry *entry, struct usb_handle **handle, struct err **err)
{
    libusb_device_handle *opened;
    int code = libusb_open(entry->device, &opened);
    if (code == LIBUSB_ERROR_ACCESS) {
        _cleanup_free_ char *advice = usb_udev_advice(entry->vendor);
        err_set(err, ERR_DEVICE, "no permission to open the device");
        return err_hint(err, "%s", advice);
    }
    if (code != 0) {
        err_set(err, ERR_DEVICE, "cannot open the device: %s", libusb_strerror(code));
        return err_hint(err, "unplug it, plug it in again and run the command again");
    }
    *handle = xcalloc(1, sizeof(**handle));
    (*handle)->usb = entry->usb;
    (*handle)->libusb = opened;
    (*handle)->claimed = -1;
    return true;
}

void usb_close(struct usb_handle *handle)
{
    if (!handle)
        return;
    usb_release(handle);
    libusb_close(handle->libusb);
    free(handle);
}

bool usb_claim(struct usb_handle *handle, uint8_t interface, struct err **err)
{
    int code = libusb_claim_interface(handle->libusb, interface);
    if (code == LIBUSB_ERROR_BUSY) {
        err_set(err, ERR_DEVICE, "another program is using the board");
        return err_hint(err, "wait for it or end it (another firn, dfu-util, an IDE), then run the "
                             "command again");
    }
    if (code != 0)
        return set_libusb_error(err, code, "cannot use the board's DFU interface");
    handle->claimed = interface;
    return true;
}

static enum usb_fault send_set_interface(struct usb_handle *handle, uint8_t interface, uint8_t alt)
{
    const struct usb_control control = {
        .request_type = LIBUSB_RECIPIENT_INTERFACE,
        .request = LIBUSB_REQUEST_SET_INTERFACE,
        .value = alt,
        .index = interface,
        .timeout_ms = SET_INTERFACE_TIMEOUT_MS,
    };
    return usb_control(handle, &control, NULL);
}

/* Whoever claims the interface next expects the setting that the kernel knows of. */
void usb_release(struct usb_handle *handle)
{
    if (handle->claimed < 0)
        return;
    if (handle->alt)
        (void)send_set_interface(handle, (uint8_t)handle->claimed, 0);
    (void)libusb_release_interface(handle->libusb, handle->claimed);
    handle->claimed = -1;
    handle->alt = 0;
}

/* Not by libusb_set_interface_alt_setting(): the kernel's ioctl behind it stands still, and every
 * other board with it, until this board has answered; and libusb 1.0.25 and 1.0.26 (Debian 12) then
 * unlock a mutex that they never locked if the device is gone, which aborts the process later. A
 * DFU interface has no endpoints that the kernel would have to know about (DFU 1.1, 4.2.3). */
bool usb_set_alt(struct usb_handle *handle, uint8_t interface, uint8_t alt, struct err **err)
{
    static const char *const reasons[] = {[USB_STALLED] = "the board refuses it (stall)",
                                          [USB_TIMED_OUT] = "the board does not answer",
                                          [USB_GONE] = "the board is gone",
                                          [USB_BROKEN] = "USB transfer error"};
    enum usb_fault fault = send_set_interface(handle, interface, alt);
    if (fault == USB_OK) {
        handle->alt = alt;
        return true;
    }
    err_set(err, ERR_DEVICE, "cannot choose alternate setting %u: %s", alt, reasons[fault]);
    return err_hint(err, "unplug the board, plug it in again and run the command again");
}

enum usb_fault usb_reset(struct usb_handle *handle)
{
    int code = libusb_reset_device(handle->libusb);
    if (code == 0)
        return USB_OK;
    return code == LIBUSB_ERROR_NOT_FOUND || code == LIBUSB_ERROR_NO_DEVICE ? USB_GONE : USB_BROKEN;
}

void usb_set_wait(struct usb *usb, void (*wait)(void *data, const bool *done), void *data)
{
    usb->wait = wait;
    usb->wait_data = data;
}

static long long monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int poll_for(struct pollfd *fds, size_t count, long long us)
{
    struct timespec left = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    return ppoll(fds, count, &left, NULL);
}

/* libusb waits in whole milliseconds, which would be half a millisecond too long for each block of
 * a flash: so the waiting is done here, on its file descriptors, and the last of it awake. */
static void wait_for_libusb(struct usb *usb, long long until_us)
{
    const struct libusb_pollfd **theirs = libusb_get_pollfds(usb->context);
    struct pollfd fds[POLL_MAX];
    size_t count = 0;
    for (; theirs && theirs[count] && count < POLL_MAX; count++)
        fds[count] = (struct pollfd){.fd = theirs[count]->fd, .events = theirs[count]->events};
    libusb_free_pollfds(theirs);
    long long now_us = monotonic_us(), end_us = until_us;
    struct timeval limit;
    if (libusb_get_next_timeout(usb->context, &limit) == 1) {
        long long limit_us = now_us + limit.tv_sec * 1000000LL + limit.tv_usec;
        end_us = limit_us < end_us ? limit_us : end_us;
    }
    long long asleep_us = end_us - now_us - AWAKE_US;
    int ready = poll_for(fds, count, asleep_us > 0 ? asleep_us : 0);
    while (ready == 0 && monotonic_us() < end_us)
        ready = poll_for(fds, count, 0);
}

void usb_handle_events(struct usb *usb, long long until_us)
{
    struct timeval none = {0};
    wait_for_libusb(usb, until_us);
    libusb_handle_events_timeout_completed(usb->context, &none, NULL);
}

/* A control transfer on its way. */
struct pending {
    bool done;
    enum usb_fault fault;
    size_t moved;
};

static enum usb_fault fault_of(enum libusb_transfer_status status)
{
    switch (status) {
    case LIBUSB_TRANSFER_COMPLETED:
        return USB_OK;
    case LIBUSB_TRANSFER_STALL:
        return USB_STALLED;
    case LIBUSB_TRANSFER_TIMED_OUT:
        return USB_TIMED_OUT;
    case LIBUSB_TRANSFER_NO_DEVICE:
        return USB_GONE;
    default:
        return USB_BROKEN;
    }
}

static void on_done(struct libusb_transfer *transfer)
{
    struct pending *pending = transfer->user_data;
    pending->fault = fault_of(transfer->status);
    pending->moved = (size_t)transfer->actual_length;
    pending->done = true;
}

static void wait_until_done(struct usb *usb, const bool *done)
{
    if (usb->wait) {
        usb->wait(usb->wait_data, done);
        return;
    }
    while (!*done)
        usb_handle_events(usb, LLONG_MAX);
}

static enum usb_fault submit_and_wait(struct usb *usb, struct libusb_transfer *transfer,
                                      const struct pending *pending)
{
    int code = libusb_submit_transfer(transfer);
    if (code != 0)
        return code == LIBUSB_ERROR_NO_DEVICE ? USB_GONE : USB_BROKEN;
    wait_until_done(usb, &pending->done);
    return pending->fault;
}

enum usb_fault usb_control(struct usb_handle *handle, const struct usb_control *control,
                           size_t *moved)
{
    struct pending pending = {.done = false};
    struct libusb_transfer *transfer = libusb_alloc_transfer(0);
    _cleanup_free_ uint8_t *bytes = xmalloc(LIBUSB_CONTROL_SETUP_SIZE + control->length);
    bool in = control->request_type & USB_REQUEST_IN;
    if (!transfer)
        return USB_BROKEN;
    libusb_fill_control_setup(bytes, control->request_type, control->request, control->value,
                              control->index, control->length);
    if (!in && control->length)
        memcpy(bytes + LIBUSB_CONTROL_SETUP_SIZE, control->data, control->length);
    libusb_fill_control_transfer(transfer, handle->libusb, bytes, on_done, &pending,
                                 control->timeout_ms);
    enum usb_fault fault = submit_and_wait(handle->usb, transfer, &pending);
    libusb_free_transfer(transfer);
    if (fault != USB_OK)
        return fault;
    if (in && pending.moved)
        memcpy(control->data, bytes + LIBUSB_CONTROL_SETUP_SIZE, pending.moved);
    if (moved)
        *moved = pending.moved;
    return USB_OK;
}
