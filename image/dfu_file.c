#include "image/dfu_file.h"

bool dfu_file_read(const void *data, size_t size, const uint32_t *address, struct image *image,
                   struct dfu_suffix *suffix, struct err **err)
{
    if (!dfu_suffix_read(data, size, suffix, err))
        return false;
    if (suffix->length && suffix->bcd_dfu == DFU_BCD_DFUSE) {
        err_set(err, ERR_FAILED,
                "the suffix is that of a DfuSe file (bcdDFU 0x%04x), but the file does not start "
                "with 'DfuSe'",
                suffix->bcd_dfu);
        return err_hint(err, "the file is damaged: get it again");
    }
    if (size == suffix->length)
        return err_set(err, ERR_FAILED, "a DFU file of %zu bytes holds nothing but its suffix",
                       size);
    if (!image_add(image, 0, address ? *address : 0, data, size - suffix->length, err))
        return false;
    image->addressless = !address;
    if (suffix->length) {
        image->usb_device = suffix->device;
        image->usb_product = suffix->product;
        image->usb_vendor = suffix->vendor;
    }
    return true;
}

bool dfu_file_write(const struct image *image, struct buf *out, struct err **err)
{
    const struct dfu_suffix suffix = {
        .device = image->usb_device,
        .product = image->usb_product,
        .vendor = image->usb_vendor,
        .bcd_dfu = DFU_BCD_1_0, /* what appendix B of DFU 1.1 asks for, too */
    };
    const struct segment *payload = image_payload(image, err);
    if (!payload)
        return false;
    size_t start = out->len;
    buf_add(out, payload->data, payload->size);
    dfu_suffix_write(&suffix, start, out);
    return true;
}
