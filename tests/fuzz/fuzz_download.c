/* Flashing a plain DFU device that does what the input says: it ends in time, success means that
 * all of the image was sent and the device told that this was all, and "verified" that the device
 * has given all of it back. */
#include "tests/fuzz/fuzz_board.h"

#include "flasher/download.h"

#define HOUR_MS 3600000LL

static struct fuzz_board board;

static bool run(struct dfu *dfu, const struct dfu_functional *functional, const struct image *image,
                const struct flash_options *options)
{
    struct flash_result result = FLASH_RESULT_INIT;
    struct err *err = NULL;
    const struct segment *segment = &image->segments[0];
    bool ok = download_run(dfu, functional, image, options, NULL, &result, &err);
    CHECK(result.bytes_written <= segment->size);
    CHECK(!result.verified || fuzz_board_has(board.shown, FUZZ_BASE, segment->data, segment->size));
    if (ok && !options->dry_run)
        CHECK(board.told_to_leave &&
              fuzz_board_has(board.sent, FUZZ_BASE, segment->data, segment->size));
    CHECK(!options->dry_run || board.transfers == 0);
    flash_result_release(&result);
    return fuzz_check_result(ok, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FUZZ_SIZE];
    struct fuzz_input input = {data, size};
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    struct err *err = NULL;
    uint8_t flags = fuzz_u8(&input);
    struct flash_options options = {
        .verify = flags & 1, .leave = flags & 2, .dry_run = (flags & 28) == 28};
    size_t image_size = 1 + fuzz_u16(&input) % FUZZ_SIZE;
    struct dfu_functional functional = {.attributes = fuzz_u8(&input)};
    for (size_t i = 0; i < image_size; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    CHECK(image_add(&image, 0, 0, bytes, image_size, &err));
    struct dfu dfu = fuzz_board_init(&board, &input);
    board.plain = true;
    board.tolerant = functional.attributes & DFU_MANIFESTATION_TOLERANT;
    long long start_us = board.now_us;
    run(&dfu, flags & 32 ? NULL : &functional, &image, &options);
    size_t blocks = image_size / board.transfer_size + 1;
    CHECK((board.now_us - start_us) / 1000 <= (long long)blocks * 80000 + HOUR_MS);
    return 0;
}
