#include "simulator/bulk.h"

#include <errno.h>

#include "simulator/usb_interface.h"

static void finish(struct bulk_transfer *transfer, int status)
{
    transfer->status = status;
    transfer->done(transfer);
}

static void end_waiting(struct bulk *bulk, struct bulk_transfer *transfer, int status)
{
    struct bulk_transfer **link = &bulk->waiting;
    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    finish(transfer, status);
}

/* The first transfer that the device has bytes for, which are in it then; NULL: there is none. */
static struct bulk_transfer *receive(const struct bulk *bulk)
{
    const struct usb_device *device = bulk->device;
    for (struct bulk_transfer *t = bulk->waiting; t; t = t->next) {
        t->actual = device->bulk_in(device->data, t->address, t->data, t->length);
        if (t->actual > 0)
            return t;
    }
    return NULL;
}

/* Whoever is told may submit, cancel or disconnect: begin at the first one again each time. */
static void on_readable(void *arg)
{
    struct bulk *bulk = arg;
    struct bulk_transfer *transfer;
    while ((transfer = receive(bulk)))
        end_waiting(bulk, transfer, 0);
}

static void wait_for_bytes(struct bulk *bulk, struct bulk_transfer *transfer)
{
    struct bulk_transfer **link = &bulk->waiting;
    while (*link)
        link = &(*link)->next;
    *link = transfer;
    on_readable(bulk);
}

static void send_bytes(const struct bulk *bulk, struct bulk_transfer *transfer)
{
    const struct usb_device *device = bulk->device;
    device->bulk_out(device->data, transfer->address, transfer->data, transfer->length);
    transfer->actual = transfer->length;
    finish(transfer, 0);
}

static bool has_endpoint(const struct usb_device *device, uint8_t address)
{
    return device->bulk_in && usb_interface_of_endpoint(device, address) >= 0;
}

void bulk_init(struct bulk *bulk, const struct usb_device *device)
{
    *bulk = (struct bulk){.device = device};
    if (device->listen)
        device->listen(device->data, on_readable, bulk);
}

void bulk_submit(struct bulk *bulk, struct bulk_transfer *transfer)
{
    transfer->next = NULL;
    transfer->actual = 0;
    if (bulk->gone)
        finish(transfer, -ESHUTDOWN);
    else if (!has_endpoint(bulk->device, transfer->address))
        finish(transfer, -EPIPE);
    else if (transfer->address & USB_DIR_IN)
        wait_for_bytes(bulk, transfer);
    else
        send_bytes(bulk, transfer);
}

void bulk_cancel(struct bulk *bulk, struct bulk_transfer *transfer, int status)
{
    end_waiting(bulk, transfer, status);
}

void bulk_disconnect(struct bulk *bulk)
{
    if (!bulk->gone && bulk->device->listen)
        bulk->device->listen(bulk->device->data, NULL, NULL);
    bulk->gone = true;
    while (bulk->waiting)
        end_waiting(bulk, bulk->waiting, -ESHUTDOWN);
}
