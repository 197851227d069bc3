#include "simulator/raw_repl.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "tests/unit/unit.h"

#define PROMPT "raw REPL; CTRL-B to exit\r\n>"
#define SHORT_MS 400 /* a deadline that is meant to pass */
#define LONG_MS 5000

/*
 * The board is a socket whose answers are written before they are asked for. Packets keep their
 * bounds (SOCK_SEQPACKET), so that a test decides how its answer is cut into reads.
 */
struct fixture {
    int board;
    struct raw_repl repl;
    struct raw_repl_output output;
    struct err *err;
};

static int set_up(void **state)
{
    static struct fixture f;
    int fds[2];

    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    f = (struct fixture){
        .board = fds[1], .repl = RAW_REPL_INIT(fds[0], fds[0]), .output = RAW_REPL_OUTPUT_INIT};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    raw_repl_release(&f->repl);
    raw_repl_output_release(&f->output);
    err_free(f->err);
    close(f->repl.in);
    if (f->board >= 0)
        close(f->board);
    return 0;
}

static void board_says_bytes(struct fixture *f, const char *data, size_t len)
{
    assert_int_equal(write(f->board, data, len), (ssize_t)len);
}

static void board_says(struct fixture *f, const char *text)
{
    board_says_bytes(f, text, strlen(text));
}

static void board_hangs_up(struct fixture *f)
{
    close(f->board);
    f->board = -1;
}

/* Everything that was sent to the board so far. */
static void board_heard(struct fixture *f, struct buf *heard)
{
    char chunk[8192];
    ssize_t n;

    while ((n = read(f->board, chunk, sizeof(chunk))) > 0)
        buf_add(heard, chunk, (size_t)n);
}

static bool enter(struct fixture *f, int ms)
{
    return raw_repl_enter(&f->repl, clock_ms() + ms, &f->err);
}

static bool exec(struct fixture *f, const char *source, size_t max, int ms)
{
    return raw_repl_exec(&f->repl, source, strlen(source), max, clock_ms() + ms, &f->output,
                         &f->err);
}

static void enters_and_interrupts_what_runs(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;

    board_says(f, "Traceback\r\nKeyboardInterrupt: \r\n>>> \r\n" PROMPT);
    assert_ok(enter(f, LONG_MS), &f->err);
    board_heard(f, &heard);
    assert_string_equal(heard.data, "\r\003\003\001");
}

static void finds_a_prompt_that_comes_in_pieces(void **state)
{
    struct fixture *f = *state;

    for (const char *p = "noise raw REPL; CTRL-B raw REPL; raw " PROMPT; *p; p++)
        board_says_bytes(f, p, 1);
    assert_ok(enter(f, LONG_MS), &f->err);
}

static void asks_again_until_the_deadline(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;

    assert_false(enter(f, 1000));
    assert_error(&f->err, ERR_DEVICE, "no raw REPL: the board did not answer in time");
    board_heard(f, &heard);
    assert_true(heard.len >= 3 * strlen("\r\003\003\001"));
}

static void a_partial_prompt_is_quoted(void **state)
{
    struct fixture *f = *state;

    board_says(f, "raw REPL; CTRL-B to exit\033[2J");
    assert_false(enter(f, SHORT_MS));
    assert_error(&f->err, ERR_DEVICE, "no raw REPL, after 'raw REPL; CTRL-B to exit\\x1b[2J'");
}

static void garbage_is_bounded(void **state)
{
    struct fixture *f = *state;
    char junk[2048];
    size_t sent = 0;

    memset(junk, 0xa5, sizeof(junk));
    while (write(f->board, junk, sizeof(junk)) > 0)
        sent += sizeof(junk);
    assert_true(sent > 64 * 1024); /* the socket takes more than is kept */
    assert_false(enter(f, SHORT_MS));
    assert_error(&f->err, ERR_DEVICE, "no raw REPL, after '");
    assert_true(f->repl.pending.len <= 64 * 1024);
}

static void a_hang_up_is_not_a_hang(void **state)
{
    struct fixture *f = *state;

    board_says(f, "lockup");
    board_hangs_up(f);
    assert_false(enter(f, LONG_MS));
    assert_error(&f->err, ERR_DEVICE, "after 'lockup'");
}

static void runs_a_program(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;

    board_says(f, "OKhello\r\nworld\r\n\004\004>");
    assert_ok(exec(f, "print('hello')\nprint('world')\n", 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "hello\nworld\n");
    assert_string_equal(f->output.traceback.data, "");
    board_heard(f, &heard);
    assert_string_equal(heard.data, "print('hello')\nprint('world')\n\004");
}

static void line_ends_cut_anywhere_are_put_right(void **state)
{
    struct fixture *f = *state;
    /* A lone \r stays, and so does the first of \r\r\n, which is what print("a\r") sends. */
    const char answer[] = "OKa\r\nb\rc\r\r\nd\r\004\004>";

    for (size_t i = 0; i < sizeof(answer) - 1; i++)
        board_says_bytes(f, answer + i, 1);
    assert_ok(exec(f, "x", 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "a\nb\rc\r\nd\r");
}

static void prompts_left_over_from_entering_are_skipped(void **state)
{
    struct fixture *f = *state;

    board_says(f, PROMPT "\r\n" PROMPT "OKyes\r\n\004\004>");
    assert_ok(exec(f, "x", 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "yes\n");
}

static void a_traceback_is_kept_apart(void **state)
{
    struct fixture *f = *state;

    board_says(f, "OKbefore\r\n\004Traceback (most recent call last):\r\nValueError: no\r\n\004>");
    assert_ok(exec(f, "x", 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "before\n");
    assert_string_equal(f->output.traceback.data,
                        "Traceback (most recent call last):\nValueError: no\n");
}

static void runs_one_program_after_another(void **state)
{
    struct fixture *f = *state;

    board_says(f, "OK1\r\n\004\004>OK2\r\n\004\004>");
    assert_ok(exec(f, "x", 100, LONG_MS), &f->err);
    assert_ok(exec(f, "y", 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "1\n2\n");
}

static void a_program_that_hangs_meets_the_deadline(void **state)
{
    struct fixture *f = *state;
    long long start = clock_ms();

    board_says(f, "OKworking\r\n");
    assert_false(exec(f, "while True: pass", 100, SHORT_MS));
    assert_true(clock_ms() - start >= SHORT_MS);
    assert_true(clock_ms() - start < LONG_MS);
    assert_error(&f->err, ERR_DEVICE, "the program did not end in time");
    assert_string_equal(f->output.text.data, "working\n");
}

static void too_much_output_is_cut(void **state)
{
    struct fixture *f = *state;

    board_says(f, "OK0123456789\004\004>");
    assert_false(exec(f, "x", 9, LONG_MS));
    assert_error(&f->err, ERR_DEVICE, "the output is longer than 9 bytes");
    assert_string_equal(f->output.text.data, "012345678");
}

static void output_of_exactly_the_maximum_is_accepted(void **state)
{
    struct fixture *f = *state;

    board_says(f, "OK0123456789\004\004>");
    assert_ok(exec(f, "x", 10, LONG_MS), &f->err);
}

static void a_board_that_does_not_take_the_program(void **state)
{
    struct fixture *f = *state;

    board_says(f, "NO");
    assert_false(exec(f, "x", 10, SHORT_MS));
    assert_error(&f->err, ERR_DEVICE, "the board did not take the program, after 'NO'");
}

static void a_board_that_goes_away_during_a_program(void **state)
{
    struct fixture *f = *state;

    board_says(f, "OKlast words");
    board_says(f, "!");
    shutdown(f->board, SHUT_WR);
    assert_false(exec(f, "x", 100, LONG_MS));
    assert_error(&f->err, ERR_DEVICE, "the program did not end: the board hung up");
    assert_string_equal(f->output.text.data, "last words!");
}

static void a_board_that_does_not_listen_meets_the_deadline(void **state)
{
    struct fixture *f = *state;
    char byte = 'x';

    while (write(f->repl.out, &byte, 1) == 1)
        continue;
    assert_false(exec(f, "print(1)", 100, SHORT_MS));
    assert_error(&f->err, ERR_DEVICE, "cannot send to the board");
}

static void control_characters_are_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;

    assert_false(exec(f, "print(1)\n\004", 100, LONG_MS));
    assert_error(&f->err, ERR_USAGE, "control character \\x04 at byte 9");
    board_heard(f, &heard);
    assert_int_equal(heard.len, 0);
}

/* A board with raw-paste mode: takes `window` bytes at a time, stops taking after `most`, and
 * prints what it took. */
static pid_t pasting_board(const struct fixture *f, size_t window, size_t most)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    _cleanup_(buf_release) struct buf taken = BUF_INIT;
    char chunk[64];
    ssize_t n = 0;
    alarm(10);
    fcntl(f->board, F_SETFL, 0);
    for (size_t asked = 0; asked < strlen("\005A\001"); asked += (size_t)n)
        n = read(f->board, chunk, sizeof(chunk));
    const char header[] = {'R', 1, (char)window, (char)(window >> 8), 1};
    (void)!write(f->board, header, sizeof(header));
    bool ended = false;
    size_t counted = 0;
    while ((n = read(f->board, chunk, sizeof(chunk))) > 0 && chunk[n - 1] != '\004') {
        buf_add(&taken, chunk, (size_t)n);
        if (!ended && taken.len > most) {
            ended = true;
            (void)!write(f->board, "\004", 1);
        }
        for (; !ended && taken.len - counted >= window; counted += window)
            (void)!write(f->board, "\001", 1);
    }
    buf_add(&taken, chunk, n > 0 ? (size_t)n - 1 : 0);
    if (!ended)
        (void)!write(f->board, "\004", 1);
    if (taken.len)
        (void)!write(f->board, taken.data, taken.len);
    (void)!write(f->board, "\004\004>", 3);
    _exit(0);
}

static void pastes_as_much_as_the_board_takes(void **state)
{
    struct fixture *f = *state;
    const char source[] = "print('a program that is longer than the board takes at once')";

    for (size_t window = 1; window < sizeof(source) + 2; window += 7) {
        pid_t pid = pasting_board(f, window, sizeof(source));
        f->repl.sending = RAW_REPL_PASTE;
        assert_ok(exec(f, source, 1000, LONG_MS), &f->err);
        assert_string_equal(f->output.text.data, source);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        buf_clear(&f->output.text);
    }
}

static void a_board_may_end_a_paste(void **state)
{
    struct fixture *f = *state;

    const char source[] = "a program of which the board has had enough long before its own end";
    pid_t pid = pasting_board(f, 8, 20);
    f->repl.sending = RAW_REPL_PASTE;
    assert_ok(exec(f, source, 1000, LONG_MS), &f->err);
    assert_true(f->output.text.len > 20 && f->output.text.len < strlen(source));
    assert_memory_equal(f->output.text.data, source, f->output.text.len);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_board_without_paste_gets_pieces(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    char source[600];

    memset(source, 'x', sizeof(source) - 1);
    source[sizeof(source) - 1] = '\0';
    board_says(f, "\r\n" PROMPT "OKhello\r\n\004\004>");
    f->repl.sending = RAW_REPL_PASTE;
    assert_ok(exec(f, source, 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "hello\n");
    board_heard(f, &heard);
    assert_int_equal(heard.len, strlen("\005A\001") + strlen(source) + 1);
    board_says(f, "OK\004\004>");
    assert_ok(exec(f, "y", 100, LONG_MS), &f->err); /* it is not asked again */
    buf_clear(&heard);
    board_heard(f, &heard);
    assert_string_equal(heard.data, "y\004");
}

static void a_window_of_nothing_is_an_error(void **state)
{
    struct fixture *f = *state;

    board_says_bytes(f, "R\001\0\0", 4);
    f->repl.sending = RAW_REPL_PASTE;
    assert_false(exec(f, "x", 100, LONG_MS));
    assert_error(&f->err, ERR_DEVICE, "the board takes no programs");
}

/* "name?" is asked, and answered by "firn". */
static void answer_name(void *data, struct buf *text, struct buf *reply)
{
    char *at = memmem(text->data, text->len, "name?", 5);
    (*(int *)data)++;
    if (!at)
        return;
    memmove(at, at + 5, strlen(at + 5) + 1);
    buf_truncate(text, text->len - 5);
    buf_adds(reply, "firn");
}

static void a_program_is_answered(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;
    int calls = 0;

    f->repl.answer = answer_name;
    f->repl.answer_data = &calls;
    board_says(f, "OKbefore na");
    board_says(f, "me? after\r\n");
    board_says(f, "\004\004>");
    assert_ok(exec(f, "x", 100, LONG_MS), &f->err);
    assert_string_equal(f->output.text.data, "before  after\n");
    board_heard(f, &heard);
    assert_string_equal(heard.data, "x\004firn");
    assert_true(calls >= 1);
}

static void what_ended_is_not_answered(void **state)
{
    struct fixture *f = *state;
    int calls = 0;

    f->repl.answer = answer_name;
    f->repl.answer_data = &calls;
    board_says(f, "OKname?\004\004>");
    assert_ok(exec(f, "x", 10, LONG_MS), &f->err);
    board_says(f, "OKso");
    assert_false(exec(f, "y", 10, SHORT_MS));
    assert_error(&f->err, ERR_DEVICE, "the program did not end in time");
    assert_string_equal(f->output.text.data, "name?so");
}

static void leaves(void **state)
{
    struct fixture *f = *state;
    _cleanup_(buf_release) struct buf heard = BUF_INIT;

    board_says(f, "\r\nMicroPython v1.25.0\r\n>>> ");
    assert_ok(raw_repl_leave(&f->repl, clock_ms() + LONG_MS, &f->err), &f->err);
    board_heard(f, &heard);
    assert_string_equal(heard.data, "\r\002");
}

/* The last test: the signal's flag cannot be taken back. */
static void a_signal_ends_the_wait(void **state)
{
    struct fixture *f = *state;

    interrupt_install();
    raise(SIGINT);
    assert_false(enter(f, LONG_MS));
    assert_error(&f->err, ERR_INTERRUPTED, "interrupted");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(enters_and_interrupts_what_runs),
        TEST(finds_a_prompt_that_comes_in_pieces),
        TEST(asks_again_until_the_deadline),
        TEST(a_partial_prompt_is_quoted),
        TEST(garbage_is_bounded),
        TEST(a_hang_up_is_not_a_hang),
        TEST(runs_a_program),
        TEST(line_ends_cut_anywhere_are_put_right),
        TEST(prompts_left_over_from_entering_are_skipped),
        TEST(a_traceback_is_kept_apart),
        TEST(runs_one_program_after_another),
        TEST(a_program_that_hangs_meets_the_deadline),
        TEST(too_much_output_is_cut),
        TEST(output_of_exactly_the_maximum_is_accepted),
        TEST(a_board_that_does_not_take_the_program),
        TEST(a_board_that_goes_away_during_a_program),
        TEST(a_board_that_does_not_listen_meets_the_deadline),
        TEST(control_characters_are_refused),
        TEST(pastes_as_much_as_the_board_takes),
        TEST(a_board_may_end_a_paste),
        TEST(a_board_without_paste_gets_pieces),
        TEST(a_window_of_nothing_is_an_error),
        TEST(a_program_is_answered),
        TEST(what_ended_is_not_answered),
        TEST(leaves),
        TEST(a_signal_ends_the_wait),
    };

    return cmocka_run_group_tests_name("raw_repl", tests, NULL, NULL);
}
