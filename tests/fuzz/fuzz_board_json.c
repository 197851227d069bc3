/* board.json files of MicroPython's boards. */
#include "tests/fuzz/fuzz.h"

#include "builder/board_json.h"

static void check_text(const char *text)
{
    CHECK(fuzz_is_utf8(text));
}

static void check_list(const char *const *items)
{
    for (; *items; items++)
        check_text(*items);
}

/* Sorted, each name once. */
static void check_pairs(const struct board_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_text(pairs[i].name);
        check_text(pairs[i].text);
        CHECK(i == 0 || strcmp(pairs[i - 1].name, pairs[i].name) < 0);
    }
}

static char *dump(const struct board_json *board)
{
    json_t *fields = board_json_fields(board);
    CHECK(fields && json_object_size(fields) == 12);
    char *text = json_dumps(fields, JSON_SORT_KEYS);
    json_decref(fields);
    CHECK(text);
    return text;
}

/* Written out and read again it is the same board. */
static void check_again(const struct board_json *board)
{
    _cleanup_(board_json_release) struct board_json again = BOARD_JSON_INIT;
    struct err *err = NULL;
    _cleanup_free_ char *first = dump(board);
    if (strlen(first) > BOARD_JSON_MAX_BYTES)
        return;
    CHECK(board_json_parse(&again, "again", first, strlen(first), &err));
    _cleanup_free_ char *second = dump(&again);
    CHECK(strcmp(first, second) == 0);
}

static size_t count_lines(const uint8_t *data, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(board_json_release) struct board_json b = BOARD_JSON_INIT;
    struct err *err = NULL;
    bool ok = board_json_parse(&b, "board.json", (const char *)data, size, &err);
    CHECK(ok || (err->line <= count_lines(data, size) && !err->column == !err->line));
    if (!fuzz_check_result(ok, &err)) {
        CHECK(!b.arena.head && !*b.product && !*b.features && !b.variant_count);
        return 0;
    }
    const char *const strings[] = {b.id, b.mcu, b.product, b.vendor, b.url, b.docs, b.thumbnail};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        check_text(strings[i]);
    check_list(b.deploy);
    check_list(b.features);
    check_list(b.images);
    check_pairs(b.variants, b.variant_count);
    check_pairs(b.deploy_options, b.deploy_option_count);
    check_again(&b);
    return 0;
}
