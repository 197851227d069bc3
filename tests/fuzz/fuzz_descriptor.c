/* USB descriptors: the DFU interface in them, functional descriptors, strings. */
#include "tests/fuzz/fuzz.h"

#include "flasher/descriptor.h"

static void check_interface(const uint8_t *data, size_t size)
{
    struct dfu_interface interface;
    if (!dfu_interface_find(data, size, &interface)) {
        CHECK(interface.alt_count == 0);
        return;
    }
    CHECK(interface.alt_count >= 1 && interface.alt_count <= DFU_ALTS_MAX);
    /* Device, configuration and one interface descriptor for each alternate setting. */
    CHECK(size >= 18 + 9 + 9 * interface.alt_count);
}

static void check_functional(const uint8_t *data, size_t size)
{
    struct dfu_functional functional;
    if (!dfu_functional_parse(data, size, &functional))
        return;
    CHECK(size >= 7 && data[0] >= 7 && data[0] <= size && data[1] == 0x21);
    CHECK(functional.attributes == data[2]);
    CHECK(data[0] >= 9 || functional.version == 0x0100);
}

static void check_string(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = descriptor_string(data, size);
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    if (!text) {
        CHECK(size < 2 || data[0] < 2 || data[1] != 3);
        return;
    }
    size_t units = ((size < data[0] ? size : data[0]) - 2) / 2;
    size_t len = strlen(text);
    CHECK(len <= 3 * units);
    for (size_t at = 0, n; at < len; at += n) {
        uint32_t code;
        CHECK((n = text_utf8_decode(text + at, len - at, &code)) > 0);
    }
    text_add_printable(&printable, text, len);
    CHECK(fuzz_is_printable(printable.data, printable.len, ""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_interface(data, size);
    check_functional(data, size);
    check_string(data, size);
    return 0;
}
