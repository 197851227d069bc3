#include "flasher/quirk.h"

#include <string.h>

#include "base/text.h"
#include "flasher/layout.h"

#define KIB 1024u
#define ID(v, p) .vendor = (v), .first_product = (p), .last_product = (p)
#define IDS(v, p, q) .vendor = (v), .first_product = (p), .last_product = (q)
#define VERSION(bcd) .has_version = true, .version = (bcd)

/* Devices that this matches have these quirks. Of ids, vendor 0 is any. */
struct row {
    uint16_t vendor, first_product, last_product;
    bool has_version;
    uint16_t version;         /* bcdDevice, if has_version */
    const char *manufacturer; /* the whole string; NULL = any */
    const char *product_name; /* what it begins with; NULL = any */
    const char *serial;       /* the whole string, '?' for one character; NULL = any */
    struct quirks quirks;
    const char *source;
};

#define DFU_UTIL "dfu-util 0.11, src/quirks.c"
#define FWUPD "fwupd, plugins/dfu/dfu.quirk"
#define GD32_SOURCE                                                                                \
    "dfu-util 0.11, src/quirks.c, fixup_dfuse_layout(); fwupd, plugins/dfu/dfu.quirk"
#define GD32_FLAGS (QUIRK_SERIAL_IS_CONSTANT | QUIRK_WILL_DETACH)
#define FLIP_SOURCE                                                                                \
    "fwupd, plugins/dfu/dfu.quirk (legacy-protocol); Atmel doc7618, \"USB DFU Bootloader Datasheet\""
#define ARDUINO_DFU "MicroPython 1.25.0, ports/stm32/boards/ARDUINO_*/mpconfigboard.mk"
#define ARDUINO_RUNTIME                                                                            \
    "MicroPython 1.25.0, ports/stm32/boards/ARDUINO_*/mpconfigboard.h (1200BPS_TOUCH)"

static const struct row rows[] = {
    /* ST's loader in the parts' ROM. Which of its versions stall an early poll does not show. */
    {ID(0x0483, 0xdf11), .product_name = "STM32",
     .quirks = {.flags = QUIRK_ST_ROM | QUIRK_STALLS_EARLY_POLL, .name = "ST DfuSe ROM"},
     "dfu-util 0.11, src/dfuse.c: \"some STM32L4 bootloaders ... may stall the pipe when we poll\""},
    {ID(0x0483, 0xdf11), .product_name = "STM32", .serial = "STM32FxSTM32",
     .quirks = {.flags = QUIRK_SERIAL_IS_CONSTANT},
     "Ownasaurus/TAStm32 pull request 71: the same on every board"},
    {ID(0x0483, 0xdf11), .serial = "STM32", .quirks = {.flags = QUIRK_SERIAL_IS_CONSTANT},
     "libopencm3/libopencm3 issue 760: the F1's ROM does not read the UID; keirf/flashfloppy issue "
     "462: a part compatible to it"},
    /* Newer ROMs (H7, G0) are another program, with the strings of ST's example for a loader of
     * one's own: that one is treated alike. */
    {ID(0x0483, 0xdf11), .product_name = "DFU in ",
     .quirks = {.flags = QUIRK_ST_ROM | QUIRK_STALLS_EARLY_POLL, .name = "ST DfuSe"},
     "rusefi/rusefi issue 5574 (H7); ST community, \"Can't set Option Bytes over USB DFU to STM32G0 "
     "system bootloader\" (G0)"},
    {ID(0x0483, 0xdf11), .serial = "200364500000", .quirks = {.flags = QUIRK_SERIAL_IS_CONSTANT},
     "dfu-util's listings of STM32H743 and H750 boards in public threads"},
    {ID(0x0483, 0xdf11), .serial = "FFFFFFFEFFFF", .quirks = {.flags = QUIRK_SERIAL_IS_CONSTANT},
     "ST community, \"Problem using dfu-util with STM32H7B3I EVAL board\""},

    /* MicroPython's loader: in ST's name, or in the name of the board's maker. */
    {ID(0x0483, 0xdf11), .manufacturer = "MicroPython",
     .quirks = {.flags = QUIRK_MBOOT_STRINGS, .name = "mboot"},
     "MicroPython 1.25.0, ports/stm32/mboot/main.c, dfu_handle_tx() and pyb_usbdd_StrDescriptor()"},
    {.product_name = "Pyboard DFU",
     .quirks = {.flags = QUIRK_MBOOT_STRINGS, .name = "mboot"},
     "MicroPython 1.25.0, ports/stm32/mboot/main.c, MBOOT_USBD_PRODUCT_STRING"},

    /* Boards that run MicroPython. */
    {IDS(0xf055, 0x9800, 0x980a),
     .quirks = {.flags = QUIRK_MICROPYTHON_RUNTIME, .name = "MicroPython"},
     "MicroPython 1.25.0, ports/stm32/mpconfigboard_common.h (MICROPY_HW_USB_PID_*)"},
    {ID(0x2341, 0x055b),
     .quirks = {.flags = QUIRK_MICROPYTHON_RUNTIME | QUIRK_TOUCH_1200, .name = "MicroPython"},
     ARDUINO_RUNTIME},
    {ID(0x2341, 0x055f),
     .quirks = {.flags = QUIRK_MICROPYTHON_RUNTIME | QUIRK_TOUCH_1200, .name = "MicroPython"},
     ARDUINO_RUNTIME},
    {ID(0x2341, 0x0564),
     .quirks = {.flags = QUIRK_MICROPYTHON_RUNTIME | QUIRK_TOUCH_1200, .name = "MicroPython"},
     ARDUINO_RUNTIME},
    {ID(0x2341, 0x0566),
     .quirks = {.flags = QUIRK_MICROPYTHON_RUNTIME | QUIRK_TOUCH_1200, .name = "MicroPython"},
     ARDUINO_RUNTIME},
    {ID(0x2341, 0x035b), .quirks = {.name = "Arduino DfuSe"}, ARDUINO_DFU},
    {ID(0x2341, 0x035f), .quirks = {.name = "Arduino DfuSe"}, ARDUINO_DFU},
    {ID(0x2341, 0x0364), .quirks = {.name = "Arduino DfuSe"}, ARDUINO_DFU},
    {ID(0x2341, 0x0366), .quirks = {.name = "Arduino DfuSe"}, ARDUINO_DFU},

    /* GD32VF103 announces 512 sectors of 2 KiB whatever it has; its serial is the end of its part
     * number, which tells how many of 1 KiB there are. */
    {ID(0x28e9, 0x0189), .quirks = {.flags = GD32_FLAGS, .name = "GD32 DfuSe ROM"}, GD32_SOURCE},
    {ID(0x28e9, 0x0189), .serial = "3?BJ",
     .quirks = {.layout = "@Internal Flash  /0x08000000/128*001Kg"}, GD32_SOURCE},
    {ID(0x28e9, 0x0189), .serial = "3?8J",
     .quirks = {.layout = "@Internal Flash  /0x08000000/064*001Kg"}, GD32_SOURCE},
    {ID(0x28e9, 0x0189), .serial = "3?6J",
     .quirks = {.layout = "@Internal Flash  /0x08000000/032*001Kg"}, GD32_SOURCE},
    {ID(0x28e9, 0x0189), .serial = "3?4J",
     .quirks = {.layout = "@Internal Flash  /0x08000000/016*001Kg"}, GD32_SOURCE},
    {ID(0x2b04, 0xd006), .serial = "00000000010C", .quirks = {.flags = QUIRK_SERIAL_IS_CONSTANT},
     "particle-iot/device-os issue 1425: a batch of Photons"},

    /* Plain DFU. */
    {IDS(0x1d50, 0x5117, 0x5126), .quirks = {.poll_timeout_ms = 5}, DFU_UTIL " (Openmoko)"},
    {IDS(0x1457, 0x5117, 0x5126), .quirks = {.poll_timeout_ms = 5}, DFU_UTIL " (Openmoko, FIC)"},
    {ID(0x16c0, 0x0762), .quirks = {.poll_timeout_ms = 5}, DFU_UTIL " (SIMtrace)"},
    {ID(0x16c0, 0x076b), .quirks = {.poll_timeout_ms = 5}, DFU_UTIL " (OpenPCD)"},
    {ID(0x16c0, 0x076c), .quirks = {.poll_timeout_ms = 5}, DFU_UTIL " (OpenPICC)"},
    {IDS(0x0908, 0x02c4, 0x02c5), VERSION(0x0000), .quirks = {.poll_timeout_ms = 5},
     DFU_UTIL " (Siemens PXM 40 and 50)"},
    {ID(0x0763, 0x2806), .quirks = {.poll_timeout_ms = 5}, DFU_UTIL " (M-Audio Transit)"},
    {ID(0x1eaf, 0x0003), VERSION(0x0200), .quirks = {.flags = QUIRK_IS_PLAIN_DFU},
     DFU_UTIL " (Leaflabs Maple)"},
    {ID(0x1fc9, 0x000c), .quirks = {.flags = QUIRK_IS_DFU_MODE},
     "dfu-util 0.11, src/dfu_util.c; " FWUPD " (NXP LPC)"},
    {ID(0x0b0e, 0x0411), .quirks = {.flags = QUIRK_NO_UPLOAD}, FWUPD " (Jabra 410)"},
    {ID(0x0b0e, 0x0421), .quirks = {.flags = QUIRK_NO_UPLOAD}, FWUPD " (Jabra 510)"},
    {ID(0x0b0e, 0x0971), .quirks = {.flags = QUIRK_NO_UPLOAD}, FWUPD " (Jabra 810)"},
    {ID(0x0b0e, 0x0982), .quirks = {.flags = QUIRK_NO_UPLOAD}, FWUPD " (Jabra 710)"},
    {ID(0x25b5, 0x0004), .quirks = {.flags = QUIRK_NO_UPLOAD}, FWUPD " (FlatFrog)"},
    {IDS(0x1bcf, 0x0b1d, 0x0b1e), .quirks = {.flags = QUIRK_NO_UPLOAD}, FWUPD " (SunplusIT)"},
    {IDS(0x0c45, 0x636c, 0x636f), .quirks = {.flags = QUIRK_NO_UPLOAD}, FWUPD " (Sonix)"},
    {IDS(0x0c45, 0x6373, 0x6374), .quirks = {.flags = QUIRK_NO_UPLOAD}, FWUPD " (Sonix)"},

    /* Not DFU but for its requests' names. */
    {ID(0x03eb, 0x2fe2), .quirks = {.flags = QUIRK_IS_NOT_DFU, .name = "Atmel FLIP"}, FLIP_SOURCE},
    {IDS(0x03eb, 0x2fee, 0x2ff0), .quirks = {.flags = QUIRK_IS_NOT_DFU, .name = "Atmel FLIP"},
     FLIP_SOURCE},
    {IDS(0x03eb, 0x2ff2, 0x2ff4), .quirks = {.flags = QUIRK_IS_NOT_DFU, .name = "Atmel FLIP"},
     FLIP_SOURCE},
    {ID(0x03eb, 0x2ff7), .quirks = {.flags = QUIRK_IS_NOT_DFU, .name = "Atmel FLIP"}, FLIP_SOURCE},
    {IDS(0x03eb, 0x2ff9, 0x2ffb), .quirks = {.flags = QUIRK_IS_NOT_DFU, .name = "Atmel FLIP"},
     FLIP_SOURCE},
};

/* Families of STM32 by the size of the first sector of their internal flash. */
struct family {
    uint32_t sector_size;
    struct quirks quirks;
    const char *source;
};

static const struct family families[] = {
    {128,
     {.flags = QUIRK_ERASES_TO_ZERO},
     "STM32L0: RM0367, \"Flash memory\"; listings of real parts (1536*128g)"},
    {256,
     {.flags = QUIRK_ERASES_TO_ZERO},
     "STM32L1: RM0038, \"Flash memory and data EEPROM\"; listings of real parts (1024*256 g)"},
    {128 * KIB,
     {.flags = QUIRK_WEDGES_IN_BUSY},
     "STM32H7: betaflight/betaflight-configurator pull request 1861"},
};

static void merge(struct quirks *into, const struct quirks *from)
{
    into->flags |= from->flags;
    if (from->transfer_size)
        into->transfer_size = from->transfer_size;
    if (from->poll_timeout_ms)
        into->poll_timeout_ms = from->poll_timeout_ms;
    if (from->layout)
        into->layout = from->layout;
    if (from->name)
        into->name = from->name;
}

static bool fits(const char *pattern, const char *text)
{
    while (*pattern && (*pattern == '?' || *pattern == *text) && *text) {
        pattern++;
        text++;
    }
    return !*pattern && !*text;
}

/* GD32 has 8-bit characters in its serial's descriptor, where UTF-16 belongs: "3CBJ" is read as
 * U+4333 U+4A42. Take the characters apart again; false if that does not give ASCII. */
static bool undo_utf16(const char *text, char *out, size_t size)
{
    size_t len = strlen(text), at = 0;
    uint32_t code;
    for (size_t step; len > 0; text += step, len -= step) {
        step = text_utf8_decode(text, len, &code);
        if (!step || code > 0x7f7f || (code & 0xff) > 0x7f || at + 2 >= size)
            return false;
        out[at++] = (char)(code & 0xff);
        out[at++] = (char)(code >> 8);
    }
    out[at] = '\0';
    return true;
}

static bool serial_fits(const char *pattern, const char *serial)
{
    char undone[16];
    return serial && (fits(pattern, serial) ||
                      (undo_utf16(serial, undone, sizeof(undone)) && fits(pattern, undone)));
}

static bool ids_match(const struct row *row, const struct quirk_key *key)
{
    return !row->vendor || (row->vendor == key->vendor && row->first_product <= key->product &&
                            key->product <= row->last_product);
}

static bool matches(const struct row *row, const struct quirk_key *key)
{
    return ids_match(row, key) && (!row->has_version || row->version == key->version) &&
           (!row->manufacturer ||
            (key->manufacturer && strcmp(key->manufacturer, row->manufacturer) == 0)) &&
           (!row->product_name ||
            (key->product_name && text_starts_with(key->product_name, row->product_name))) &&
           (!row->serial || serial_fits(row->serial, key->serial));
}

void quirks_find(const struct quirk_key *key, struct quirks *quirks)
{
    *quirks = (struct quirks){0};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (matches(&rows[i], key))
            merge(quirks, &rows[i].quirks);
}

void quirks_add_layout(struct quirks *quirks, const struct layout *layout)
{
    if (!(quirks->flags & QUIRK_ST_ROM))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        if (families[i].sector_size == layout->groups[0].sector_size)
            merge(quirks, &families[i].quirks);
}

/* In the order of their bits. */
static const char *const flag_texts[] = {
    "ST's ROM",
    "explains errors by string index",
    "an early GETSTATUS stalls",
    "two CLRSTATUS lead out of dfuDNBUSY",
    "erases to 0x00",
    "constant serial",
    "detaches by itself",
    "in DFU mode though it says runtime",
    "runs MicroPython",
    "1200-baud touch",
    "does not upload what was written",
    "plain DFU though it says DfuSe",
    "another protocol than DFU: refused",
};

/* "a, b": the separator before each item but the first. */
static void add_item(struct buf *out, const char *item, bool *any)
{
    buf_adds(out, *any ? ", " : "");
    buf_adds(out, item);
    *any = true;
}

static void add_number(struct buf *out, const char *format_name, unsigned value, bool *any)
{
    if (!value)
        return;
    add_item(out, format_name, any);
    buf_addf(out, " %u", value);
}

static void add_quirks(const struct quirks *quirks, struct buf *out)
{
    bool any = false;
    if (quirks->name)
        add_item(out, quirks->name, &any);
    for (size_t bit = 0; bit < ARRAY_SIZE(flag_texts); bit++)
        if (quirks->flags & 1u << bit)
            add_item(out, flag_texts[bit], &any);
    add_number(out, "bytes a transfer:", quirks->transfer_size, &any);
    add_number(out, "milliseconds between polls:", quirks->poll_timeout_ms, &any);
    if (quirks->layout)
        add_item(out, quirks->layout, &any);
}

static void add_condition(const struct row *row, struct buf *out)
{
    if (!row->vendor)
        buf_adds(out, "any id");
    else
        buf_addf(out, "%04x:%04x", row->vendor, row->first_product);
    if (row->last_product != row->first_product)
        buf_addf(out, "-%04x", row->last_product);
    if (row->has_version)
        buf_addf(out, " bcdDevice %04x", row->version);
    if (row->manufacturer)
        buf_addf(out, " manufacturer \"%s\"", row->manufacturer);
    if (row->product_name)
        buf_addf(out, " product \"%s...\"", row->product_name);
    if (row->serial)
        buf_addf(out, " serial \"%s\"", row->serial);
}

static void end_line(const char *source, struct buf *out)
{
    buf_addf(out, "  [%s]\n", source);
}

void quirks_format(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        add_condition(&rows[i], out);
        buf_adds(out, ": ");
        add_quirks(&rows[i].quirks, out);
        end_line(rows[i].source, out);
    }
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        buf_addf(out, "ST's ROM, sectors of %u bytes: ", (unsigned)families[i].sector_size);
        add_quirks(&families[i].quirks, out);
        end_line(families[i].source, out);
    }
}
