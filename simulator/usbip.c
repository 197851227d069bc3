#include "simulator/usbip.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "simulator/bulk.h"
#include "simulator/endpoint.h"
#include "simulator/usbip_message.h"

/* What a host asks for after a bus reset (hub_port_init() in Linux, GET_DESCRIPTOR_BUFSIZE). */
#define RESET_DESCRIPTOR_LENGTH 64
#define PENDING_MAX 256 /* transfers; Linux's driver of serial ports has 17 */

/* A submission that the device works on, or will. */
struct pending {
    struct usbip_request request;
    struct usbip *usbip;
    const struct usbip_request *unlink; /* the host gets an answer to that instead */
    struct pending *next;
    union {
        struct transfer control;   /* on endpoint 0 */
        struct bulk_transfer bulk; /* on the others */
    };
    uint8_t bulk_data[];
};

struct usbip {
    struct loop *loop;
    int socket; /* -1: disconnected */
    struct endpoint endpoint;
    struct bulk bulk;
    const struct usbip_ops *ops;
    void *data;
    bool configured;
    struct pending *pending;
    unsigned pending_count;
    struct usbip_request request; /* the one whose payload is being read */
    size_t received;              /* bytes of `input` that are filled */
    uint8_t input[USBIP_HEADER_SIZE + USBIP_PAYLOAD_MAX];
};

/* ---- answers -------------------------------------------------------------------------------- */

static void fail(struct usbip *usbip, struct err *reason)
{
    usbip_disconnect(usbip);
    usbip->ops->closed(usbip->data, reason);
    err_free(reason);
}

/* A host that reads its answers has room for them: what is not taken at once is its fault. */
static void send_answer(struct usbip *usbip, const struct buf *answer)
{
    if (usbip->socket < 0)
        return;
    ssize_t sent = send(usbip->socket, answer->data, answer->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == (ssize_t)answer->len)
        return;
    struct err *reason = NULL;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) /* it closed while we answered */
        fail(usbip, NULL);
    else {
        err_set(&reason, ERR_DEVICE, "USB/IP: the host does not read its answers");
        fail(usbip, reason);
    }
}

static void answer_submit(struct usbip *usbip, const struct usbip_request *request, int status,
                          const uint8_t *data, size_t actual)
{
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    usbip_add_ret_submit(request, status, data, actual, &answer);
    send_answer(usbip, &answer);
}

static void answer_unlink(struct usbip *usbip, const struct usbip_request *request, int status)
{
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    usbip_add_ret_unlink(request, status, &answer);
    send_answer(usbip, &answer);
}

/* ---- transfers ------------------------------------------------------------------------------ */

static bool is_standard(const struct usb_setup *setup, uint8_t request)
{
    return (setup->request_type & (USB_TYPE_MASK | USB_RECIPIENT_MASK)) == USB_RECIPIENT_DEVICE &&
           setup->request == request;
}

static void note_configured(struct usbip *usbip, const struct usb_setup *setup)
{
    if (usbip->configured || usbip->socket < 0 || setup->value == 0 ||
        !is_standard(setup, USB_SET_CONFIGURATION))
        return;
    usbip->configured = true;
    usbip->ops->configured(usbip->data);
}

/* room: for the data of a transfer on an endpoint other than 0. */
static struct pending *add_pending(struct usbip *usbip, const struct usbip_request *request,
                                   size_t room)
{
    struct pending *pending = xcalloc(1, sizeof(*pending) + room);
    pending->usbip = usbip;
    pending->request = *request;
    pending->next = usbip->pending;
    usbip->pending = pending;
    usbip->pending_count++;
    return pending;
}

/* The transfer is over: the host gets the one answer to it. */
static void end_pending(struct pending *done, int status, const uint8_t *data, size_t actual)
{
    struct usbip *usbip = done->usbip;
    struct pending **link = &usbip->pending;
    while (*link != done)
        link = &(*link)->next;
    *link = done->next;
    usbip->pending_count--;
    if (done->unlink)
        answer_unlink(usbip, done->unlink, -ECONNRESET);
    else
        answer_submit(usbip, &done->request, status, data, actual);
}

static void control_done(struct transfer *transfer)
{
    struct pending *done = transfer->arg;
    end_pending(done, transfer->status, transfer->data, transfer->actual);
    if (transfer->status == 0)
        note_configured(done->usbip, &transfer->setup);
    free(done);
}

static void bulk_done(struct bulk_transfer *transfer)
{
    end_pending(transfer->arg, transfer->status, transfer->data, transfer->actual);
    free(transfer->arg);
}

static void submit_control(struct usbip *usbip, const struct usbip_request *request,
                           const uint8_t *payload)
{
    const struct usb_setup *setup = &request->setup;
    /* Before it is configured the device has just been powered on, which was its reset. */
    if (usbip->configured && is_standard(setup, USB_GET_DESCRIPTOR) &&
        setup->value == USB_DESCRIPTOR_DEVICE << 8 && setup->length == RESET_DESCRIPTOR_LENGTH)
        usbip->endpoint.device->bus_reset(usbip->endpoint.device->data);

    struct pending *pending = add_pending(usbip, request, 0);
    pending->control.setup = *setup;
    pending->control.done = control_done;
    pending->control.arg = pending;
    memcpy(pending->control.data, payload, usbip_payload(request));
    endpoint_submit(&usbip->endpoint, &pending->control);
}

static void submit_bulk(struct usbip *usbip, const struct usbip_request *request,
                        const uint8_t *payload)
{
    struct pending *pending = add_pending(usbip, request, request->length);
    pending->bulk = (struct bulk_transfer){
        .address = (uint8_t)(request->endpoint | (request->in ? USB_DIR_IN : 0)),
        .data = pending->bulk_data,
        .length = request->length,
        .done = bulk_done,
        .arg = pending,
    };
    memcpy(pending->bulk_data, payload, usbip_payload(request));
    bulk_submit(&usbip->bulk, &pending->bulk);
}

static void submit(struct usbip *usbip, const struct usbip_request *request, const uint8_t *payload)
{
    struct err *reason = NULL;
    if (usbip->pending_count == PENDING_MAX) {
        err_set(&reason, ERR_DEVICE, "USB/IP: more than %d transfers at once", PENDING_MAX);
        fail(usbip, reason);
    } else if (request->endpoint != 0) {
        submit_bulk(usbip, request, payload);
    } else if (request->length > USB_CONTROL_MAX) {
        answer_submit(usbip, request, -EPIPE, NULL, 0); /* no device has that much to say */
    } else {
        submit_control(usbip, request, payload);
    }
}

/* Linux's own server answers a transfer that was unlinked in time with this alone, and one that was
 * over already with a 0 (drivers/usb/usbip/stub_rx.c). */
static void unlink_transfer(struct usbip *usbip, const struct usbip_request *request)
{
    struct pending *pending = usbip->pending;
    while (pending && pending->request.seqnum != request->unlink_seqnum)
        pending = pending->next;
    if (!pending) {
        answer_unlink(usbip, request, 0);
        return;
    }
    pending->unlink = request;
    if (pending->request.endpoint == 0)
        endpoint_cancel(&usbip->endpoint, &pending->control, -ECONNRESET);
    else
        bulk_cancel(&usbip->bulk, &pending->bulk, -ECONNRESET);
}

/* ---- the connection ------------------------------------------------------------------------- */

static size_t wanted(const struct usbip *usbip)
{
    return usbip->received < USBIP_HEADER_SIZE ? USBIP_HEADER_SIZE
                                               : USBIP_HEADER_SIZE + usbip_payload(&usbip->request);
}

static void handle_message(struct usbip *usbip)
{
    const struct usbip_request request = usbip->request;
    usbip->received = 0;
    if (request.command == USBIP_CMD_UNLINK)
        unlink_transfer(usbip, &request);
    else
        submit(usbip, &request, usbip->input + USBIP_HEADER_SIZE);
}

static void on_input(void *arg)
{
    struct usbip *usbip = arg;
    size_t room = wanted(usbip) - usbip->received;
    ssize_t len = recv(usbip->socket, usbip->input + usbip->received, room, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        fail(usbip, NULL);
        return;
    }
    usbip->received += (size_t)len;
    struct err *reason = NULL;
    if (usbip->received == USBIP_HEADER_SIZE &&
        !usbip_parse(usbip->input, &usbip->request, &reason))
        fail(usbip, reason);
    else if (usbip->received >= USBIP_HEADER_SIZE && usbip->received == wanted(usbip))
        handle_message(usbip);
}

struct usbip *usbip_new(struct loop *loop, int socket, const struct usb_device *device,
                        const struct usbip_ops *ops, void *data)
{
    struct usbip *usbip = xcalloc(1, sizeof(*usbip));
    usbip->loop = loop;
    usbip->socket = socket;
    usbip->endpoint = (struct endpoint){.device = device, .clock = loop_clock(loop)};
    usbip->ops = ops;
    usbip->data = data;
    bulk_init(&usbip->bulk, device);
    loop_watch(loop, socket, on_input, usbip);
    return usbip;
}

void usbip_disconnect(struct usbip *usbip)
{
    if (usbip->socket < 0)
        return;
    loop_unwatch(usbip->loop, usbip->socket);
    close(usbip->socket);
    usbip->socket = -1;
    endpoint_disconnect(&usbip->endpoint);
    bulk_disconnect(&usbip->bulk);
}

void usbip_free(struct usbip *usbip)
{
    if (!usbip)
        return;
    usbip_disconnect(usbip);
    free(usbip);
}
