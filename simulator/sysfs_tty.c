#include "simulator/sysfs_tty.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fs.h"

#define ACM_MAJOR 166

/* "/devices/.../1-3/1-3:1.0" */
static char *interface_devpath(const struct sysfs_device *device)
{
    _cleanup_free_ char *devpath = sysfs_devpath(device);
    return xasprintf("%s/%s:1.0", devpath, path_basename(devpath));
}

static char *properties(unsigned number)
{
    return xasprintf("MAJOR=%d\nMINOR=%u\nDEVNAME=ttyACM%u", ACM_MAJOR, number, number);
}

/* What is below the interface's "tty", in the directory aside. */
static bool write_tty(const char *aside, const char *interface, unsigned number, struct err **err)
{
    _cleanup_free_ char *dir = xasprintf("%s/ttyACM%u", aside, number);
    _cleanup_free_ char *uevent = properties(number);
    if (!fs_mkdirs(dir, err))
        return false;
    struct sysfs_attributes a = {dir, true, err};
    _cleanup_free_ char *devpath = xasprintf("%s/tty/ttyACM%u", interface, number);
    _cleanup_free_ char *subsystem = sysfs_climb(devpath, "class/tty");
    sysfs_attribute(&a, "uevent", "%s", uevent);
    sysfs_attribute(&a, "dev", "%d:%u", ACM_MAJOR, number);
    sysfs_link(&a, "subsystem", subsystem);
    _cleanup_free_ char *device = xasprintf("../../../%s", path_basename(interface));
    sysfs_link(&a, "device", device);
    return a.ok;
}

/* What stat() says of an open file has to be what it says of the name, as on Linux, or nobody finds
 * out who has a port open: that is the terminal's own number. */
static dev_t node_number(unsigned number, const char *terminal)
{
    struct stat st;
    return stat(terminal, &st) == 0 && S_ISCHR(st.st_mode) ? st.st_rdev
                                                           : makedev(ACM_MAJOR, number);
}

/* /dev/ttyACMn, and its device number where umockdev's stat() looks for it. */
static bool link_node(const char *root, unsigned number, const char *terminal, struct err **err)
{
    dev_t node = node_number(number, terminal);
    _cleanup_free_ char *dev = path_join(root, "dev");
    _cleanup_free_ char *name = xasprintf("ttyACM%u", number);
    _cleanup_free_ char *numbers = xasprintf(".node/%s", name);
    _cleanup_free_ char *device = xasprintf("%u:%u", major(node), minor(node));
    struct sysfs_attributes a = {dev, true, err};
    sysfs_link(&a, numbers, device);
    sysfs_link(&a, name, terminal);
    return a.ok;
}

static bool rename_into(const char *from, const char *to, struct err **err)
{
    return rename(from, to) == 0 ||
           err_set_errno(err, ERR_FAILED, errno, "cannot rename '%s' to '%s'", from, to);
}

bool sysfs_tty_add(const char *root, const struct sysfs_device *device, unsigned number,
                   const char *terminal, struct err **err)
{
    _cleanup_free_ char *interface = interface_devpath(device);
    _cleanup_free_ char *aside = xasprintf("%s/aside-ttyACM%u", root, number);
    _cleanup_free_ char *final = xasprintf("%s/sys%s/tty", root, interface);
    if (!write_tty(aside, interface, number, err) || !link_node(root, number, terminal, err) ||
        !rename_into(aside, final, err))
        return false;
    _cleanup_free_ char *class = path_join(root, "sys/class/tty");
    _cleanup_free_ char *name = xasprintf("ttyACM%u", number);
    _cleanup_free_ char *target = xasprintf("../..%s/tty/%s", interface, name);
    struct sysfs_attributes a = {class, true, err};
    sysfs_link(&a, name, target);
    return a.ok;
}

bool sysfs_tty_remove(const char *root, const struct sysfs_device *device, unsigned number,
                      struct err **err)
{
    static const char *const links[] = {"sys/class/tty", "dev", "dev/.node"};
    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        _cleanup_free_ char *path = xasprintf("%s/%s/ttyACM%u", root, links[i], number);
        if (unlink(path) < 0)
            return err_set_errno(err, ERR_FAILED, errno, "cannot remove '%s'", path);
    }
    _cleanup_free_ char *interface = interface_devpath(device);
    _cleanup_free_ char *dir = xasprintf("%s/sys%s/tty", root, interface);
    return sysfs_remove_dir(root, dir, err);
}

void sysfs_tty_add_uevent(const char *action, const struct sysfs_device *device, unsigned number,
                          uint64_t seqnum, struct buf *out)
{
    _cleanup_free_ char *interface = interface_devpath(device);
    _cleanup_free_ char *devpath = xasprintf("%s/tty/ttyACM%u", interface, number);
    _cleanup_free_ char *text = properties(number);
    sysfs_format_uevent(action, devpath, "tty", seqnum, text, out);
}
