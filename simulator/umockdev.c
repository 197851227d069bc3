#include "simulator/umockdev.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "simulator/acm.h"
#include "simulator/sysfs.h"
#include "simulator/sysfs_interface.h"
#include "simulator/sysfs_tty.h"
#include "simulator/uevent.h"
#include "simulator/unix_socket.h"
#include "simulator/usbfs.h"

#define PIPE_BYTES                                                                                 \
    4096 /* the smallest pipe: one page, filled by one byte as far as poll() goes                  \
          */

/* A device's time on the bus. Stays until the last program closed it. */
struct node {
    struct umockdev *bus;
    struct sysfs_device place;
    struct usbfs_node *usbfs;
    int listener; /* programs that open the node connect here; -1 once it is unplugged */
    int fifo;
    struct acm *acm; /* NULL: it has no terminal */
    unsigned terminal;
    struct node *next;
};

struct umockdev {
    struct loop *loop;
    char *root;
    struct uevents *uevents;
    struct acm_driver *acm_driver; /* NULL: no device needed it yet */
    uint64_t seqnum;
    unsigned *last_address; /* of each bus */
    unsigned bus_count;
    struct node *nodes;
};

static void on_ready(void *data, bool ready)
{
    const struct node *node = data;
    char byte = 0;
    /* The pipe holds at most our one byte, so neither call can block or fail. */
    ssize_t done = ready ? read(node->fifo, &byte, 1) : write(node->fifo, &byte, 1);
    (void)done;
}

static void on_freed(void *data)
{
    struct node *node = data;
    struct node **link = &node->bus->nodes;
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    if (node->fifo >= 0)
        close(node->fifo);
    free(node);
}

static void on_configured(void *data, unsigned value)
{
    const struct node *node = data;
    _cleanup_err_ struct err *err = NULL;
    if (!sysfs_configure(node->bus->root, &node->place, value, &err))
        fprintf(stderr, "warning: %s\n", err->message);
}

static void on_chosen(void *data, unsigned interface, unsigned alt)
{
    const struct node *node = data;
    _cleanup_err_ struct err *err = NULL;
    if (!sysfs_choose(node->bus->root, &node->place, interface, alt, &err))
        fprintf(stderr, "warning: %s\n", err->message);
}

static void on_driven(void *data, bool driven);
static const struct usbfs_node_ops node_ops = {on_ready, on_configured, on_chosen, on_driven,
                                               on_freed};

static void on_connect(void *arg)
{
    struct node *node = arg;
    int fd;
    while ((fd = accept4(node->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        usbfs_open(node->usbfs, node->bus->loop, fd);
}

bool umockdev_new(struct loop *loop, const char *root, struct umockdev **bus, struct err **err)
{
    if (strlen(root) > UMOCKDEV_ROOT_MAX)
        return err_set(err, ERR_USAGE, "'%s' is too long for the sockets of a USB bus", root);
    if (!sysfs_init(root, err))
        return false;
    struct uevents *uevents = uevents_new(loop, root, err);
    if (!uevents)
        return false;
    *bus = xcalloc(1, sizeof(**bus));
    **bus = (struct umockdev){.loop = loop, .root = xstrdup(root), .uevents = uevents};
    return true;
}

/* Neither programs nor the bus can reach the node by its path any more. */
static void close_listener(struct node *node)
{
    if (node->listener < 0)
        return;
    _cleanup_free_ char *socket_path = sysfs_socket_path(node->bus->root, &node->place);
    _cleanup_free_ char *node_path = sysfs_node_path(node->bus->root, &node->place);
    unlink(node_path);
    unlink(socket_path);
    loop_unwatch(node->bus->loop, node->listener);
    close(node->listener);
    node->listener = -1;
}

void umockdev_free(struct umockdev *bus)
{
    if (!bus)
        return;
    while (bus->nodes) {
        struct node *node = bus->nodes;
        close_listener(node);
        acm_free(node->acm);
        node->acm = NULL;
        usbfs_node_free(node->usbfs);
    }
    acm_driver_free(bus->acm_driver);
    uevents_free(bus->uevents);
    free(bus->last_address);
    free(bus->root);
    free(bus);
}

static struct node *find_plugged(const struct umockdev *bus, const struct port_path *path)
{
    for (struct node *node = bus->nodes; node; node = node->next)
        if (port_path_equal(&node->place.path, path) && node->listener >= 0)
            return node;
    return NULL;
}

/* ---- addresses ------------------------------------------------------------------------------ */

static bool address_used(const struct umockdev *bus, unsigned number, unsigned address)
{
    for (const struct node *node = bus->nodes; node; node = node->next)
        if (node->place.path.bus == number && node->place.address == address)
            return true;
    return false;
}

/* The next free address, going round as Linux does (choose_devnum); a root hub has 1. */
static bool choose_address(struct umockdev *bus, const struct port_path *path, unsigned *address,
                           struct err **err)
{
    if (path->bus > bus->bus_count) {
        bus->last_address = xreallocarray(bus->last_address, path->bus, sizeof(unsigned));
        while (bus->bus_count < path->bus)
            bus->last_address[bus->bus_count++] = SYSFS_ADDRESSES;
    }
    unsigned *last = &bus->last_address[path->bus - 1];
    unsigned lowest = path->depth == 0 ? 1 : 2;
    for (unsigned tries = 0; tries < SYSFS_ADDRESSES; tries++) {
        *last = *last < SYSFS_ADDRESSES ? *last + 1 : lowest;
        if (address_used(bus, path->bus, *last))
            continue;
        *address = *last;
        return true;
    }
    return err_set(err, ERR_USAGE, "all %d addresses of bus %u are taken", SYSFS_ADDRESSES,
                   path->bus);
}

static bool check_port(const struct umockdev *bus, const struct port_path *path, struct err **err)
{
    _cleanup_free_ char *name = port_path_name(path);
    if (find_plugged(bus, path))
        return err_set(err, ERR_USAGE, "there is a device in %s", name);
    if (path->depth == 0)
        return true;
    const struct port_path parent = port_path_parent(path);
    const struct node *hub = find_plugged(bus, &parent);
    if (hub && path->port[path->depth - 1] <= hub->place.device->hub_ports)
        return true;
    return err_set(err, ERR_USAGE, "there is no port %s", name);
}

/* ---- plugging ------------------------------------------------------------------------------- */

static bool make_fifo(const char *path, int *fd, struct err **err)
{
    char byte = 0;
    if (mkfifo(path, 0666) < 0 || (*fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0 ||
        fcntl(*fd, F_SETPIPE_SZ, PIPE_BYTES) < 0 || write(*fd, &byte, 1) != 1)
        return err_set_errno(err, ERR_FAILED, errno, "cannot make device node '%s'", path);
    return true;
}

static bool make_node(struct node *node, struct err **err)
{
    _cleanup_free_ char *socket_path = sysfs_socket_path(node->bus->root, &node->place);
    _cleanup_free_ char *node_path = sysfs_node_path(node->bus->root, &node->place);
    return unix_listen(socket_path, &node->listener, err) && make_fifo(node_path, &node->fifo, err);
}

static void send_uevent(struct node *node, const char *action)
{
    _cleanup_(buf_release) struct buf event = BUF_INIT;
    sysfs_add_uevent(action, &node->place, ++node->bus->seqnum, &event);
    uevents_send(node->bus->uevents, event.data, event.len);
}

/* ---- terminals ------------------------------------------------------------------------------ */

static bool terminal_used(const struct umockdev *bus, unsigned number)
{
    for (const struct node *node = bus->nodes; node; node = node->next)
        if (node->acm && node->terminal == number)
            return true;
    return false;
}

static void send_terminal_uevent(struct node *node, const char *action)
{
    _cleanup_(buf_release) struct buf event = BUF_INIT;
    sysfs_tty_add_uevent(action, &node->place, node->terminal, ++node->bus->seqnum, &event);
    uevents_send(node->bus->uevents, event.data, event.len);
}

/* The first free number, as Linux gives them out. */
static bool add_terminal(struct node *node, struct err **err)
{
    struct umockdev *bus = node->bus;
    struct acm *acm;
    unsigned number = 0;
    while (terminal_used(bus, number))
        number++;
    if (!bus->acm_driver && !(bus->acm_driver = acm_driver_new(bus->loop, err)))
        return false;
    if (!acm_new(bus->acm_driver, node->place.device, &acm, err))
        return false;
    if (!sysfs_tty_add(bus->root, &node->place, number, acm_terminal(acm), err)) {
        acm_free(acm);
        return false;
    }
    node->acm = acm;
    node->terminal = number;
    send_terminal_uevent(node, "add");
    return true;
}

static bool remove_terminal(struct node *node, struct err **err)
{
    if (!node->acm)
        return true;
    if (!sysfs_tty_remove(node->bus->root, &node->place, node->terminal, err))
        return false;
    send_terminal_uevent(node, "remove");
    acm_free(node->acm);
    node->acm = NULL;
    return true;
}

static void on_driven(void *data, bool driven)
{
    struct node *node = data;
    _cleanup_err_ struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (driven ? !acm_is_one(node->place.device) || add_terminal(node, &err)
               : remove_terminal(node, &err))
        return;
    err_format(err, &text);
    fprintf(stderr, "%s", text.data);
}

/* ---- the bus -------------------------------------------------------------------------------- */

bool umockdev_plug(struct umockdev *bus, const struct port_path *path,
                   const struct usb_device *device, struct err **err)
{
    unsigned address = 0;
    if (!check_port(bus, path, err) || !choose_address(bus, path, &address, err))
        return false;
    struct node *node = xcalloc(1, sizeof(*node));
    *node = (struct node){.bus = bus,
                          .place = {*path, address, device},
                          .listener = -1,
                          .fifo = -1,
                          .next = bus->nodes};
    bus->nodes = node;
    node->usbfs = usbfs_node_new(device, address, loop_clock(bus->loop), &node_ops, node);
    if ((path->depth == 0 && !sysfs_add_bus(bus->root, path->bus, err)) || !make_node(node, err) ||
        !sysfs_add(bus->root, &node->place, err)) {
        close_listener(node);
        usbfs_node_disconnect(node->usbfs);
        return false;
    }
    loop_watch(bus->loop, node->listener, on_connect, node);
    send_uevent(node, "add");
    return !acm_is_one(device) || add_terminal(node, err);
}

static bool has_children(const struct umockdev *bus, const struct port_path *path)
{
    for (const struct node *node = bus->nodes; node; node = node->next) {
        if (node->listener < 0 || node->place.path.depth == 0)
            continue;
        const struct port_path parent = port_path_parent(&node->place.path);
        if (port_path_equal(&parent, path))
            return true;
    }
    return false;
}

bool umockdev_unplug(struct umockdev *bus, const struct port_path *path, struct err **err)
{
    struct node *node = find_plugged(bus, path);
    if (!node)
        return true;
    assert(!has_children(bus, path));
    if (!remove_terminal(node, err) || !sysfs_remove(bus->root, &node->place, err))
        return false;
    /* Whoever opened the node just now and waits for us shall find the device gone. */
    on_connect(node);
    close_listener(node);
    send_uevent(node, "remove");
    usbfs_node_disconnect(node->usbfs);
    return true;
}

static bool bus_plug(void *data, const struct port_path *path, const struct usb_device *device,
                     struct err **err)
{
    return umockdev_plug(data, path, device, err);
}

static bool bus_unplug(void *data, const struct port_path *path, struct err **err)
{
    return umockdev_unplug(data, path, err);
}

static void bus_free(void *data)
{
    umockdev_free(data);
}

struct bus umockdev_bus(struct umockdev *bus)
{
    return (struct bus){bus_plug, bus_unplug, bus_free, bus};
}

/* Ask the dynamic linker, in a process that is thrown away. */
bool umockdev_check_library(const char *library, struct err **err)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(dlopen(library, RTLD_LAZY) ? 0 : 1);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
        return true;
    err_set(err, ERR_FAILED, "the simulated USB bus needs %s, which is not installed", library);
    return err_hint(err, "install Debian's package 'umockdev': apt-get install umockdev");
}
