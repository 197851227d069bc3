/* The terminal of a running board, opened as a program opens it; the loop runs in this thread. */
#include "simulator/acm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "simulator/port.h"
#include "tests/unit/unit.h"

static struct loop *loop;
static struct port port;
static struct acm_driver *driver;
static struct acm *acm;
static enum usb_event event;

static void on_event(void *data, enum usb_event what, uint32_t ms)
{
    (void)data, (void)ms;
    event = what;
    loop_stop(loop);
}

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    const struct runtime_options options = {RUNTIME_CDC, false};
    loop = loop_new();
    event = USB_STAYS;
    port_init(&port, 0, board_model_find("stm32f405"), BOARD_TIMING_ZERO, loop_clock(loop));
    assert_ok(port_open(&port, NULL, &err), &err);
    port.device.event = on_event;
    port_configure(&port, &options);
    port_run(&port);
    assert_false(acm_is_one(&port.device));
    assert_true(acm_is_one(port_device(&port)));
    driver = acm_driver_new(loop, &err);
    assert_ok(driver && acm_new(driver, port_device(&port), &acm, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    acm_free(acm);
    acm_driver_free(driver);
    port_release(&port);
    loop_free(loop);
    return 0;
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

static void run_for(unsigned ms)
{
    struct err *err = NULL;
    clock_after(loop_clock(loop), ms * UINT64_C(1000), stop, &port);
    assert_ok(loop_run(loop, &err), &err);
}

static int open_terminal(void)
{
    int fd = open(acm_terminal(acm), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    struct termios termios;
    assert_true(fd >= 0);
    assert_int_equal(tcgetattr(fd, &termios), 0);
    cfmakeraw(&termios);
    assert_int_equal(tcsetattr(fd, TCSANOW, &termios), 0);
    return fd;
}

static void set_speed(int fd, speed_t speed)
{
    struct termios termios;
    assert_int_equal(tcgetattr(fd, &termios), 0);
    cfsetspeed(&termios, speed);
    assert_int_equal(tcsetattr(fd, TCSANOW, &termios), 0);
}

/* What the terminal has, once something is there; "": nothing for half a second. */
static const char *receive(int fd)
{
    static char text[2048];
    ssize_t len = 0;
    for (int tries = 0; tries < 50 && len <= 0; tries++) {
        run_for(10);
        len = read(fd, text, sizeof(text) - 1);
    }
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void new_terminals_have_9600_baud_and_no_echo(void **state)
{
    (void)state;
    struct termios termios;
    int fd = open(acm_terminal(acm), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(tcgetattr(fd, &termios), 0);
    assert_int_equal(cfgetospeed(&termios), B9600);
    assert_false(termios.c_lflag & ECHO);
    assert_true(termios.c_lflag & ICANON);
    assert_int_equal(termios.c_cflag & (HUPCL | CLOCAL), HUPCL | CLOCAL);
    close(fd);
}

static void bytes_go_both_ways(void **state)
{
    (void)state;
    int fd = open_terminal();
    assert_contains(receive(fd), "MicroPython");
    assert_int_equal(write(fd, "print(7)\r", 9), 9);
    assert_contains(receive(fd), "print(7)\r\n7\r\n>>> ");
    close(fd);
}

static void closing_drops_dtr_and_what_was_not_read(void **state)
{
    (void)state;
    int fd = open_terminal(), other = open_terminal();
    receive(fd);
    assert_true(port.runtime.dtr);
    assert_int_equal(write(fd, "print('unread')\r", 16), 16);
    run_for(20);
    close(fd);
    run_for(20);
    assert_true(port.runtime.dtr); /* the other one has it open */
    close(other);
    run_for(20);
    assert_false(port.runtime.dtr);
    assert_int_equal(event, USB_STAYS);
    fd = open_terminal();
    assert_string_equal(receive(fd), "");
    assert_int_equal(write(fd, "\r", 1), 1);
    assert_string_equal(receive(fd), "\r\n>>> ");
    close(fd);
}

static void a_touch(void **state)
{
    (void)state;
    int fd = open_terminal();
    set_speed(fd, B1200);
    run_for(20);
    assert_int_equal(event, USB_STAYS);
    close(fd);
    run_for(1000);
    assert_int_equal(event, USB_DETACHES);
}

/* Opened and closed before anybody looked. */
static void a_quick_touch(void **state)
{
    (void)state;
    int fd = open_terminal();
    set_speed(fd, B1200);
    close(fd);
    run_for(1000);
    assert_int_equal(event, USB_DETACHES);
}

static void the_end_hangs_up(void **state)
{
    (void)state;
    char byte;
    int fd = open_terminal();
    receive(fd);
    acm_free(acm);
    acm = NULL;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 0), 1);
    assert_true(poll_fd.revents & POLLHUP);
    assert_true(read(fd, &byte, 1) <= 0);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_terminals_have_9600_baud_and_no_echo),
        TEST(bytes_go_both_ways),
        TEST(closing_drops_dtr_and_what_was_not_read),
        TEST(a_touch),
        TEST(a_quick_touch),
        TEST(the_end_hangs_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
