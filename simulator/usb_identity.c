#include "simulator/usb_identity.h"

#include <string.h>

#define US_ENGLISH 0x0409

/* Answer with the beginning of these bytes. */
static void answer(const struct usb_setup *setup, const void *bytes, size_t len, uint8_t *in,
                   struct usb_reply *reply)
{
    reply->length = len < setup->length ? len : setup->length;
    memcpy(in, bytes, reply->length);
}

static void get_string(const struct usb_identity *identity, const struct usb_setup *setup,
                       uint8_t *in, struct usb_reply *reply)
{
    uint8_t out[256] = {4, USB_DESCRIPTOR_STRING, US_ENGLISH & 0xFF, US_ENGLISH >> 8};
    unsigned index = setup->value & 0xFF;
    const char *text =
        index >= 1 && index <= USB_IDENTITY_STRINGS ? identity->strings[index - 1] : NULL;
    if (index > 0 && !text) {
        reply->outcome = USB_STALL;
        return;
    }
    size_t len = index > 0 ? strlen(text) : 1;
    for (size_t i = 0; i < len && index > 0; i++) {
        out[2 + 2 * i] = (uint8_t)text[i];
        out[3 + 2 * i] = 0;
    }
    out[0] = (uint8_t)(2 + 2 * len);
    answer(setup, out, out[0], in, reply);
}

static void get_descriptor(const struct usb_identity *identity, const struct usb_setup *setup,
                           uint8_t *in, struct usb_reply *reply)
{
    const uint8_t *device = identity->descriptors;
    switch (setup->value >> 8) {
    case USB_DESCRIPTOR_DEVICE:
        answer(setup, device, device[0], in, reply);
        break;
    case USB_DESCRIPTOR_CONFIGURATION:
        answer(setup, device + device[0], identity->descriptors_len - device[0], in, reply);
        break;
    case USB_DESCRIPTOR_STRING:
        get_string(identity, setup, in, reply);
        break;
    default:
        reply->outcome = USB_STALL;
        break;
    }
}

void usb_identity_control(struct usb_identity *identity, const struct usb_setup *setup, uint8_t *in,
                          struct usb_reply *reply)
{
    bool device = (setup->request_type & USB_RECIPIENT_MASK) == USB_RECIPIENT_DEVICE;
    const uint8_t status[2] = {device && identity->self_powered, 0};
    static const uint8_t alt[1] = {0};
    switch (setup->request) {
    case USB_GET_STATUS:
        answer(setup, status, sizeof(status), in, reply);
        break;
    case USB_CLEAR_FEATURE:
    case USB_SET_FEATURE:
        break;
    case USB_GET_DESCRIPTOR:
        get_descriptor(identity, setup, in, reply);
        break;
    case USB_GET_CONFIGURATION:
        answer(setup, &identity->configuration, 1, in, reply);
        break;
    case USB_SET_CONFIGURATION:
        if (setup->value <= 1)
            identity->configuration = (uint8_t)setup->value;
        else
            reply->outcome = USB_STALL;
        break;
    case USB_GET_INTERFACE:
        answer(setup, alt, sizeof(alt), in, reply);
        break;
    case USB_SET_INTERFACE: /* there is one alternate setting of each */
        if (setup->value != 0)
            reply->outcome = USB_STALL;
        break;
    default:
        reply->outcome = USB_STALL;
        break;
    }
}
