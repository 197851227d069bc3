/* The simulated board's terminal: which program runs, then what the host sends. The byte 0xFF lets
 * time pass, 0xFE takes what waits for the host. */
#include "tests/fuzz/fuzz.h"

#include "simulator/board_repl.h"

#define TICK 0xff
#define TAKE 0xfe

static void check(const struct board_repl *repl)
{
    CHECK(repl->out.len <= BOARD_REPL_OUT_MAX && repl->line.len <= BOARD_REPL_LINE_MAX);
}

/* One byte of the input. */
static void step(struct board_repl *repl, uint8_t byte)
{
    if (byte == TICK)
        board_repl_tick(repl);
    else if (byte == TAKE)
        buf_clear(&repl->out);
    else if (board_repl_input(repl, &byte, 1) != BOARD_GOES_ON)
        board_repl_boot(repl);
    check(repl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct board_repl repl;
    board_repl_init(&repl);
    repl.program = (enum board_program)(fuzz_u8(&input) % (BOARD_PROGRAM_GARBAGE + 1));
    board_repl_boot(&repl);
    check(&repl);
    while (input.left)
        step(&repl, fuzz_u8(&input));
    board_repl_release(&repl);
    return 0;
}
