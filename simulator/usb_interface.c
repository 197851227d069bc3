#include "simulator/usb_interface.h"

#define CLASS_COMMUNICATION 0x02
#define CLASS_DATA 0x0A
#define CLASS_HUB 0x09
#define SUBCLASS_ACM 0x02

static const uint8_t *configuration(const struct usb_device *device)
{
    return device->descriptors + device->descriptors[0];
}

/* The descriptor behind this one; NULL: that was the last. */
static const uint8_t *next(const struct usb_device *device, const uint8_t *descriptor)
{
    descriptor += descriptor[0];
    return descriptor < device->descriptors + device->descriptors_len ? descriptor : NULL;
}

unsigned usb_interface_count(const struct usb_device *device)
{
    return configuration(device)[4];
}

const uint8_t *usb_interface_find(const struct usb_device *device, unsigned number, unsigned alt)
{
    for (const uint8_t *d = configuration(device); d; d = next(device, d))
        if (d[1] == USB_DESCRIPTOR_INTERFACE && d[2] == number && d[3] == alt)
            return d;
    return NULL;
}

uint8_t usb_interface_endpoint(const struct usb_device *device, unsigned number, unsigned kind,
                               uint8_t direction)
{
    const uint8_t *d = usb_interface_find(device, number, 0);
    while (d && (d = next(device, d)) && d[1] != USB_DESCRIPTOR_INTERFACE)
        if (d[1] == USB_DESCRIPTOR_ENDPOINT && (d[2] & USB_DIR_IN) == direction &&
            (d[3] & 3) == kind)
            return d[2];
    return 0;
}

int usb_interface_of_endpoint(const struct usb_device *device, uint8_t address)
{
    int number = -1;
    for (const uint8_t *d = configuration(device); d; d = next(device, d)) {
        if (d[1] == USB_DESCRIPTOR_INTERFACE)
            number = d[2];
        if (d[1] == USB_DESCRIPTOR_ENDPOINT && d[2] == address)
            return number;
    }
    return -1;
}

const char *usb_interface_driver(const uint8_t *interface)
{
    switch (interface[5]) {
    case CLASS_HUB:
        return "hub";
    case CLASS_COMMUNICATION:
        return interface[6] == SUBCLASS_ACM ? "cdc_acm" : NULL;
    case CLASS_DATA: /* taken by the driver of the interface that it belongs to */
        return "cdc_acm";
    default:
        return NULL;
    }
}
