/*
 * A thousand devices that lie: the descriptors and layout strings of real ones, changed at random
 * (always the same random), as far as a plan for an image. Each ends in a plan or in an error that
 * can be shown, and whatever was accepted is sound. ASan and UBSan see the rest.
 *
 * test_hostile DIRECTORY writes the descriptors there, a file a device, for tests/cli/hostile.sh.
 */
#include <stdlib.h>

#include "descriptors.h"
#include "unit.h"

#include "flasher/compare.h"
#include "flasher/device.h"
#include "tests/fuzz/fuzz_layout.h"

#define SETS 1000
#define FIRST_STRING 4 /* 1 to 3 are the device's */
#define STRINGS_MAX 4

#define F405_FLASH "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"

/* What a real device sends: the device descriptor and its configuration, and the names of its
 * alternate settings. */
struct device_bytes {
    const uint8_t *bytes;
    size_t len;
    const char *strings[STRINGS_MAX];
};

static const uint8_t rom_f405[] = {DEVICE,
                                   CONFIGURATION(9 + 4 * 9 + 9),
                                   INTERFACE(0, 0, 0xfe, 2, 4),
                                   INTERFACE(0, 1, 0xfe, 2, 5),
                                   INTERFACE(0, 2, 0xfe, 2, 6),
                                   INTERFACE(0, 3, 0xfe, 2, 7),
                                   FUNCTIONAL(0x0b, 0, 8)};
static const uint8_t rom_h743[] = {DEVICE, CONFIGURATION(9 + 2 * 9 + 9),
                                   INTERFACE(0, 0, 0xfe, 2, 4), INTERFACE(0, 1, 0xfe, 2, 5),
                                   FUNCTIONAL(0x0b, 0, 4)};
static const uint8_t one_alt[] = {DEVICE, CONFIGURATION(9 + 9 + 9), INTERFACE(0, 0, 0xfe, 2, 4),
                                  FUNCTIONAL(0x0b, 0, 8)};
/* A serial port, and a way into DFU mode beside it. */
static const uint8_t runtime[] = {DEVICE,
                                  CONFIGURATION(9 + 8 + 9 + 5 + 7 + 9 + 7 + 7 + 9 + 9),
                                  8,
                                  0x0b,
                                  0,
                                  2,
                                  2,
                                  2,
                                  1,
                                  0,
                                  INTERFACE(0, 0, 2, 1, 0),
                                  5,
                                  0x24,
                                  0,
                                  0x10,
                                  1,
                                  7,
                                  5,
                                  0x82,
                                  3,
                                  8,
                                  0,
                                  16,
                                  INTERFACE(1, 0, 10, 0, 0),
                                  7,
                                  5,
                                  1,
                                  2,
                                  64,
                                  0,
                                  0,
                                  7,
                                  5,
                                  0x81,
                                  2,
                                  64,
                                  0,
                                  0,
                                  INTERFACE(2, 0, 0xfe, 1, 7),
                                  FUNCTIONAL(0x0d, 0, 4)};
static const uint8_t plain_dfu[] = {
    DEVICE, CONFIGURATION(9 + 9 + 7), INTERFACE(0, 0, 0xfe, 2, 4), 7, 0x21, 3, 0xe8, 3, 64, 0};

static const struct device_bytes originals[] = {
    {rom_f405,
     sizeof(rom_f405),
     {F405_FLASH, "@Option Bytes  /0x1FFFC000/01*016 e",
      "@OTP Memory /0x1FFF7800/01*512 e,01*016 e", "@Device Feature/0xFFFF0000/01*004 e"}},
    {rom_h743,
     sizeof(rom_h743),
     {"@Internal Flash   /0x08000000/16*128Kg", "@Option Bytes   /0x5200201C/01*088 e"}},
    {one_alt,
     sizeof(one_alt), /* mboot */
     {"@Internal Flash  /0x08000000/02*016Ka,02*016Kg,01*064Kg,07*128Kg"}},
    {one_alt, sizeof(one_alt), {"@Internal Flash  /0x8000000/512*002Kg"}}, /* GD32 */
    {runtime, sizeof(runtime), {NULL, NULL, NULL, "Pyboard DFU"}},
    {plain_dfu, sizeof(plain_dfu), {"Firmware"}},
};

/* A changed one. */
struct hostile {
    uint8_t bytes[4096];
    size_t len;
    struct buf strings[STRINGS_MAX];
};

static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

/* ---- changes to descriptors ----------------------------------------------------------------- */

static void append(struct hostile *h, const uint8_t *bytes, size_t len)
{
    if (len > sizeof(h->bytes) - h->len)
        return;
    memcpy(h->bytes + h->len, bytes, len);
    h->len += len;
}

/* Where the n-th descriptor of a type begins, or any one for type 0; h->len if there is none. */
static size_t find_descriptor(const struct hostile *h, uint8_t type, uint32_t n)
{
    size_t at = 0;
    while (at + 2 <= h->len && h->bytes[at] >= 2) {
        if ((!type || h->bytes[at + 1] == type) && n-- == 0)
            return at;
        at += h->bytes[at];
    }
    return h->len;
}

static void set_byte(struct hostile *h, size_t at, uint32_t value)
{
    if (at < h->len)
        h->bytes[at] = (uint8_t)value;
}

static void cut(struct hostile *h)
{
    h->len = random_below((uint32_t)h->len + 1);
}

static void change_length(struct hostile *h)
{
    static const uint8_t lengths[] = {0, 1, 2, 3, 6, 7, 8, 10, 17, 127, 254, 255};
    set_byte(h, find_descriptor(h, 0, random_below(10)), lengths[random_below(sizeof(lengths))]);
}

static void change_type(struct hostile *h)
{
    static const uint8_t types[] = {0, 1, 2, 3, 4, 5, 11, 0x21, 0x24, 255};
    set_byte(h, find_descriptor(h, 0, random_below(8)) + 1, types[random_below(sizeof(types))]);
}

static void change_total(struct hostile *h)
{
    static const uint16_t totals[] = {0, 1, 8, 9, 18, 255, 256, 32768, 65535};
    uint16_t total = totals[random_below(ARRAY_SIZE(totals))];
    set_byte(h, DEVICE_SIZE + 2, total & 0xff);
    set_byte(h, DEVICE_SIZE + 3, total >> 8);
}

static void change_bytes(struct hostile *h)
{
    for (uint32_t n = 1 + random_below(8); n && h->len; n--)
        h->bytes[random_below((uint32_t)h->len)] = (uint8_t)random_below(256);
}

/* 256 interfaces, or 40 alternate settings of one. */
static void add_interfaces(struct hostile *h)
{
    bool alts = random_below(2);
    for (unsigned i = 0; i < (alts ? 40 : 256); i++) {
        const uint8_t more[] = {
            INTERFACE(alts ? 0 : (uint8_t)i, alts ? (uint8_t)i : 0, 0xfe, 2, 4)};
        append(h, more, sizeof(more));
    }
    size_t total = h->len - DEVICE_SIZE;
    set_byte(h, DEVICE_SIZE + 2, total & 0xff);
    set_byte(h, DEVICE_SIZE + 3, (uint8_t)(total >> 8));
}

static void add_second_dfu(struct hostile *h)
{
    const uint8_t more[] = {INTERFACE(1, 0, 0xfe, (uint8_t)random_below(3), 5),
                            FUNCTIONAL(0x0b, 0, 2)};
    append(h, more, sizeof(more));
    set_byte(h, DEVICE_SIZE + 3, 1);
}

/* Descriptors that contain themselves: a configuration in a configuration, a device in it. */
static void nest(struct hostile *h)
{
    uint8_t copy[512];
    size_t from = random_below(2) ? DEVICE_SIZE : 0;
    size_t len = h->len - from < sizeof(copy) ? h->len - from : sizeof(copy);
    if (h->len < DEVICE_SIZE)
        return;
    memcpy(copy, h->bytes + from, len);
    append(h, copy, len);
    set_byte(h, DEVICE_SIZE + 3, 2);
}

static void change_transfer_size(struct hostile *h)
{
    static const uint16_t sizes[] = {0, 1, 2, 7, 63, 4096, 4097, 32768, 65535};
    uint16_t size = sizes[random_below(ARRAY_SIZE(sizes))];
    size_t at = find_descriptor(h, 0x21, 0);
    set_byte(h, at + 5, size & 0xff);
    set_byte(h, at + 6, size >> 8);
}

static void remove_functional(struct hostile *h)
{
    set_byte(h, find_descriptor(h, 0x21, 0) + 1, 0x22);
}

static void change_attributes(struct hostile *h)
{
    set_byte(h, find_descriptor(h, 0x21, 0) + 2, random_below(256));
}

static void change_protocol(struct hostile *h)
{
    static const uint8_t protocols[] = {0, 1, 2, 3, 255};
    set_byte(h, find_descriptor(h, 4, random_below(4)) + 7,
             protocols[random_below(sizeof(protocols))]);
}

static void change_string_index(struct hostile *h)
{
    static const uint8_t indexes[] = {0, 1, 3, 8, 200, 255};
    set_byte(h, find_descriptor(h, 4, random_below(4)) + 8, indexes[random_below(sizeof(indexes))]);
}

/* ---- changes to layout strings -------------------------------------------------------------- */

static struct buf *any_string(struct hostile *h)
{
    return &h->strings[random_below(2) ? 0 : random_below(STRINGS_MAX)];
}

static void replace_string(struct hostile *h)
{
    static const char *const texts[] = {
        "@Flash/0x08000000/4294967295*4294967295Mg",
        "@Flash/0x08000000/4294967296*016Kg",
        "@Flash/0x08000000/99999999999999999999999*016Kg",
        "@Flash/0x08000000/01*4294967296 g",
        "@Flash/0x08000000/01*4194304Kg",
        "@Flash/0x08000000/01*4095Mg",
        "@Flash/0x00000000/4096*001Mg",
        "@Flash/0x00000000/4294967295*001 g",
        "@Flash/0x08000000/65537*001 g",
        "@Flash/0xFFFFFFFF/01*001 g",
        "@Flash/0xFFFFFFFF/02*001 g",
        "@Flash/0x100000000/04*016Kg",
        "@Flash/0x08000000/00*016Kg,04*000Kg",
        "@Flash/0x08000000/04*016Kh",
        "@Flash/0x08000000/04*016Kg/0x08000000/04*016Kg",
        "@Flash/0x08000000/-1*016Kg",
        "@Flash/0x/01*016Kg",
        "@///////////////////",
        "Internal Flash  /0x08000000/04*016Kg",
        "@",
        "",
    };
    struct buf *text = any_string(h);
    buf_clear(text);
    buf_adds(text, texts[random_below(ARRAY_SIZE(texts))]);
}

static void cut_string(struct hostile *h)
{
    struct buf *text = any_string(h);
    buf_truncate(text, random_below((uint32_t)text->len + 1));
}

static void garble_string(struct hostile *h)
{
    static const char *const bytes[] = {"\xc3(", "\xff\xfe", "\x1b[2J", "\xed\xa0\x80", "\xf4\x90"};
    struct buf *text = any_string(h);
    const char *more = bytes[random_below(ARRAY_SIZE(bytes))];
    size_t at = random_below((uint32_t)text->len + 1);
    if (random_below(2)) {
        buf_truncate(text, at);
        buf_adds(text, more);
    } else if (at < text->len) {
        text->data[at] = (char)(1 + random_below(255));
    }
}

static void lengthen_string(struct hostile *h)
{
    static const char *const parts[] = {",", ",01*001Kg", "/0x09000000/01*001Kg", " ", "9", "@"};
    struct buf *text = any_string(h);
    const char *part = parts[random_below(ARRAY_SIZE(parts))];
    for (uint32_t n = 1 + random_below(4000); n; n--)
        buf_adds(text, part);
}

static void (*const changes[])(struct hostile *) = {
    cut,
    change_length,
    change_type,
    change_total,
    change_bytes,
    add_interfaces,
    add_second_dfu,
    nest,
    change_transfer_size,
    remove_functional,
    change_attributes,
    change_protocol,
    change_string_index,
    replace_string,
    replace_string,
    cut_string,
    garble_string,
    lengthen_string,
};

static void hostile_init(struct hostile *h, uint32_t number)
{
    random_state = 2463534242u + number * 2654435761u;
    random_state += !random_state;
    const struct device_bytes *original = &originals[random_below(ARRAY_SIZE(originals))];
    h->len = 0;
    append(h, original->bytes, original->len);
    for (size_t i = 0; i < STRINGS_MAX; i++) {
        h->strings[i] = (struct buf)BUF_INIT;
        if (original->strings[i])
            buf_adds(&h->strings[i], original->strings[i]);
    }
    for (uint32_t n = 1 + random_below(3); n; n--)
        changes[random_below(ARRAY_SIZE(changes))](h);
}

static void hostile_release(struct hostile *h)
{
    for (size_t i = 0; i < STRINGS_MAX; i++)
        buf_release(&h->strings[i]);
}

/* ---- what is made of it --------------------------------------------------------------------- */

/* As the device sends it: at most 126 characters of UTF-16, its length perhaps a lie. NULL: the
 * device has no such string. */
static char *read_string(const struct hostile *h, uint8_t index)
{
    uint8_t bytes[2 + 2 * 126];
    size_t number = (size_t)index - FIRST_STRING;
    if (index < FIRST_STRING || number >= STRINGS_MAX)
        return NULL;
    const struct buf *text = &h->strings[number];
    size_t units = text->len < 126 ? text->len : 126;
    bytes[0] = (uint8_t)(random_below(8) ? 2 + 2 * units : random_below(256));
    bytes[1] = 3;
    for (size_t i = 0; i < units; i++) {
        bytes[2 + 2 * i] = (uint8_t)text->data[i];
        bytes[3 + 2 * i] = random_below(200) ? 0 : (uint8_t)random_below(256);
    }
    return descriptor_string(bytes, 2 + 2 * units);
}

static bool read_layout(const char *text, size_t len, struct layout *layout)
{
    struct err *err = NULL;
    bool ok = layout_parse(text, len, layout, &err);
    if (fuzz_check_result(ok, &err))
        fuzz_check_layout(layout);
    return ok;
}

static void read_targets(const struct hostile *h, struct device *device)
{
    for (size_t i = 0; i < device->target_count; i++) {
        struct device_target *target = &device->targets[i];
        target->alt = device->interface.alts[i].number;
        target->name = read_string(h, device->interface.alts[i].string);
        target->has_layout =
            target->name && read_layout(target->name, strlen(target->name), &target->layout);
    }
}

/* Every byte that is written lies in a sector, and none is written twice. */
static void check_spans(const struct plan *plan, const struct layout *layout)
{
    struct plan_span span, vector;
    struct plan_at at = {0, 0};
    uint64_t end = 0;
    assert_true(plan_vector(plan, &vector) && vector.size > 0);
    while (plan_next_span(plan, PLAN_WRITE, &at, &span)) {
        struct layout_sector sector;
        assert_true(span.size > 0 && span.address >= end);
        end = (uint64_t)span.address + span.size;
        assert_true(layout_sector_at(layout, span.address, &sector));
        assert_true(layout_sector_at(layout, (uint32_t)(end - 1), &sector));
        assert_true(vector.address >= end || vector.address + vector.size <= span.address);
    }
}

/* An image of a few bytes at an address. */
static bool make_plan(const struct plan_memory *memory, uint32_t address, uint16_t transfer_size)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(plan_release) struct plan plan = PLAN_INIT;
    const struct plan_rules rules = {transfer_size, .blank = 0xff, .erase_all = true};
    struct err *err = NULL;
    bool ok = image_add(&image, memory->alt, address, "a few bytes", 12, &err) &&
              plan_make(&plan, &image, memory, 1, &rules, &err);
    if (!fuzz_check_result(ok, &err))
        return false;
    compare_finish(&plan);
    check_spans(&plan, memory->layout);
    return true;
}

static bool plan_for(const struct device *device)
{
    bool ok = false;
    for (size_t i = 0; i < device->target_count; i++) {
        const struct device_target *target = &device->targets[i];
        const struct plan_memory memory = {target->alt, &target->layout};
        for (size_t group = 0; group < target->layout.group_count; group++)
            ok |=
                make_plan(&memory, target->layout.groups[group].address, device->dfu.transfer_size);
        if (target->has_layout)
            ok |= make_plan(&memory, 0x08000000, device->dfu.transfer_size);
    }
    return ok;
}

/* Does it come to a plan? */
static bool try_device(const struct hostile *h)
{
    struct device device = {0};
    struct err *err = NULL;
    _cleanup_free_ uint8_t *exact = xmalloc(h->len);
    memcpy(exact, h->bytes, h->len);
    if (!dfu_interface_find(exact, h->len, &device.interface))
        return false;
    assert_in_range(device.interface.alt_count, 1, DFU_ALTS_MAX);
    device.target_count = device.interface.alt_count;
    device.targets = xcalloc(device.target_count, sizeof(*device.targets));
    uint16_t size = device.interface.functional.transfer_size;
    device.dfu.transfer_size = size ? size : 64;
    read_targets(h, &device);
    bool ok = fuzz_check_result(device_check(&device, &err), &err) && plan_for(&device);
    for (size_t i = 0; i < device.target_count; i++) {
        free(device.targets[i].name);
        layout_release(&device.targets[i].layout);
    }
    free(device.targets);
    return ok;
}

static void devices(void **state)
{
    unsigned accepted = 0;
    (void)state;
    for (uint32_t i = 0; i < SETS; i++) {
        struct hostile h;
        hostile_init(&h, i);
        accepted += try_device(&h);
        hostile_release(&h);
    }
    print_message("# %d sets of descriptors: %u came to a plan, %u were refused\n", SETS, accepted,
                  SETS - accepted);
    assert_in_range(accepted, SETS / 10, SETS - SETS / 10);
}

/* The strings by themselves, longer than USB carries. */
static void layouts(void **state)
{
    unsigned accepted = 0, count = 0;
    (void)state;
    for (uint32_t i = 0; count < SETS; i++) {
        struct hostile h;
        hostile_init(&h, SETS + i);
        replace_string(&h);
        for (size_t text = 0; text < STRINGS_MAX; text++) {
            _cleanup_(layout_release) struct layout layout = LAYOUT_INIT;
            if (!h.strings[text].len)
                continue;
            accepted += read_layout(h.strings[text].data, h.strings[text].len, &layout);
            count++;
        }
        hostile_release(&h);
    }
    print_message("# %u layout strings: %u were accepted, %u refused\n", count, accepted,
                  count - accepted);
    assert_in_range(accepted, count / 10, count - count / 10);
}

static void write_set(const char *dir, uint32_t number)
{
    struct hostile h;
    _cleanup_free_ char *path = xasprintf("%s/%03u", dir, number);
    hostile_init(&h, number);
    FILE *file = fopen(path, "w"); /* not fs_write(), which waits for the disk each time */
    CHECK(file && fwrite(h.bytes, 1, h.len, file) == h.len && fclose(file) == 0);
    hostile_release(&h);
}

int main(int argc, char **argv)
{
    for (uint32_t i = 0; argc == 2 && i < SETS; i++)
        write_set(argv[1], i);
    if (argc == 2)
        return 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(devices), cmocka_unit_test(layouts)};
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
