#include "simulator/console.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* The terminal's other side and the board, both written to before the console looks at them. */
struct fixture {
    int keyboard, terminal;
    int board, to_board;
    struct err *err;
};

static int set_up(void **state)
{
    static struct fixture f;
    int fds[2];

    f = (struct fixture){.keyboard = posix_openpt(O_RDWR | O_NOCTTY)};
    assert_int_equal(grantpt(f.keyboard), 0);
    assert_int_equal(unlockpt(f.keyboard), 0);
    f.terminal = open(ptsname(f.keyboard), O_RDWR | O_NOCTTY);
    assert_true(f.terminal >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    f.board = fds[0];
    f.to_board = fds[1];
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    close(f->keyboard);
    close(f->terminal);
    close(f->board);
    close(f->to_board);
    err_free(f->err);
    return 0;
}

static bool run(struct fixture *f)
{
    return console_run(f->to_board, f->to_board, f->terminal, f->terminal, &f->err);
}

static void raw(int fd)
{
    struct termios t;

    assert_int_equal(tcgetattr(fd, &t), 0);
    cfmakeraw(&t);
    assert_int_equal(tcsetattr(fd, TCSANOW, &t), 0);
}

static void keys_go_to_the_board_until_the_leave_key(void **state)
{
    struct fixture *f = *state;
    char heard[32] = "";

    raw(f->terminal); /* what is typed before the console starts is not for the line editor */
    assert_int_equal(write(f->keyboard, "\003print(1)\r\035no more", 18), 18);
    assert_ok(run(f), &f->err);
    assert_int_equal(read(f->board, heard, sizeof(heard) - 1), 10);
    assert_string_equal(heard, "\003print(1)\r");
}

static void the_board_is_seen_and_its_end_is_an_error(void **state)
{
    struct fixture *f = *state;
    char seen[32] = "";

    assert_int_equal(write(f->board, ">>> ", 4), 4);
    shutdown(f->board, SHUT_WR);
    assert_false(run(f));
    assert_error(&f->err, ERR_DEVICE, "the board hung up");
    assert_int_equal(read(f->keyboard, seen, sizeof(seen) - 1), 4);
    assert_string_equal(seen, ">>> ");
}

static void the_terminal_is_set_back(void **state)
{
    struct fixture *f = *state;
    struct termios before, after;

    assert_int_equal(tcgetattr(f->terminal, &before), 0);
    shutdown(f->board, SHUT_WR);
    assert_false(run(f));
    err_free_ptr(&f->err);
    assert_int_equal(tcgetattr(f->terminal, &after), 0);
    assert_true(before.c_lflag & ICANON);
    assert_int_equal(before.c_lflag, after.c_lflag);
    assert_int_equal(before.c_oflag, after.c_oflag);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_go_to_the_board_until_the_leave_key),
        TEST(the_board_is_seen_and_its_end_is_an_error),
        TEST(the_terminal_is_set_back),
    };

    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
