#include "simulator/runtime_descriptors.h"

#define CDC_BYTES (8 + 9 + 5 + 5 + 4 + 5 + 7 + 9 + 7 + 7)
#define DFU_BYTES (9 + 9)

static bool has_cdc(const struct runtime_options *options)
{
    return options->kind == RUNTIME_CDC || options->kind == RUNTIME_BOTH;
}

static bool has_dfu(const struct runtime_options *options)
{
    return options->kind == RUNTIME_DFU || options->kind == RUNTIME_BOTH;
}

unsigned runtime_dfu_interface(const struct runtime_options *options)
{
    return has_cdc(options) ? 2 : 0;
}

/* USB 2.0, 9.6.1. Class: a serial port alone says so, both are a composite device (IAD ECN). */
static void add_device(const struct board_model *model, const struct runtime_options *options,
                       struct buf *out)
{
    static const uint8_t tail[] = {1, 2, 3, 1};
    const uint8_t classes[4][3] = {
        [RUNTIME_CDC] = {0x02, 0, 0}, [RUNTIME_DFU] = {0, 0, 0}, [RUNTIME_BOTH] = {0xEF, 2, 1}};
    const uint8_t *c = classes[options->kind];
    const uint8_t head[] = {18, USB_DESCRIPTOR_DEVICE, 0x00, 0x02, c[0], c[1], c[2], 64};
    buf_add(out, head, sizeof(head));
    buf_add_le16(out, has_cdc(options) ? RUNTIME_CDC_VENDOR : model->vendor_id);
    buf_add_le16(out,
                 has_cdc(options) ? RUNTIME_CDC_PRODUCT : (uint16_t)(model->product_id ^ 0x8000));
    buf_add_le16(out, 0x0200);
    buf_add(out, tail, sizeof(tail));
}

/* CDC 1.2, 5.2.3 and PSTN 1.2, 5.3: an association, the control interface with its functional
 * descriptors and the data interface. */
static void add_cdc(struct buf *out)
{
    static const uint8_t cdc[CDC_BYTES] = {
        8,
        0x0B,
        0,
        2,
        2,
        2,
        1,
        0, /* interfaces 0 and 1 */
        9,
        USB_DESCRIPTOR_INTERFACE,
        0,
        0,
        1,
        2,
        2,
        1,
        0, /* ACM, AT commands */
        5,
        0x24,
        0,
        0x10,
        0x01, /* header: CDC 1.10 */
        5,
        0x24,
        1,
        0,
        1, /* call management: none */
        4,
        0x24,
        2,
        2, /* ACM: line coding and state */
        5,
        0x24,
        6,
        0,
        1, /* union: 0 controls 1 */
        7,
        USB_DESCRIPTOR_ENDPOINT,
        RUNTIME_ENDPOINT_NOTIFY,
        3,
        8,
        0,
        32,
        9,
        USB_DESCRIPTOR_INTERFACE,
        1,
        0,
        2,
        10,
        0,
        0,
        0, /* data */
        7,
        USB_DESCRIPTOR_ENDPOINT,
        RUNTIME_ENDPOINT_OUT,
        2,
        64,
        0,
        0,
        7,
        USB_DESCRIPTOR_ENDPOINT,
        RUNTIME_ENDPOINT_IN,
        2,
        64,
        0,
        0,
    };
    buf_add(out, cdc, sizeof(cdc));
}

/* DFU 1.1, 4.1.2 and 4.1.3. */
static void add_dfu(const struct board_model *model, const struct runtime_options *options,
                    struct buf *out)
{
    unsigned attributes = model->attributes & ~(unsigned)DFU_WILL_DETACH;
    if (options->will_detach)
        attributes |= DFU_WILL_DETACH;
    const uint8_t interface[] = {
        9, USB_DESCRIPTOR_INTERFACE, (uint8_t)runtime_dfu_interface(options), 0, 0, 0xFE, 1, 1, 0};
    const uint8_t head[] = {9, USB_DESCRIPTOR_DFU, (uint8_t)attributes};
    buf_add(out, interface, sizeof(interface));
    buf_add(out, head, sizeof(head));
    buf_add_le16(out, model->detach_timeout_ms);
    buf_add_le16(out, model->transfer_size);
    buf_add_le16(out, model->bcd_dfu);
}

void runtime_add_descriptors(const struct board_model *model, const struct runtime_options *options,
                             struct buf *out)
{
    if (options->kind == RUNTIME_NONE)
        return;
    bool cdc = has_cdc(options), dfu = has_dfu(options);
    uint16_t total = (uint16_t)(9 + (cdc ? CDC_BYTES : 0) + (dfu ? DFU_BYTES : 0));
    const uint8_t head[] = {9,
                            USB_DESCRIPTOR_CONFIGURATION,
                            (uint8_t)total,
                            (uint8_t)(total >> 8),
                            (uint8_t)((cdc ? 2 : 0) + (dfu ? 1 : 0)),
                            1,
                            0,
                            0x80,
                            250};
    add_device(model, options, out);
    buf_add(out, head, sizeof(head));
    if (cdc)
        add_cdc(out);
    if (dfu)
        add_dfu(model, options, out);
}
