#include "unit.h"

#include "flasher/retarget.h"

static char flash_name[] = "Internal Flash", option_name[] = "Option Bytes", plain_name[] = "app";
static struct device_target targets[] = {
    {.alt = 0, .has_layout = true, .layout = {.name = flash_name}},
    {.alt = 1, .has_layout = true, .layout = {.name = option_name}},
    {.alt = 4, .name = plain_name},
};
static const struct device device = {.targets = targets, .target_count = ARRAY_SIZE(targets)};

static void finds_by_number_and_name(void **state)
{
    struct err *err = NULL;
    (void)state;
    assert_ptr_equal(retarget_find(&device, "4", &err), &targets[2]);
    assert_ptr_equal(retarget_find(&device, "option bytes", &err), &targets[1]);
    assert_ptr_equal(retarget_find(&device, "app", &err), &targets[2]);
    assert_null(err);
}

static void lists_what_there_is(void **state)
{
    struct err *err = NULL;
    (void)state;
    assert_null(retarget_find(&device, "2", &err));
    assert_error(&err, ERR_DEVICE,
                 "the board has no alternate setting '2'\n  it has:\n  --alt 0  Internal Flash\n"
                 "  --alt 1  Option Bytes\n  --alt 4  app\n");
}

static void moves_an_image(void **state)
{
    struct err *err = NULL;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct image moved = IMAGE_INIT;
    (void)state;
    assert_ok(image_add(&image, 0, 0x1000, "ab", 2, &err), &err);
    assert_ok(image_add(&image, 0, 0x2000, "cd", 2, &err), &err);
    assert_ok(retarget_image(&image, 3, &moved, &err), &err);
    assert_int_equal(moved.count, 2);
    assert_int_equal(moved.segments[1].alt, 3);
    assert_int_equal(moved.segments[1].address, 0x2000);
    assert_int_equal(image.segments[1].alt, 0);
    free(moved.segments);
    assert_ok(image_add(&image, 1, 0x1000, "ef", 2, &err), &err);
    assert_false(retarget_image(&image, 3, &moved, &err));
    assert_error(&err, ERR_USAGE, "the image has data for several alternate settings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_number_and_name),
        cmocka_unit_test(lists_what_there_is),
        cmocka_unit_test(moves_an_image),
    };
    return cmocka_run_group_tests_name("retarget", tests, NULL, NULL);
}
