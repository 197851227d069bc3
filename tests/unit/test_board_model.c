#include "simulator/board_model.h"

#include "flasher/layout.h"
#include "simulator/sim_board.h"
#include "tests/unit/unit.h"

static void check_layout(const char *name, unsigned area, const char *expected)
{
    _cleanup_(buf_release) struct buf b = BUF_INIT;
    const struct board_model *model = board_model_find(name);
    assert_non_null(model);
    area_add_layout(&model->areas[area], &b);
    assert_string_equal(b.data, expected);
}

static void layouts_are_those_of_the_rom(void **state)
{
    (void)state;
    check_layout("stm32f405", 0, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg");
    check_layout("stm32f405", 1, "@Option Bytes  /0x1FFFC000/01*016 e");
    check_layout("stm32f405", 2, "@OTP Memory /0x1FFF7800/01*512 e,01*016 e");
    check_layout("stm32f405", 3, "@Device Feature/0xFFFF0000/01*004 e");
    check_layout("stm32f427", 0,
                 "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg,04*016Kg,01*064Kg,07*"
                 "128Kg");
    check_layout("stm32f767", 0, "@Internal Flash  /0x08000000/04*032Kg,01*128Kg,07*256Kg");
    check_layout("stm32h743", 0, "@Internal Flash   /0x08000000/16*128Kg");
    check_layout("stm32h743v", 1, "@Option Bytes   /0x5200201C/01*128 e");
    check_layout("stm32l476", 0, "@Internal Flash  /0x08000000/0512*0002Kg");
    check_layout("stm32f107", 0, "@Internal Flash  /0x08000000/128*002Kg");
    check_layout("stm32l152", 2, "@DATA Memory /0x08080000/02*004Ke");
    check_layout("stm32l152", 0, "@Internal Flash  /0x08000000/1024*256 g");
    check_layout("mboot", 0, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg");
    check_layout("dfu-tolerant", 0, "Firmware");
}

/* What a host reads out of the string is what the flash is; one part is known to lie. */
static void layouts_parse_back(void **state)
{
    (void)state;
    for (size_t i = 0; board_model_names[i]; i++) {
        struct err *err = NULL;
        _cleanup_(buf_release) struct buf text = BUF_INIT;
        const struct board_model *model = board_model_find(board_model_names[i]);
        if (model->dialect == BOARD_PLAIN || strcmp(model->name, "gd32vf103") == 0)
            continue;
        struct layout layout = LAYOUT_INIT;
        area_add_layout(&model->areas[0], &text);
        assert_ok(layout_parse(text.data, text.len, &layout, &err), &err);
        assert_false(layout.incomplete);
        assert_int_equal(layout_size(&layout), area_size(&model->areas[0]));
        uint32_t address = model->areas[0].address;
        for (unsigned run = 0; run < BOARD_RUNS && model->areas[0].runs[run].count; run++) {
            struct layout_sector sector;
            assert_true(layout_sector_at(&layout, address, &sector));
            assert_int_equal(sector.address, address);
            assert_int_equal(sector.size, model->areas[0].runs[run].size);
            assert_int_equal(sector.access, 7);
            address += model->areas[0].runs[run].count * model->areas[0].runs[run].size;
        }
        layout_release(&layout);
    }
}

static void check_size(const char *name, unsigned kib)
{
    assert_int_equal(area_size(&board_model_find(name)->areas[0]), kib * 1024);
}

static void sizes(void **state)
{
    (void)state;
    check_size("stm32f205", 1024);
    check_size("stm32f405", 1024);
    check_size("stm32f427", 2048);
    check_size("stm32f767", 2048);
    check_size("stm32h743", 2048);
    check_size("stm32h743v", 2048);
    check_size("stm32l476", 1024);
    check_size("stm32f107", 256);
    check_size("stm32l152", 256);
    check_size("gd32vf103", 128);
    check_size("mboot", 1024);
    check_size("dfu-reset", 250);
}

/* Every row holds together: nothing forgotten, nothing that does not fit the tables around it. */
static void rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; board_model_names[i]; i++) {
        const struct board_model *model = board_model_find(board_model_names[i]);
        assert_string_equal(model->name, board_model_names[i]);
        assert_non_null(model->family);
        assert_non_null(model->manufacturer);
        assert_non_null(model->product);
        assert_true(!model->serial ||
                    strlen(model->serial) < sizeof(((struct sim_board){0}).serial));
        assert_true(model->vendor_id && model->product_id && model->bcd_device && model->bcd_usb);
        assert_true(model->attributes & DFU_CAN_DOWNLOAD);
        assert_in_range(model->transfer_size, 8, 4096);
        assert_true(model->erased == 0xFF || model->erased == 0x00);
        assert_in_range(model->unit, 1, 32);
        assert_int_equal(model->transfer_size % model->unit, 0);
        assert_int_equal(model->areas[0].kind, AREA_FLASH);
        unsigned sectors = 0;
        for (unsigned run = 0; run < BOARD_RUNS && model->areas[0].runs[run].count; run++) {
            sectors += model->areas[0].runs[run].count;
            assert_int_not_equal(model->x8.erase_ms[run], 0);
            assert_in_range(model->x32.erase_ms[run], 1, model->x8.erase_ms[run]);
        }
        assert_in_range(sectors, 1, BOARD_SECTORS);
        assert_in_range(model->x32.program_ns_per_byte, 1, model->x8.program_ns_per_byte);
        const struct memory_area *options = board_model_area(model, AREA_OPTIONS);
        assert_int_equal(!!options, !!model->options.open);
        if (options)
            assert_true(model->options.wrp + (model->options.wrp_sectors + 7) / 8 <=
                        (int)area_size(options));
    }
    assert_null(board_model_find("stm32z9"));
}

static void timings(void **state)
{
    (void)state;
    const struct board_model *model = board_model_find("stm32f767");
    enum board_timing_kind kind;
    assert_true(board_timing_parse("x32", &kind));
    assert_int_equal(kind, BOARD_TIMING_X32);
    assert_int_equal(board_model_timing(model, kind).erase_ms[2], 1000);
    assert_int_equal(board_model_timing(model, kind).announced_write_ms, 104);
    assert_true(board_timing_parse("quick", &kind));
    assert_int_equal(kind, BOARD_TIMING_QUICK);
    assert_int_equal(board_model_timing(model, kind).erase_ms[2], 200);
    assert_int_equal(board_model_timing(model, BOARD_TIMING_X8).erase_ms[2], 2000);
    assert_int_equal(board_model_timing(model, BOARD_TIMING_ZERO).erase_ms[2], 0);
    assert_false(board_timing_parse("x16", &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_are_those_of_the_rom),
        cmocka_unit_test(layouts_parse_back),
        cmocka_unit_test(sizes),
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(timings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
