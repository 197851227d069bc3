#include "unit.h"

#include "flasher/compare.h"
#include "flasher/plan_text.h"

#define BLOCK 2048

/* A plan for an image of two parts in a flash that holds `old` from an offset on. */
static void make(struct plan *plan, struct image *image, uint8_t old, size_t from, bool mass)
{
    static const char text[] = "@Flash /0x08000000/04*016Kg,01*064Kg,01*128Kg";
    _cleanup_(layout_release) struct layout layout = LAYOUT_INIT;
    struct err *err = NULL;
    const struct plan_rules rules = {BLOCK, .blank = 0xff, .mass = mass};
    uint8_t data[0x8000], block[BLOCK];
    memset(data, 0x55, sizeof(data));
    assert_ok(layout_parse(text, strlen(text), &layout, &err), &err);
    const struct plan_memory memory = {0, &layout};
    assert_ok(image_add(image, 0, 0x08000000, data, sizeof(data), &err) &&
                  image_add(image, 0, 0x08010000, data, 0x1000, &err) &&
                  plan_make(plan, image, &memory, 1, &rules, &err),
              &err);
    for (size_t i = 0; i < plan->sector_count; i++) {
        struct plan_sector *sector = &plan->sectors[i];
        for (size_t k = 0; k < sector->block_count; k++) {
            memset(block, sector->address - 0x08000000 + k * BLOCK >= from ? old : 0x55, BLOCK);
            if (compare_wants(plan, sector, k))
                compare_block(plan, sector, k, block);
        }
    }
    compare_settle(plan);
    compare_finish(plan);
}

static void assert_text(uint8_t old, size_t from, bool mass, const char *expected, double seconds)
{
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    _cleanup_(plan_release) struct plan plan = PLAN_INIT;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    make(&plan, &image, old, from, mass);
    plan_format(&plan, &out);
    assert_string_equal(out.data, expected);
    assert_true(plan_expected_seconds(&plan, 0) > seconds - 0.01 &&
                plan_expected_seconds(&plan, 0) < seconds + 0.01);
    assert_true(plan_expected_seconds(&plan, 1024 * 1024) > seconds + 5.1);
}

/* 9.4 s: 0.8 + 1.2 s of erasing, 98304 bytes at 16 us, the same read back at 5 ms a KiB */
static void replaced(void **state)
{
    (void)state;
    assert_text(0xaa, 0, false,
                "erase  alt 0  0x08000000  32.0 KiB in 2 sectors: write 32.0 KiB\n"
                "erase  alt 0  0x08010000  64.0 KiB in 1 sector: write 64.0 KiB, of which 60.0 KiB "
                "are the board's own data\n"
                "the vector table's block at 0x08000000 is written last\n"
                "in all: erase 3 sectors (96.0 KiB), write 96.0 KiB, of which 60.0 KiB are the "
                "board's own data\n",
                2.0 + 98304 * 16e-6 + 96 * 5e-3);
}

static void blank(void **state)
{
    (void)state;
    assert_text(0xff, 0, false,
                "write  alt 0  0x08000000  32.0 KiB in 2 sectors: write 32.0 KiB\n"
                "write  alt 0  0x08010000  64.0 KiB in 1 sector: write 4.0 KiB\n"
                "the vector table's block at 0x08000000 is written last\n"
                "in all: write 36.0 KiB\n",
                36864 * 16e-6 + 36 * 5e-3);
}

static void unchanged(void **state)
{
    (void)state;
    assert_text(0xaa, 0x11000, false,
                "leave  alt 0  0x08000000  32.0 KiB in 2 sectors: holds the image's bytes already\n"
                "leave  alt 0  0x08010000  64.0 KiB in 1 sector: holds the image's bytes already\n"
                "in all: nothing to do: the board holds all of it already\n",
                0);
}

static void mass_erase(void **state)
{
    (void)state;
    assert_text(0xaa, 0, true,
                "erase  alt 0  the whole flash, 256.0 KiB, whatever is in it\n"
                "erase  alt 0  0x08000000  32.0 KiB in 2 sectors: write 32.0 KiB\n"
                "erase  alt 0  0x08010000  64.0 KiB in 1 sector: write 4.0 KiB\n"
                "the vector table's block at 0x08000000 is written last\n"
                "in all: erase 6 sectors (256.0 KiB), write 36.0 KiB\n",
                4.0 + 36864 * 16e-6 + 36 * 5e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaced),
        cmocka_unit_test(blank),
        cmocka_unit_test(unchanged),
        cmocka_unit_test(mass_erase),
    };
    return cmocka_run_group_tests_name("plan_text", tests, NULL, NULL);
}
