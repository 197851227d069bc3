#include "economy/heap_map.h"

#include "tests/unit/unit.h"

static const char said[] =
    "mem: total=14456, current=2889, peak=3814\n"
    "GC: total: 4160, used: 2496, free: 1664\n"
    " No. of 1-blocks: 74, 2-blocks: 9, max blk sz: 14, max free sz: 70\n"
    "GC memory layout; from 20000a80:\n"
    "00000000: h=hLhhhBhhBhhhBhhBhhBLhhhhhhhhShhhh===h=h=======h=====hhhhhhhhSh\n"
    "       (2 lines all free)\n"
    "00000c00: hh..............................................................\n"
    "00001000: ....\n";

static json_t *read_text(const char *text)
{
    const struct buf lines = {(char *)text, strlen(text), 0};
    return heap_map_read(&lines);
}

static json_int_t number(const json_t *map, const char *key)
{
    return json_integer_value(json_object_get(map, key));
}

static void rows_and_numbers_are_read(void **state)
{
    (void)state;
    json_t *map = read_text(said);
    assert_int_equal(number(map, "total"), 4160);
    assert_int_equal(number(map, "used"), 2496);
    assert_int_equal(number(map, "block"), 16);
    assert_int_equal(number(map, "largest_free"), 70 * 16);
    const json_t *rows = json_object_get(map, "rows");
    assert_int_equal(json_array_size(rows), 5);
    assert_int_equal(json_string_length(json_array_get(rows, 2)), 64);
    assert_string_equal(json_string_value(json_array_get(rows, 4)), "....");
    json_decref(map);
}

static void a_cell_is_as_dark_as_it_is_full(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    json_t *map = read_text(said);
    heap_map_draw(map, 5, 1, &out);
    assert_string_equal(out.data, "█░·░·\n");
    buf_clear(&out);
    heap_map_draw(map, 3, 2, &out);
    assert_string_equal(out.data, "█▒·\n·░·\n");
    json_decref(map);
}

static void anything_else_is_no_map(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "mem: total=1\n", "GC: total: x, used: 1, free: 2\n"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_true(json_is_null(read_text(texts[i])));
    json_t *map = read_text("GC: total: 64, used: 16, free: 48\nGC memory layout; from 0:\n"
                            "zzz\n (4000000000 lines all free)");
    assert_true(json_array_size(json_object_get(map, "rows")) <= 65536);
    json_decref(map);
    for (size_t len = 0; len < strlen(said); len++) {
        _cleanup_free_ char *cut = xstrndup(said, len);
        json_decref(read_text(cut));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_numbers_are_read),
        cmocka_unit_test(a_cell_is_as_dark_as_it_is_full),
        cmocka_unit_test(anything_else_is_no_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
