#include "tests/unit/source_fixture.h"

static void read_list(struct fixture *f, struct board_list *list, const char *port, bool all)
{
    diags_release(&f->diags);
    f->diags = (struct diags)DIAGS_INIT;
    board_list_release(list);
    board_list_read(list, interpreter, f->dir, port, all, &f->diags);
}

/* "port/NAME port/NAME " of the whole list. */
static void assert_names(const struct board_list *list, const char *expected)
{
    _cleanup_(buf_release) struct buf names = BUF_INIT;
    for (size_t i = 0; i < list->count; i++)
        buf_addf(&names, "%s/%s ", list->items[i].port_name, list->items[i].name);
    assert_string_equal(names.data, expected);
}

static void test_boards_of_all_ports_sorted(void **state)
{
    struct fixture *f = *state;
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    read_list(f, &list, NULL, false);
    assert_names(&list, "minimal/STM32F405 minimal/host qemu/NETDUINO2 stm32/PLAIN stm32/USB_ONE ");
    read_list(f, &list, "stm32", false);
    assert_names(&list, "stm32/PLAIN stm32/USB_ONE ");
    read_list(f, &list, "rp2", false);
    assert_names(&list, "");
    assert_int_equal(f->diags.warning_count, 0);
}

static void test_ports_that_cannot_be_built_are_marked(void **state)
{
    struct fixture *f = *state;
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    read_list(f, &list, NULL, true);
    assert_names(&list, "minimal/STM32F405 minimal/host qemu/NETDUINO2 rp2/PICO stm32/PLAIN "
                        "stm32/USB_ONE ");
    read_list(f, &list, "rp2", true);
    assert_names(&list, "rp2/PICO ");
    const struct board_entry *pico = &list.items[0];
    assert_null(pico->port);
    assert_null(pico->target);
    assert_false(pico->dfu);
    assert_string_equal(pico->path, "ports/rp2/boards/PICO");
    assert_string_equal(pico->json.product, "Pico W");
    assert_string_equal(pico->variants.items[0], "X");
}

static void test_what_is_known_of_a_board(void **state)
{
    struct fixture *f = *state;
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    read_list(f, &list, "stm32", false);
    const struct board_entry *plain = &list.items[0], *one = &list.items[1];
    assert_false(plain->dfu);
    assert_int_equal(plain->variants.count, 0);
    assert_true(one->dfu);
    assert_int_equal(one->target->usb_vendor, 0x0483);
    assert_string_equal(one->json.mcu, "stm32f4");
    /* Those that make takes, whatever board.json says. */
    assert_int_equal(one->variants.count, 2);
    assert_string_equal(one->variants.items[0], "DP");
    assert_string_equal(board_entry_variant_text(one, "DP"), "Double precision");
    assert_string_equal(board_entry_variant_text(one, "THREAD"), "");
}

static void test_a_bad_board_json_is_a_warning(void **state)
{
    struct fixture *f = *state;
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    fixture_write(f, BOARDS "PLAIN/board.json", "{\"mcu\": 4}");
    read_list(f, &list, "stm32", false);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].json.mcu, "");
    assert_int_equal(f->diags.warning_count, 1);
    err_format(f->diags.warnings[0], &text);
    assert_string_equal(text.data, "ports/stm32/boards/PLAIN/board.json: 'mcu' must be a string\n"
                                   "  the board is listed without it\n");
}

static void test_links_are_not_followed(void **state)
{
    struct fixture *f = *state;
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    fixture_write(f, "other.json", "{\"mcu\": \"secret\"}");
    fixture_write(f, BOARDS "LINKED/mpconfigboard.h", "");
    fixture_link(f, "../../../../other.json", BOARDS "LINKED/board.json");
    read_list(f, &list, "stm32", false);
    assert_string_equal(list.items[0].name, "LINKED");
    assert_string_equal(list.items[0].json.mcu, "");
    assert_int_equal(f->diags.warning_count, 1);
}

/* A manifest could not name them, and a terminal should not see them. */
static void test_names_that_are_none_are_passed_over(void **state)
{
    struct fixture *f = *state;
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    fixture_write(f, BOARDS "\x1b[2J/mpconfigboard.h", "");
    fixture_write(f, BOARDS "\xff/mpconfigboard.h", "");
    fixture_write(f, BOARDS "PLAIN/mpconfigvariant_\x1b[2J.mk", "");
    fixture_write(f, "ports/a b/boards/B/board.json", "{}");
    read_list(f, &list, NULL, true);
    assert_names(&list, "minimal/STM32F405 minimal/host qemu/NETDUINO2 rp2/PICO stm32/PLAIN "
                        "stm32/USB_ONE ");
    assert_int_equal(list.items[4].variants.count, 0);
}

static void finds(struct fixture *f, const char *text, const char *expected)
{
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    read_list(f, &list, NULL, true);
    board_list_search(&list, text);
    assert_names(&list, expected);
}

static void test_searching(void **state)
{
    struct fixture *f = *state;
    finds(f, "wifi", "rp2/PICO stm32/USB_ONE "); /* a feature */
    finds(f, "acme", "stm32/USB_ONE ");          /* the vendor */
    finds(f, "pico w", "rp2/PICO ");             /* the product */
    finds(f, "STM32F0", "stm32/PLAIN ");         /* the MCU */
    finds(f, "duino", "qemu/NETDUINO2 ");        /* the name */
    finds(f, "stm32f4", "minimal/STM32F405 stm32/USB_ONE ");
    finds(f, "nothing", "");
}

static void test_an_exact_name_is_that_board_alone(void **state)
{
    struct fixture *f = *state;
    fixture_write(f, BOARDS "PLAIN_TWO/mpconfigboard.h", "");
    fixture_write(f, "ports/qemu/boards/PLAIN/mpconfigboard.mk", "");
    finds(f, "plai", "qemu/PLAIN stm32/PLAIN stm32/PLAIN_TWO ");
    finds(f, "plain", "qemu/PLAIN stm32/PLAIN ");
    finds(f, "stm32/plain", "stm32/PLAIN ");
    finds(f, "stm3/plain", "");
}

static void test_the_nearest_is_suggested(void **state)
{
    struct fixture *f = *state;
    _cleanup_(board_list_release) struct board_list list = BOARD_LIST_INIT;
    read_list(f, &list, NULL, true);
    assert_string_equal(board_list_nearest(&list, "NETDUINO3"), "NETDUINO2");
    assert_string_equal(board_list_nearest(&list, "wfii"), "WiFi");
    assert_string_equal(board_list_nearest(&list, "Amce"), "Acme");
    assert_null(board_list_nearest(&list, "quite different"));
    assert_null(board_list_nearest(&list, "z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SOURCE_TEST(test_boards_of_all_ports_sorted),
        SOURCE_TEST(test_ports_that_cannot_be_built_are_marked),
        SOURCE_TEST(test_what_is_known_of_a_board),
        SOURCE_TEST(test_a_bad_board_json_is_a_warning),
        SOURCE_TEST(test_links_are_not_followed),
        SOURCE_TEST(test_names_that_are_none_are_passed_over),
        SOURCE_TEST(test_searching),
        SOURCE_TEST(test_an_exact_name_is_that_board_alone),
        SOURCE_TEST(test_the_nearest_is_suggested),
    };
    return cmocka_run_group_tests(tests, load_interpreter, free_interpreter);
}
