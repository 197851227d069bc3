#include "cli/json_lines.h"

#include "base/json_get.h"
#include "tests/unit/unit.h"

static bool take(void *data, json_t *object, struct err **err)
{
    struct buf *seen = data;
    json_int_t n = json_get_int(object, "n");

    buf_addf(seen, "%lld ", (long long)n);
    json_decref(object);
    return n != 13 || err_set(err, ERR_AUTHENTIC, "thirteen");
}

static void cut_anywhere(void **state)
{
    (void)state;
    static const char text[] = "{\"n\":1}\n{\"n\":2,\"t\":\"\\n\"}\n\n{\"n\":3}\n";

    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        _cleanup_(buf_release) struct buf seen = BUF_INIT;
        struct json_lines lines = JSON_LINES_INIT(take, &seen);
        struct err *err = NULL;

        assert_ok(json_lines_add(&lines, text, cut, &err), &err);
        assert_ok(json_lines_add(&lines, text + cut, sizeof(text) - 1 - cut, &err), &err);
        assert_ok(json_lines_end(&lines, &err), &err);
        assert_string_equal(seen.data, "1 2 3 ");
        json_lines_release(&lines);
    }
}

static void wrong(const char *text, enum err_code code, const char *part)
{
    _cleanup_(buf_release) struct buf seen = BUF_INIT;
    struct json_lines lines = JSON_LINES_INIT(take, &seen);
    struct err *err = NULL;

    assert_false(json_lines_add(&lines, text, strlen(text), &err) && json_lines_end(&lines, &err));
    assert_error(&err, code, part);
    json_lines_release(&lines);
}

static void what_is_wrong(void **state)
{
    (void)state;
    wrong("{\"n\":1}\n{\"n\":2", ERR_FAILED, "line 2 is cut off");
    wrong("{\"n\":1}\n{\"n\":2\n", ERR_FAILED, "line 2 is no JSON object");
    wrong("{\"n\":1}\n[2]\n", ERR_FAILED, "line 2 is no JSON object");
    wrong("{\"n\":1,\"n\":2}\n", ERR_FAILED, "line 1 is no JSON object");
    wrong("{\"n\":13}\n{\"n\":1}\n", ERR_AUTHENTIC, "thirteen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(what_is_wrong),
    };

    return cmocka_run_group_tests_name("json_lines", tests, NULL, NULL);
}
