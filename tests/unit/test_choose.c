#include "unit.h"

#include "flasher/choose.h"

/* Boards as device_list_read() would have found them: two in DFU mode, one that runs its program
 * and one of another maker, which says nothing of itself. */
static char name[] = "STM32  BOOTLOADER", program[] = "Pyboard", serial_a[] = "3569",
            serial_b[] = "3570";
static struct usb_entry entries[] = {
    {.path = "1-1", .vendor = 0x0483, .product = 0xdf11, .name = name, .serial = serial_a},
    {.path = "1-1.4", .vendor = 0x0483, .product = 0xdf11, .name = name, .serial = serial_b},
    {.path = "1-2", .vendor = 0xf055, .product = 0x9800, .name = program},
    {.path = "2-1", .vendor = 0x1209, .product = 0xbeef},
};
static struct device devices[] = {
    {.usb = &entries[0]},
    {.usb = &entries[1]},
    {.usb = &entries[2]},
    {.usb = &entries[3]},
};

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        devices[i].interface.protocol = DFU_PROTOCOL_DFU;
    devices[2].interface.protocol = DFU_PROTOCOL_RUNTIME;
    return 0;
}

static struct device_list list_of(size_t count)
{
    return (struct device_list){.entries = {entries, count}, .devices = devices, .count = count};
}

static void assert_chosen(const struct choose_match *match, size_t index)
{
    struct device_list list = list_of(ARRAY_SIZE(devices));
    _cleanup_(choices_release) struct choices choices = CHOICES_INIT;
    choose(&list, match, ENTER_NONE, &choices);
    assert_int_equal(choices.count, 1);
    assert_ptr_equal(choices.items[0].device, &devices[index]);
    assert_int_equal(choices.items[0].enter, ENTER_NONE);
}

static void refuse(size_t count, const struct choose_match *match, const char *expected)
{
    struct device_list list = list_of(count);
    struct err *err = NULL;
    _cleanup_(choices_release) struct choices choices = CHOICES_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    choose(&list, match, ENTER_NONE, &choices);
    assert_false(choices.count ? choose_set_several(&choices, match, &err)
                               : choose_set_none(&list, match, &err));
    err_format(err, &text);
    assert_string_equal(text.data, expected);
    assert_int_equal(err_exit_status(err), 4);
    err_free(err);
}

#define NO_IMAGE CHOOSE_ID_ANY, CHOOSE_ID_ANY, ENTER_AUTO
#define ENTER                                                                                      \
    "put the board into its bootloader: `machine.bootloader()` at MicroPython's prompt, or hold "  \
    "BOOT0 (or the DFU button) while you reset it; then run the command again\n"

static void chooses(void **state)
{
    struct choose_match match = CHOOSE_MATCH_ANY;
    (void)state;
    match.path = "1-1";
    assert_chosen(&match, 0);
    match.path = "1-1.4";
    assert_chosen(&match, 1);
    match = (struct choose_match){0x1209, 0xbeef, NULL, NULL, NO_IMAGE};
    assert_chosen(&match, 3);
    match = (struct choose_match){0x0483, 0xdf11, NULL, "3570", NO_IMAGE};
    assert_chosen(&match, 1);
    match = (struct choose_match){0x1209, CHOOSE_ID_ANY, "2-1", NULL, NO_IMAGE};
    assert_chosen(&match, 3);
}

static void nothing_there(void **state)
{
    (void)state;
    refuse(0, &(struct choose_match){0x0483, 0xdf11, NULL, NULL, NO_IMAGE},
           "no board found: looked for a board 0483:df11 in DFU mode, but there is no DFU device "
           "at all\n  " ENTER);
    refuse(0, &(struct choose_match)CHOOSE_MATCH_ANY,
           "no board found: looked for a board in DFU mode, but there is no DFU device at all\n"
           "  " ENTER);
}

static void none_matches(void **state)
{
    (void)state;
    refuse(3, &(struct choose_match){0x0483, 0xdf12, "1-9", "77", NO_IMAGE},
           "no board found: looked for a board 0483:df12 in DFU mode on port 1-9 with serial 77, "
           "which is none of these:\n"
           "    1-1  0483:df11  STM32  BOOTLOADER  serial 3569\n"
           "    1-1.4  0483:df11  STM32  BOOTLOADER  serial 3570\n"
           "    1-2  f055:9800  Pyboard  (runs its program, not in DFU mode)\n"
           "  to take one of them all the same, choose it with --usb VID:PID; or\n  " ENTER);
}

/* A board that runs its program is not flashed when it is not to enter its bootloader. */
static void runtime_is_no_choice(void **state)
{
    (void)state;
    refuse(3, &(struct choose_match){0xf055, 0x9800, NULL, NULL, NO_IMAGE},
           "no board found: looked for a board f055:9800 in DFU mode, which is none of these:\n"
           "    1-1  0483:df11  STM32  BOOTLOADER  serial 3569\n"
           "    1-1.4  0483:df11  STM32  BOOTLOADER  serial 3570\n"
           "    1-2  f055:9800  Pyboard  (runs its program, not in DFU mode)\n"
           "  to take one of them all the same, choose it with --usb VID:PID; or\n  " ENTER);
}

/* The ids of the image count for boards in DFU mode, unless others were asked for. */
static void image_ids(void **state)
{
    struct choose_match match = CHOOSE_MATCH_ANY;
    (void)state;
    match.image_vendor = 0x1209;
    match.image_product = 0xbeef;
    assert_chosen(&match, 3);
    match.vendor = 0x0483;
    match.path = "1-1";
    assert_chosen(&match, 0);
    match = (struct choose_match)CHOOSE_MATCH_ANY;
    match.image_vendor = 0x0483;
    assert_true(choose_is_for(&entries[0], &match));
    assert_false(choose_is_for(&entries[3], &match));
}

/* With a method named, boards that run are taken too; by themselves only where none is in DFU
 * mode. A device with a runtime DFU interface can be told to detach. */
static void runtime_that_can_enter(void **state)
{
    struct device_list list = list_of(3);
    struct choose_match match = CHOOSE_MATCH_ANY;
    _cleanup_(choices_release) struct choices choices = CHOICES_INIT;
    (void)state;
    choose(&list, &match, ENTER_DETACH, &choices);
    assert_int_equal(choices.count, 3);
    assert_int_equal(choices.items[2].enter, ENTER_DETACH);
    assert_ptr_equal(choices.items[2].usb, &entries[2]);
    choices_release(&choices);
    choose(&list, &match, ENTER_AUTO, &choices);
    assert_int_equal(choices.count, 2);
}

/* A DFU interface alone does not make a board: nobody's headset is told to detach. */
static void only_what_is_meant_detaches(void **state)
{
    static uint8_t runtime[] = {18, 1, 0,  2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0,    0, 0, 1,
                                9,  2, 18, 0, 1, 1, 0, 0,  0, 9, 4, 0, 0, 0, 0xfe, 1, 1, 0};
    struct usb_entry headset = {.path = "1-3", .vendor = 0x0b0e, .product = 0x1234};
    struct device device = {.usb = &headset, .interface = {.protocol = DFU_PROTOCOL_RUNTIME}};
    struct device_list list = {.entries = {&headset, 1}, .devices = &device, .count = 1};
    struct choose_match image = CHOOSE_MATCH_ANY, asked = CHOOSE_MATCH_ANY;
    _cleanup_(choices_release) struct choices choices = CHOICES_INIT;
    (void)state;
    headset.descriptors = (struct buf){(char *)runtime, sizeof(runtime), 0};
    choose(&list, &asked, ENTER_AUTO, &choices);
    image.image_vendor = 0x0483;
    choose(&list, &image, ENTER_AUTO, &choices);
    assert_int_equal(choices.count, 0);
    image.image_vendor = 0x0b0e;
    choose(&list, &image, ENTER_AUTO, &choices);
    assert_int_equal(choices.count, 1);
    choices_release(&choices);
    asked.path = "1-3";
    choose(&list, &asked, ENTER_AUTO, &choices);
    assert_int_equal(choices.count, 1);
    assert_int_equal(choices.items[0].enter, ENTER_AUTO);
    /* The way that the image names, if it is one of the board's. */
    choices_release(&choices);
    asked.image_enter = ENTER_REPL;
    choose(&list, &asked, ENTER_AUTO, &choices);
    asked.image_enter = ENTER_NONE;
    choose(&list, &asked, ENTER_AUTO, &choices);
    assert_int_equal(choices.count, 0);
    asked.image_enter = ENTER_DETACH;
    choose(&list, &asked, ENTER_AUTO, &choices);
    assert_int_equal(choices.count, 1);
    assert_int_equal(choices.items[0].enter, ENTER_DETACH);
}

static void two_match(void **state)
{
    (void)state;
    refuse(
        ARRAY_SIZE(devices), &(struct choose_match){0x0483, 0xdf11, NULL, NULL, NO_IMAGE},
        "2 boards match: looked for a board 0483:df11 in DFU mode\n  choose one of them, or all with --all:\n"
        "    --path 1-1  0483:df11  STM32  BOOTLOADER  serial 3569\n"
        "    --path 1-1.4  0483:df11  STM32  BOOTLOADER  serial 3570\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses),
        cmocka_unit_test(nothing_there),
        cmocka_unit_test(none_matches),
        cmocka_unit_test(runtime_is_no_choice),
        cmocka_unit_test(image_ids),
        cmocka_unit_test(runtime_that_can_enter),
        cmocka_unit_test(only_what_is_meant_detaches),
        cmocka_unit_test(two_match),
    };
    return cmocka_run_group_tests_name("choose", tests, setup, NULL);
}
