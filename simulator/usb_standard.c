#include "simulator/usb_standard.h"

#include <string.h>

#include "simulator/mboot_device.h"

enum string_index { STRING_MANUFACTURER = 1, STRING_PRODUCT, STRING_SERIAL, STRING_AREAS };

#define DFU_1_0 0x0100
#define CUT_BYTES 128 /* what is sent of a string by BOARD_CUTS_STRINGS */
#define US_ENGLISH 0x0409

static void add_bytes(struct buf *out, const uint8_t *bytes, size_t len)
{
    buf_add(out, bytes, len);
}

void usb_add_device_descriptor(const struct board_model *model, struct buf *out)
{
    static const uint8_t head[] = {18, USB_DESCRIPTOR_DEVICE};
    static const uint8_t class[] = {0, 0, 0, 64};
    static const uint8_t tail[] = {STRING_MANUFACTURER, STRING_PRODUCT, STRING_SERIAL, 1};
    add_bytes(out, head, sizeof(head));
    buf_add_le16(out, model->bcd_usb);
    add_bytes(out, class, sizeof(class));
    buf_add_le16(out, model->vendor_id);
    buf_add_le16(out, model->product_id);
    buf_add_le16(out, model->bcd_device);
    add_bytes(out, tail, sizeof(tail));
}

void usb_add_configuration_descriptor(const struct board_model *model, struct buf *out)
{
    unsigned alts = board_model_area_count(model);
    uint8_t functional = model->bcd_dfu == DFU_1_0 ? 7 : 9;
    uint16_t total = (uint16_t)(9 + 9 * alts + functional);
    const uint8_t head[] = {
        9, USB_DESCRIPTOR_CONFIGURATION, (uint8_t)total, (uint8_t)(total >> 8), 1, 1, 0, 0xC0, 50};
    add_bytes(out, head, sizeof(head));
    for (unsigned i = 0; i < alts; i++) {
        /* Class 0xFE, subclass 1, protocol 2: DFU mode. */
        const uint8_t interface[] = {9, USB_DESCRIPTOR_INTERFACE,   0, (uint8_t)i, 0, 0xFE, 1,
                                     2, (uint8_t)(STRING_AREAS + i)};
        add_bytes(out, interface, sizeof(interface));
    }
    const uint8_t dfu[] = {functional, USB_DESCRIPTOR_DFU, model->attributes};
    add_bytes(out, dfu, sizeof(dfu));
    buf_add_le16(out, model->detach_timeout_ms);
    buf_add_le16(out, model->transfer_size);
    if (model->bcd_dfu != DFU_1_0)
        buf_add_le16(out, model->bcd_dfu);
}

/* False: there is no such string. All of ours are ASCII. */
static bool add_string(const struct dfu_device *dfu, unsigned index, struct buf *out)
{
    const struct board_model *model = dfu->board->model;
    const char *error = mboot_string(dfu, index);
    if (index == STRING_MANUFACTURER)
        buf_adds(out, model->manufacturer);
    else if (index == STRING_PRODUCT)
        buf_adds(out, model->product);
    else if (index == STRING_SERIAL)
        buf_adds(out, dfu->board->serial);
    else if (index >= STRING_AREAS && index - STRING_AREAS < board_model_area_count(model))
        area_add_layout(&model->areas[index - STRING_AREAS], out);
    else if (error)
        buf_adds(out, error);
    else
        return false;
    return true;
}

static bool add_string_descriptor(const struct dfu_device *dfu, unsigned index, struct buf *out)
{
    unsigned quirks = dfu->board->quirks;
    if (index == 0) {
        buf_addc(out, 4);
        buf_addc(out, USB_DESCRIPTOR_STRING);
        buf_add_le16(out, US_ENGLISH);
        return true;
    }
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!add_string(dfu, index, &text))
        return false;
    bool utf8 = index == STRING_SERIAL && (quirks & BOARD_UTF8_SERIAL);
    buf_addc(out, (char)(2 + (utf8 ? 1 : 2) * text.len));
    buf_addc(out, USB_DESCRIPTOR_STRING);
    for (size_t i = 0; i < text.len; i++) {
        buf_addc(out, text.data[i]);
        if (!utf8)
            buf_addc(out, 0);
    }
    if ((quirks & BOARD_CUTS_STRINGS) && out->len > CUT_BYTES)
        buf_truncate(out, CUT_BYTES); /* its length byte still promises all */
    return true;
}

/* Of the basic plane, surrogates aside: no board here sends others. */
static void add_utf8(struct buf *out, unsigned code)
{
    if (code < 0x80) {
        buf_addc(out, (char)code);
    } else if (code < 0x800) {
        buf_addc(out, (char)(0xC0 | code >> 6));
        buf_addc(out, (char)(0x80 | (code & 0x3F)));
    } else {
        buf_addc(out, (char)(0xE0 | code >> 12));
        buf_addc(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buf_addc(out, (char)(0x80 | (code & 0x3F)));
    }
}

bool usb_add_text(const struct dfu_device *dfu, uint8_t index, struct buf *out)
{
    _cleanup_(buf_release) struct buf descriptor = BUF_INIT;
    if (!add_string_descriptor(dfu, index, &descriptor))
        return false;
    const uint8_t *bytes = (const uint8_t *)descriptor.data;
    for (size_t i = 2; i + 1 < descriptor.len; i += 2)
        add_utf8(out, bytes[i] | (unsigned)bytes[i + 1] << 8);
    return true;
}

void usb_add_serial(const struct dfu_device *dfu, struct buf *out)
{
    (void)usb_add_text(dfu, STRING_SERIAL, out);
}

static void get_descriptor(const struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                           struct usb_reply *reply)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    const struct board_model *model = dfu->board->model;
    unsigned index = setup->value & 0xFF;
    bool found = index == 0;
    switch (setup->value >> 8) {
    case USB_DESCRIPTOR_DEVICE:
        usb_add_device_descriptor(model, &out);
        break;
    case USB_DESCRIPTOR_CONFIGURATION:
        usb_add_configuration_descriptor(model, &out);
        break;
    case USB_DESCRIPTOR_STRING:
        found = add_string_descriptor(dfu, index, &out);
        break;
    default:
        found = false;
        break;
    }
    if (!found) {
        reply->outcome = USB_STALL;
        return;
    }
    reply->length = out.len < setup->length ? out.len : setup->length;
    memcpy(in, out.data, reply->length);
}

/* One or two bytes of state. */
static void answer(struct usb_reply *reply, uint8_t *in, uint8_t first, size_t len)
{
    in[0] = first;
    in[1] = 0;
    reply->length = len;
}

static void set_interface(struct dfu_device *dfu, const struct usb_setup *setup,
                          struct usb_reply *reply)
{
    if (setup->index != 0 || setup->value >= board_model_area_count(dfu->board->model))
        reply->outcome = USB_STALL;
    else
        dfu->alt = (uint8_t)setup->value;
}

static void set_configuration(struct dfu_device *dfu, const struct usb_setup *setup,
                              struct usb_reply *reply)
{
    if (setup->value > 1) {
        reply->outcome = USB_STALL;
        return;
    }
    dfu->configuration = (uint8_t)setup->value;
    dfu->alt = 0;
}

void usb_standard_control(struct dfu_device *dfu, const struct usb_setup *setup, uint8_t *in,
                          struct usb_reply *reply)
{
    bool self_powered = (setup->request_type & USB_RECIPIENT_MASK) == USB_RECIPIENT_DEVICE;
    switch (setup->request) {
    case USB_GET_STATUS:
        answer(reply, in, self_powered, 2);
        break;
    case USB_CLEAR_FEATURE:
    case USB_SET_FEATURE:
        break;
    case USB_GET_DESCRIPTOR:
        get_descriptor(dfu, setup, in, reply);
        break;
    case USB_GET_CONFIGURATION:
        answer(reply, in, dfu->configuration, 1);
        break;
    case USB_SET_CONFIGURATION:
        set_configuration(dfu, setup, reply);
        break;
    case USB_GET_INTERFACE:
        answer(reply, in, dfu->alt, 1);
        break;
    case USB_SET_INTERFACE:
        set_interface(dfu, setup, reply);
        break;
    default:
        reply->outcome = USB_STALL;
        break;
    }
}
