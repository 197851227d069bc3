#include "unit.h"

#include "flasher/layout.h"

/* Text in, text out. */
static void assert_layout(const char *text, const char *name, const char *expected, bool incomplete)
{
    struct err *err = NULL;
    _cleanup_(layout_release) struct layout layout = LAYOUT_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    assert_ok(layout_parse(text, strlen(text), &layout, &err), &err);
    layout_format(&layout, &out);
    assert_string_equal(layout.name, name);
    assert_string_equal(out.data, expected);
    assert_int_equal(layout.incomplete, incomplete);
}

#define REW "readable, erasable, writeable\n"
#define F4                                                                                         \
    "0x08000000  4 x 16384  " REW "0x08010000  1 x 65536  " REW "0x08020000  7 x 131072  " REW

static void data_sheet(void **state)
{
    (void)state;
    assert_layout("@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg", "Internal Flash", F4,
                  false);
    assert_layout("@Option Bytes  /0x1FFFC000/01*016 e", "Option Bytes",
                  "0x1fffc000  1 x 16  readable, writeable\n", false);
    assert_layout("@OTP Memory /0x1FFF7800/01*512 e,01*016 e", "OTP Memory",
                  "0x1fff7800  1 x 512  readable, writeable\n"
                  "0x1fff7a00  1 x 16  readable, writeable\n",
                  false);
    assert_layout("@External /0x90000000/16*001Ma", "External",
                  "0x90000000  16 x 1048576  readable\n", false);
}

static void several_zones(void **state)
{
    (void)state;
    assert_layout("@Banks/0x08100000/01*128Kg/0x08000000/02*064Kb,01*128Bc", "Banks",
                  "0x08000000  2 x 65536  erasable\n0x08020000  1 x 128  readable, erasable\n"
                  "0x08100000  1 x 131072  " REW,
                  false);
}

/* Seen on real parts. */
static void in_the_wild(void **state)
{
    (void)state;
    assert_layout("@Internal Flash   /0x08000000/512*0001Kg", "Internal Flash",
                  "0x08000000  512 x 1024  " REW, false);
    assert_layout("@Flash / 0X8000000 / 4 * 16 K g , 1*64Kg ", "Flash",
                  "0x08000000  4 x 16384  " REW "0x08010000  1 x 65536  " REW, false);
    assert_layout("@Option bytes /0x1FFFF800/01*016B  e", "Option bytes",
                  "0x1ffff800  1 x 16  readable, writeable\n", false);
    assert_layout("@\xff\x1b[2J/0x08000000/01*016Kg", "\\xff\\x1b[2J",
                  "0x08000000  1 x 16384  " REW, false);
}

/* Wherever the device stops, the groups that are complete count. */
static void cut_short(void **state)
{
    static const char text[] = "@Flash/0x08000000/04*016Kg,01*064Kg";
    (void)state;
    size_t first = strlen("@Flash/0x08000000/04*016Kg");
    for (size_t len = 0; len < strlen(text); len++) {
        struct err *err = NULL;
        struct layout layout = LAYOUT_INIT;
        bool ok = layout_parse(text, len, &layout, &err);
        assert_int_equal(ok, len >= first);
        if (ok) {
            assert_int_equal(layout.group_count, 1);
            assert_int_equal(layout.incomplete, len > first);
        }
        layout_release(&layout);
        err_free(err);
    }
    assert_layout("@Flash/0x08000000/04*016Kg,01*064K\xc3(", "Flash", "0x08000000  4 x 16384  " REW,
                  true);
    assert_layout("@Flash/0x08000000/04*016Kg;", "Flash", "0x08000000  4 x 16384  " REW, true);
}

static void garbage(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "is not a memory layout"},
        {"STM32 bootloader", "is not a memory layout"},
        {"@", "ends too early"},
        {"@Internal Flash", "ends too early"},
        {"@Flash/08000000/04*016Kg", "is not a memory layout"},
        {"@Flash/0x08000000/04*016Kz", "is not a memory layout"},
        {"@Flash/0x08000000/00*016Kg", "is not a memory layout"},
        {"@Flash/0x08000000/04*000Kg", "is not a memory layout"},
        {"@Flash/0x08000000/-4*016Kg", "is not a memory layout"},
        {"@Flash/0x108000000/04*016Kg", "is not a memory layout"},
        {"@Flash/0x08000000/99999999999999999999*016Kg", "is not a memory layout"},
        {"@Flash/0xFFFFF000/02*004Kg", "cannot be"},
        {"@Flash/0x00000000/4294967295*4294967295Mg", "cannot be"},
        {"@Flash/0x08000000/04*016Kg/0x08004000/01*016Kg", "cannot be"},
        {"@Flash/0x08004000/01*016Kg/0x08000000/04*016Kg", "cannot be"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err *err = NULL;
        struct layout layout = LAYOUT_INIT;
        assert_false(layout_parse(cases[i].text, strlen(cases[i].text), &layout, &err));
        assert_error(&err, ERR_DEVICE, cases[i].why);
        assert_null(layout.name);
    }
}

static void too_many_groups(void **state)
{
    struct err *err = NULL;
    struct layout layout = LAYOUT_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    (void)state;
    buf_adds(&text, "@Flash/0x08000000/01*001Kg");
    for (int i = 0; i < LAYOUT_MAX_GROUPS - 1; i++)
        buf_adds(&text, ",01*001Kg");
    assert_ok(layout_parse(text.data, text.len, &layout, &err), &err);
    layout_release(&layout);
    buf_adds(&text, ",01*001Kg");
    assert_false(layout_parse(text.data, text.len, &layout, &err));
    assert_error(&err, ERR_DEVICE, "cannot be");
}

static void look_up(void **state)
{
    static const char text[] = "@Flash/0x08000000/04*016Kg,01*064Kg/0x08040000/01*004Ka"
                               "/0xFFFFF000/01*004Kg";
    struct err *err = NULL;
    struct layout_sector sector;
    _cleanup_(layout_release) struct layout layout = LAYOUT_INIT;
    _cleanup_(buf_release) struct buf groups = BUF_INIT;
    (void)state;
    assert_ok(layout_parse(text, strlen(text), &layout, &err), &err);
    assert_true(layout_sector_at(&layout, 0x08007fff, &sector));
    assert_int_equal(sector.address, 0x08004000);
    assert_int_equal(sector.size, 0x4000);
    assert_int_equal(sector.access, 7);
    assert_true(layout_sector_at(&layout, 0x0801ffff, &sector));
    assert_int_equal(sector.address, 0x08010000);
    assert_true(layout_sector_at(&layout, 0xffffffff, &sector));
    assert_int_equal(sector.address, 0xfffff000);
    assert_false(layout_sector_at(&layout, 0x08020000, &sector));
    assert_false(layout_sector_at(&layout, 0x07ffffff, &sector));
    assert_int_equal(layout_size(&layout), 0x20000 + 0x1000 + 0x1000);
    assert_int_equal(layout_sector_count(&layout), 7);
    layout_add_groups(&layout, &groups);
    assert_string_equal(groups.data, "4 x 16 KiB, 1 x 64 KiB, 1 x 4 KiB, 1 x 4 KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_sheet),  cmocka_unit_test(several_zones),
        cmocka_unit_test(in_the_wild), cmocka_unit_test(cut_short),
        cmocka_unit_test(garbage),     cmocka_unit_test(too_many_groups),
        cmocka_unit_test(look_up),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
