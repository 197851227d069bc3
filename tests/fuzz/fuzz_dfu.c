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

/* Blocks of the transfer size, the last one as it comes. */
static uint16_t block_at(const struct dfu *dfu, const struct step *step, size_t done)
{
    size_t left = step->size - done;
    return left < dfu->transfer_size ? (uint16_t)left : dfu->transfer_size;
}

static bool write_run(struct dfu *dfu, const struct step *step, struct err **err)
{
    struct dfuse dfuse = {.dfu = dfu};
    for (size_t i = 0; i < step->size; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t done = 0; done < step->size; done += dfu->transfer_size)
        if (!dfuse_write(&dfuse, step->address + (uint32_t)done, bytes + done,
                         block_at(dfu, step, done), err))
            return false;
    CHECK(!step->size || fuzz_board_has(board.sent, step->address, bytes, step->size));
    return true;
}

static bool read_run(struct dfu *dfu, const struct step *step, struct err **err)
{
    struct dfuse dfuse = {.dfu = dfu};
    for (size_t done = 0; done < step->size; done += dfu->transfer_size)
        if (!dfuse_read(&dfuse, step->address + (uint32_t)done, bytes + done,
                        block_at(dfu, step, done), err))
            return false;
    CHECK(!step->size || fuzz_board_has(board.shown, step->address, bytes, step->size));
    return dfuse_end(&dfuse, err);
}

static bool wait_for(struct dfu *dfu, const struct step *step, struct err **err)
{
    long long start_us = board.now_us;
    enum dfu_state wanted = (enum dfu_state)(step->address % 11);
    unsigned limit_ms = (unsigned)step->size;
    bool ok = dfu_wait(dfu, wanted, limit_ms, err);
    bool says_why = !ok && dfu->quirks.flags & QUIRK_MBOOT_STRINGS;
    unsigned most_ms = limit_ms + 1 + (says_why ? DFU_STRING_TIMEOUT_MS : 0);
    CHECK(board.now_us - start_us <= most_ms * 1000LL);
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
    struct dfuse dfuse = {.dfu = dfu};
    bool ok = dfuse_leave(&dfuse, step->address, err);
    CHECK(!ok || board.told_to_leave);
    return ok;
}

static bool erase(struct dfu *dfu, const struct step *step, struct err **err)
{
    struct dfuse dfuse = {.dfu = dfu};
    if (step->size % 8 == 7)
        return dfuse_mass_erase(&dfuse, err);
    return dfuse_erase_sector(&dfuse, step->address, err);
}

static bool run_step(struct dfu *dfu, const struct step *step, struct err **err)
{
    switch (step->what % 7) {
    case 0:
        return make_idle(dfu, err);
    case 1:
        return erase(dfu, step, err);
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
    fuzz_check_result(run_step(dfu, step, &err), &err);
    unsigned blocks = (unsigned)(step->size / board.transfer_size + 2);
    long long elapsed_ms = (board.now_us - start_us) / 1000;
    CHECK(elapsed_ms <= (blocks + 8) * 2LL * DFUSE_MASS_ERASE_LIMIT_MS);
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
