#include "tests/unit/unit.h"

#include "base/fs.h"
#include "builder/board_json.h"

static const char PYBV11[] =
    "{\"deploy\": [\"../PYBV10/deploy.md\"], \"docs\": \"\", \"features\": [\"USB\", \"microSD\"],\n"
    " \"images\": [\"PYBv1_1.jpg\"], \"mcu\": \"stm32f4\", \"product\": \"Pyboard v1.1\",\n"
    " \"thumbnail\": \"\", \"url\": \"https://store.micropython.org/product/PYBv1.1\",\n"
    " \"variants\": {\"THREAD\": \"Threading\", \"DP\": \"Double-precision float\"},\n"
    " \"vendor\": \"George Robotics\", \"features_non_filterable\": [\"Second LDO\"],\n"
    " \"deploy_options\": {\"flash_offset\": \"0x1000\"}}\n";

static void test_a_board_is_read(void **state)
{
    (void)state;
    _cleanup_(board_json_release) struct board_json b = BOARD_JSON_INIT;
    struct err *err = NULL;
    assert_ok(board_json_parse(&b, "b", PYBV11, strlen(PYBV11), &err), &err);
    assert_string_equal(b.product, "Pyboard v1.1");
    assert_string_equal(b.vendor, "George Robotics");
    assert_string_equal(b.mcu, "stm32f4");
    assert_string_equal(b.url, "https://store.micropython.org/product/PYBv1.1");
    assert_string_equal(b.deploy[0], "../PYBV10/deploy.md");
    assert_null(b.deploy[1]);
    assert_string_equal(b.features[1], "microSD");
    assert_null(b.features[2]);
    assert_string_equal(b.images[0], "PYBv1_1.jpg");
    assert_int_equal(b.deploy_option_count, 1);
    assert_string_equal(b.deploy_options[0].name, "flash_offset");
    assert_string_equal(b.deploy_options[0].text, "0x1000");
}

static void test_variants_are_sorted(void **state)
{
    (void)state;
    _cleanup_(board_json_release) struct board_json b = BOARD_JSON_INIT;
    struct err *err = NULL;
    assert_ok(board_json_parse(&b, "b", PYBV11, strlen(PYBV11), &err), &err);
    assert_int_equal(b.variant_count, 2);
    assert_string_equal(b.variants[0].name, "DP");
    assert_string_equal(b.variants[0].text, "Double-precision float");
    assert_string_equal(b.variants[1].name, "THREAD");
}

static void test_what_is_missing_is_empty(void **state)
{
    (void)state;
    _cleanup_(board_json_release) struct board_json b = BOARD_JSON_INIT;
    struct err *err = NULL;
    assert_ok(board_json_parse(&b, "b", "{}", 2, &err), &err);
    assert_string_equal(b.id, "");
    assert_string_equal(b.product, "");
    assert_null(b.deploy[0]);
    assert_null(b.features[0]);
    assert_null(b.images[0]);
    assert_int_equal(b.variant_count + b.deploy_option_count, 0);
}

/* Refused with this text, and nothing is left in the board. */
static void refuse(const char *text, const char *expected)
{
    struct board_json b = BOARD_JSON_INIT;
    struct err *err = NULL;
    assert_false(board_json_parse(&b, "x/board.json", text, strlen(text), &err));
    assert_error(&err, ERR_FAILED, expected);
    assert_string_equal(b.product, "");
    assert_null(b.arena.head);
}

static void test_wrong_types_are_refused(void **state)
{
    (void)state;
    refuse("[]", "x/board.json: a board.json is a JSON object");
    refuse("{\"product\": \"p\", \"mcu\": 4}", "x/board.json: 'mcu' must be a string");
    refuse("{\"product\": null}", "'product' must be a string");
    refuse("{\"features\": \"USB\"}", "'features' must be a list of strings");
    refuse("{\"product\": \"p\", \"deploy\": [\"a\", 1]}", "'deploy' must be a list of strings");
    refuse("{\"variants\": [\"DP\"]}", "'variants' must be a mapping of strings");
    refuse("{\"variants\": {\"DP\": {}}}", "'variants' must be a mapping of strings");
    refuse("{\"deploy_options\": {\"flash_offset\": 0}}", "'deploy_options' must be a mapping");
}

static void test_what_is_no_json_is_refused_at_its_place(void **state)
{
    (void)state;
    refuse("{\"mcu\": \"a\",\n}", "x/board.json:2:1: it is not JSON: ");
    refuse("", "it is not JSON: ");
    refuse("{\"mcu\": \"a\\u0000b\"}", "it is not JSON: ");
    refuse("{\"mcu\": \"\xff\"}", "it is not JSON: ");
    refuse("{\"mcu\": \"a\", \"mcu\": \"b\"}", "it is not JSON: duplicate");
}

static void test_there_is_a_ceiling(void **state)
{
    (void)state;
    _cleanup_(board_json_release) struct board_json b = BOARD_JSON_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;
    buf_adds(&text, "{}");
    buf_fill(&text, ' ', BOARD_JSON_MAX_BYTES - text.len);
    assert_ok(board_json_parse(&b, "b", text.data, text.len, &err), &err);
    buf_addc(&text, ' ');
    assert_false(board_json_parse(&b, "b", text.data, text.len, &err));
    assert_error(&err, ERR_FAILED, "b is too large: more than 65536 bytes");
}

static void test_fields_are_read_again_as_the_same(void **state)
{
    (void)state;
    _cleanup_(board_json_release) struct board_json b = BOARD_JSON_INIT, again = BOARD_JSON_INIT;
    struct err *err = NULL;
    assert_ok(board_json_parse(&b, "b", PYBV11, strlen(PYBV11), &err), &err);
    json_t *fields = board_json_fields(&b);
    _cleanup_free_ char *text = json_dumps(fields, JSON_SORT_KEYS);
    json_decref(fields);
    assert_ok(board_json_parse(&again, "b", text, strlen(text), &err), &err);
    fields = board_json_fields(&again);
    _cleanup_free_ char *text_again = json_dumps(fields, JSON_SORT_KEYS);
    json_decref(fields);
    assert_string_equal(text_again, text);
    assert_contains(text, "\"variants\": {\"DP\": \"Double-precision float\"");
}

static void test_a_file_that_is_not_there(void **state)
{
    (void)state;
    _cleanup_(board_json_release) struct board_json b = BOARD_JSON_INIT;
    struct err *err = NULL;
    assert_false(board_json_load(&b, FIRN_SOURCE_DIR "/tests/none.json", &err));
    assert_error(&err, ERR_NOT_FOUND, "none.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_board_is_read),
        cmocka_unit_test(test_variants_are_sorted),
        cmocka_unit_test(test_what_is_missing_is_empty),
        cmocka_unit_test(test_wrong_types_are_refused),
        cmocka_unit_test(test_what_is_no_json_is_refused_at_its_place),
        cmocka_unit_test(test_there_is_a_ceiling),
        cmocka_unit_test(test_fields_are_read_again_as_the_same),
        cmocka_unit_test(test_a_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
