#include "unit.h"

#include "flasher/compare.h"

#define BLOCK 0x400
#define SECTOR 0x1000

struct fixture {
    struct layout layout;
    struct image image;
    struct plan_rules rules;
    struct plan plan;
    uint8_t memory[4 * SECTOR];
    struct buf read; /* "0.1 0.2": sector and block */
};

static int setup(void **state)
{
    static const char text[] = "@Flash /0x08000000/04*004Kg";
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    *f = (struct fixture){.image = IMAGE_INIT, .plan = PLAN_INIT, .read = BUF_INIT};
    f->rules = (struct plan_rules){BLOCK, .blank = 0xff};
    assert_ok(layout_parse(text, strlen(text), &f->layout, &err), &err);
    memset(f->memory, 0xff, sizeof(f->memory));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    plan_release(&f->plan);
    image_release(&f->image);
    layout_release(&f->layout);
    buf_release(&f->read);
    free(f);
    return 0;
}

/* Bytes of 0x55. */
static void add(struct fixture *f, uint32_t offset, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xmalloc(size);
    memset(data, 0x55, size);
    assert_ok(image_add(&f->image, 0, 0x08000000 + offset, data, size, &err), &err);
}

static void read_sector(struct fixture *f, size_t index)
{
    struct plan_sector *sector = &f->plan.sectors[index];
    for (size_t k = 0; k < sector->block_count; k++) {
        if (!compare_wants(&f->plan, sector, k))
            continue;
        buf_addf(&f->read, "%zu.%zu ", index, k);
        compare_block(&f->plan, sector, k,
                      f->memory + (sector->address - 0x08000000) + plan_block_offset(&f->plan, k));
    }
}

static void make(struct fixture *f)
{
    const struct plan_memory memory = {0, &f->layout};
    struct err *err = NULL;
    assert_ok(plan_make(&f->plan, &f->image, &memory, 1, &f->rules, &err), &err);
    for (size_t i = 0; i < f->plan.sector_count; i++) {
        read_sector(f, i);
        read_sector(f, i);
    }
}

/* For each sector: "e" when it is erased, then for each block: w(ritten), v(erified only), '.'. */
static void assert_fate(struct fixture *f, const char *read, const char *expected)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    compare_settle(&f->plan);
    read_sector(f, 0);
    compare_finish(&f->plan);
    for (size_t i = 0; i < f->plan.sector_count; i++) {
        const struct plan_sector *sector = &f->plan.sectors[i];
        buf_adds(&text, sector->erase ? "e:" : "-:");
        for (size_t k = 0; k < sector->block_count; k++)
            buf_addc(&text, sector->blocks[k] & PLAN_WRITE    ? 'w'
                            : sector->blocks[k] & PLAN_VERIFY ? 'v'
                                                              : '.');
        buf_addc(&text, ' ');
    }
    assert_string_equal(f->read.data, read);
    assert_string_equal(text.data, expected);
}

static void blank(void **state)
{
    struct fixture *f = *state;
    add(f, 0, SECTOR + 1);
    make(f);
    assert_fate(f, "0.0 0.1 0.2 0.3 1.0 ", "-:wwww -:w... ");
}

static void same(void **state)
{
    struct fixture *f = *state;
    add(f, 0, SECTOR + 1);
    memset(f->memory, 0x55, SECTOR + 1);
    f->memory[SECTOR + 1] = 0; /* somebody else's */
    make(f);
    assert_fate(f, "0.0 0.1 0.2 0.3 1.0 ", "-:.... -:.... ");
    assert_int_equal(plan_unchanged_bytes(&f->plan), SECTOR + 1);
}

/* The first different block is enough; then only what is to be kept is of interest, also before. */
static void erase_early(void **state)
{
    struct fixture *f = *state;
    add(f, 0x400, SECTOR);
    memset(f->memory, 0xaa, sizeof(f->memory));
    make(f);
    assert_fate(f, "0.1 0.0 1.0 1.1 1.2 1.3 ", "e:wwww e:wwww ");
    assert_int_equal(f->plan.sectors[0].content[0x3ff], 0xaa);
    assert_int_equal(f->plan.sectors[0].content[0x400], 0x55);
    assert_int_equal(f->plan.sectors[1].content[0x3ff], 0x55);
    assert_int_equal(f->plan.sectors[1].content[0x400], 0xaa);
    assert_int_equal(plan_kept_bytes(&f->plan), SECTOR);
}

/* One bit that could be cleared without an erase: parts with ECC do not allow it. */
static void bits_are_not_cleared(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x400);
    memset(f->memory, 0x55, 0x400);
    f->memory[7] = 0xff;
    make(f);
    assert_fate(f, "0.0 0.1 0.2 0.3 ", "e:w... ");
}

/* Anything behind it changes: the vector table is made invalid first. */
static void vector_is_invalid_first(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 2 * SECTOR);
    memset(f->memory, 0x55, 2 * SECTOR);
    f->memory[SECTOR + 0x500] = 0;
    make(f);
    assert_fate(f, "0.0 0.1 0.2 0.3 1.0 1.1 ", "e:wwww e:wwww ");
}

/* ... and its sector's other data is read then. */
static void vector_sector_keeps(void **state)
{
    struct fixture *f = *state;
    add(f, 0x000, 0x400);
    add(f, 0x800, SECTOR);
    memset(f->memory, 0xaa, sizeof(f->memory));
    memset(f->memory, 0x55, 0x400);
    memset(f->memory + 0x800, 0x55, SECTOR);
    memset(f->memory + SECTOR, 0xff, 0x400);
    make(f);
    assert_fate(f, "0.0 0.2 0.3 1.0 1.1 0.1 ", "e:wwww -:w... ");
    assert_int_equal(plan_kept_bytes(&f->plan), 0x400);
}

/* A blank one is invalid already. */
static void blank_vector(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 2 * SECTOR);
    memset(f->memory + 0x400, 0x55, 2 * SECTOR - 0x400);
    memset(f->memory + SECTOR, 0xff, 0x400);
    make(f);
    assert_fate(f, "0.0 0.1 0.2 0.3 1.0 1.1 1.2 1.3 ", "-:w... -:w... ");
}

static void vector_alone(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 2 * SECTOR);
    memset(f->memory, 0x55, 2 * SECTOR);
    memset(f->memory, 0xff, 0x400);
    make(f);
    assert_fate(f, "0.0 0.1 0.2 0.3 1.0 1.1 1.2 1.3 ", "-:w... -:.... ");
}

static void discard(void **state)
{
    struct fixture *f = *state;
    f->rules.discard = true;
    add(f, 0x100, 0x100);
    memset(f->memory, 0xaa, sizeof(f->memory));
    make(f);
    assert_fate(f, "0.0 ", "e:w... ");
    assert_int_equal(f->plan.sectors[0].content[0x100], 0x55);
    assert_int_equal(f->plan.sectors[0].content[0x200], 0xff);
}

static void erase_all_and_mass(void **state)
{
    struct fixture *f = *state;
    f->rules.erase_all = true;
    add(f, 0, SECTOR + 0x500);
    memset(f->memory, 0x55, SECTOR + 0x500);
    make(f);
    assert_fate(f, "1.1 1.2 1.3 ", "e:wwww e:ww.. ");
    plan_release(&f->plan);
    buf_clear(&f->read);
    f->rules.mass = true;
    make(f);
    assert_fate(f, "", "e:wwww e:ww.. ");
}

/* Blank bytes of the image in an erased sector are not written, but read back. */
static void blank_image(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    uint8_t nothing[0x800];
    memset(nothing, 0xff, sizeof(nothing));
    add(f, 0, 0x400);
    assert_ok(image_add(&f->image, 0, 0x08000400, nothing, sizeof(nothing), &err), &err);
    memset(f->memory, 0xaa, 0x400);
    make(f);
    assert_fate(f, "0.0 0.3 ", "e:wvv. ");
}

static void restore(struct fixture *f, uint32_t offset, uint8_t value, size_t size, bool expected)
{
    _cleanup_(image_release) struct image saved = IMAGE_INIT;
    _cleanup_free_ uint8_t *data = xmalloc(size);
    struct err *err = NULL;
    memset(data, value, size);
    assert_ok(image_add(&saved, 0, 0x08000000 + offset, data, size, &err), &err);
    assert_true(compare_restore(&f->plan, &f->plan.sectors[0], &saved) == expected);
}

static void make_to_restore(struct fixture *f)
{
    const struct plan_memory memory = {0, &f->layout};
    struct err *err = NULL;
    assert_ok(plan_make(&f->plan, &f->image, &memory, 1, &f->rules, &err), &err);
    f->plan.sectors[0].restore = true;
    read_sector(f, 0);
}

/* Into erased memory it goes without another erase. */
static void restores_into_blank(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x400);
    memset(f->memory, 0x55, 0x400);
    make_to_restore(f);
    restore(f, 0xb00, 0xaa, 0x200, true);
    assert_fate(f, "0.0 0.1 0.2 0.3 ", "e:w.ww "); /* for the vector table's sake */
    assert_int_equal(f->plan.sectors[0].content[0xcff], 0xaa);
    assert_int_equal(f->plan.sectors[0].content[0xd00], 0xff);
}

static void restores_half_of_it(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x400);
    memset(f->memory + 0x800, 0xaa, 0x400);
    make_to_restore(f);
    restore(f, 0x800, 0xaa, 0x800, true);
    assert_fate(f, "0.0 0.1 0.2 0.3 ", "-:w..w ");
}

static void restores_what_is_there(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x400);
    memset(f->memory, 0x55, 0x400);
    memset(f->memory + 0x800, 0xaa, 0x800);
    make_to_restore(f);
    restore(f, 0x800, 0xaa, 0x800, true);
    assert_fate(f, "0.0 0.1 0.2 0.3 ", "-:.... ");
}

/* Newer data is not overwritten, nor what the image has a say in, nor another sector. */
static void restores_nothing_wrong(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x400);
    f->memory[0xfff] = 0xbb;
    make_to_restore(f);
    restore(f, 0x800, 0xaa, 0x800, false);
    restore(f, 0xfff, 0xaa, 2, false);
    restore(f, 0x1000, 0xaa, 1, false);
    assert_int_equal(f->plan.sectors[0].content[0x800], 0xff);
    restore(f, 0x300, 0xaa, 0x200, true);
    assert_int_equal(f->plan.sectors[0].content[0x3ff], 0x55);
    assert_int_equal(f->plan.sectors[0].content[0x400], 0xaa);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blank),
        TEST(same),
        TEST(erase_early),
        TEST(bits_are_not_cleared),
        TEST(vector_is_invalid_first),
        TEST(vector_sector_keeps),
        TEST(blank_vector),
        TEST(vector_alone),
        TEST(discard),
        TEST(erase_all_and_mass),
        TEST(blank_image),
        TEST(restores_into_blank),
        TEST(restores_half_of_it),
        TEST(restores_what_is_there),
        TEST(restores_nothing_wrong),
    };
    return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
