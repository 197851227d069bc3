/* The DFU state machine and DfuSe's commands against a board that does what the input says: they
 * end in time, and success means that the board was told, and said, what it had to. */
#include "tests/fuzz/fuzz_board.h"

#include "flasher/dfuse.h"

#define STEPS_MAX 6

/* What the host asks for, read from the input. */
struct step {
    uint8_t what;
    uint32_t address;
    size_t size;
};

static struct fuzz_board board;
static uint8_t bytes[FUZZ_SIZE];
static size_t watched;

static bool count_block(void *data, size_t size, struct err **err)
{
    (void)data;
    (void)err;
    watched += size;
    return true;
}

static const struct dfuse_watch watch = {count_block, NULL};

static bool check_watch(const struct step *step, bool ok)
{
    CHECK(watched <= step->size && (!ok || watched == step->size));
    return ok;
}

static bool write_run(struct dfu *dfu, const struct step *step, struct err **err)
{
    for (size_t i = 0; i < step->size; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    bool ok = dfuse_write_run(dfu, step->address, bytes, step->size, &watch, err);
    CHECK(!ok || !step->size || fuzz_board_has(board.sent, step->address, bytes, step->size));
    return check_watch(step, ok);
}

static bool read_run(struct dfu *dfu, const struct step *step, struct err **err)
{
    bool ok = dfuse_read_run(dfu, step->address, bytes, step->size, &watch, err);
    CHECK(!ok || !step->size || fuzz_board_has(board.shown, step->address, bytes, step->size));
    return check_watch(step, ok);
}

static bool wait_for(struct dfu *dfu, const struct step *step, struct err **err)
{
    long long start_us = board.now_us;
    enum dfu_state wanted = (enum dfu_state)(step->address % 11);
    unsigned limit_ms = (unsigned)step->size;
    bool ok = dfu_wait(dfu, wanted, limit_ms, err);
    CHECK(board.now_us - start_us <= limit_ms * 1000LL + 1000);
    CHECK(!ok || (dfu->status.state == wanted && dfu->status.code == DFU_STATUS_OK));
    return ok;
}

static bool make_idle(struct dfu *dfu, struct err **err)
{
    bool ok = dfu_make_idle(dfu, DFUSE_ERASE_LIMIT_MS, err);
    CHECK(!ok || dfu->status.state == DFU_STATE_IDLE);
    return ok;
}

static bool leave(struct dfu *dfu, const struct step *step, struct err **err)
{
    bool ok = dfuse_leave(dfu, step->address, err);
    CHECK(!ok || board.told_to_leave);
    return ok;
}

static bool run_step(struct dfu *dfu, const struct step *step, struct err **err)
{
    switch (step->what % 7) {
    case 0:
        return make_idle(dfu, err);
    case 1:
        return dfuse_erase_sector(dfu, step->address, err);
    case 2:
        return write_run(dfu, step, err);
    case 3:
        return read_run(dfu, step, err);
    case 4:
        return wait_for(dfu, step, err);
    case 5:
        return dfu_abort(dfu, err);
    default:
        return leave(dfu, step, err);
    }
}

/* Polling once a millisecond is the most that any limit allows; a retry or two beside it. */
static void check_step(struct dfu *dfu, const struct step *step)
{
    long long start_us = board.now_us;
    unsigned before = board.transfers;
    struct err *err = NULL;
    watched = 0;
    fuzz_check_result(run_step(dfu, step, &err), &err);
    unsigned blocks = (unsigned)(step->size / board.transfer_size + 2);
    long long elapsed_ms = (board.now_us - start_us) / 1000;
    CHECK(elapsed_ms <= (blocks + 8) * 2LL * DFUSE_ERASE_LIMIT_MS);
    CHECK(board.transfers - before <= 10 * blocks + 20 + elapsed_ms);
}

static size_t read_steps(struct fuzz_input *input, struct step *steps)
{
    size_t count = fuzz_u8(input) % (STEPS_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        steps[i].what = fuzz_u8(input);
        steps[i].address = FUZZ_BASE + fuzz_u16(input) % FUZZ_SIZE;
        steps[i].size = fuzz_u16(input) % (FUZZ_SIZE - (steps[i].address - FUZZ_BASE) + 1);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct step steps[STEPS_MAX];
    size_t count = read_steps(&input, steps);
    struct dfu dfu = fuzz_board_init(&board, &input);
    for (size_t i = 0; i < count; i++)
        check_step(&dfu, &steps[i]);
    return 0;
}
