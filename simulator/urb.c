#include "simulator/urb.h"

#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define SETUP_SIZE 8
#define URB_FLAGS                                                                                  \
    (USBDEVFS_URB_ISO_ASAP | USBDEVFS_URB_SHORT_NOT_OK | USBDEVFS_URB_BULK_CONTINUATION |          \
     USBDEVFS_URB_NO_FSBR | USBDEVFS_URB_ZERO_PACKET | USBDEVFS_URB_NO_INTERRUPT)

struct urb {
    struct transfer transfer;
    struct urbs *urbs;
    uint64_t address;        /* of the program's struct usbdevfs_urb; 0: the program waits for it */
    uint64_t buffer_address; /* in the program's memory too */
    size_t room;             /* bytes of data that the buffer holds */
    unsigned timeout_ms;     /* of a program that waits; 0 = none */
    bool short_not_ok;       /* USBDEVFS_URB_SHORT_NOT_OK */
    struct urb *next;
};

static void append(struct urb **list, struct urb *urb)
{
    while (*list)
        list = &(*list)->next;
    urb->next = NULL;
    *list = urb;
}

static void unlink_urb(struct urb *urb)
{
    struct urb **link = &urb->urbs->first;
    while (*link != urb)
        link = &(*link)->next;
    *link = urb->next;
}

static void urb_done(struct transfer *transfer)
{
    struct urb *urb = transfer->arg;
    unlink_urb(urb);
    append(&urb->urbs->done, urb);
    if (urb->short_not_ok && transfer->status == 0 && transfer->actual < transfer->setup.length)
        transfer->status = -EREMOTEIO;
    urb->urbs->changed(urb->urbs->arg);
}

/* The program waits for this one. */
static void waited_done(struct transfer *transfer)
{
    struct urb *urb = transfer->arg;
    struct wire *wire = urb->urbs->wire;
    unlink_urb(urb);
    if (wire && transfer->status == 0 && (transfer->setup.request_type & USB_DIR_IN))
        wire_store(wire, urb->buffer_address, transfer->data, transfer->actual);
    if (wire) /* otherwise its program is gone */
        wire_done(wire, transfer->status < 0 ? transfer->status : (int)transfer->actual);
    free(urb);
}

static void request_done(struct transfer *transfer)
{
    const struct urb *urb = transfer->arg;
    if (transfer->status == 0)
        urb->urbs->requested(urb->urbs->arg, &transfer->setup);
    waited_done(transfer);
}

static void timed_out(void *arg)
{
    struct transfer *transfer = arg;
    endpoint_cancel(transfer->endpoint, transfer, -ETIMEDOUT);
}

static struct urb *new_urb(struct urbs *urbs, void (*done)(struct transfer *))
{
    struct urb *urb = xcalloc(1, sizeof(*urb));
    urb->urbs = urbs;
    urb->transfer.done = done;
    urb->transfer.arg = urb;
    urbs->parsed = urb;
    return urb;
}

/* Everything was fetched: onto the bus with it. */
static void launch(struct urbs *urbs)
{
    struct urb *urb = urbs->parsed;
    bool waits = urb->address == 0;
    append(&urbs->first, urb);
    urbs->parsed = NULL;
    if (urb->timeout_ms) /* cancelled with the transfer's other timers */
        clock_after(urbs->endpoint->clock, urb->timeout_ms * UINT64_C(1000), timed_out,
                    &urb->transfer);
    endpoint_submit(urbs->endpoint, &urb->transfer);
    if (!waits)
        wire_done(urbs->wire, 0);
}

static int refuse(struct urbs *urbs, int result)
{
    free(urbs->parsed);
    urbs->parsed = NULL;
    return result;
}

static void on_out_data(void *arg, const uint8_t *data)
{
    struct urbs *urbs = arg;
    memcpy(urbs->parsed->transfer.data, data, urbs->parsed->transfer.setup.length);
    launch(urbs);
}

/* The setup packet is known: check it, then fetch what an OUT transfer carries. Of an IN transfer
 * nothing is read: its buffer need not be initialised. */
static int prepare(struct urbs *urbs, uint64_t data_address)
{
    const struct urb *urb = urbs->parsed;
    const struct usb_setup *setup = &urb->transfer.setup;
    if (setup->length > urb->room || setup->length > USB_CONTROL_MAX)
        return refuse(urbs, -EINVAL);
    int result = urbs->check(urbs->arg, setup);
    if (result < 0)
        return refuse(urbs, result);
    if (!(setup->request_type & USB_DIR_IN) && setup->length > 0)
        wire_fetch(urbs->wire, data_address, setup->length, on_out_data, urbs);
    else
        launch(urbs);
    return URB_WAITS;
}

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void on_setup(void *arg, const uint8_t *data)
{
    struct urbs *urbs = arg;
    urbs->parsed->transfer.setup =
        (struct usb_setup){data[0], data[1], le16(data + 2), le16(data + 4), le16(data + 6)};
    int result = prepare(urbs, urbs->parsed->buffer_address + SETUP_SIZE);
    if (result != URB_WAITS)
        wire_done(urbs->wire, result);
}

int urbs_submit(struct urbs *urbs, const uint8_t *given_bytes, uint64_t address)
{
    struct usbdevfs_urb given;
    memcpy(&given, given_bytes, sizeof(given));
    if (given.flags & ~URB_FLAGS)
        return -EINVAL;
    if (given.type != USBDEVFS_URB_TYPE_CONTROL || (given.endpoint & 0x7F) != 0)
        return -ENOENT; /* there are no other endpoints */
    if (given.buffer_length < SETUP_SIZE)
        return -EINVAL;
    struct urb *urb = new_urb(urbs, urb_done);
    urb->address = address;
    urb->buffer_address = (uintptr_t)given.buffer;
    urb->room = (size_t)given.buffer_length - SETUP_SIZE;
    urb->short_not_ok = given.flags & USBDEVFS_URB_SHORT_NOT_OK;
    wire_fetch(urbs->wire, urb->buffer_address, SETUP_SIZE, on_setup, urbs);
    return URB_WAITS;
}

int urbs_control(struct urbs *urbs, const uint8_t *given_bytes)
{
    struct usbdevfs_ctrltransfer given;
    memcpy(&given, given_bytes, sizeof(given));
    struct urb *urb = new_urb(urbs, waited_done);
    urb->buffer_address = (uintptr_t)given.data;
    urb->room = given.wLength;
    urb->timeout_ms = given.timeout;
    urb->transfer.setup = (struct usb_setup){given.bRequestType, given.bRequest, given.wValue,
                                             given.wIndex, given.wLength};
    return prepare(urbs, urb->buffer_address);
}

int urbs_request(struct urbs *urbs, const struct usb_setup *setup)
{
    struct urb *urb = new_urb(urbs, request_done);
    urb->transfer.setup = *setup;
    launch(urbs);
    return URB_WAITS;
}

int urbs_reap(struct urbs *urbs, uint64_t address)
{
    struct urb *urb = urbs->done;
    if (!urb)
        return urbs->endpoint->gone ? -ENODEV : -EAGAIN;
    const struct transfer *transfer = &urb->transfer;
    int actual = (int)transfer->actual;
    struct wire *wire = urbs->wire;
    wire_store(wire, urb->address + offsetof(struct usbdevfs_urb, status), &transfer->status,
               sizeof(transfer->status));
    wire_store(wire, urb->address + offsetof(struct usbdevfs_urb, actual_length), &actual,
               sizeof(actual));
    if (transfer->setup.request_type & USB_DIR_IN)
        wire_store(wire, urb->buffer_address + SETUP_SIZE, transfer->data, transfer->actual);
    wire_store(wire, address, &urb->address, sizeof(void *));
    urbs->done = urb->next;
    free(urb);
    urbs->changed(urbs->arg);
    return 0;
}

int urbs_discard(struct urbs *urbs, uint64_t address)
{
    struct urb *urb = urbs->first;
    while (urb && urb->address != address)
        urb = urb->next;
    if (!urb)
        return -EINVAL;
    endpoint_cancel(urbs->endpoint, &urb->transfer, -ENOENT);
    return 0;
}

bool urbs_reapable(const struct urbs *urbs)
{
    return urbs->done;
}

/* The last first, so that the device does not get to see transfers that nobody waits for. */
void urbs_release(struct urbs *urbs)
{
    urbs->wire = NULL;
    while (urbs->first) {
        struct urb *last = urbs->first;
        while (last->next)
            last = last->next;
        endpoint_cancel(urbs->endpoint, &last->transfer, -ENOENT);
    }
    while (urbs->done) {
        struct urb *urb = urbs->done;
        urbs->done = urb->next;
        free(urb);
    }
    free(urbs->parsed);
    urbs->parsed = NULL;
}
