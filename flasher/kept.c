#include "flasher/kept.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/text.h"

#define ATTRIBUTE_MAX (128 * 1024) /* the longest, "descriptors", holds up to 18 + 65535 bytes */

bool kept_bytes(const char *path, const char *name, struct buf *out)
{
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_free_ char *file = xasprintf("/sys/bus/usb/devices/%s/%s", path, name);
    return fs_read(file, ATTRIBUTE_MAX, out, &ignored);
}

char *kept_text(const char *path, const char *name)
{
    _cleanup_(buf_release) struct buf raw = BUF_INIT;
    struct buf text = BUF_INIT;
    if (!kept_bytes(path, name, &raw))
        return NULL;
    size_t len = raw.len && raw.data[raw.len - 1] == '\n' ? raw.len - 1 : raw.len;
    text_add_printable(&text, raw.data, len);
    return buf_detach(&text, NULL);
}

char *kept_interface(const char *path, uint8_t interface, int *alt)
{
    /* ":1.0": the configuration is the first one of a device with a DFU interface. */
    _cleanup_free_ char *directory = xasprintf("%s:1.%u", path, interface);
    _cleanup_free_ char *number = kept_text(directory, "bAlternateSetting");
    *alt = number ? atoi(number) : 0;
    return kept_text(directory, "interface");
}
