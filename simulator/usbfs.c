#include "simulator/usbfs.h"

#include <errno.h>
#include <limits.h>
#include <linux/usbdevice_fs.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/mem.h"
#include "simulator/claims.h"
#include "simulator/urb.h"
#include "simulator/usb_interface.h"

#define RESET_US 10000 /* a bus reset takes at least that (USB 2.0, 7.1.7.5) */
#define FULL_SPEED 2   /* USB_SPEED_FULL of linux/usb/ch9.h, what USBDEVFS_GET_SPEED returns */

struct usbfs_file;

struct usbfs_node {
    struct endpoint endpoint;
    unsigned address;
    const struct usbfs_node_ops *ops;
    void *data;
    struct usbfs_file *files;
    struct claims claims;
    bool ready;
};

struct usbfs_file {
    struct usbfs_node *node;
    struct wire *wire;
    struct urbs urbs;
    const struct ioctl *ioctl; /* the one whose argument is being fetched ... */
    uint64_t arg_address;      /* ... from here */
    size_t read_offset;
    struct usbfs_file *next;
};

/* Runs an ioctl; arg holds arg_size bytes of its argument. Returns as urb.h says. */
typedef int (*ioctl_fn)(struct usbfs_file *file, const uint8_t *arg);
struct ioctl {
    uint32_t request;
    size_t arg_size; /* bytes to fetch from the program before it can run */
    ioctl_fn run;
};

static const struct usb_device *device_of(const struct usbfs_file *file)
{
    return file->node->endpoint.device;
}

/* ---- interfaces ----------------------------------------------------------------------------- */

static int check_recipient(void *arg, const struct usb_setup *setup)
{
    struct usbfs_file *file = arg;
    return claims_check(&file->node->claims, file, setup);
}

static unsigned u32(const uint8_t *arg)
{
    unsigned value;
    memcpy(&value, arg, sizeof(value));
    return value;
}

static int claim_interface(struct usbfs_file *file, const uint8_t *arg)
{
    return claims_take(&file->node->claims, file, u32(arg));
}

static int release_interface(struct usbfs_file *file, const uint8_t *arg)
{
    return claims_release(&file->node->claims, file, u32(arg));
}

static int set_interface(struct usbfs_file *file, const uint8_t *arg)
{
    unsigned interface = u32(arg), alt = u32(arg + 4);
    int result = claims_take(&file->node->claims, file, interface);
    if (result < 0)
        return result;
    if (!usb_interface_find(device_of(file), interface, alt))
        return -EINVAL;
    const struct usb_setup setup = {USB_RECIPIENT_INTERFACE, USB_SET_INTERFACE, (uint16_t)alt,
                                    (uint16_t)interface, 0};
    return urbs_request(&file->urbs, &setup);
}

static void requested(void *arg, const struct usb_setup *setup)
{
    struct usbfs_file *file = arg;
    if (setup->request == USB_SET_INTERFACE)
        claims_choose(&file->node->claims, setup->index, setup->value);
}

/* 0 and -1 unconfigure. */
static int set_configuration(struct usbfs_file *file, const uint8_t *arg)
{
    struct usbfs_node *node = file->node;
    unsigned value = u32(arg) == UINT_MAX ? 0 : u32(arg);
    if (claims_any(&node->claims))
        return -EBUSY;
    if (value > 1)
        return -EINVAL;
    const struct usb_setup setup = {0, USB_SET_CONFIGURATION, (uint16_t)value, 0, 0};
    node->claims.configured = value;
    node->ops->configured(node->data, value);
    return urbs_request(&file->urbs, &setup);
}

/* ---- kernel drivers ------------------------------------------------------------------------- */

static int get_driver(struct usbfs_file *file, const uint8_t *arg)
{
    const char *name = claims_driver(&file->node->claims, u32(arg));
    if (!name)
        return -ENODATA;
    wire_store(file->wire, file->arg_address + offsetof(struct usbdevfs_getdriver, driver), name,
               strlen(name) + 1);
    return 0;
}

/* If the kernel's drivers let go or took hold, the front-end has to know. */
static int tell_driven(const struct usbfs_node *node, bool before, int result)
{
    if (node->claims.driven != before)
        node->ops->driven(node->data, node->claims.driven);
    return result;
}

static int driver_ioctl(struct usbfs_file *file, const uint8_t *arg)
{
    struct usbdevfs_ioctl given;
    memcpy(&given, arg, sizeof(given));
    bool before = file->node->claims.driven;
    return tell_driven(file->node, before, claims_drive(&file->node->claims, &given));
}

static int disconnect_claim(struct usbfs_file *file, const uint8_t *arg)
{
    struct claims *claims = &file->node->claims;
    struct usbdevfs_disconnect_claim given;
    memcpy(&given, arg, sizeof(given));
    bool before = claims->driven;
    return tell_driven(file->node, before, claims_take_from(claims, file, &given));
}

/* ---- the device as a whole ------------------------------------------------------------------ */

/* The kernel gives up a device that does not answer. */
static void reset_is_over(void *arg)
{
    const struct usbfs_file *file = arg;
    const struct usb_device *device = device_of(file);
    bool gone = file->node->endpoint.gone, configured = !gone && claims_enumerate(device);
    if (!gone && !configured)
        device->event(device->data, USB_UNPLUGGED, 0);
    wire_done(file->wire, configured ? 0 : -ENODEV);
}

/* Linux takes the interfaces away from usbfs, which cannot prepare for a reset. */
static int reset(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    const struct usb_device *device = device_of(file);
    claims_release_all(&file->node->claims, NULL);
    endpoint_flush(&file->node->endpoint);
    device->bus_reset(device->data);
    clock_after(file->node->endpoint.clock, RESET_US, reset_is_over, file);
    return URB_WAITS;
}

static int clear_halt(struct usbfs_file *file, const uint8_t *arg)
{
    unsigned address = u32(arg);
    int result = claims_check_endpoint(&file->node->claims, file, address);
    const struct usb_setup setup = {USB_RECIPIENT_ENDPOINT, USB_CLEAR_FEATURE, 0, (uint16_t)address,
                                    0};
    return result < 0 ? result : urbs_request(&file->urbs, &setup);
}

static int reset_endpoint(struct usbfs_file *file, const uint8_t *arg)
{
    return claims_check_endpoint(&file->node->claims, file, u32(arg));
}

static int get_capabilities(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    uint32_t capabilities = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                            USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
    wire_store(file->wire, file->arg_address, &capabilities, sizeof(capabilities));
    return 0;
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

/* ---- transfers ------------------------------------------------------------------------------ */

static int submit(struct usbfs_file *file, const uint8_t *arg)
{
    return urbs_submit(&file->urbs, arg, file->arg_address);
}

static int control(struct usbfs_file *file, const uint8_t *arg)
{
    return urbs_control(&file->urbs, arg);
}

static int reap(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    return urbs_reap(&file->urbs, file->arg_address);
}

static int discard(struct usbfs_file *file, const uint8_t *arg)
{
    (void)arg;
    return urbs_discard(&file->urbs, file->arg_address);
}

static void update_ready(void *arg)
{
    struct usbfs_file *file = arg;
    struct usbfs_node *node = file->node;
    bool ready = false;
    for (const struct usbfs_file *other = node->files; other; other = other->next)
        ready = ready || urbs_reapable(&other->urbs);
    if (ready == node->ready)
        return;
    node->ready = ready;
    node->ops->ready(node->data, ready);
}

/* ---- dispatch ------------------------------------------------------------------------------- */

static const struct ioctl ioctls[] = {
    {USBDEVFS_REAPURBNDELAY, 0, reap},
    {USBDEVFS_SUBMITURB, sizeof(struct usbdevfs_urb), submit},
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
    {USBDEVFS_DISCONNECT_CLAIM, sizeof(struct usbdevfs_disconnect_claim), disconnect_claim},
    {USBDEVFS_RESETEP, 4, reset_endpoint},
    {USBDEVFS_GET_SPEED, 0, get_speed},
    {USBDEVFS_CONNECTINFO, 0, connect_info},
    {USBDEVFS_RESET, 0, reset},
};

static void run_ioctl(void *arg, const uint8_t *data)
{
    struct usbfs_file *file = arg;
    bool gone = file->node->endpoint.gone;
    /* What was complete at the disconnection can still be reaped; nothing else works. */
    int result = gone && file->ioctl->run != reap ? -ENODEV : file->ioctl->run(file, data);
    if (result != URB_WAITS)
        wire_done(file->wire, result);
}

static void start_ioctl(struct usbfs_file *file, uint32_t request, uint64_t address)
{
    size_t i = 0;
    while (i < ARRAY_SIZE(ioctls) && ioctls[i].request != request)
        i++;
    if (i == ARRAY_SIZE(ioctls)) {
        wire_done(file->wire, file->node->endpoint.gone ? -ENODEV : -ENOTTY);
        return;
    }
    file->ioctl = &ioctls[i];
    file->arg_address = address;
    if (file->ioctl->arg_size)
        wire_fetch(file->wire, address, file->ioctl->arg_size, run_ioctl, file);
    else
        run_ioctl(file, NULL);
}

/* read() gives the descriptors, as lsusb and old libraries expect. */
static void read_descriptors(struct usbfs_file *file, uint64_t address, uint64_t len)
{
    const struct usb_device *device = device_of(file);
    size_t left = device->descriptors_len - file->read_offset;
    if (len > left)
        len = left;
    wire_store(file->wire, address, device->descriptors + file->read_offset, len);
    file->read_offset += len;
    wire_done(file->wire, (int)len);
}

static void on_request(void *arg, enum wire_kind kind, uint64_t arg1, uint64_t arg2)
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

/* ---- nodes and files ------------------------------------------------------------------------ */

struct usbfs_node *usbfs_node_new(const struct usb_device *device, unsigned address,
                                  const struct sim_clock *clock, const struct usbfs_node_ops *ops,
                                  void *data)
{
    struct usbfs_node *node = xcalloc(1, sizeof(*node));
    node->endpoint = (struct endpoint){.device = device, .clock = clock};
    node->claims = (struct claims){.device = device, .configured = true, .driven = true};
    node->claims.chosen = ops->chosen;
    node->claims.data = data;
    node->address = address;
    node->ops = ops;
    node->data = data;
    claims_enumerate(device);
    return node;
}

static void free_if_unused(struct usbfs_node *node)
{
    if (!node->endpoint.gone || node->files)
        return;
    node->ops->freed(node->data);
    free(node);
}

/* The program closed the descriptor, or died. */
static void on_closed(void *arg)
{
    struct usbfs_file *file = arg;
    struct usbfs_node *node = file->node;
    clock_cancel(node->endpoint.clock, file);
    wire_free(file->wire);
    urbs_release(&file->urbs);
    update_ready(file);
    if (!node->endpoint.gone)
        claims_release_all(&node->claims, file);
    struct usbfs_file **link = &node->files;
    while (*link != file)
        link = &(*link)->next;
    *link = file->next;
    free(file);
    free_if_unused(node);
}

void usbfs_open(struct usbfs_node *node, struct loop *loop, int socket)
{
    static const struct wire_ops ops = {on_request, on_closed};
    struct usbfs_file *file = xcalloc(1, sizeof(*file));
    file->node = node;
    file->wire = wire_new(loop, socket, &ops, file);
    file->urbs = (struct urbs){.endpoint = &node->endpoint,
                               .wire = file->wire,
                               .check = check_recipient,
                               .changed = update_ready,
                               .requested = requested,
                               .arg = file};
    file->next = node->files;
    node->files = file;
}

void usbfs_node_disconnect(struct usbfs_node *node)
{
    endpoint_disconnect(&node->endpoint);
    free_if_unused(node);
}

void usbfs_node_free(struct usbfs_node *node)
{
    endpoint_disconnect(&node->endpoint);
    struct usbfs_file *file = node->files, *next;
    if (!file)
        free_if_unused(node);
    for (; file; file = next) {
        next = file->next;
        on_closed(file); /* the node goes with its last file */
    }
}
