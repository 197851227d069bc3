/* Sending a packed image to an mboot that does what the input says: it ends in time, success means
 * that all of it was sent and taken, and it is never called verified. */
#include "tests/fuzz/fuzz_board.h"

#include "flasher/packed.h"

#define HOUR_MS 3600000LL

static struct fuzz_board board;

static void add_chunk(struct image *image, uint8_t format, uint32_t address, size_t size)
{
    _cleanup_(buf_release) struct buf chunk = BUF_INIT;
    struct err *err = NULL;
    buf_addc(&chunk, 1);
    buf_addc(&chunk, (char)format);
    buf_add_le16(&chunk, 0);
    buf_add_le32(&chunk, address);
    buf_add_le32(&chunk, (uint32_t)size);
    buf_fill(&chunk, 'x', size + 64);
    CHECK(image_add_chunk(image, 0, address, chunk.data, chunk.len, &err));
}

static bool send_image(struct dfu *dfu, const struct image *image,
                       const struct flash_options *options)
{
    struct flash_result result = FLASH_RESULT_INIT;
    struct err *err = NULL;
    bool ok = packed_check(dfu, FUZZ_BASE, image, &err) &&
              packed_run(dfu, image, options, NULL, &result, &err);
    CHECK(!result.verified && result.bytes_written <= image_size(image));
    if (ok && !options->dry_run)
        CHECK(result.bytes_written == image_size(image) && board.told_to_leave == options->leave &&
              result.left == options->leave);
    CHECK(!options->dry_run || board.changes == 0);
    flash_result_release(&result);
    return fuzz_check_result(ok, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    _cleanup_(image_release) struct image image = IMAGE_INIT;
    uint8_t flags = fuzz_u8(&input);
    const struct flash_options options = {
        .verify = flags & 1, .leave = (flags & 2) != 0, .dry_run = (flags & 4) != 0};
    add_chunk(&image, 2, FUZZ_BASE, 40 + fuzz_u16(&input) % 4000);
    add_chunk(&image, 3, FUZZ_BASE + 4096, 40 + fuzz_u8(&input));
    add_chunk(&image, 1, FUZZ_BASE + 8192, 64 + 16);
    struct dfu dfu = fuzz_board_init(&board, &input);
    dfu.quirks.flags |= QUIRK_MBOOT_STRINGS;
    long long start_us = board.now_us;
    send_image(&dfu, &image, &options);
    CHECK((board.now_us - start_us) / 1000 <= 10 * HOUR_MS);
    return 0;
}
