#include "simulator/endpoint.h"

#include <errno.h>
#include <string.h>

static void finish(struct endpoint *endpoint, struct transfer *transfer, int status);

static int outcome_status(enum usb_outcome outcome)
{
    switch (outcome) {
    case USB_STALL:
        return -EPIPE;
    case USB_BROKEN:
        return -EPROTO;
    default:
        return 0;
    }
}

static void answered(void *arg)
{
    struct transfer *transfer = arg;
    int status = outcome_status(transfer->reply.outcome);
    transfer->actual = status == 0 ? transfer->reply.length : 0;
    finish(transfer->endpoint, transfer, status);
}

/* Show the first transfer in the queue to the device. */
static void start(struct endpoint *endpoint)
{
    struct transfer *transfer = endpoint->head;
    const struct usb_device *device = endpoint->device;
    uint8_t in[USB_CONTROL_MAX];
    device->control(device->data, &transfer->setup, transfer->data, in, &transfer->reply);
    const struct usb_reply *reply = &transfer->reply;
    if ((transfer->setup.request_type & USB_DIR_IN) && reply->outcome == USB_DONE)
        memcpy(transfer->data, in, reply->length);
    if (reply->outcome == USB_SILENT) {
        if (reply->event != USB_STAYS)
            device->event(device->data, reply->event, reply->event_ms);
    } else if (reply->delay_us == 0) {
        answered(transfer);
    } else {
        clock_after(endpoint->clock, reply->delay_us, answered, transfer);
    }
}

static void finish(struct endpoint *endpoint, struct transfer *transfer, int status)
{
    bool was_head = endpoint->head == transfer;
    struct transfer **link = &endpoint->head;
    while (*link != transfer)
        link = &(*link)->next;
    *link = transfer->next;
    clock_cancel(endpoint->clock, transfer);

    /* After done() the transfer is not ours any more. */
    bool answered_whole = status == 0 || status == -EPIPE;
    struct usb_reply reply = transfer->reply;
    transfer->status = status;
    transfer->done(transfer);
    if (was_head && answered_whole && reply.event != USB_STAYS)
        endpoint->device->event(endpoint->device->data, reply.event, reply.event_ms);
    if (was_head && endpoint->head && !endpoint->gone)
        start(endpoint);
}

void endpoint_submit(struct endpoint *endpoint, struct transfer *transfer)
{
    transfer->endpoint = endpoint;
    transfer->next = NULL;
    transfer->actual = 0;
    transfer->reply = (struct usb_reply){0};
    struct transfer **link = &endpoint->head;
    while (*link)
        link = &(*link)->next;
    *link = transfer;
    if (endpoint->gone)
        finish(endpoint, transfer, -ESHUTDOWN);
    else if (endpoint->head == transfer)
        start(endpoint);
}

void endpoint_cancel(struct endpoint *endpoint, struct transfer *transfer, int status)
{
    finish(endpoint, transfer, status);
}

void endpoint_flush(struct endpoint *endpoint)
{
    while (endpoint->head) {
        struct transfer *last = endpoint->head;
        while (last->next)
            last = last->next;
        finish(endpoint, last, -ESHUTDOWN);
    }
}

void endpoint_disconnect(struct endpoint *endpoint)
{
    endpoint->gone = true;
    endpoint_flush(endpoint);
}
