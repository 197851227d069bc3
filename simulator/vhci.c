#include "simulator/vhci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "simulator/usbip.h"

#define ATTACH_PATH "/sys/devices/platform/vhci_hcd.0/attach"
#define FULL_SPEED 2 /* USB_SPEED_FULL of linux/usb/ch9.h */
#define RETRY_US 5000
#define RETRY_LIMIT_US                                                                             \
    2000000 /* a port is free again some milliseconds after its device is gone                     \
             */

/* A device's time on the bus. Kept for a while after it, see retire(). */
struct attachment {
    struct vhci *vhci;
    unsigned port;
    const struct usb_device *device;
    struct usbip *usbip; /* NULL: the kernel has not taken it yet */
    uint64_t give_up_us;
    bool configured;
    struct attachment *next;
};

struct vhci {
    struct loop *loop;
    vhci_attach_fn attach;
    void *data;
    struct attachment *plugged;
    struct attachment *retired;
    bool timed_out, waiting; /* vhci_wait() */
};

/* ---- the kernel ----------------------------------------------------------------------------- */

/* Each controller has a USB 2 and a USB 3 root hub and counts their ports in one go. */
static unsigned kernel_port(unsigned port)
{
    unsigned i = port - 1;
    return i / VHCI_HUB_PORTS * 2 * VHCI_HUB_PORTS + i % VHCI_HUB_PORTS;
}

int vhci_attach_sysfs(void *data, unsigned port, int socket)
{
    (void)data;
    char line[64];
    /* The device's number there is of no meaning here; the kernel sends it back in each message. */
    int len = snprintf(line, sizeof(line), "%u %d %u %d", port, socket, port + 1, FULL_SPEED);
    int fd = open(ATTACH_PATH, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = write(fd, line, (size_t)len) < 0 ? errno : 0;
    close(fd);
    return error;
}

bool vhci_check(struct err **err)
{
    if (access(ATTACH_PATH, W_OK) == 0)
        return true;
    if (errno == EACCES || errno == EROFS) {
        err_set_errno(err, ERR_FAILED, errno, "cannot plug boards into the kernel's USB bus");
        return err_hint(err, "run this as root, or without --kernel");
    }
    err_set(err, ERR_FAILED, "the kernel has no host controller for simulated boards (%s)",
            ATTACH_PATH);
    return err_hint(err, "load it as root with 'modprobe vhci-hcd', or leave out --kernel, which "
                         "needs neither");
}

/* ---- plugging in and out -------------------------------------------------------------------- */

static struct attachment **find(struct vhci *vhci, unsigned port)
{
    struct attachment **link = &vhci->plugged;
    while (*link && (*link)->port != port)
        link = &(*link)->next;
    return link;
}

static void free_first(struct attachment **list)
{
    struct attachment *attachment = *list;
    *list = attachment->next;
    clock_cancel(loop_clock(attachment->vhci->loop), attachment);
    usbip_free(attachment->usbip);
    free(attachment);
}

static void free_retired(void *arg)
{
    struct attachment *attachment = arg;
    struct attachment **link = &attachment->vhci->retired;
    while (*link != attachment)
        link = &(*link)->next;
    free_first(link);
}

/* Whoever pulls a cable may do it from inside the device's last transfer: free it later. */
static void retire(struct attachment **link)
{
    struct attachment *attachment = *link;
    struct vhci *vhci = attachment->vhci;
    *link = attachment->next;
    clock_cancel(loop_clock(vhci->loop), attachment);
    if (attachment->usbip)
        usbip_disconnect(attachment->usbip);
    attachment->next = vhci->retired;
    vhci->retired = attachment;
    clock_after(loop_clock(vhci->loop), 0, free_retired, attachment);
}

static bool all_configured(const struct vhci *vhci)
{
    for (const struct attachment *a = vhci->plugged; a; a = a->next)
        if (!a->configured)
            return false;
    return true;
}

static void on_configured(void *data)
{
    struct attachment *attachment = data;
    struct vhci *vhci = attachment->vhci;
    attachment->configured = true;
    if (vhci->waiting && all_configured(vhci))
        loop_stop(vhci->loop);
}

/* The kernel let go of the device ("detach", or the module was removed). */
static void on_closed(void *data, const struct err *reason)
{
    struct attachment *attachment = data;
    fprintf(stderr, "warning: the kernel let go of the board in port %u%s%s\n", attachment->port,
            reason ? ": " : "", reason ? reason->message : "");
    retire(find(attachment->vhci, attachment->port));
}

static const struct usbip_ops ops = {on_configured, on_closed};

/* 0 or an errno. */
static int attach(struct attachment *attachment)
{
    struct vhci *vhci = attachment->vhci;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return errno;
    int error = vhci->attach(vhci->data, kernel_port(attachment->port), ends[1]);
    close(ends[1]); /* the kernel holds its own reference */
    if (error)
        close(ends[0]);
    else
        attachment->usbip = usbip_new(vhci->loop, ends[0], attachment->device, &ops, attachment);
    return error;
}

static void attach_again(void *arg)
{
    struct attachment *attachment = arg;
    const struct sim_clock *clock = loop_clock(attachment->vhci->loop);
    int error = attach(attachment);
    if (error == EBUSY && clock_now_us(clock) < attachment->give_up_us) {
        clock_after(clock, RETRY_US, attach_again, attachment);
    } else if (error) {
        fprintf(stderr, "error: cannot plug a board into port %u of the kernel's USB bus: %s\n",
                attachment->port, strerror(error));
    }
}

bool vhci_plug(struct vhci *vhci, unsigned port, const struct usb_device *device, struct err **err)
{
    const struct sim_clock *clock = loop_clock(vhci->loop);
    struct attachment *attachment = xcalloc(1, sizeof(*attachment));
    *attachment = (struct attachment){.vhci = vhci,
                                      .port = port,
                                      .device = device,
                                      .give_up_us = clock_now_us(clock) + RETRY_LIMIT_US};
    int error = attach(attachment);
    if (error && error != EBUSY) {
        free(attachment);
        return err_set_errno(err, ERR_FAILED, error,
                             "cannot plug a board into port %u of the kernel's USB bus", port);
    }
    attachment->next = vhci->plugged;
    vhci->plugged = attachment;
    if (error == EBUSY)
        clock_after(clock, RETRY_US, attach_again, attachment);
    return true;
}

void vhci_unplug(struct vhci *vhci, unsigned port)
{
    struct attachment **link = find(vhci, port);
    if (*link)
        retire(link);
}

/* ---- the whole ------------------------------------------------------------------------------ */

struct vhci *vhci_new(struct loop *loop, vhci_attach_fn attach_fn, void *data)
{
    struct vhci *vhci = xcalloc(1, sizeof(*vhci));
    vhci->loop = loop;
    vhci->attach = attach_fn;
    vhci->data = data;
    return vhci;
}

void vhci_free(struct vhci *vhci)
{
    if (!vhci)
        return;
    while (vhci->plugged)
        free_first(&vhci->plugged);
    while (vhci->retired)
        free_first(&vhci->retired);
    free(vhci);
}

static void give_up(void *arg)
{
    struct vhci *vhci = arg;
    vhci->timed_out = true;
    loop_stop(vhci->loop);
}

bool vhci_wait(struct vhci *vhci, unsigned timeout_ms, struct err **err)
{
    if (all_configured(vhci))
        return true;
    vhci->timed_out = false;
    vhci->waiting = true;
    clock_after(loop_clock(vhci->loop), timeout_ms * UINT64_C(1000), give_up, vhci);
    bool ok = loop_run(vhci->loop, err);
    vhci->waiting = false;
    clock_cancel(loop_clock(vhci->loop), vhci);
    if (!ok || !vhci->timed_out)
        return ok;
    err_set(err, ERR_DEVICE, "the kernel did not configure the simulated boards within %u ms",
            timeout_ms);
    return err_hint(err, "'dmesg' tells what it made of them");
}

/* The kernel has root hubs of its own, and its ports are counted through. */
static unsigned flat_port(const struct port_path *path)
{
    return (path->bus - 1) * PORT_PATH_PORTS + path->port[0];
}

static bool bus_plug(void *data, const struct port_path *path, const struct usb_device *device,
                     struct err **err)
{
    if (path->depth == 0)
        return true;
    if (path->depth > 1 || device->hub_ports > 0)
        return err_set(err, ERR_USAGE, "there are no simulated hubs on the kernel's USB bus");
    return vhci_plug(data, flat_port(path), device, err);
}

static bool bus_unplug(void *data, const struct port_path *path, struct err **err)
{
    (void)err;
    if (path->depth == 1)
        vhci_unplug(data, flat_port(path));
    return true;
}

static void bus_free(void *data)
{
    vhci_free(data);
}

struct bus vhci_bus(struct vhci *vhci)
{
    return (struct bus){bus_plug, bus_unplug, bus_free, vhci};
}
