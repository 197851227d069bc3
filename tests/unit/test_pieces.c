#include "image/pieces.h"

#include "tests/unit/unit.h"

static const uint8_t bytes[] = "0123456789";

static void consecutive_pieces_become_one(void **state)
{
    (void)state;
    _cleanup_(pieces_release) struct pieces pieces = PIECES_INIT;
    struct err *err = NULL;
    assert_ok(pieces_add(&pieces, 0, 0x10, bytes, 2, &err), &err);
    assert_ok(pieces_add(&pieces, 0, 0x12, bytes + 2, 2, &err), &err);
    assert_int_equal(pieces.count, 1);
    assert_ok(pieces_add(&pieces, 0, 0x14, bytes, 1, &err), &err);     /* other bytes */
    assert_ok(pieces_add(&pieces, 0, 0x20, bytes + 1, 1, &err), &err); /* other address */
    assert_ok(pieces_add(&pieces, 1, 0x21, bytes + 2, 1, &err), &err); /* other alt */
    assert_int_equal(pieces.count, 4);
}

static void moving_sorts_and_checks(void **state)
{
    (void)state;
    _cleanup_(pieces_release) struct pieces pieces = PIECES_INIT;
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct err *err = NULL;
    assert_ok(pieces_add(&pieces, 0, 0x12, bytes + 2, 2, &err), &err);
    assert_ok(pieces_add(&pieces, 0, 0x10, bytes, 2, &err), &err);
    assert_ok(pieces_move(&pieces, &image, &err), &err);
    assert_int_equal(pieces.count, 0);
    assert_int_equal(image.count, 1);
    assert_memory_equal(image.segments[0].data, "0123", 4);
    assert_ok(pieces_add(&pieces, 0, 0x13, bytes, 1, &err), &err);
    assert_false(pieces_move(&pieces, &image, &err));
    assert_error(&err, ERR_FAILED, "overlaps");
}

static void too_many(void **state)
{
    (void)state;
    _cleanup_(pieces_release) struct pieces pieces = PIECES_INIT;
    struct err *err = NULL;
    for (uint32_t i = 0; i < PIECES_MAX; i++)
        assert_ok(pieces_add(&pieces, 0, 2 * i, bytes, 1, &err), &err);
    assert_false(pieces_add(&pieces, 0, 2 * PIECES_MAX, bytes, 1, &err));
    assert_error(&err, ERR_FAILED, "more than 65536 separate pieces");
    assert_false(pieces_add(&pieces, 0, 0, bytes, IMAGE_MAX_BYTES, &err));
    assert_error(&err, ERR_FAILED, "larger than 64 MiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consecutive_pieces_become_one),
        cmocka_unit_test(moving_sorts_and_checks),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests_name("pieces", tests, NULL, NULL);
}
