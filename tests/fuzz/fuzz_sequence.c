/* Flashing a DfuSe board that does what the input says. "Verified" means that the host was shown
 * all of the image behind everything that it sent; a dry run changes nothing; whatever happened,
 * running it again with a board that behaves ends in a verified board; and a board that only fails,
 * but does not lie, keeps the data that is not the image's. */
#include "tests/fuzz/fuzz_board.h"
#include "tests/fuzz/fuzz_dir.h"

#include "flasher/sequence.h"

#define SEGMENTS_MAX 3
#define SEGMENT_SIZE_MAX 4096 /* there are boards with blocks of 5 bytes */
#define HOUR_MS 3600000LL

static struct fuzz_board board;
static uint8_t before[FUZZ_SIZE]; /* what the memory held at first */

/* What is flashed, and how: read from the input. */
struct job {
    struct image image;
    struct layout layout;
    struct flash_options options;
};

static void read_image(struct fuzz_input *input, struct image *image)
{
    static uint8_t bytes[FUZZ_SIZE];
    unsigned count = 1 + fuzz_u8(input) % SEGMENTS_MAX;
    for (size_t i = 0; i < FUZZ_SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    while (count--) {
        _cleanup_err_ struct err *err = NULL;
        uint16_t at = fuzz_u16(input) % FUZZ_SIZE;
        size_t size = 1 + fuzz_u16(input) % SEGMENT_SIZE_MAX;
        size = size < FUZZ_SIZE - at ? size : FUZZ_SIZE - at;
        (void)!image_add(image, 0, FUZZ_BASE + at, bytes, size, &err);
    }
}

static void read_job(struct fuzz_input *input, struct job *job)
{
    struct err *err = NULL;
    uint8_t flags = fuzz_u8(input);
    job->options = (struct flash_options){
        .erase = flags & 8 ? FLASH_ERASE_ALL : FLASH_ERASE_NEEDED,
        .discard = flags & 16,
        .verify = flags & 1,
        .leave = flags & 2,
        .dry_run = (flags & 4) != 0,
        .rescue_dir = fuzz_dir(),
    };
    job->image = (struct image)IMAGE_INIT;
    job->layout = (struct layout)LAYOUT_INIT;
    read_image(input, &job->image);
    CHECK(layout_parse(FUZZ_LAYOUT, strlen(FUZZ_LAYOUT), &job->layout, &err));
}

/* Nothing, the image, the image but for some bytes, or something else altogether. */
static void fill_memory(struct fuzz_input *input, const struct image *image)
{
    uint8_t flags = fuzz_u8(input);
    for (size_t i = 0; flags & 2 && i < FUZZ_SIZE; i++)
        board.memory[i] = (uint8_t)(i * 13);
    for (size_t i = 0; flags & 1 && i < image->count; i++)
        memcpy(board.memory + (image->segments[i].address - FUZZ_BASE), image->segments[i].data,
               image->segments[i].size);
    for (unsigned n = flags >> 4; n; n--)
        board.memory[fuzz_u16(input) % FUZZ_SIZE] = fuzz_u8(input);
    memcpy(before, board.memory, sizeof(before));
}

/* An empty one for each input. */
static void make_rescue_dir(void)
{
    struct err *err = NULL;
    CHECK(fs_remove_tree(fuzz_dir(), &err) && fs_mkdirs(fuzz_dir(), &err));
}

static bool is_shown(const struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct segment *s = &image->segments[i];
        if (!fuzz_board_has(board.shown, s->address, s->data, s->size))
            return false;
    }
    return true;
}

/* Does the memory hold the image, and what it held before everywhere else? */
static void check_memory(const struct job *job)
{
    static uint8_t expected[FUZZ_SIZE];
    memcpy(expected, before, sizeof(expected));
    for (size_t i = 0; i < job->image.count; i++) {
        const struct segment *s = &job->image.segments[i];
        memcpy(expected + (s->address - FUZZ_BASE), s->data, s->size);
        CHECK(memcmp(board.memory + (s->address - FUZZ_BASE), s->data, s->size) == 0);
    }
    CHECK(job->options.discard || memcmp(board.memory, expected, sizeof(expected)) == 0);
}

static bool run(struct dfu *dfu, const struct job *job, const struct flash_options *options)
{
    struct flash_result result = FLASH_RESULT_INIT;
    const struct plan_memory memory = {0, &job->layout};
    struct err *err = NULL;
    long long start_us = board.now_us;
    result.path = xstrdup("1-1");
    result.serial = xstrdup("3569");
    bool ok = sequence_run(dfu, &memory, 1, &job->image, options, NULL, &result, &err);
    CHECK(!result.verified || is_shown(&job->image));
    CHECK(!ok || options->dry_run || !options->verify || result.verified);
    CHECK(!options->dry_run || (!board.changes && !result.verified && !board.told_to_leave));
    CHECK((board.now_us - start_us) / 1000 <= 10 * HOUR_MS);
    flash_result_release(&result);
    return fuzz_check_result(ok, &err);
}

/* Plugged in again, and from now on it behaves. */
static void mend_board(void)
{
    board.answers.left = 0;
    board.gone = board.stuck = board.told_to_leave = false;
    board.state = DFU_STATE_IDLE;
    board.code = DFU_STATUS_OK;
    board.transfers = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct job job;
    make_rescue_dir();
    read_job(&input, &job);
    struct dfu dfu = fuzz_board_init(&board, &input);
    fill_memory(&board.answers, &job.image);
    bool ok = run(&dfu, &job, &job.options);
    CHECK(ok || board.mischief);
    if (ok && !board.mischief && !job.options.dry_run)
        check_memory(&job);

    bool honest = !board.lies;
    struct flash_options again = {.verify = true, .rescue_dir = fuzz_dir()};
    mend_board();
    CHECK(run(&dfu, &job, &again));
    if (honest)
        check_memory(&job);
    image_release(&job.image);
    layout_release(&job.layout);
    return 0;
}
