#include "flasher/descriptor.h"

#include "base/buf.h"

#define DEVICE_LEN 18
#define CONFIGURATION_LEN 9
#define INTERFACE_LEN 9
#define FUNCTIONAL_LEN_1_0 7
#define FUNCTIONAL_LEN 9

enum descriptor_type {
    TYPE_DEVICE = 1,
    TYPE_CONFIGURATION = 2,
    TYPE_STRING = 3,
    TYPE_INTERFACE = 4,
    TYPE_DFU_FUNCTIONAL = 0x21,
};

#define CLASS_APPLICATION_SPECIFIC 0xfe
#define SUBCLASS_DFU 1
#define REPLACEMENT_CHARACTER 0xfffd

static uint16_t get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool dfu_functional_parse(const uint8_t *bytes, size_t len, struct dfu_functional *functional)
{
    if (len < FUNCTIONAL_LEN_1_0 || bytes[0] < FUNCTIONAL_LEN_1_0 || bytes[0] > len ||
        bytes[1] != TYPE_DFU_FUNCTIONAL)
        return false;
    *functional = (struct dfu_functional){
        .attributes = bytes[2],
        .detach_timeout_ms = get_le16(bytes + 3),
        .transfer_size = get_le16(bytes + 5),
        .version = bytes[0] >= FUNCTIONAL_LEN ? get_le16(bytes + 7) : 0x0100,
    };
    return true;
}

/* One interface descriptor: remember it if it belongs to the DFU interface that we want. Returns
 * whether it does. */
static bool take_interface(const uint8_t *d, struct dfu_interface *interface)
{
    uint8_t number = d[2], protocol = d[7];
    if (d[5] != CLASS_APPLICATION_SPECIFIC || d[6] != SUBCLASS_DFU)
        return false;
    if (!interface->alt_count ||
        (protocol == DFU_PROTOCOL_DFU && interface->protocol != DFU_PROTOCOL_DFU)) {
        interface->number = number;
        interface->protocol = protocol;
        interface->alt_count = 0;
        interface->has_functional = false;
    }
    if (number != interface->number || interface->alt_count == DFU_ALTS_MAX)
        return false;
    interface->alts[interface->alt_count].number = d[3];
    interface->alts[interface->alt_count].string = d[8];
    interface->alt_count++;
    return true;
}

/* The functional descriptor follows the interface's alternate settings, or each of them. */
static void walk_configuration(const uint8_t *bytes, size_t len, struct dfu_interface *interface)
{
    bool ours = false; /* the last interface descriptor was of our DFU interface */
    for (size_t at = 0; len - at >= 2;) {
        const uint8_t *d = bytes + at;
        if (d[0] < 2 || d[0] > len - at)
            return;
        if (d[1] == TYPE_INTERFACE && d[0] >= INTERFACE_LEN)
            ours = take_interface(d, interface);
        else if (ours && dfu_functional_parse(d, d[0], &interface->functional))
            interface->has_functional = true;
        at += d[0];
    }
}

/* The first configuration in what begins with a device descriptor; NULL: there is none. */
static const uint8_t *find_configuration(const uint8_t *bytes, size_t len, size_t *total)
{
    if (len < DEVICE_LEN + CONFIGURATION_LEN || bytes[0] != DEVICE_LEN || bytes[1] != TYPE_DEVICE)
        return NULL;
    const uint8_t *configuration = bytes + DEVICE_LEN;
    if (configuration[0] < CONFIGURATION_LEN || configuration[1] != TYPE_CONFIGURATION)
        return NULL;
    *total = min_size(get_le16(configuration + 2), len - DEVICE_LEN);
    return configuration;
}

bool dfu_interface_find(const uint8_t *bytes, size_t len, struct dfu_interface *interface)
{
    size_t total;
    const uint8_t *configuration = find_configuration(bytes, len, &total);
    *interface = (struct dfu_interface){0};
    if (configuration)
        walk_configuration(configuration, total, interface);
    return interface->alt_count > 0;
}

bool interface_class_find(const uint8_t *bytes, size_t len, uint8_t class, uint8_t subclass)
{
    size_t total;
    const uint8_t *configuration = find_configuration(bytes, len, &total);
    for (size_t at = 0; configuration && total - at >= 2;) {
        const uint8_t *d = configuration + at;
        if (d[0] < 2 || d[0] > total - at)
            return false;
        if (d[1] == TYPE_INTERFACE && d[0] >= INTERFACE_LEN && d[5] == class && d[6] == subclass)
            return true;
        at += d[0];
    }
    return false;
}

static void add_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_addc(out, (char)c);
        return;
    }
    if (c < 0x800) {
        buf_addc(out, (char)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            buf_addc(out, (char)(0xe0 | c >> 12));
        } else {
            buf_addc(out, (char)(0xf0 | c >> 18));
            buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
        }
        buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
    }
    buf_addc(out, (char)(0x80 | (c & 0x3f)));
}

static bool is_surrogate(uint32_t unit, uint32_t first)
{
    return unit >= first && unit < first + 0x400;
}

char *descriptor_string(const uint8_t *bytes, size_t len)
{
    struct buf out = BUF_INIT;
    if (len < 2 || bytes[0] < 2 || bytes[1] != TYPE_STRING)
        return NULL;
    len = min_size(len, bytes[0]);
    for (size_t i = 2; i + 1 < len; i += 2) {
        uint32_t c = get_le16(bytes + i);
        uint32_t low = i + 3 < len ? get_le16(bytes + i + 2) : 0;
        if (!c)
            break;
        if (is_surrogate(c, 0xd800) && is_surrogate(low, 0xdc00)) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        } else if (is_surrogate(c, 0xd800) || is_surrogate(c, 0xdc00)) {
            c = REPLACEMENT_CHARACTER;
        }
        add_utf8(&out, c);
    }
    return buf_detach(&out, NULL);
}
