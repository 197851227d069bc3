#include "simulator/claims.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "simulator/usb_interface.h"

#define LINUX_INTERFACES 64 /* bits of usb_dev_state.ifclaimed */

bool claims_has(const struct claims *claims, unsigned interface)
{
    return claims->configured && interface < CLAIMS_INTERFACES &&
           interface < usb_interface_count(claims->device);
}

/* The kernel's driver that is bound to an interface that there is; NULL: none. */
static const char *bound_driver(const struct claims *claims, unsigned interface)
{
    const uint8_t *descriptor = usb_interface_find(claims->device, interface, 0);
    return claims->driven && descriptor ? usb_interface_driver(descriptor) : NULL;
}

const char *claims_driver(const struct claims *claims, unsigned interface)
{
    if (!claims_has(claims, interface))
        return NULL;
    return claims->owner[interface] ? "usbfs" : bound_driver(claims, interface);
}

int claims_take(struct claims *claims, const void *owner, unsigned interface)
{
    if (interface >= LINUX_INTERFACES)
        return -EINVAL;
    if (!claims_has(claims, interface))
        return -ENOENT;
    if ((claims->owner[interface] && claims->owner[interface] != owner) ||
        bound_driver(claims, interface))
        return -EBUSY;
    claims->owner[interface] = owner;
    return 0;
}

bool claims_tell_device(const struct usb_device *device, const struct usb_setup *setup)
{
    uint8_t in[USB_CONTROL_MAX];
    struct usb_reply reply;
    device->control(device->data, setup, NULL, in, &reply);
    return reply.outcome == USB_DONE;
}

bool claims_enumerate(const struct usb_device *device)
{
    const struct usb_setup setup = {0, USB_SET_CONFIGURATION, 1, 0, 0};
    return claims_tell_device(device, &setup);
}

void claims_choose(struct claims *claims, unsigned interface, unsigned alt)
{
    if (claims->alt[interface] == alt)
        return;
    claims->alt[interface] = (uint8_t)alt;
    if (claims->chosen)
        claims->chosen(claims->data, interface, alt);
}

/* usb_unbind_interface(). A device that does not go back stays where it is. */
bool claims_expel(struct claims *claims, unsigned interface)
{
    if (!claims_driver(claims, interface))
        return false;
    if (!claims->owner[interface]) {
        claims->driven = false;
        return true;
    }
    claims->owner[interface] = NULL;
    if (claims->alt[interface] != 0) {
        const struct usb_setup setup = {USB_RECIPIENT_INTERFACE, USB_SET_INTERFACE, 0,
                                        (uint16_t)interface, 0};
        if (claims_tell_device(claims->device, &setup))
            claims_choose(claims, interface, 0);
    }
    return true;
}

int claims_attach(struct claims *claims, unsigned interface)
{
    if (claims_driver(claims, interface))
        return -EBUSY;
    claims->driven = claims->driven || !claims_any(claims);
    return 0;
}

int claims_drive(struct claims *claims, const struct usbdevfs_ioctl *given)
{
    unsigned interface = (unsigned)given->ifno;
    if (!claims_has(claims, interface))
        return -EINVAL;
    if (given->ioctl_code == (int)USBDEVFS_DISCONNECT)
        return claims_expel(claims, interface) ? 0 : -ENODATA;
    if (given->ioctl_code == (int)USBDEVFS_CONNECT)
        return claims_attach(claims, interface);
    return -ENOTTY;
}

int claims_take_from(struct claims *claims, const void *owner,
                     const struct usbdevfs_disconnect_claim *given)
{
    if (!claims_has(claims, given->interface))
        return -EINVAL;
    const char *driver = claims_driver(claims, given->interface);
    bool named = driver && strncmp(given->driver, driver, sizeof(given->driver)) == 0;
    bool spared = ((given->flags & USBDEVFS_DISCONNECT_CLAIM_IF_DRIVER) && !named) ||
                  ((given->flags & USBDEVFS_DISCONNECT_CLAIM_EXCEPT_DRIVER) && named);
    if (driver && spared)
        return -EBUSY;
    claims_expel(claims, given->interface);
    return claims_take(claims, owner, given->interface);
}

int claims_release(struct claims *claims, const void *owner, unsigned interface)
{
    if (interface >= LINUX_INTERFACES)
        return -EINVAL;
    if (!claims_has(claims, interface))
        return -ENOENT;
    if (claims->owner[interface] != owner)
        return -EINVAL;
    claims_expel(claims, interface);
    return 0;
}

void claims_release_all(struct claims *claims, const void *owner)
{
    for (unsigned i = 0; i < CLAIMS_INTERFACES; i++)
        if (claims->owner[i] && (!owner || claims->owner[i] == owner))
            claims_expel(claims, i);
}

bool claims_any(const struct claims *claims)
{
    for (unsigned i = 0; i < CLAIMS_INTERFACES; i++)
        if (claims_driver(claims, i))
            return true;
    return false;
}

/* findintfep() and checkintf() */
int claims_check_endpoint(struct claims *claims, const void *owner, unsigned address)
{
    if (address & ~0x8Fu)
        return -EINVAL;
    int interface = usb_interface_of_endpoint(claims->device, (uint8_t)address);
    return interface < 0 ? -ENOENT : claims_take(claims, owner, (unsigned)interface);
}

/* check_ctrlrecip() */
int claims_check(struct claims *claims, const void *owner, const struct usb_setup *setup)
{
    unsigned number = setup->index & 0xFF;
    if ((setup->request_type & USB_TYPE_MASK) == USB_TYPE_VENDOR)
        return 0;
    switch (setup->request_type & USB_RECIPIENT_MASK) {
    case USB_RECIPIENT_INTERFACE:
        return claims_take(claims, owner, number);
    case USB_RECIPIENT_ENDPOINT:
        return (number & 0x7F) == 0 ? 0 : claims_check_endpoint(claims, owner, number);
    default:
        return 0;
    }
}
