#include "unit.h"

/* The table itself is looked at, row by row. */
#include "flasher/quirk.c"

/* A device that the row describes and, as far as it can be, no other one. */
static struct quirk_key key_of(const struct row *row, char serial[32])
{
    struct quirk_key key = {.vendor = row->vendor ? row->vendor : 0x1234,
                            .product = row->first_product,
                            .version = row->has_version ? row->version : 0x4321,
                            .manufacturer = row->manufacturer,
                            .product_name = row->product_name};
    if (!row->serial)
        return key;
    snprintf(serial, 32, "%s", row->serial);
    for (char *c = serial; *c; c++)
        if (*c == '?')
            *c = 'R';
    key.serial = serial;
    return key;
}

static bool is_empty(const struct quirks *q)
{
    return !q->flags && !q->transfer_size && !q->poll_timeout_ms && !q->layout && !q->name;
}

/* Whatever a row says is what its device gets: no other row takes it back. */
static void every_row_is_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char serial[32];
        struct quirk_key key = key_of(&rows[i], serial);
        const struct quirks *row = &rows[i].quirks;
        struct quirks found;
        assert_true(rows[i].first_product <= rows[i].last_product);
        assert_false(is_empty(row));
        quirks_find(&key, &found);
        assert_int_equal(found.flags & row->flags, row->flags);
        assert_true(!row->poll_timeout_ms || row->poll_timeout_ms == found.poll_timeout_ms);
        assert_true(!row->layout || row->layout == found.layout);
        assert_true(!row->name || strcmp(row->name, found.name) == 0);
        key.product = rows[i].last_product;
        quirks_find(&key, &found);
        assert_int_equal(found.flags & row->flags, row->flags);
    }
}

/* Without the row its device would have less: it is not covered by the others. */
static void no_row_is_idle(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char serial[32];
        struct quirk_key key = key_of(&rows[i], serial);
        struct quirks with, without = {0};
        quirks_find(&key, &with);
        for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
            if (k != i && matches(&rows[k], &key))
                merge(&without, &rows[k].quirks);
        if (with.flags == without.flags && with.layout == without.layout &&
            with.poll_timeout_ms == without.poll_timeout_ms && with.name == without.name)
            fail_msg("row %zu adds nothing", i);
    }
}

static void rows_have_sources(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_true(rows[i].source && strlen(rows[i].source) > 10);
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        assert_true(families[i].source && strlen(families[i].source) > 10);
}

static void layouts_can_be_parsed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *text = rows[i].quirks.layout;
        struct layout layout = LAYOUT_INIT;
        struct err *err = NULL;
        if (!text)
            continue;
        assert_ok(layout_parse(text, strlen(text), &layout, &err), &err);
        assert_false(layout.incomplete);
        layout_release(&layout);
    }
}

static struct quirks find(struct quirk_key key)
{
    struct quirks quirks;
    quirks_find(&key, &quirks);
    return quirks;
}

static void unknown_device(void **state)
{
    (void)state;
    struct quirks quirks = find((struct quirk_key){0x1209, 0x0001, 0x0100, "A", "B", "C"});
    assert_true(is_empty(&quirks));
    quirks = find((struct quirk_key){.vendor = 0x0483, .product = 0xdf11});
    assert_true(is_empty(&quirks));
}

static void st_rom_and_mboot(void **state)
{
    (void)state;
    struct quirks rom = find((struct quirk_key){0x0483, 0xdf11, 0x2200, "STMicroelectronics",
                                                "STM32  BOOTLOADER", "3377337E3539"});
    assert_string_equal(rom.name, "ST DfuSe ROM");
    assert_true(rom.flags & QUIRK_ST_ROM);
    assert_false(rom.flags & QUIRK_SERIAL_IS_CONSTANT);
    rom = find((struct quirk_key){0x0483, 0xdf11, 0x2200, "STMicroelectronics", "STM32  BOOTLOADER",
                                  "STM32FxSTM32"});
    assert_true(rom.flags & QUIRK_SERIAL_IS_CONSTANT);

    struct quirks mboot = find(
        (struct quirk_key){0x0483, 0xdf11, 0x0300, "MicroPython", "Pyboard DFU", "3377337E3539"});
    assert_string_equal(mboot.name, "mboot");
    assert_int_equal(mboot.flags, QUIRK_MBOOT_STRINGS);
    mboot = find((struct quirk_key){.vendor = 0x0694, .product = 8, .product_name = "Pyboard DFU"});
    assert_string_equal(mboot.name, "mboot");
}

/* Ids alone, with an end and a revision. */
static void ranges(void **state)
{
    (void)state;
    assert_true(find((struct quirk_key){.vendor = 0xf055, .product = 0x980a}).flags &
                QUIRK_MICROPYTHON_RUNTIME);
    assert_int_equal(find((struct quirk_key){.vendor = 0xf055, .product = 0x980b}).flags, 0);
    assert_int_equal(find((struct quirk_key){.vendor = 0xf055, .product = 0x97ff}).flags, 0);
    assert_int_equal(find((struct quirk_key){0x1eaf, 3, 0x0200, 0, 0, 0}).flags,
                     QUIRK_IS_PLAIN_DFU);
    assert_int_equal(find((struct quirk_key){0x1eaf, 3, 0x0201, 0, 0, 0}).flags, 0);
    assert_int_equal(find((struct quirk_key){0x0908, 0x02c5, 0, 0, 0, 0}).poll_timeout_ms, 5);
    assert_int_equal(find((struct quirk_key){0x0908, 0x02c5, 1, 0, 0, 0}).poll_timeout_ms, 0);
}

/* As the part should send it, and as it does. */
static void gd32_serials(void **state)
{
    static const struct {
        const char *serial, *layout;
    } cases[] = {
        {"3CBJ", "@Internal Flash  /0x08000000/128*001Kg"},
        {"\u4333\u4a42", "@Internal Flash  /0x08000000/128*001Kg"},
        {"\u5233\u4a38", "@Internal Flash  /0x08000000/064*001Kg"},
        {"3T6J", "@Internal Flash  /0x08000000/032*001Kg"},
        {"3C4J", "@Internal Flash  /0x08000000/016*001Kg"},
        {"3C4JJ", NULL},
        {"3C4", NULL},
        {"\u4333", NULL},
        {"\u4333\u4a42\u4a42", NULL},
        {"\xff\xfe", NULL},
        {"\u4333\u4a42\u4333\u4a42\u4333\u4a42\u4333\u4a42\u4333\u4a42", NULL},
        {"", NULL},
        {NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct quirks quirks = find(
            (struct quirk_key){.vendor = 0x28e9, .product = 0x0189, .serial = cases[i].serial});
        assert_true(quirks.flags & QUIRK_SERIAL_IS_CONSTANT);
        if (cases[i].layout)
            assert_string_equal(quirks.layout, cases[i].layout);
        else
            assert_null(quirks.layout);
    }
}

static struct quirks with_layout(struct quirks quirks, const char *text)
{
    struct layout layout = LAYOUT_INIT;
    struct err *err = NULL;
    assert_ok(layout_parse(text, strlen(text), &layout, &err), &err);
    quirks_add_layout(&quirks, &layout);
    layout_release(&layout);
    return quirks;
}

static void families_of_st_parts(void **state)
{
    (void)state;
    struct quirks rom =
        find((struct quirk_key){0x0483, 0xdf11, 0x2200, NULL, "STM32  BOOTLOADER", NULL});
    struct quirks f4 = with_layout(rom, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg");
    assert_int_equal(f4.flags, rom.flags);
    struct quirks h7 = with_layout(rom, "@Internal Flash   /0x08000000/16*128Kg");
    assert_true(h7.flags & QUIRK_WEDGES_IN_BUSY && h7.flags & QUIRK_ST_ROM);
    struct quirks l0 = with_layout(rom, "@Internal Flash  /0x08000000/1536*128g");
    assert_true(l0.flags & QUIRK_ERASES_TO_ZERO);
    struct quirks other = with_layout((struct quirks){0}, "@Flash /0x08000000/16*128Kg");
    assert_true(is_empty(&other));
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(families[i].sector_size, families[k].sector_size);
}

/* Each flag has a text, and is used by a row. */
static void texts(void **state)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    size_t lines = 0;
    (void)state;
    quirks_format(&out);
    for (const char *c = out.data; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, ARRAY_SIZE(rows) + ARRAY_SIZE(families));
    assert_int_equal(1u << (ARRAY_SIZE(flag_texts) - 1), QUIRK_IS_NOT_DFU);
    for (size_t i = 0; i < ARRAY_SIZE(flag_texts); i++)
        assert_contains(out.data, flag_texts[i]);
    assert_contains(out.data,
                    "0908:02c4-02c5 bcdDevice 0000: milliseconds between polls: 5  [dfu-util");
    assert_contains(out.data, "any id product \"Pyboard DFU...\": mboot, explains errors");
    assert_contains(out.data, "ST's ROM, sectors of 131072 bytes: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_reached),
        cmocka_unit_test(no_row_is_idle),
        cmocka_unit_test(rows_have_sources),
        cmocka_unit_test(layouts_can_be_parsed),
        cmocka_unit_test(unknown_device),
        cmocka_unit_test(st_rom_and_mboot),
        cmocka_unit_test(ranges),
        cmocka_unit_test(gd32_serials),
        cmocka_unit_test(families_of_st_parts),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests_name("quirk", tests, NULL, NULL);
}
