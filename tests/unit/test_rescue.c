#include "unit.h"

#include <unistd.h>

#include "base/fs.h"
#include "flasher/compare.h"
#include "flasher/rescue.h"
#include "image/dfuse_file.h"

#define BLOCK 0x400
#define SECTOR 0x1000

/* A sector of one part of an image, in a board that held `other` beside it. */
struct fixture {
    char *dir;
    struct layout layout;
    struct image image;
    struct plan plan;
    struct rescue rescue;
    struct events *events;
    struct buf said;
};

static void take_event(void *data, const json_t *event)
{
    struct fixture *f = data;
    buf_addf(&f->said, "%s\n", json_string_value(json_object_get(event, "text")));
}

static void make(struct fixture *f, uint8_t other)
{
    const struct plan_memory memory = {0, &f->layout};
    const struct plan_rules rules = {BLOCK, .blank = 0xff};
    struct err *err = NULL;
    uint8_t block[BLOCK];
    plan_release(&f->plan);
    assert_ok(plan_make(&f->plan, &f->image, &memory, 1, &rules, &err), &err);
    struct plan_sector *sector = &f->plan.sectors[0];
    sector->restore = true;
    for (size_t k = 0; k < sector->block_count; k++) {
        memset(block, other, sizeof(block));
        if (compare_wants(&f->plan, sector, k))
            compare_block(&f->plan, sector, k, block);
    }
}

static int setup(void **state)
{
    static const char text[] = "@Flash /0x08000000/04*004Kg";
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct err *err = NULL;
    *f = (struct fixture){.image = IMAGE_INIT, .plan = PLAN_INIT, .said = BUF_INIT};
    assert_ok(fs_temp_dir("/tmp", &f->dir, &err), &err);
    assert_ok(layout_parse(text, strlen(text), &f->layout, &err), &err);
    assert_ok(image_add(&f->image, 0, 0x08001400, "the image", 9, &err), &err);
    rescue_init(&f->rescue, f->dir, "1-1.4", "a/b c");
    f->events = events_new();
    events_add_sink(f->events, take_event, f);
    make(f, 0xaa);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    assert_ok(fs_remove_tree(f->dir, &err), &err);
    rescue_release(&f->rescue);
    plan_release(&f->plan);
    image_release(&f->image);
    layout_release(&f->layout);
    events_free(f->events);
    buf_release(&f->said);
    free(f->dir);
    free(f);
    return 0;
}

static void save(struct fixture *f)
{
    struct err *err = NULL;
    assert_ok(rescue_save(&f->rescue, &f->plan, &f->plan.sectors[0], &err), &err);
}

static void assert_files(const struct fixture *f, const char *expected)
{
    struct err *err = NULL;
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(buf_release) struct buf all = BUF_INIT;
    assert_ok(fs_list(f->dir, &names, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        buf_addf(&all, "%s ", names.items[i]);
    assert_string_equal(all.data, expected);
}

#define FIRST "rescue-1-1.4-a_b_c-0x08001000.dfu"
#define SECOND "rescue-1-1.4-a_b_c-0x08001000-2.dfu"

/* Like another run of firn. */
static void start_over(struct fixture *f)
{
    rescue_release(&f->rescue);
    rescue_init(&f->rescue, f->dir, "1-1.4", "a/b c");
    buf_clear(&f->said);
}

static void holds_other_data_alone(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(f->dir, FIRST);
    _cleanup_(buf_release) struct buf bytes = BUF_INIT;
    _cleanup_(image_release) struct image saved = IMAGE_INIT;
    assert_false(rescue_find(&f->rescue, &f->plan.sectors[0]));
    memset(f->plan.sectors[0].content, 0xff, 0x20); /* blank at its begin: not saved */
    save(f);
    save(f); /* the same: no second file */
    assert_files(f, FIRST " ");
    assert_true(rescue_find(&f->rescue, &f->plan.sectors[0]));
    assert_ok(fs_read(path, 1 << 20, &bytes, &err) &&
                  dfuse_file_read(bytes.data, bytes.len, &saved, &err),
              &err);
    assert_int_equal(saved.count, 2);
    assert_int_equal(saved.segments[0].address, 0x08001020);
    assert_int_equal(saved.segments[0].size, 0x3e0);
    assert_int_equal(saved.segments[1].address, 0x08001409);
    assert_int_equal(saved.segments[1].size, SECTOR - 0x409);
    assert_int_equal(saved.segments[1].data[0], 0xaa);
}

static void puts_back(void **state)
{
    struct fixture *f = *state;
    save(f);
    start_over(f);
    make(f, 0xff);
    rescue_restore(&f->rescue, &f->plan, &f->plan.sectors[0], f->events);
    assert_contains(f->said.data,
                    "putting back 4087 bytes of other data at 0x08001000, saved in '");
    assert_int_equal(f->plan.sectors[0].content[0], 0xaa);
    rescue_report(&f->rescue, f->events);
    assert_contains(f->said.data, "(the same flash again puts it back, too); to put it back: firn");
    assert_contains(f->said.data, FIRST "' --path 1-1.4 --no-leave");
    rescue_finish(&f->rescue, f->events);
    assert_null(rescue_file(&f->rescue));
    assert_files(f, "");
}

/* The newest file first; what does not fit stays. */
static void several(void **state)
{
    struct fixture *f = *state;
    save(f);
    start_over(f);
    make(f, 0xbb);
    save(f);
    assert_files(f, SECOND " " FIRST " ");
    start_over(f);
    make(f, 0xff);
    rescue_restore(&f->rescue, &f->plan, &f->plan.sectors[0], f->events);
    assert_int_equal(f->plan.sectors[0].content[0], 0xbb);
    assert_contains(f->said.data, FIRST "' holds other data of this board from an earlier run, "
                                        "which now holds something else there");
    rescue_finish(&f->rescue, f->events);
    assert_files(f, FIRST " ");
    _cleanup_free_ char *path = path_join(f->dir, FIRST);
    assert_string_equal(rescue_file(&f->rescue), path);
}

static void damaged(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    _cleanup_free_ char *path = path_join(f->dir, FIRST);
    assert_ok(fs_write(path, "nonsense", 8, 0600, &err), &err);
    rescue_restore(&f->rescue, &f->plan, &f->plan.sectors[0], f->events);
    assert_contains(f->said.data, FIRST "' cannot be put back: ");
    save(f);
    assert_files(f, SECOND " " FIRST " ");
}

static void too_many(void **state)
{
    struct fixture *f = *state;
    struct err *err = NULL;
    for (unsigned i = 0; i < 20; i++) {
        make(f, (uint8_t)i);
        save(f);
    }
    make(f, 0xee);
    assert_false(rescue_save(&f->rescue, &f->plan, &f->plan.sectors[0], &err));
    assert_error(&err, ERR_FAILED,
                 "cannot save the other data in the sector at 0x08001000 before erasing it: there "
                 "are too many like '");
}

static void not_wanted(void **state)
{
    struct fixture *f = *state;
    struct rescue rescue;
    struct err *err = NULL;
    rescue_init(&rescue, NULL, NULL, NULL);
    assert_ok(rescue_save(&rescue, &f->plan, &f->plan.sectors[0], &err), &err);
    assert_false(rescue_find(&rescue, &f->plan.sectors[0]));
    assert_null(rescue_file(&rescue));
    rescue_release(&rescue);
    assert_files(f, "");
}

/* Another memory with the same addresses has files of its own. */
static void another_memory(void **state)
{
    struct fixture *f = *state;
    f->plan.sectors[0].alt = 3;
    save(f);
    assert_files(f, "rescue-1-1.4-a_b_c-0x08001000-alt3.dfu ");
}

/* Without a serial nobody knows whether it is the same board that is on the port now. */
static void of_some_board(void **state)
{
    struct fixture *f = *state;
    rescue_release(&f->rescue);
    rescue_init(&f->rescue, f->dir, "1-1.4", NULL);
    save(f);
    assert_files(f, "rescue-1-1.4-none-0x08001000.dfu ");
    rescue_release(&f->rescue);
    rescue_init(&f->rescue, f->dir, "1-1.4", NULL);
    make(f, 0xff);
    rescue_restore(&f->rescue, &f->plan, &f->plan.sectors[0], f->events);
    assert_contains(f->said.data, "or of another one that was on this port before");
    assert_int_equal(f->plan.sectors[0].content[0], 0xff);
    assert_files(f, "rescue-1-1.4-none-0x08001000.dfu ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(holds_other_data_alone),
        TEST(puts_back),
        TEST(several),
        TEST(damaged),
        TEST(too_many),
        TEST(not_wanted),
        TEST(another_memory),
        TEST(of_some_board),
    };
    return cmocka_run_group_tests_name("rescue", tests, NULL, NULL);
}
