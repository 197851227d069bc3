#include "simulator/sysfs_interface.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/usb_interface.h"

#define NAME "interface"

/* The device's string with this index as the kernel would keep it; false: there is none. */
static bool ask_name(const struct usb_device *device, uint8_t index, struct buf *name)
{
    return index && device->string && device->string(device->data, index, name) && name->len > 0;
}

/* What differs between alternate settings; the descriptor is that of the chosen one. */
static void write_setting(struct sysfs_attributes *a, const uint8_t *i)
{
    sysfs_attribute(a, "bAlternateSetting", "%2u", i[3]);
    sysfs_attribute(a, "bNumEndpoints", "%02x", i[4]);
    sysfs_attribute(a, "bInterfaceClass", "%02x", i[5]);
    sysfs_attribute(a, "bInterfaceSubClass", "%02x", i[6]);
    sysfs_attribute(a, "bInterfaceProtocol", "%02x", i[7]);
}

static void write_links(struct sysfs_attributes *a, const char *devpath, const char *driver)
{
    _cleanup_free_ char *subsystem = sysfs_climb(devpath, "bus/usb");
    sysfs_link(a, "subsystem", subsystem);
    if (driver) {
        _cleanup_free_ char *relative = xasprintf("bus/usb/drivers/%s", driver);
        _cleanup_free_ char *target = sysfs_climb(devpath, relative);
        sysfs_link(a, "driver", target);
    }
}

/* lsusb, udev rules and whoever looks for a board's terminal want it. */
static bool write_interface(const char *dir, const char *devpath, const struct usb_device *device,
                            unsigned number, struct err **err)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    const uint8_t *i = usb_interface_find(device, number, 0);
    if (!fs_mkdirs(dir, err))
        return false;
    struct sysfs_attributes a = {dir, true, err};
    const char *driver = usb_interface_driver(i);
    sysfs_attribute(&a, "uevent", "DEVTYPE=usb_interface%s%s\nINTERFACE=%u/%u/%u",
                    driver ? "\nDRIVER=" : "", driver ? driver : "", i[5], i[6], i[7]);
    sysfs_attribute(&a, "bInterfaceNumber", "%02x", i[2]);
    write_setting(&a, i);
    if (ask_name(device, i[8], &name))
        sysfs_attribute(&a, NAME, "%s", name.data);
    write_links(&a, devpath, driver);
    return a.ok;
}

char *sysfs_interface_name(const struct sysfs_device *device, unsigned number)
{
    _cleanup_free_ char *ports = port_path_ports(&device->path);
    return xasprintf("%u-%s:1.%u", device->path.bus, ports, number);
}

bool sysfs_write_interfaces(const char *dir, const struct sysfs_device *device, struct err **err)
{
    _cleanup_free_ char *devpath = sysfs_devpath(device);
    for (unsigned i = 0; i < usb_interface_count(device->device); i++) {
        _cleanup_free_ char *name = sysfs_interface_name(device, i);
        _cleanup_free_ char *below = path_join(dir, name);
        _cleanup_free_ char *path = path_join(devpath, name);
        if (!write_interface(below, path, device->device, i, err))
            return false;
    }
    return true;
}

/* It appears by rename(): with a name in it, as there. */
static bool add_name(const char *root, const char *dir, const char *name, struct err **err)
{
    _cleanup_free_ char *aside = path_join(root, "aside-" NAME);
    _cleanup_free_ char *final = path_join(dir, NAME);
    struct sysfs_attributes a = {root, true, err};
    sysfs_attribute(&a, "aside-" NAME, "%s", name);
    if (a.ok && rename(aside, final) < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot rename '%s' to '%s'", aside, final);
    return a.ok;
}

/* Linux, too, removes the name first: meanwhile there is none, not that of another setting. */
bool sysfs_choose(const char *root, const struct sysfs_device *device, unsigned number,
                  unsigned alt, struct err **err)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    const uint8_t *i = usb_interface_find(device->device, number, alt);
    _cleanup_free_ char *devpath = sysfs_devpath(device);
    _cleanup_free_ char *below = sysfs_interface_name(device, number);
    _cleanup_free_ char *dir = xasprintf("%s/sys%s/%s", root, devpath, below);
    _cleanup_free_ char *old = path_join(dir, NAME);
    if (unlink(old) < 0 && errno != ENOENT)
        return err_set_errno(err, ERR_FAILED, errno, "cannot remove '%s'", old);
    struct sysfs_attributes a = {dir, true, err};
    write_setting(&a, i);
    return a.ok && (!ask_name(device->device, i[8], &name) || add_name(root, dir, name.data, err));
}
