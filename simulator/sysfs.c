#include "simulator/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/sysfs_interface.h"
#include "simulator/usb_interface.h"

#define USB_MAJOR 189
#define BUS_MINORS 128 /* minor numbers of one bus */
#define LINKS "sys/bus/usb/devices"
#define UP "../../.." /* from there, and from the class directories, to /sys */

/* ---- attributes ----------------------------------------------------------------------------- */

static void write_attribute(struct sysfs_attributes *a, const char *name, const void *data,
                            size_t len)
{
    if (!a->ok)
        return;
    _cleanup_free_ char *path = path_join(a->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    /* Cut after it is written: a program that reads it meanwhile does not find it empty. */
    ssize_t written = fd < 0 ? -1 : write(fd, data, len);
    int error = written < 0 ? errno : ENOSPC;
    if (written == (ssize_t)len && ftruncate(fd, written) < 0)
        written = -1, error = errno;
    if (fd >= 0)
        close(fd);
    if (written != (ssize_t)len)
        a->ok = err_set_errno(a->err, ERR_FAILED, error, "cannot write '%s'", path);
}

void sysfs_attribute(struct sysfs_attributes *a, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *text = xvasprintf(fmt, ap);
    va_end(ap);
    _cleanup_free_ char *line = xasprintf("%s\n", text);
    write_attribute(a, name, line, strlen(line));
}

void sysfs_link(struct sysfs_attributes *a, const char *name, const char *target)
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

static unsigned minor_of(const struct sysfs_device *device)
{
    return (device->path.bus - 1) * BUS_MINORS + device->address - 1;
}

/* The lines of a device's "uevent" file; also the properties of its events. */
static void add_properties(const struct sysfs_device *device, struct buf *out)
{
    const uint8_t *d = device->device->descriptors;
    unsigned bus = device->path.bus, address = device->address;
    buf_addf(out, "MAJOR=%d\nMINOR=%u\nDEVNAME=bus/usb/%03u/%03u\nDEVTYPE=usb_device\n", USB_MAJOR,
             minor_of(device), bus, address);
    buf_addf(out, "DRIVER=usb\nPRODUCT=%x/%x/%x\nTYPE=%u/%u/%u\nBUSNUM=%03u\nDEVNUM=%03u",
             le16(d + 8), le16(d + 10), le16(d + 12), d[4], d[5], d[6], bus, address);
}

static void write_place(struct sysfs_attributes *a, const struct sysfs_device *device)
{
    _cleanup_(buf_release) struct buf properties = BUF_INIT;
    _cleanup_free_ char *ports = port_path_ports(&device->path);
    add_properties(device, &properties);
    sysfs_attribute(a, "uevent", "%s", properties.data);
    sysfs_attribute(a, "busnum", "%u", device->path.bus);
    sysfs_attribute(a, "devnum", "%u", device->address);
    sysfs_attribute(a, "devpath", "%s", ports);
    sysfs_attribute(a, "dev", "%d:%u", USB_MAJOR, minor_of(device));
    sysfs_attribute(a, "speed", device->device->hub_ports ? "480" : "12");
    sysfs_attribute(a, "maxchild", "%u", device->device->hub_ports);
}

static void write_configuration(struct sysfs_attributes *a, const struct usb_device *device,
                                bool configured)
{
    const uint8_t *configuration = device->descriptors + device->descriptors[0];
    if (configured) {
        sysfs_attribute(a, "bNumInterfaces", "%2u", configuration[4]);
        sysfs_attribute(a, "bConfigurationValue", "%u", configuration[5]);
    } else {
        write_attribute(a, "bNumInterfaces", NULL, 0);
        write_attribute(a, "bConfigurationValue", NULL, 0);
    }
}

static void write_identity(struct sysfs_attributes *a, const struct usb_device *device)
{
    const uint8_t *d = device->descriptors;
    const uint8_t *configuration = d + d[0];
    sysfs_attribute(a, "version", " %x.%02x", d[3], d[2]);
    sysfs_attribute(a, "idVendor", "%04x", le16(d + 8));
    sysfs_attribute(a, "idProduct", "%04x", le16(d + 10));
    sysfs_attribute(a, "bcdDevice", "%04x", le16(d + 12));
    sysfs_attribute(a, "bDeviceClass", "%02x", d[4]);
    sysfs_attribute(a, "bDeviceSubClass", "%02x", d[5]);
    sysfs_attribute(a, "bDeviceProtocol", "%02x", d[6]);
    sysfs_attribute(a, "bMaxPacketSize0", "%u", d[7]);
    sysfs_attribute(a, "bNumConfigurations", "%u", d[17]);
    write_configuration(a, device, true);
    sysfs_attribute(a, "bmAttributes", "%02x", configuration[7]);
    sysfs_attribute(a, "configuration", "%s", "");
    sysfs_attribute(a, "rx_lanes", "1");
    sysfs_attribute(a, "tx_lanes", "1");
    sysfs_attribute(a, "manufacturer", "%s", device->manufacturer);
    sysfs_attribute(a, "product", "%s", device->product);
    if (device->serial)
        sysfs_attribute(a, "serial", "%s", device->serial);
    write_attribute(a, "descriptors", d, device->descriptors_len);
}

char *sysfs_climb(const char *devpath, const char *target)
{
    struct buf out = BUF_INIT;
    for (const char *p = devpath; (p = strchr(p, '/')); p++)
        buf_adds(&out, "../");
    buf_adds(&out, target);
    return buf_detach(&out, NULL);
}

/* ---- devices -------------------------------------------------------------------------------- */

char *sysfs_devpath(const struct sysfs_device *device)
{
    _cleanup_free_ char *directory = port_path_directory(&device->path);
    return xasprintf(SYSFS_CONTROLLER "%s", directory);
}

static bool make_dirs(const char *root, const char *const *dirs, size_t count, struct err **err)
{
    for (size_t i = 0; i < count; i++) {
        _cleanup_free_ char *dir = path_join(root, dirs[i]);
        if (!fs_mkdirs(dir, err))
            return false;
    }
    return true;
}

bool sysfs_init(const char *root, struct err **err)
{
    static const char *const dirs[] = {LINKS,
                                       "sys/bus/usb/drivers/hub",
                                       "sys/bus/usb/drivers/cdc_acm",
                                       "sys/class/tty",
                                       "dev/.node",
                                       "ioctl/dev",
                                       "sys" SYSFS_CONTROLLER};
    return make_dirs(root, dirs, ARRAY_SIZE(dirs), err);
}

bool sysfs_add_bus(const char *root, unsigned bus, struct err **err)
{
    _cleanup_free_ char *nodes = xasprintf("dev/bus/usb/%03u", bus);
    _cleanup_free_ char *sockets = xasprintf("ioctl/dev/bus/usb/%03u", bus);
    const char *const dirs[] = {nodes, sockets};
    return make_dirs(root, dirs, ARRAY_SIZE(dirs), err);
}

static bool rename_into(const char *from, const char *to, struct err **err)
{
    if (rename(from, to) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot rename '%s' to '%s'", from, to);
    return true;
}

/* In /sys/bus/usb/devices: the device, then its interfaces. */
static bool link_device(const char *root, const struct sysfs_device *device, struct err **err)
{
    _cleanup_free_ char *links = path_join(root, LINKS);
    _cleanup_free_ char *devpath = sysfs_devpath(device);
    _cleanup_free_ char *target = xasprintf(UP "%s", devpath);
    struct sysfs_attributes a = {links, true, err};
    sysfs_link(&a, path_basename(devpath), target);
    for (unsigned i = 0; i < usb_interface_count(device->device); i++) {
        _cleanup_free_ char *name = sysfs_interface_name(device, i);
        _cleanup_free_ char *interface = xasprintf("%s/%s", target, name);
        sysfs_link(&a, name, interface);
    }
    return a.ok;
}

bool sysfs_add(const char *root, const struct sysfs_device *device, struct err **err)
{
    _cleanup_free_ char *devpath = sysfs_devpath(device);
    _cleanup_free_ char *aside = xasprintf("%s/aside-%s", root, path_basename(devpath));
    _cleanup_free_ char *final = xasprintf("%s/sys%s", root, devpath);
    if (!fs_mkdirs(aside, err))
        return false;
    struct sysfs_attributes a = {aside, true, err};
    _cleanup_free_ char *subsystem = sysfs_climb(devpath, "bus/usb");
    write_place(&a, device);
    write_identity(&a, device->device);
    sysfs_link(&a, "subsystem", subsystem);
    return a.ok && sysfs_write_interfaces(aside, device, err) && rename_into(aside, final, err) &&
           link_device(root, device, err);
}

static bool unlink_device(const char *root, const struct sysfs_device *device, struct err **err)
{
    _cleanup_free_ char *name = port_path_name(&device->path);
    _cleanup_free_ char *link = xasprintf("%s/" LINKS "/%s", root, name);
    if (unlink(link) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot remove '%s'", link);
    for (unsigned i = 0; i < usb_interface_count(device->device); i++) {
        _cleanup_free_ char *interface = sysfs_interface_name(device, i);
        _cleanup_free_ char *path = xasprintf("%s/" LINKS "/%s", root, interface);
        if (unlink(path) < 0)
            return err_set_errno(err, ERR_FAILED, errno, "cannot remove '%s'", path);
    }
    return true;
}

bool sysfs_remove_dir(const char *root, const char *dir, struct err **err)
{
    _cleanup_free_ char *aside = xasprintf("%s/aside-%s", root, path_basename(dir));
    return rename_into(dir, aside, err) && fs_remove_tree(aside, err);
}

bool sysfs_remove(const char *root, const struct sysfs_device *device, struct err **err)
{
    _cleanup_free_ char *devpath = sysfs_devpath(device);
    _cleanup_free_ char *dir = xasprintf("%s/sys%s", root, devpath);
    return unlink_device(root, device, err) && sysfs_remove_dir(root, dir, err);
}

bool sysfs_configure(const char *root, const struct sysfs_device *device, bool configured,
                     struct err **err)
{
    _cleanup_free_ char *devpath = sysfs_devpath(device);
    _cleanup_free_ char *dir = xasprintf("%s/sys%s", root, devpath);
    struct sysfs_attributes a = {dir, true, err};
    write_configuration(&a, device->device, configured);
    return a.ok;
}

char *sysfs_node_path(const char *root, const struct sysfs_device *device)
{
    return xasprintf("%s/dev/bus/usb/%03u/%03u", root, device->path.bus, device->address);
}

char *sysfs_socket_path(const char *root, const struct sysfs_device *device)
{
    return xasprintf("%s/ioctl/dev/bus/usb/%03u/%03u", root, device->path.bus, device->address);
}

/* ---- events --------------------------------------------------------------------------------- */

void sysfs_format_uevent(const char *action, const char *devpath, const char *subsystem,
                         uint64_t seqnum, const char *properties, struct buf *out)
{
    buf_addf(out, "%s@%s", action, devpath);
    buf_addc(out, '\0');
    size_t start = out->len;
    buf_addf(out, "ACTION=%s\nDEVPATH=%s\nSUBSYSTEM=%s\nSEQNUM=%llu\n%s", action, devpath,
             subsystem, (unsigned long long)seqnum, properties);
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == '\n')
            out->data[i] = '\0';
    buf_addc(out, '\0');
}

void sysfs_add_uevent(const char *action, const struct sysfs_device *device, uint64_t seqnum,
                      struct buf *out)
{
    _cleanup_(buf_release) struct buf properties = BUF_INIT;
    _cleanup_free_ char *devpath = sysfs_devpath(device);
    add_properties(device, &properties);
    sysfs_format_uevent(action, devpath, "usb", seqnum, properties.data, out);
}
