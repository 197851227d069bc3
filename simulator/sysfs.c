#include "simulator/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define HUB_DEVPATH "/devices/platform/firn-sim/usb1"
#define HUB_PORTS "31"
#define USB_MAJOR 189

/* USB 2.0, 11.23: a high-speed root hub with its status endpoint. */
static const uint8_t hub_descriptors[] = {
    18, 1, 0x00, 0x02, 9, 0, 0, 64, 0x6B, 0x1D, 0x02, 0x00, 0x01, 0x06, 0, 0, 0,    1, 9, 2, 25, 0,
    1,  1, 0,    0xE0, 0, 9, 4, 0,  0,    1,    9,    0,    0,    0,    7, 5, 0x81, 3, 4, 0, 12,
};
static const struct usb_device hub = {
    .descriptors = hub_descriptors,
    .descriptors_len = sizeof(hub_descriptors),
    .manufacturer = "firn",
    .product = "simulated USB bus",
    .serial = "firn-sim",
};

/* Attributes written one after another; after a failure the rest is skipped. */
struct attributes {
    const char *dir;
    bool ok;
    struct err **err;
};

static void write_attribute(struct attributes *a, const char *name, const void *data, size_t len)
{
    if (!a->ok)
        return;
    _cleanup_free_ char *path = path_join(a->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t written = fd < 0 ? -1 : write(fd, data, len);
    int error = written < 0 ? errno : ENOSPC;
    if (fd >= 0)
        close(fd);
    if (written != (ssize_t)len)
        a->ok = err_set_errno(a->err, ERR_FAILED, error, "cannot write '%s'", path);
}

static void PRINTF_LIKE(3, 4)
    attribute(struct attributes *a, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *text = xvasprintf(fmt, ap);
    va_end(ap);
    _cleanup_free_ char *line = xasprintf("%s\n", text);
    write_attribute(a, name, line, strlen(line));
}

static void link_attribute(struct attributes *a, const char *name, const char *target)
{
    if (!a->ok)
        return;
    _cleanup_free_ char *path = path_join(a->dir, name);
    if (symlink(target, path) < 0)
        a->ok = err_set_errno(a->err, ERR_FAILED, errno, "cannot make link '%s'", path);
}

static unsigned le16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

/* The lines of a device's "uevent" file; also the properties of its events. */
static void add_properties(unsigned address, const struct usb_device *device, struct buf *out)
{
    const uint8_t *d = device->descriptors;
    buf_addf(out, "MAJOR=%d\nMINOR=%u\nDEVNAME=bus/usb/001/%03u\nDEVTYPE=usb_device\n", USB_MAJOR,
             address - 1, address);
    buf_addf(out, "DRIVER=usb\nPRODUCT=%x/%x/%x\nTYPE=%u/%u/%u\nBUSNUM=001\nDEVNUM=%03u",
             le16(d + 8), le16(d + 10), le16(d + 12), d[4], d[5], d[6], address);
}

static void write_device(struct attributes *a, unsigned port, unsigned address,
                         const struct usb_device *device)
{
    const uint8_t *d = device->descriptors;
    const uint8_t *configuration = d + d[0];
    _cleanup_(buf_release) struct buf properties = BUF_INIT;
    add_properties(address, device, &properties);
    attribute(a, "uevent", "%s", properties.data);
    attribute(a, "busnum", "1");
    attribute(a, "devnum", "%u", address);
    attribute(a, "devpath", "%u", port);
    attribute(a, "dev", "%d:%u", USB_MAJOR, address - 1);
    attribute(a, "speed", port ? "12" : "480");
    attribute(a, "version", " %x.%02x", d[3], d[2]);
    attribute(a, "idVendor", "%04x", le16(d + 8));
    attribute(a, "idProduct", "%04x", le16(d + 10));
    attribute(a, "bcdDevice", "%04x", le16(d + 12));
    attribute(a, "bDeviceClass", "%02x", d[4]);
    attribute(a, "bDeviceSubClass", "%02x", d[5]);
    attribute(a, "bDeviceProtocol", "%02x", d[6]);
    attribute(a, "bMaxPacketSize0", "%u", d[7]);
    attribute(a, "bNumConfigurations", "%u", d[17]);
    attribute(a, "bNumInterfaces", "%2u", configuration[4]);
    attribute(a, "bConfigurationValue", "%u", configuration[5]);
    attribute(a, "bmAttributes", "%02x", configuration[7]);
    attribute(a, "maxchild", port ? "0" : HUB_PORTS);
    attribute(a, "manufacturer", "%s", device->manufacturer);
    attribute(a, "product", "%s", device->product);
    attribute(a, "serial", "%s", device->serial);
    write_attribute(a, "descriptors", d, device->descriptors_len);
}

/* The directory of interface 0, alternate setting 0: lsusb and udev rules look for it. */
static bool write_interface(const char *parent, const char *name, const struct usb_device *device,
                            struct err **err)
{
    _cleanup_free_ char *dir = xasprintf("%s/%s:1.0", parent, name);
    if (!fs_mkdirs(dir, err))
        return false;
    struct attributes a = {dir, true, err};
    const uint8_t *i = device->descriptors + device->descriptors[0] + 9;
    attribute(&a, "uevent", "DEVTYPE=usb_interface\nINTERFACE=%u/%u/%u", i[5], i[6], i[7]);
    attribute(&a, "bInterfaceNumber", "%02x", i[2]);
    attribute(&a, "bAlternateSetting", "%2u", i[3]);
    attribute(&a, "bNumEndpoints", "%02x", i[4]);
    attribute(&a, "bInterfaceClass", "%02x", i[5]);
    attribute(&a, "bInterfaceSubClass", "%02x", i[6]);
    attribute(&a, "bInterfaceProtocol", "%02x", i[7]);
    return a.ok;
}

bool sysfs_init(const char *root, struct err **err)
{
    static const char *const dirs[] = {"sys/bus/usb/devices", "sys/class", "dev/bus/usb/001",
                                       "ioctl/dev/bus/usb/001", "sys" HUB_DEVPATH};
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        _cleanup_free_ char *dir = path_join(root, dirs[i]);
        if (!fs_mkdirs(dir, err))
            return false;
    }
    _cleanup_free_ char *dir = path_join(root, "sys" HUB_DEVPATH);
    struct attributes a = {dir, true, err};
    write_device(&a, 0, 1, &hub);
    link_attribute(&a, "subsystem", "../../../../bus/usb");
    _cleanup_free_ char *links = path_join(root, "sys/bus/usb/devices");
    a.dir = links;
    link_attribute(&a, "usb1", "../../.." HUB_DEVPATH);
    return a.ok;
}

static bool rename_into(const char *from, const char *to, struct err **err)
{
    if (rename(from, to) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot rename '%s' to '%s'", from, to);
    return true;
}

bool sysfs_add(const char *root, unsigned port, unsigned address, const struct usb_device *device,
               struct err **err)
{
    char name[16];
    snprintf(name, sizeof(name), "1-%u", port);
    _cleanup_free_ char *aside = xasprintf("%s/aside-%s", root, name);
    _cleanup_free_ char *final = xasprintf("%s/sys%s/%s", root, HUB_DEVPATH, name);
    _cleanup_free_ char *links = path_join(root, "sys/bus/usb/devices");
    if (!fs_mkdirs(aside, err))
        return false;
    struct attributes a = {aside, true, err};
    write_device(&a, port, address, device);
    link_attribute(&a, "subsystem", "../../../../../bus/usb");
    if (!a.ok || !write_interface(aside, name, device, err) || !rename_into(aside, final, err))
        return false;
    _cleanup_free_ char *target = xasprintf("../../..%s/%s", HUB_DEVPATH, name);
    a.dir = links;
    link_attribute(&a, name, target);
    return a.ok;
}

bool sysfs_remove(const char *root, unsigned port, struct err **err)
{
    _cleanup_free_ char *link = xasprintf("%s/sys/bus/usb/devices/1-%u", root, port);
    _cleanup_free_ char *dir = xasprintf("%s/sys%s/1-%u", root, HUB_DEVPATH, port);
    _cleanup_free_ char *aside = xasprintf("%s/aside-1-%u", root, port);
    if (unlink(link) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot remove '%s'", link);
    return rename_into(dir, aside, err) && fs_remove_tree(aside, err);
}

char *sysfs_node_path(const char *root, unsigned address)
{
    return xasprintf("%s/dev/bus/usb/001/%03u", root, address);
}

char *sysfs_socket_path(const char *root, unsigned address)
{
    return xasprintf("%s/ioctl/dev/bus/usb/001/%03u", root, address);
}

void sysfs_add_uevent(const char *action, unsigned port, unsigned address,
                      const struct usb_device *device, uint64_t seqnum, struct buf *out)
{
    _cleanup_(buf_release) struct buf properties = BUF_INIT;
    buf_addf(&properties, "ACTION=%s\nDEVPATH=%s/1-%u\nSUBSYSTEM=usb\nSEQNUM=%llu\n", action,
             HUB_DEVPATH, port, (unsigned long long)seqnum);
    add_properties(address, device, &properties);
    for (size_t i = 0; i < properties.len; i++)
        if (properties.data[i] == '\n')
            properties.data[i] = '\0';
    buf_addf(out, "%s@%s/1-%u", action, HUB_DEVPATH, port);
    buf_addc(out, '\0');
    buf_add(out, properties.data, properties.len + 1);
}
