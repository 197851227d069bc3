#include "base/lines.h"

#include "tests/unit/unit.h"

static void take(void *data, const char *line, size_t len)
{
    assert_int_equal(line[len], 0);
    if (len < 100)
        buf_addf(data, "[%s]", line);
    else
        buf_addf(data, "[%zu]", len);
}

static void lines_come_whole_however_they_arrive(void **state)
{
    (void)state;
    static const char text[] = "a\n\nbc\nlast";
    for (size_t step = 1; step < sizeof(text); step++) {
        _cleanup_(buf_release) struct buf got = BUF_INIT;
        _cleanup_(lines_release) struct lines lines = LINES_INIT(take, &got);
        for (size_t i = 0; i < strlen(text); i += step)
            lines_add(&lines, text + i, step < strlen(text) - i ? step : strlen(text) - i);
        assert_string_equal(got.data, "[a][][bc]");
        lines_end(&lines);
        assert_string_equal(got.data, "[a][][bc][last]");
        lines_end(&lines);
        assert_string_equal(got.data, "[a][][bc][last]");
    }
}

static void a_long_line_comes_in_pieces(void **state)
{
    (void)state;
    _cleanup_(buf_release) struct buf got = BUF_INIT;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_(lines_release) struct lines lines = LINES_INIT(take, &got);
    buf_fill(&text, 'x', LINES_PIECE);
    buf_addc(&text, '\n');
    buf_fill(&text, 'y', LINES_PIECE + 200);
    buf_adds(&text, "\nz\n");
    lines_add(&lines, text.data, text.len);
    assert_string_equal(got.data, "[65536][65536][200][z]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_whole_however_they_arrive),
        cmocka_unit_test(a_long_line_comes_in_pieces),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
