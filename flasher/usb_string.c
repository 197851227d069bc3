#include "flasher/usb.h"

#include "flasher/descriptor.h"

#define STRING_TIMEOUT_MS 1000
#define GET_DESCRIPTOR 6 /* USB 2.0, table 9-4 */
#define TYPE_STRING 3    /* table 9-5 */
#define STRING_MAX 255   /* bLength has a byte */

static size_t get_string(struct usb_handle *handle, uint8_t index, uint16_t language,
                         uint8_t bytes[STRING_MAX])
{
    struct usb_control control = {
        .request_type = USB_REQUEST_IN,
        .request = GET_DESCRIPTOR,
        .value = (uint16_t)(TYPE_STRING << 8 | index),
        .index = language,
        .data = bytes,
        .length = STRING_MAX,
        .timeout_ms = STRING_TIMEOUT_MS,
    };
    size_t len = 0;
    return usb_control(handle, &control, &len) == USB_OK ? len : 0;
}

uint16_t usb_read_language(struct usb_handle *handle)
{
    uint8_t bytes[STRING_MAX];
    size_t len = get_string(handle, 0, 0, bytes);
    return len >= 4 && bytes[1] == TYPE_STRING ? (uint16_t)(bytes[2] | bytes[3] << 8)
                                               : USB_LANGUAGE_US_ENGLISH;
}

char *usb_read_string(struct usb_handle *handle, uint8_t index, uint16_t language)
{
    uint8_t bytes[STRING_MAX];
    if (!index)
        return NULL;
    size_t len = get_string(handle, index, language, bytes);
    return descriptor_string(bytes, len);
}
