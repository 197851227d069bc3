#include "simulator/usbfs.h"

#include <errno.h>
#include <limits.h>
#include <sys/ioctl.h>

#include <linux/usbdevice_fs.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "simulator/endpoint.h"
#include "simulator/wire.h"

#define WAITS INT_MIN /* a handler's result: the answer comes later */
#define INTERFACES_MAX 8
#define FULL_SPEED 2 /* USB_SPEED_FULL of linux/usb/ch9.h, what USBDEVFS_GET_SPEED returns */
#define SETUP_SIZE 8

struct usbfs_file;

struct usbfs_node {
    struct endpoint endpoint;
    unsigned address;
    const struct usbfs_node_ops *ops;
    void *data;
    struct usbfs_file *files;
    struct usbfs_file *owner[INTERFACES_MAX]; /* who claimed it */
    bool ready;
};

/* A submitted USBDEVFS_SUBMITURB, or (urb_address 0) a USBDEVFS_CONTROL. */
struct urb {
    struct transfer transfer;
    struct usbfs_file *file;
    uint64_t urb_address, buffer_address; /* in the program's memory */
    unsigned timeout_ms;                  /* of USBDEVFS_CONTROL; 0 = none */
    int room;                             /* bytes of data that the buffer holds */
    bool complete;
    struct urb *next;
};

struct usbfs_file {
    struct usbfs_node *node;
    struct wire *wire;
    struct urb *urbs;   /* in order of submission */
    struct urb *parsed; /* the one whose pieces are being fetched */
    int (*handler)(struct usbfs_file *file, const uint8_t *arg);
    uint64_t arg_address;
    size_t read_offset;
    struct usbfs_file *next;
};

/* ---- nodes and files ------------------------------------------------------------------------ */

static void update_ready(struct usbfs_node *node)
{
    bool ready = false;
    for (const struct usbfs_file *file = node->files; file; file = file->next)
        for (const struct urb *urb = file->urbs; urb; urb = urb->next)
            ready = ready || urb->complete;
    if (ready == node->ready)
        return;
    node->ready = ready;
    node->ops->ready(node->data, ready);
}

static void unlink_urb(struct urb *urb)
{
    struct urb **link = &urb->file->urbs;
    while (*link != urb)
        link = &(*link)->next;
    *link = urb->next;
}

/* The last first, so that the device does not get to see transfers that nobody waits for. */
static void drop_last_urb(struct usbfs_file *file)
{
    struct urb *urb = file->urbs;
    while (urb->next)
        urb = urb->next;
    if (!urb->complete)
        endpoint_cancel(&file->node->endpoint, &urb->transfer, -ENOENT);
    unlink_urb(urb);
    free(urb);
}

static void free_if_unused(struct usbfs_node *node)
{
    if (!node->endpoint.gone || node->files)
        return;
    node->ops->freed(node->data);
    free(node);
}

/* The program closed the descriptor, or died. */
static void file_closed(void *arg)
{
    struct usbfs_file *file = arg;
    struct usbfs_node *node = file->node;
    wire_free(file->wire);
    file->wire = NULL;
    while (file->urbs)
        drop_last_urb(file);
    free(file->parsed);
    for (unsigned i = 0; i < INTERFACES_MAX; i++)
        if (node->owner[i] == file)
            node->owner[i] = NULL;
    struct usbfs_file **link = &node->files;
    while (*link != file)
        link = &(*link)->next;
    *link = file->next;
    free(file);
    update_ready(node);
    free_if_unused(node);
}

/* ---- transfers ------------------------------------------------------------------------------ */

static void urb_done(struct transfer *transfer)
{
    struct urb *urb = transfer->arg;
    urb->complete = true;
    update_ready(urb->file->node);
}

/* USBDEVFS_CONTROL: the program waits for this one. */
static void control_done(struct transfer *transfer)
{
    struct urb *urb = transfer->arg;
    struct wire *wire = urb->file->wire;
    urb->complete = true;
    if (!wire)
        return; /* the file is being closed, and frees it */
    if (transfer->status == 0 && (transfer->setup.request_type & USB_DIR_IN))
        wire_store(wire, urb->buffer_address, transfer->data, transfer->actual);
    wire_done(wire, transfer->status < 0 ? transfer->status : (int)transfer->actual);
    unlink_urb(urb);
    free(urb);
}

static void control_timed_out(void *arg)
{
    struct transfer *transfer = arg;
    endpoint_cancel(transfer->endpoint, transfer, -ETIMEDOUT);
}

static int claim(struct usbfs_file *file, unsigned interface)
{
    struct usbfs_node *node = file->node;
    if (interface >= node->endpoint.device->interface_count || interface >= INTERFACES_MAX)
        return -ENOENT;
    if (node->owner[interface] && node->owner[interface] != file)
        return -EBUSY;
    node->owner[interface] = file;
    return 0;
}

/* check_ctrlrecip(): a request to an interface claims it, a vendor's requests are not checked. */
static int check_recipient(struct usbfs_file *file, const struct usb_setup *setup)
{
    uint8_t type = setup->request_type & USB_TYPE_MASK;
    uint8_t recipient = setup->request_type & USB_RECIPIENT_MASK;
    if (type != USB_TYPE_STANDARD && type != USB_TYPE_CLASS)
        return 0;
    if (recipient == USB_RECIPIENT_INTERFACE)
        return claim(file, setup->index & 0xFF);
    if (recipient == USB_RECIPIENT_ENDPOINT && (setup->index & 0x7F) != 0)
        return -ENOENT;
    return 0;
}

/* Everything was fetched: onto the bus with it. */
static void launch(struct usbfs_file *file)
{
    struct urb *urb = file->parsed;
    file->parsed = NULL;
    struct urb **link = &file->urbs;
    while (*link)
        link = &(*link)->next;
    *link = urb;
    bool waits = urb->urb_address == 0;
    if (waits && urb->timeout_ms) /* cancelled with the transfer's other timers */
        clock_after(file->node->endpoint.clock, urb->timeout_ms * UINT64_C(1000), control_timed_out,
                    &urb->transfer);
    endpoint_submit(&file->node->endpoint, &urb->transfer);
    if (!waits)
        wire_done(file->wire, 0);
}

static void fail_parsed(struct usbfs_file *file, int result)
{
    free(file->parsed);
    file->parsed = NULL;
    wire_done(file->wire, result);
}

static void on_out_data(void *arg, const uint8_t *data)
{
    struct usbfs_file *file = arg;
    memcpy(file->parsed->transfer.data, data, file->parsed->transfer.setup.length);
    launch(file);
}

/* The setup packet is known: check it, then fetch what an OUT transfer carries. */
static void prepare(struct usbfs_file *file, uint64_t data_address)
{
    struct urb *urb = file->parsed;
    const struct usb_setup *setup = &urb->transfer.setup;
    if (setup->length > urb->room || setup->length > USB_CONTROL_MAX) {
        fail_parsed(file, -EINVAL);
        return;
    }
    int result = check_recipient(file, setup);
    if (result < 0)
        fail_parsed(file, result);
    else if (!(setup->request_type & USB_DIR_IN) && setup->length > 0)
        wire_fetch(file->wire, data_address, setup->length, on_out_data);
    else
        launch(file);
}

static struct urb *new_urb(struct usbfs_file *file, void (*done)(struct transfer *))
{
    struct urb *urb = xcalloc(1, sizeof(*urb));
    urb->file = file;
    urb->transfer.done = done;
    urb->transfer.arg = urb;
    file->parsed = urb;
    return urb;
}

static unsigned le16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static void on_setup(void *arg, const uint8_t *data)
{
    struct usbfs_file *file = arg;
    file->parsed->transfer.setup =
        (struct usb_setup){data[0], data[1], (uint16_t)le16(data + 2), (uint16_t)le16(data + 4),
                           (uint16_t)le16(data + 6)};
    prepare(file, file->parsed->buffer_address + SETUP_SIZE);
}

static int submit_urb(struct usbfs_file *file, const uint8_t *arg)
{
    struct usbdevfs_urb given;
    memcpy(&given, arg, sizeof(given));
    if (given.type != USBDEVFS_URB_TYPE_CONTROL || (given.endpoint & 0x7F) != 0)
        return -ENOENT; /* there are no other endpoints */
    if (given.buffer_length < SETUP_SIZE)
        return -EINVAL;
    struct urb *urb = new_urb(file, urb_done);
    urb->urb_address = file->arg_address;
    urb->buffer_address = (uintptr_t)given.buffer;
    urb->room = given.buffer_length - SETUP_SIZE;
    wire_fetch(file->wire, urb->buffer_address, SETUP_SIZE, on_setup);
    return WAITS;
}

static int control(struct usbfs_file *file, const uint8_t *arg)
{
    struct usbdevfs_ctrltransfer given;
    memcpy(&given, arg, sizeof(given));
    struct urb *urb = new_urb(file, control_done);
    urb->buffer_address = (uintptr_t)given.data;
    urb->room = given.wLength;
    urb->timeout_ms = given.timeout;
    urb->transfer.setup = (struct usb_setup){given.bRequestType, given.bRequest, given.wValue,
                                             given.wIndex, given.wLength};
    prepare(file, urb->buffer_address);
    return WAITS;
}

static int reap(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    struct urb *urb = file->urbs;
    while (urb && !urb->complete)
        urb = urb->next;
    if (!urb)
        return file->node->endpoint.gone ? -ENODEV : -EAGAIN;
    const struct transfer *transfer = &urb->transfer;
    int actual = (int)transfer->actual;
    uint64_t at = urb->urb_address;
    wire_store(file->wire, at + offsetof(struct usbdevfs_urb, status), &transfer->status,
               sizeof(int));
    wire_store(file->wire, at + offsetof(struct usbdevfs_urb, actual_length), &actual,
               sizeof(actual));
    if (transfer->setup.request_type & USB_DIR_IN)
        wire_store(file->wire, urb->buffer_address + SETUP_SIZE, transfer->data, transfer->actual);
    wire_store(file->wire, file->arg_address, &urb->urb_address, sizeof(void *));
    unlink_urb(urb);
    free(urb);
    update_ready(file->node);
    return 0;
}

static int discard(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    struct urb *urb = file->urbs;
    while (urb && (urb->complete || urb->urb_address != file->arg_address))
        urb = urb->next;
    if (!urb)
        return -EINVAL;
    endpoint_cancel(&file->node->endpoint, &urb->transfer, -ENOENT);
    return 0;
}

/* ---- the other ioctls ----------------------------------------------------------------------- */

/* A request of the kernel's own, outside of the queue, as it does at enumeration. */
static bool enumerate(const struct usb_device *device)
{
    uint8_t in[USB_CONTROL_MAX];
    struct usb_reply reply;
    const struct usb_setup set_configuration = {0, USB_SET_CONFIGURATION, 1, 0, 0};
    device->control(device->data, &set_configuration, NULL, in, &reply);
    return reply.outcome == USB_DONE;
}

static int get_capabilities(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    uint32_t capabilities = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                            USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
    wire_store(file->wire, file->arg_address, &capabilities, sizeof(capabilities));
    return 0;
}

static unsigned u32(const uint8_t *arg)
{
    unsigned value;
    memcpy(&value, arg, sizeof(value));
    return value;
}

static int claim_interface(struct usbfs_file *file, const uint8_t *arg)
{
    return claim(file, u32(arg));
}

static int release_interface(struct usbfs_file *file, const uint8_t *arg)
{
    unsigned interface = u32(arg);
    if (interface >= file->node->endpoint.device->interface_count)
        return -ENOENT;
    if (file->node->owner[interface] != file)
        return -EINVAL;
    file->node->owner[interface] = NULL;
    return 0;
}

/* Send a standard request and answer the ioctl with its outcome. */
static int standard_request(struct usbfs_file *file, struct usb_setup setup)
{
    struct urb *urb = new_urb(file, control_done);
    urb->transfer.setup = setup;
    launch(file);
    return WAITS;
}

static int set_interface(struct usbfs_file *file, const uint8_t *arg)
{
    unsigned interface = u32(arg), alt = u32(arg + 4);
    int result = claim(file, interface);
    if (result < 0)
        return result;
    if (interface == 0 && alt >= file->node->endpoint.device->alt_count)
        return -EINVAL;
    return standard_request(file, (struct usb_setup){USB_RECIPIENT_INTERFACE, USB_SET_INTERFACE,
                                                     (uint16_t)alt, (uint16_t)interface, 0});
}

static int set_configuration(struct usbfs_file *file, const uint8_t *arg)
{
    for (unsigned i = 0; i < INTERFACES_MAX; i++)
        if (file->node->owner[i])
            return -EBUSY;
    if (u32(arg) > 1)
        return -EINVAL;
    return standard_request(file,
                            (struct usb_setup){0, USB_SET_CONFIGURATION, (uint16_t)u32(arg), 0, 0});
}

static int clear_halt(struct usbfs_file *file, const uint8_t *arg)
{
    (void)file, (void)arg;
    return -ENOENT; /* endpoint 0 cannot be cleared and there is no other */
}

static int get_driver(struct usbfs_file *file, const uint8_t *arg)
{
    unsigned interface = u32(arg);
    if (interface >= INTERFACES_MAX || !file->node->owner[interface])
        return -ENODATA;
    wire_store(file->wire, file->arg_address + offsetof(struct usbdevfs_getdriver, driver), "usbfs",
               sizeof("usbfs"));
    return 0;
}

/* Detach or attach a kernel driver: there is never one. */
static int driver_ioctl(struct usbfs_file *file, const uint8_t *arg)
{
    struct usbdevfs_ioctl given;
    memcpy(&given, arg, sizeof(given));
    if (given.ifno < 0 || (unsigned)given.ifno >= file->node->endpoint.device->interface_count)
        return -EINVAL;
    if (given.ioctl_code == (int)USBDEVFS_DISCONNECT)
        return -ENODATA;
    return given.ioctl_code == (int)USBDEVFS_CONNECT ? 0 : -ENOTTY;
}

static int get_speed(struct usbfs_file *file, const uint8_t *arg)
{
    (void)file, (void)arg;
    return FULL_SPEED;
}

static int connect_info(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    struct usbdevfs_connectinfo info = {.devnum = file->node->address};
    wire_store(file->wire, file->arg_address, &info, sizeof(info));
    return 0;
}

static int reset(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    const struct usb_device *device = file->node->endpoint.device;
    device->bus_reset(device->data);
    if (enumerate(device))
        return 0;
    /* The kernel gives up a device that does not answer after a reset. */
    device->event(device->data, USB_UNPLUGGED, 0);
    return -ENODEV;
}

/* ---- dispatch ------------------------------------------------------------------------------- */

static const struct ioctl {
    uint32_t request;
    size_t arg_size; /* bytes to fetch from the program before the handler can run */
    int (*handler)(struct usbfs_file *file, const uint8_t *arg);
} ioctls[] = {
    {USBDEVFS_REAPURBNDELAY, 0, reap},
    {USBDEVFS_SUBMITURB, sizeof(struct usbdevfs_urb), submit_urb},
    {USBDEVFS_DISCARDURB, 0, discard},
    {USBDEVFS_CONTROL, sizeof(struct usbdevfs_ctrltransfer), control},
    {USBDEVFS_GET_CAPABILITIES, 0, get_capabilities},
    {USBDEVFS_CLAIMINTERFACE, 4, claim_interface},
    {USBDEVFS_RELEASEINTERFACE, 4, release_interface},
    {USBDEVFS_SETINTERFACE, 8, set_interface},
    {USBDEVFS_SETCONFIGURATION, 4, set_configuration},
    {USBDEVFS_CLEAR_HALT, 4, clear_halt},
    {USBDEVFS_GETDRIVER, 4, get_driver},
    {USBDEVFS_IOCTL, sizeof(struct usbdevfs_ioctl), driver_ioctl},
    {USBDEVFS_DISCONNECT_CLAIM, 4, claim_interface},
    {USBDEVFS_GET_SPEED, 0, get_speed},
    {USBDEVFS_CONNECTINFO, 0, connect_info},
    {USBDEVFS_RESET, 0, reset},
};

static void handle(void *arg, const uint8_t *data)
{
    struct usbfs_file *file = arg;
    int result = file->handler(file, data);
    if (result != WAITS)
        wire_done(file->wire, result);
}

static void start_ioctl(struct usbfs_file *file, uint32_t request, uint64_t address)
{
    for (size_t i = 0; i < ARRAY_SIZE(ioctls); i++) {
        if (ioctls[i].request != request)
            continue;
        if (file->node->endpoint.gone && ioctls[i].handler != reap)
            break;
        file->handler = ioctls[i].handler;
        file->arg_address = address;
        if (ioctls[i].arg_size)
            wire_fetch(file->wire, address, ioctls[i].arg_size, handle);
        else
            handle(file, NULL);
        return;
    }
    wire_done(file->wire, file->node->endpoint.gone ? -ENODEV : -ENOTTY);
}

/* read() gives the descriptors, as lsusb and old libraries expect. */
static void read_descriptors(struct usbfs_file *file, uint64_t address, uint64_t len)
{
    const struct usb_device *device = file->node->endpoint.device;
    size_t left = device->descriptors_len - file->read_offset;
    if (len > left)
        len = left;
    wire_store(file->wire, address, device->descriptors + file->read_offset, len);
    file->read_offset += len;
    wire_done(file->wire, (int)len);
}

static void request(void *arg, enum wire_kind kind, uint64_t arg1, uint64_t arg2)
{
    struct usbfs_file *file = arg;
    if (kind == WIRE_IOCTL)
        start_ioctl(file, (uint32_t)arg1, arg2);
    else if (file->node->endpoint.gone)
        wire_done(file->wire, -ENODEV);
    else if (kind == WIRE_READ)
        read_descriptors(file, arg1, arg2);
    else
        wire_done(file->wire, -EINVAL);
}

struct usbfs_node *usbfs_node_new(const struct usb_device *device, unsigned address,
                                  const struct sim_clock *clock, const struct usbfs_node_ops *ops,
                                  void *data)
{
    struct usbfs_node *node = xcalloc(1, sizeof(*node));
    node->endpoint = (struct endpoint){.device = device, .clock = clock};
    node->address = address;
    node->ops = ops;
    node->data = data;
    enumerate(device);
    return node;
}

void usbfs_node_disconnect(struct usbfs_node *node)
{
    endpoint_disconnect(&node->endpoint);
    free_if_unused(node);
}

void usbfs_open(struct usbfs_node *node, struct loop *loop, int socket)
{
    static const struct wire_ops ops = {request, file_closed};
    struct usbfs_file *file = xcalloc(1, sizeof(*file));
    file->node = node;
    file->wire = wire_new(loop, socket, &ops, file);
    file->next = node->files;
    node->files = file;
}

void usbfs_node_free(struct usbfs_node *node)
{
    endpoint_disconnect(&node->endpoint);
    while (node->files && node->files->next)
        file_closed(node->files);
    if (node->files)
        file_closed(node->files); /* the node goes with its last file */
    else
        free_if_unused(node);
}
