#include "unit.h"

#include "flasher/plan.h"

#define F4 "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"
#define BLOCK 2048

struct fixture {
    struct layout layout, options;
    struct plan_memory memories[2];
    struct image image;
    struct plan plan;
};

static void parse(const char *text, struct layout *layout)
{
    struct err *err = NULL;
    assert_ok(layout_parse(text, strlen(text), layout, &err), &err);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    *f = (struct fixture){.image = IMAGE_INIT, .plan = PLAN_INIT};
    parse(F4, &f->layout);
    parse("@Option Bytes  /0x1fffc000/01*016 e", &f->options);
    f->memories[0] = (struct plan_memory){0, &f->layout};
    f->memories[1] = (struct plan_memory){1, &f->options};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    plan_release(&f->plan);
    image_release(&f->image);
    layout_release(&f->layout);
    layout_release(&f->options);
    free(f);
    return 0;
}

/* size bytes of 0x55 */
static void add(struct fixture *f, uint8_t alt, uint32_t address, size_t size)
{
    struct err *err = NULL;
    _cleanup_free_ uint8_t *data = xmalloc(size);
    memset(data, 0x55, size);
    assert_ok(image_add(&f->image, alt, address, data, size, &err), &err);
}

static void make(struct fixture *f)
{
    struct err *err = NULL;
    assert_ok(plan_make(&f->plan, &f->image, f->memories, 2, &err), &err);
}

/* Everything that is asked for is `old` + 0xff. */
static void tell_old(struct fixture *f, size_t index, size_t offset, uint8_t value)
{
    size_t size = f->plan.sectors[index].size;
    _cleanup_free_ uint8_t *old = xmalloc(size);
    memset(old, 0xff, size);
    old[offset] = value;
    plan_old_content(&f->plan, index, old);
}

static void assert_plan(struct fixture *f, const char *expected)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    plan_finish(&f->plan, BLOCK);
    plan_format(&f->plan, &text);
    assert_string_equal(text.data, expected);
}

static void one_sector(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08000000, 100);
    make(f);
    assert_true(plan_needs_old_content(&f->plan.sectors[0]));
    assert_int_equal(plan_old_bytes(&f->plan), 0x4000);
    tell_old(f, 0, 50, 0x12); /* where the image goes: of no interest */
    assert_plan(f, "erase  alt 0  0x08000000  16.0 KiB\n"
                   "write  alt 0  0x08000000  2.0 KiB  (the vector table: last)\n");
    assert_int_equal(f->plan.run_count, 0);
    assert_int_equal(f->plan.vector.data[99], 0x55);
    assert_int_equal(f->plan.vector.data[100], 0xff);
    assert_int_equal(plan_write_bytes(&f->plan), BLOCK);
    assert_int_equal(plan_kept_bytes(&f->plan), 0);
}

static void several_sectors_one_run(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08000000, 0x12345);
    make(f);
    assert_false(plan_needs_old_content(&f->plan.sectors[0]));
    assert_true(plan_needs_old_content(&f->plan.sectors[4]));
    assert_plan(f, "erase  alt 0  0x08000000  16.0 KiB\n"
                   "erase  alt 0  0x08004000  16.0 KiB\n"
                   "erase  alt 0  0x08008000  16.0 KiB\n"
                   "erase  alt 0  0x0800c000  16.0 KiB\n"
                   "erase  alt 0  0x08010000  64.0 KiB\n"
                   "write  alt 0  0x08000800  72.0 KiB\n"
                   "write  alt 0  0x08000000  2.0 KiB  (the vector table: last)\n");
}

/* PYBV11: the file system between the two parts is not touched. */
static void hole(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08000000, 0x4000);
    add(f, 0, 0x08020000, 0x20000);
    make(f);
    assert_int_equal(plan_old_bytes(&f->plan), 0);
    assert_plan(f, "erase  alt 0  0x08000000  16.0 KiB\n"
                   "erase  alt 0  0x08020000  128.0 KiB\n"
                   "write  alt 0  0x08000800  14.0 KiB\n"
                   "write  alt 0  0x08020000  128.0 KiB\n"
                   "write  alt 0  0x08000000  2.0 KiB  (the vector table: last)\n");
}

static void keeps_what_is_behind(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08000000, 0x4100);
    make(f);
    assert_false(plan_needs_old_content(&f->plan.sectors[0]));
    tell_old(f, 1, 0x3fff, 0x42);
    assert_plan(f, "erase  alt 0  0x08000000  16.0 KiB\n"
                   "erase  alt 0  0x08004000  16.0 KiB  (its other data is kept)\n"
                   "write  alt 0  0x08000800  14.0 KiB\n"
                   "write  alt 0  0x08004000  16.0 KiB\n"
                   "write  alt 0  0x08000000  2.0 KiB  (the vector table: last)\n");
    const struct plan_run *kept = &f->plan.runs[1];
    assert_true(kept->keep);
    assert_int_equal(kept->data[0xff], 0x55);
    assert_int_equal(kept->data[0x100], 0xff);
    assert_int_equal(kept->data[0x3fff], 0x42);
    assert_int_equal(plan_kept_bytes(&f->plan), 0x4000 - 0x100);
}

/* Before, between and behind the image's parts in one sector; the image's own bytes are new. */
static void keeps_every_gap(void **state)
{
    static const size_t gaps[] = {0, 0xfff, 0x1400, 0x1fff, 0x2400, 0x3fff};
    for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
        struct fixture *f;
        setup(state);
        f = *state;
        add(f, 0, 0x08001000, 0x400);
        add(f, 0, 0x08002000, 0x400);
        make(f);
        tell_old(f, 0, gaps[i], 0x77);
        assert_true(f->plan.sectors[0].keep);
        assert_int_equal(f->plan.sectors[0].content[gaps[i]], 0x77);
        assert_int_equal(f->plan.sectors[0].content[0x13ff], 0x55);
        assert_int_equal(f->plan.sectors[0].content[0x2000], 0x55);
        assert_plan(f, "erase  alt 0  0x08000000  16.0 KiB  (its other data is kept)\n"
                       "write  alt 0  0x08000000  4.0 KiB\n"
                       "write  alt 0  0x08001800  10.0 KiB\n"
                       "write  alt 0  0x08001000  2.0 KiB  (the vector table: last)\n");
        teardown(state);
    }
    setup(state);
}

/* A part in the middle of a sector: whole blocks around it, nothing else. */
static void blocks_stay_whole(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08020a00, 0x1000);
    make(f);
    tell_old(f, 0, 0xa00, 0);
    assert_plan(f, "erase  alt 0  0x08020000  128.0 KiB\n"
                   "write  alt 0  0x08021000  4.0 KiB\n"
                   "write  alt 0  0x08020800  2.0 KiB  (the vector table: last)\n");
    assert_int_equal(f->plan.vector.data[0x1ff], 0xff);
    assert_int_equal(f->plan.vector.data[0x200], 0x55);
}

/* Sectors that are smaller than a block: a run is cut at the sector's end, not beyond. */
static void small_sectors(void **state)
{
    struct fixture *f = *state;
    layout_release(&f->layout);
    parse("@Flash /0x08000000/64*001Kg", &f->layout);
    add(f, 0, 0x08000000, 0xc01);
    make(f);
    assert_int_equal(f->plan.sector_count, 4);
    assert_plan(f, "erase  alt 0  0x08000000  1.0 KiB\n"
                   "erase  alt 0  0x08000400  1.0 KiB\n"
                   "erase  alt 0  0x08000800  1.0 KiB\n"
                   "erase  alt 0  0x08000c00  1.0 KiB\n"
                   "write  alt 0  0x08000400  3.0 KiB\n"
                   "write  alt 0  0x08000000  1.0 KiB  (the vector table: last)\n");
}

static void end_of_the_address_space(void **state)
{
    struct fixture *f = *state;
    layout_release(&f->layout);
    parse("@Flash /0xffffe000/02*004Kg", &f->layout);
    add(f, 0, 0xffffe000, 0x2000);
    make(f);
    assert_plan(f, "erase  alt 0  0xffffe000  4.0 KiB\n"
                   "erase  alt 0  0xfffff000  4.0 KiB\n"
                   "write  alt 0  0xffffe800  6.0 KiB\n"
                   "write  alt 0  0xffffe000  2.0 KiB  (the vector table: last)\n");
}

static void refuse(struct fixture *f, const char *why)
{
    struct err *err = NULL;
    assert_false(plan_make(&f->plan, &f->image, f->memories, 2, &err));
    assert_error(&err, ERR_DEVICE, why);
}

static void outside(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x080fff00, 0x101);
    refuse(f, "the image has data at 0x08100000, outside of the board's Internal Flash (0x08000000 "
              "to 0x080fffff)\n  is the image for another board?");
}

static void below(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0, 16);
    refuse(f, "the image has data at 0x00000000, outside of");
}

static void outside_of_what_was_told(void **state)
{
    struct fixture *f = *state;
    layout_release(&f->layout);
    parse("@Internal Flash  /0x08000000/04*016Kg,01*064", &f->layout);
    add(f, 0, 0x08010000, 16);
    refuse(f, "(0x08000000 to 0x0800ffff, as far as the board tells)");
}

static void read_only_sector(void **state)
{
    struct fixture *f = *state;
    layout_release(&f->layout);
    parse("@Internal Flash  /0x08000000/01*016Ka,03*016Kg", &f->layout);
    add(f, 0, 0x08000100, 0x8000);
    refuse(f, "the image has data at 0x08000100, in the sector 0x08000000 of 16384 bytes of the "
              "board's Internal Flash, which is only: readable\n");
}

/* Option bytes cannot be erased: never written by accident. */
static void option_bytes(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08000000, 16);
    add(f, 1, 0x1fffc000, 16);
    refuse(f, "in the sector 0x1fffc000 of 16 bytes of the board's Option Bytes, which is only: "
              "readable, writeable\n");
}

static void no_such_memory(void **state)
{
    struct fixture *f = *state;
    add(f, 5, 0x08000000, 16);
    refuse(f, "the image has data for alternate setting 5, which is no memory of this board\n");
}

static void too_large(void **state)
{
    struct fixture *f = *state;
    layout_release(&f->layout);
    parse("@Huge /0x00000000/02*1000Mg", &f->layout);
    add(f, 0, 0x08000000, 16);
    refuse(f, "touches more than 256 MiB");
}

static void two_memories(void **state)
{
    struct fixture *f = *state;
    layout_release(&f->options);
    parse("@External /0x08004000/16*004Kg", &f->options);
    add(f, 0, 0x08000000, 0x4000);
    add(f, 1, 0x08004000, 0x1000);
    make(f);
    assert_plan(f, "erase  alt 0  0x08000000  16.0 KiB\n"
                   "erase  alt 1  0x08004000  4.0 KiB\n"
                   "write  alt 0  0x08000800  14.0 KiB\n"
                   "write  alt 1  0x08004000  4.0 KiB\n"
                   "write  alt 0  0x08000000  2.0 KiB  (the vector table: last)\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_sector),
        TEST(several_sectors_one_run),
        TEST(hole),
        TEST(keeps_what_is_behind),
        cmocka_unit_test_setup_teardown(keeps_every_gap, NULL, teardown),
        TEST(blocks_stay_whole),
        TEST(small_sectors),
        TEST(end_of_the_address_space),
        TEST(outside),
        TEST(below),
        TEST(outside_of_what_was_told),
        TEST(read_only_sector),
        TEST(option_bytes),
        TEST(no_such_memory),
        TEST(too_large),
        TEST(two_memories),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
