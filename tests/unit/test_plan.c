#include "unit.h"

#include "flasher/plan.h"
#include "flasher/plan_text.h"

#define F4 "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"
#define BLOCK 2048

struct fixture {
    struct layout layout, options;
    struct plan_memory memories[2];
    struct image image;
    struct plan_rules rules;
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
    *f = (struct fixture){.image = IMAGE_INIT, .plan = PLAN_INIT, .rules = {BLOCK, .blank = 0xff}};
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

static void use_layout(struct fixture *f, const char *text)
{
    layout_release(&f->layout);
    parse(text, &f->layout);
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
    assert_ok(plan_make(&f->plan, &f->image, f->memories, 2, &f->rules, &err), &err);
}

/* "0x08000000+0x4000/0x4000: IiO.": where, how large, of what sectors; for each block whose bytes
 * are in it: the image's, others', both. */
static void assert_sectors(struct fixture *f, const char *expected)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    make(f);
    for (size_t i = 0; i < f->plan.sector_count; i++) {
        const struct plan_sector *sector = &f->plan.sectors[i];
        buf_addf(&text, "%u 0x%08x+0x%x/0x%x ", sector->alt, (unsigned)sector->address,
                 (unsigned)sector->size, (unsigned)sector->erase_size);
        for (size_t k = 0; k < sector->block_count; k++)
            buf_addc(&text, "?IO+"[sector->blocks[k] & (PLAN_IMAGE | PLAN_OTHER)]);
        buf_addc(&text, '\n');
    }
    assert_string_equal(text.data, expected);
}

static void one_sector(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08000000, 100);
    assert_sectors(f, "0 0x08000000+0x4000/0x4000 +OOOOOOO\n");
    assert_int_equal(f->plan.vector_block, 0);
    assert_int_equal(f->plan.sectors[0].content[99], 0x55);
    assert_int_equal(f->plan.sectors[0].content[100], 0xff);
    assert_int_equal(f->plan.sectors[0].image_bytes, 100);
    assert_int_equal(f->plan.sector_bytes, 0x4000);
    assert_false(f->plan.sectors[0].erase);
    assert_true(plan_is_empty(&f->plan));
}

/* PYBV11: the file system between the two parts is not touched. */
static void hole(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08000000, 0x4000);
    add(f, 0, 0x08010000, 0x1001);
    assert_sectors(f, "0 0x08000000+0x4000/0x4000 IIIIIIII\n"
                      "0 0x08010000+0x10000/0x10000 II+OOOOOOOOOOOOOOOOOOOOOOOOOOOOO\n");
}

static void parts_of_one_sector(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 0x08001000, 0x400);
    add(f, 0, 0x08001800, 0x800);
    add(f, 0, 0x08003fff, 2);
    assert_sectors(f, "0 0x08000000+0x4000/0x4000 OO+IOOO+\n"
                      "0 0x08004000+0x4000/0x4000 +OOOOOOO\n");
    assert_int_equal(f->plan.vector_block, 2);
}

/* Sectors that are smaller than a block are erased together as far as one block reaches. */
static void small_sectors(void **state)
{
    struct fixture *f = *state;
    use_layout(f, "@Flash /0x08000000/10*512Bg,64*001Kg");
    add(f, 0, 0x08000000, 0x801);
    add(f, 0, 0x08001000, 0x1400);
    assert_sectors(f, "0 0x08000000+0x800/0x200 I\n"
                      "0 0x08000800+0x200/0x200 +\n"
                      "0 0x08001000+0x400/0x200 I\n"
                      "0 0x08001400+0x800/0x400 I\n"
                      "0 0x08001c00+0x800/0x400 I\n");
    assert_int_equal(plan_block_size(&f->plan, &f->plan.sectors[1], 0), 0x200);
}

/* Not a whole number of them in a block: each for itself. */
static void odd_sectors(void **state)
{
    struct fixture *f = *state;
    use_layout(f, "@Flash /0x08000000/10*528Bg");
    add(f, 0, 0x08000000, 600);
    assert_sectors(f, "0 0x08000000+0x210/0x210 I\n"
                      "0 0x08000210+0x210/0x210 +\n");
}

static void end_of_the_address_space(void **state)
{
    struct fixture *f = *state;
    use_layout(f, "@Flash /0xffffe000/02*004Kg");
    add(f, 0, 0xffffe000, 0x2000);
    assert_sectors(f, "0 0xffffe000+0x1000/0x1000 II\n"
                      "0 0xfffff000+0x1000/0x1000 II\n");
}

static void two_memories(void **state)
{
    struct fixture *f = *state;
    layout_release(&f->options);
    parse("@External /0x08004000/16*004Kg", &f->options);
    add(f, 0, 0x08000000, 0x4000);
    add(f, 1, 0x08004000, 0x1000);
    assert_sectors(f, "0 0x08000000+0x4000/0x4000 IIIIIIII\n"
                      "1 0x08004000+0x1000/0x1000 II\n");
}

/* Blocks of all sectors in order, as one span where they touch; the vector table's by itself. */
static void blocks_and_spans(void **state)
{
    struct fixture *f = *state;
    struct plan_at at = {0, 0};
    struct plan_span span;
    add(f, 0, 0x08000000, 0x8000);
    add(f, 0, 0x0800c000, 0x4800);
    make(f);
    for (size_t i = 0; i < f->plan.sector_count; i++)
        for (size_t k = 0; k < f->plan.sectors[i].block_count; k++)
            if (f->plan.sectors[i].blocks[k] == PLAN_IMAGE)
                f->plan.sectors[i].blocks[k] |= PLAN_WRITE;
    f->plan.sectors[1].blocks[3] |= PLAN_KEPT;
    f->plan.sectors[2].erase = f->plan.sectors[3].erase = true;

    assert_true(plan_next(&f->plan, PLAN_WRITE, &at, &span));
    assert_int_equal(span.address, 0x08000800);
    assert_int_equal(span.size, BLOCK);
    assert_ptr_equal(span.data, f->plan.sectors[0].content + BLOCK);
    at = (struct plan_at){0, 0};
    assert_true(plan_next_span(&f->plan, PLAN_WRITE, &at, &span));
    assert_int_equal(span.address, 0x08000800);
    assert_int_equal(span.size, 0x7800);
    assert_true(span.keep);
    assert_true(plan_next_span(&f->plan, PLAN_WRITE, &at, &span));
    assert_int_equal(span.address, 0x0800c000);
    assert_int_equal(span.size, 0x4800);
    assert_false(span.keep);
    assert_false(plan_next_span(&f->plan, PLAN_WRITE, &at, &span));
    assert_true(plan_vector(&f->plan, &span));
    assert_int_equal(span.address, 0x08000000);

    assert_int_equal(plan_bytes(&f->plan, PLAN_WRITE), 0xc800);
    assert_int_equal(plan_erase_bytes(&f->plan), 0x14000);
    assert_int_equal(plan_erase_count(&f->plan), 2);
    assert_false(plan_is_empty(&f->plan));
    assert_true(plan_keeps(&f->plan.sectors[1]));
    assert_false(plan_keeps(&f->plan.sectors[0]));
    assert_int_equal(plan_kept_bytes(&f->plan), 0); /* all of that block is the image's */
}

static void refuse(struct fixture *f, const char *why)
{
    struct err *err = NULL;
    assert_false(plan_make(&f->plan, &f->image, f->memories, 2, &f->rules, &err));
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
    use_layout(f, "@Internal Flash  /0x08000000/04*016Kg,01*064");
    add(f, 0, 0x08010000, 16);
    refuse(f, "(0x08000000 to 0x0800ffff, as far as the board tells)");
}

static void read_only_sector(void **state)
{
    struct fixture *f = *state;
    use_layout(f, "@Internal Flash  /0x08000000/01*016Ka,03*016Kg");
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
    use_layout(f, "@Huge /0x00000000/02*1000Mg");
    add(f, 0, 0x08000000, 16);
    refuse(f, "touches more than 128 MiB");
}

static void mass_erase(void **state)
{
    struct fixture *f = *state;
    f->rules.mass = true;
    add(f, 0, 0x08000000, 16);
    make(f);
    assert_true(f->plan.sectors[0].erase);
    assert_int_equal(plan_erase_bytes(&f->plan), 1024 * 1024);
    assert_int_equal(plan_erase_count(&f->plan), 12);
    plan_release(&f->plan);
    layout_release(&f->options);
    parse("@External /0x90000000/16*004Kg", &f->options);
    add(f, 1, 0x90000000, 16);
    refuse(f, "a mass erase is for the internal flash (alternate setting 0), and the image has "
              "data for alternate setting 1\n  leave it out");
}

/* A board without sectors has one, and it is printed. */
static void no_plan(void **state)
{
    struct plan plan = PLAN_INIT;
    struct plan_span span;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    (void)state;
    assert_false(plan_vector(&plan, &span));
    plan_format(&plan, &text);
    assert_contains(text.data, "nothing to do");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_plan),
        TEST(one_sector),
        TEST(hole),
        TEST(parts_of_one_sector),
        TEST(small_sectors),
        TEST(odd_sectors),
        TEST(end_of_the_address_space),
        TEST(two_memories),
        TEST(blocks_and_spans),
        TEST(outside),
        TEST(below),
        TEST(outside_of_what_was_told),
        TEST(read_only_sector),
        TEST(option_bytes),
        TEST(no_such_memory),
        TEST(too_large),
        TEST(mass_erase),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
