/* The host's end of the REPL against a board and a clock that are both in memory. */
#include "flasher/repl.h"

#include <stdlib.h>

#include "tests/unit/repl_board.h"
#include "tests/unit/unit.h"

/* Talk to it, 5 ms at a time; it hears again after deaf_ms. Returns the milliseconds that it took.
 */
static unsigned talk(struct repl *repl, struct board *board, unsigned deaf_ms)
{
    long long now_us = 1000000;
    unsigned ms = 0;
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    repl_init(repl, now_us);
    while (repl_advance(repl, board->back.data, board->back.len, now_us, &out) == REPL_GOES_ON) {
        buf_clear(&board->back);
        if (board->gone) {
            repl_hang_up(repl);
            break;
        }
        for (size_t i = 0; i < out.len; i++)
            board_key(board, out.data[i]);
        buf_clear(&out);
        if (board->noise)
            buf_adds(&board->back, board->noise);
        now_us += 5000;
        ms += 5;
        board->deaf &= ms < deaf_ms;
        assert_true(ms < 60000);
    }
    for (size_t i = 0; i < out.len; i++)
        board_key(board, out.data[i]);
    return ms;
}

static void assert_told(struct board *board, unsigned deaf_ms, const char *sent)
{
    struct repl repl;
    unsigned ms = talk(&repl, board, deaf_ms);
    if (repl.step != REPL_TOLD) {
        struct err *err = NULL;
        repl_explain(&repl, &err);
        assert_ok(false, &err);
    }
    assert_true(ms <= deaf_ms + 500);
    if (sent)
        assert_string_equal(board->sent.data, sent);
    board_release(board);
}

static void assert_failed(struct board *board, unsigned least_ms, const char *text,
                          const char *hint)
{
    struct repl repl;
    struct err *err = NULL;
    unsigned ms = talk(&repl, board, 60000);
    assert_int_equal(repl.step, REPL_FAILED);
    assert_in_range(ms, least_ms, least_ms + 500);
    assert_false(repl_explain(&repl, &err));
    assert_string_equal(err->message, text);
    assert_contains(err->hint, hint);
    assert_error(&err, ERR_DEVICE, "hold BOOT0");
    if (!board->gone)
        assert_false(board->raw); /* it is left at its usual prompt */
    board_release(board);
}

#define MACHINE "import machine\nmachine.bootloader()\n\x04"
#define PYB "import pyb\npyb.bootloader()\n\x04"
#define NO_ATTRIBUTE                                                                               \
    "Traceback (most recent call last):\r\n  File \"<stdin>\", line 2, in <module>\r\n"            \
    "AttributeError: 'module' object has no attribute 'bootloader'\r\n"
#define NO_PYB                                                                                     \
    "Traceback (most recent call last):\r\n  File \"<stdin>\", line 1, in <module>\r\n"            \
    "ImportError: no module named 'pyb'\r\n"

static void at_the_prompt(void **state)
{
    (void)state;
    struct board board = BOARD(.raw = false);
    assert_told(&board, 0, "\x03\x03\r\x01" MACHINE);
}

static void in_the_raw_repl(void **state)
{
    (void)state;
    struct board board = BOARD(.raw = true);
    assert_told(&board, 0, "\x03\x03\r\x01" MACHINE);
}

static void busy_programs(void **state)
{
    (void)state;
    struct board quiet = BOARD(.running = true);
    assert_told(&quiet, 0, "\x03\x03\r\x01" MACHINE);
    struct board deaf = BOARD(.running = true, .deaf = true);
    assert_told(&deaf, 2000, NULL);
    struct board loud =
        BOARD(.running = true, .deaf = true, .noise = "temperature 21.5 OK >>>\r\n");
    assert_told(&loud, 1000, NULL);
    struct board prompts = BOARD(.running = true, .deaf = true, .noise = ">>> >>> ");
    assert_told(&prompts, 1000, NULL);
}

static void an_older_port(void **state)
{
    (void)state;
    struct board board = BOARD(.tracebacks = {NO_ATTRIBUTE});
    assert_told(&board, 0, "\x03\x03\r\x01" MACHINE PYB);
    struct board other = BOARD(.tracebacks = {"ImportError: no module named 'machine'\r\n"});
    assert_told(&other, 0, "\x03\x03\r\x01" MACHINE PYB);
}

static void comes_back_without_a_word(void **state)
{
    (void)state;
    struct board board = BOARD(.tracebacks = {""});
    assert_told(&board, 0, "\x03\x03\r\x01" MACHINE);
}

static void no_such_function(void **state)
{
    (void)state;
    struct board board = BOARD(.tracebacks = {NO_ATTRIBUTE, NO_PYB});
    assert_failed(&board, 0,
                  "its MicroPython has neither machine.bootloader() nor pyb.bootloader(): "
                  "ImportError: no module named 'pyb'",
                  "program is stopped");
    struct board broken = BOARD(.tracebacks = {"OSError: [Errno 5] \x1b[2JEIO\r\n"});
    assert_failed(&broken, 0,
                  "machine.bootloader() failed on the board: OSError: [Errno 5] \\x1b[2JEIO",
                  "program is stopped");
}

static void no_answer(void **state)
{
    (void)state;
    struct board silent = BOARD(.running = true, .deaf = true);
    assert_failed(
        &silent, REPL_CALL_MS,
        "MicroPython's REPL does not answer: Ctrl-C and Ctrl-A were sent 17 times in 5 s, "
        "nothing came back",
        "switched off Ctrl-C");
    struct board garbage = BOARD(.running = true, .deaf = true, .noise = "\x1b\xff");
    struct repl repl;
    struct err *err = NULL;
    talk(&repl, &garbage, 60000);
    assert_false(repl_explain(&repl, &err));
    assert_error(&err, ERR_DEVICE, "what came back ends in '...\\x1b\\xff\\x1b\\xff");
    board_release(&garbage);
}

static void the_quote_is_one_line(void **state)
{
    (void)state;
    struct board loud = BOARD(.running = true, .deaf = true, .noise = "\n\ntick\r\ntock\r");
    struct repl repl;
    struct err *err = NULL;
    talk(&repl, &loud, 60000);
    assert_false(repl_explain(&repl, &err));
    assert_error(&err, ERR_DEVICE, "  tick tock\\x0d'\n");
    board_release(&loud);
}

static void takes_no_command(void **state)
{
    (void)state;
    struct board board = BOARD(.mute = true, .noise = "tick ");
    struct repl repl;
    struct err *err = NULL;
    assert_in_range(talk(&repl, &board, 0), REPL_ANSWER_MS, REPL_ANSWER_MS + 500);
    assert_int_equal(repl.step, REPL_FAILED);
    assert_false(repl_explain(&repl, &err));
    assert_error(&err, ERR_DEVICE, "did not take the command within 2 s, what came back is '...");
    board_release(&board);
}

static enum repl_step feed(struct repl *repl, const char *bytes, long long now_us)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    return repl_advance(repl, bytes, strlen(bytes), now_us, &out);
}

static void accepted_and_silent(void **state)
{
    (void)state;
    struct repl repl;
    repl_init(&repl, 0);
    feed(&repl, RAW_REPL_BANNER, 1000);
    feed(&repl, "O", 2000);
    assert_int_equal(feed(&repl, "K", 3000), REPL_GOES_ON);
    assert_int_equal(feed(&repl, "", 1000 + REPL_ANSWER_MS * 1000 - 1), REPL_GOES_ON);
    assert_int_equal(feed(&repl, "", 1000 + REPL_ANSWER_MS * 1000), REPL_TOLD);
    assert_int_equal(repl_hang_up(&repl), REPL_TOLD);
}

static void disconnects(void **state)
{
    (void)state;
    struct repl repl;
    struct err *err = NULL;
    repl_init(&repl, 0);
    feed(&repl, "booting", 1000);
    assert_int_equal(repl_hang_up(&repl), REPL_FAILED);
    assert_false(repl_explain(&repl, &err));
    assert_error(&err, ERR_DEVICE, "disconnected before it could be told");
    repl_init(&repl, 0);
    feed(&repl, RAW_REPL_BANNER, 1000);
    assert_int_equal(repl_hang_up(&repl), REPL_TOLD);
}

/* Pieces that the protocol is made of, put together at random: it ends in time, sends little and
 * keeps to its limits (the sanitizers look at the rest). */
static void hostile(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        RAW_REPL_BANNER, ">>> ", "OK",   "\x04",  ">", "AttributeError",
        "\r\n",          "\x01", "\xff", "noise", "",  "\x04\x04>"};
    srand(4711);
    for (unsigned round = 0; round < 2000; round++) {
        _cleanup_(buf_release) struct buf out = BUF_INIT;
        struct repl repl;
        long long now_us = 0;
        repl_init(&repl, now_us);
        do {
            const char *piece = pieces[(unsigned)rand() % ARRAY_SIZE(pieces)];
            repl_advance(&repl, piece, strlen(piece), now_us, &out);
            now_us += rand() % 20000;
            assert_true(repl.parser.last_len <= REPL_LAST_MAX);
        } while (repl.step == REPL_GOES_ON);
        assert_true(now_us <= (REPL_CALL_MS + 2 * REPL_ANSWER_MS) * 1000 + 20000);
        assert_true(out.len < 200);
        if (repl.step == REPL_FAILED) {
            struct err *err = NULL;
            assert_false(repl_explain(&repl, &err));
            assert_true(strlen(err->message) < 1000);
            assert_error(&err, ERR_DEVICE, "hold BOOT0");
        }
    }
}

static void keeps_the_latest(void **state)
{
    (void)state;
    struct repl_parser parser;
    repl_parser_init(&parser);
    for (unsigned i = 0; i < 10 * REPL_LAST_MAX; i++) {
        assert_int_equal(repl_parse(&parser, (char)('a' + i % 26)), REPL_EVENT_NONE);
        assert_true(parser.last_len <= REPL_LAST_MAX);
        assert_true(i < REPL_LAST_MAX || parser.last_len >= REPL_LAST_MAX / 2);
        assert_int_equal(parser.last[parser.last_len - 1], 'a' + i % 26);
        assert_int_equal(parser.last[parser.last_len], 0);
    }
    for (const char *c = RAW_REPL_BANNER; *c; c++)
        assert_int_equal(repl_parse(&parser, *c), c[1] ? REPL_EVENT_NONE : REPL_EVENT_RAW_PROMPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_the_prompt),
        cmocka_unit_test(in_the_raw_repl),
        cmocka_unit_test(busy_programs),
        cmocka_unit_test(an_older_port),
        cmocka_unit_test(comes_back_without_a_word),
        cmocka_unit_test(no_such_function),
        cmocka_unit_test(no_answer),
        cmocka_unit_test(the_quote_is_one_line),
        cmocka_unit_test(takes_no_command),
        cmocka_unit_test(accepted_and_silent),
        cmocka_unit_test(disconnects),
        cmocka_unit_test(hostile),
        cmocka_unit_test(keeps_the_latest),
    };
    return cmocka_run_group_tests_name("repl", tests, NULL, NULL);
}
