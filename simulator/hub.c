#include "simulator/hub.h"

#include <string.h>

#define DESCRIPTOR_HUB 0x29

/* USB 2.0, 11.23.1: a high-speed hub with a single transaction translator and its status endpoint.
 * Ids of the root hub: those that Linux gives its own. */
static const uint8_t root_descriptors[HUB_DESCRIPTORS] = {
    18, 1, 0x00, 0x02, 9, 0, 0, 64, 0x6B, 0x1D, 0x02, 0x00, 0x01, 0x06, 1, 2, 3,    1, 9, 2, 25, 0,
    1,  1, 0,    0xE0, 0, 9, 4, 0,  0,    1,    9,    0,    0,    0,    7, 5, 0x81, 3, 4, 0, 12,
};
/* ... and of the others: the test vendor's of pid.codes. */
static const uint8_t hub_ids[] = {0x09, 0x12, 0x01, 0x00, 0x00, 0x01};
#define IDS_AT 8
#define NO_SERIAL_AT 16
#define PROTOCOL_AT 6
#define SINGLE_TT 1

/* USB 2.0, 11.24.2: what lsusb asks for. Ports have power and are enabled, one byte of bits each.
 */
static void hub_control(void *data, const struct usb_setup *setup, const uint8_t *out, uint8_t *in,
                        struct usb_reply *reply)
{
    struct hub *hub = data;
    const uint8_t descriptor[] = {
        9, DESCRIPTOR_HUB, (uint8_t)hub->device.hub_ports, 0, 0, 50, 0, 0, 0xFF};
    const uint8_t status[4] = {0};
    (void)out;
    *reply = (struct usb_reply){.outcome = USB_DONE};
    if ((setup->request_type & USB_TYPE_MASK) == USB_TYPE_STANDARD) {
        usb_identity_control(&hub->identity, setup, in, reply);
        return;
    }
    bool asks_for_descriptor = setup->request == USB_GET_DESCRIPTOR;
    if (!(setup->request_type & USB_DIR_IN) ||
        (!asks_for_descriptor && setup->request != USB_GET_STATUS)) {
        reply->outcome = USB_STALL;
        return;
    }
    size_t len = asks_for_descriptor ? sizeof(descriptor) : sizeof(status);
    reply->length = len < setup->length ? len : setup->length;
    memcpy(in, asks_for_descriptor ? descriptor : status, reply->length);
}

static void ignore_reset(void *data)
{
    (void)data;
}

static void ignore_event(void *data, enum usb_event event, uint32_t event_ms)
{
    (void)data, (void)event, (void)event_ms;
}

void hub_init(struct hub *hub, unsigned ports, bool root)
{
    memcpy(hub->descriptors, root_descriptors, sizeof(root_descriptors));
    if (!root) {
        memcpy(hub->descriptors + IDS_AT, hub_ids, sizeof(hub_ids));
        hub->descriptors[PROTOCOL_AT] = SINGLE_TT;
        hub->descriptors[NO_SERIAL_AT] = 0;
    }
    hub->device = (struct usb_device){
        .control = hub_control,
        .bus_reset = ignore_reset,
        .event = ignore_event,
        .data = hub,
        .descriptors = hub->descriptors,
        .descriptors_len = sizeof(hub->descriptors),
        .manufacturer = "firn",
        .product = root ? "simulated USB bus" : "simulated hub",
        .serial = root ? "firn-sim" : NULL,
        .hub_ports = ports,
    };
    hub->identity = (struct usb_identity){
        .descriptors = hub->descriptors,
        .descriptors_len = sizeof(hub->descriptors),
        .strings = {hub->device.manufacturer, hub->device.product, hub->device.serial},
        .self_powered = true,
    };
}
