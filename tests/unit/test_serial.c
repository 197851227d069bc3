#include "flasher/serial.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/fs.h"
#include "flasher/task.h"
#include "tests/unit/pty.h"

static long long in_ms(unsigned ms)
{
    return task_now_us() + ms * 1000LL;
}

static struct serial *open_port(const char *port)
{
    struct serial *serial = NULL;
    struct err *err = NULL;
    assert_ok(serial_open(port, 115200, &serial, &err), &err);
    return serial;
}

static const char all[] = "\r\n\x03\x04\x11\x13\x1a\x7f\xff x";

static void bytes_as_they_are(void **state)
{
    (void)state;
    struct pty pty;
    char bytes[64];
    size_t len, got = 0;
    pty_open(&pty);
    struct serial *serial = open_port(pty.port);
    assert_int_equal(serial_write(serial, all, sizeof(all), in_ms(1000)), SERIAL_OK);
    while (got < sizeof(all)) {
        ssize_t n = read(pty.board, bytes + got, sizeof(bytes) - got);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(bytes, all, sizeof(all));
    assert_int_equal(write(pty.board, all, sizeof(all)), sizeof(all));
    for (got = 0; got < sizeof(all); got += len)
        assert_int_equal(serial_read(serial, bytes + got, 3, &len, in_ms(1000)), SERIAL_OK);
    assert_memory_equal(bytes, all, sizeof(all));
    assert_int_equal(read(pty.board, bytes, 1), -1); /* no echo */
    serial_close(serial);
    serial_close(NULL);
    pty_close(&pty);
}

static void nothing_comes(void **state)
{
    (void)state;
    struct pty pty;
    char byte;
    size_t len = 1;
    pty_open(&pty);
    struct serial *serial = open_port(pty.port);
    long long start_us = task_now_us();
    assert_int_equal(serial_read(serial, &byte, 1, &len, in_ms(50)), SERIAL_TIMED_OUT);
    assert_int_equal(len, 0);
    assert_in_range(task_now_us() - start_us, 50000, 3000000);
    serial_close(serial);
    pty_close(&pty);
}

static void nobody_takes_it(void **state)
{
    (void)state;
    static const char much[256 * 1024];
    struct pty pty;
    pty_open(&pty);
    struct serial *serial = open_port(pty.port);
    long long start_us = task_now_us();
    assert_int_equal(serial_write(serial, much, sizeof(much), in_ms(50)), SERIAL_TIMED_OUT);
    serial_close(serial);
    assert_in_range(task_now_us() - start_us, 50000, 3000000);
    pty_close(&pty);
}

static void unplugged(void **state)
{
    (void)state;
    struct pty pty;
    char byte;
    size_t len;
    pty_open(&pty);
    struct serial *serial = open_port(pty.port);
    pty_close_fd(&pty.board);
    assert_int_equal(serial_read(serial, &byte, 1, &len, in_ms(1000)), SERIAL_GONE);
    assert_int_equal(serial_write(serial, "x", 1, in_ms(1000)), SERIAL_GONE);
    serial_close(serial);
    pty_close(&pty);
}

static void settings_are_put_back(void **state)
{
    (void)state;
    struct pty pty;
    struct termios before, during, after;
    pty_open(&pty);
    assert_int_equal(tcgetattr(pty.look, &before), 0);
    assert_true(before.c_lflag & ECHO);
    struct serial *serial = open_port(pty.port);
    assert_int_equal(tcgetattr(pty.look, &during), 0);
    assert_false(during.c_lflag & (ECHO | ICANON | ISIG));
    assert_int_equal(cfgetospeed(&during), B115200);
    serial_close(serial);
    assert_int_equal(tcgetattr(pty.look, &after), 0);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(after.c_iflag, before.c_iflag);
    assert_int_equal(cfgetospeed(&after), cfgetospeed(&before));
    pty_close(&pty);
}

static void touched(void **state)
{
    (void)state;
    struct pty pty;
    struct termios after;
    struct err *err = NULL;
    pty_open(&pty);
    assert_ok(serial_touch(pty.port, 1200, &err), &err);
    assert_int_equal(tcgetattr(pty.look, &after), 0);
    assert_int_equal(cfgetospeed(&after), B1200);
    assert_true(after.c_cflag & HUPCL);
    pty_close(&pty);
    assert_false(serial_touch("/dev/firn-no-such-port", 1200, &err));
    assert_error(&err, ERR_DEVICE,
                 "cannot open the serial port /dev/firn-no-such-port: No such file or directory");
}

/* As the kernel has it: valgrind runs us under another. */
static char *own_name(void)
{
    struct buf name = BUF_INIT;
    struct err *err = NULL;
    assert_ok(fs_read("/proc/self/comm", 64, &name, &err), &err);
    buf_truncate(&name, name.len - 1);
    return buf_detach(&name, NULL);
}

/* A program that has the port open: it says so with one byte, and stays until it is ended. */
static pid_t start_user(const char *port, bool locks)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(port, O_RDWR | O_NOCTTY);
        if (fd < 0 || (locks && flock(fd, LOCK_EX) < 0) || write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void in_use(void **state)
{
    (void)state;
    struct pty pty;
    struct serial *serial = NULL;
    struct err *err = NULL;
    pty_open(&pty);
    pty_close_fd(&pty.look);
    assert_null(serial_users(pty.port));
    pid_t pid = start_user(pty.port, true);
    _cleanup_free_ char *users = serial_users(pty.port);
    char *name = own_name();
    _cleanup_free_ char *expected = xasprintf("%s (process %d)", name, pid);
    free(name);
    assert_string_equal(users, expected);
    long long start_us = task_now_us();
    assert_false(serial_open(pty.port, 115200, &serial, &err));
    assert_in_range(task_now_us() - start_us, SERIAL_PATIENCE_MS * 1000LL,
                    SERIAL_PATIENCE_MS * 1000LL + 1000000);
    assert_null(serial);
    _cleanup_free_ char *message =
        xasprintf("the serial port %s is in use by %s", pty.port, expected);
    assert_string_equal(err->message, message);
    assert_error(&err, ERR_DEVICE, "end that program");
    child_end(pid);
    /* One that locks nothing: there is no telling whether it minds. */
    pid = start_user(pty.port, false);
    serial_close(open_port(pty.port));
    child_end(pid);
    pty_close(&pty);
}

/* Ourselves are a user, too, if we come twice. */
static void in_use_by_us(void **state)
{
    (void)state;
    struct pty pty;
    struct serial *second = NULL;
    struct err *err = NULL;
    pty_open(&pty);
    struct serial *first = open_port(pty.port);
    assert_false(serial_open(pty.port, 115200, &second, &err));
    assert_error(&err, ERR_DEVICE, "is in use by another program");
    serial_close(first);
    serial_close(open_port(pty.port));
    pty_close(&pty);
}

static void no_serial_port(void **state)
{
    (void)state;
    struct serial *serial = NULL;
    struct err *err = NULL;
    assert_false(serial_open("/dev/null", 115200, &serial, &err));
    assert_null(serial);
    assert_error(&err, ERR_DEVICE, "cannot set up the serial port /dev/null");
}

static int refused_as_nobody(const char *port)
{
    struct serial *serial;
    _cleanup_err_ struct err *err = NULL;
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
        return 2;
    if (serial_open(port, 115200, &serial, &err))
        return 3;
    err_format(err, &text);
    if (!strstr(text.data, "no permission to open the serial port /dev/pts/"))
        return 4;
    return strstr(text.data, "`sudo adduser $USER dialout`") ? 0 : 5;
}

/* In a child, as the superuser may open all. */
static int open_as_nobody(const char *port)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(refused_as_nobody(port));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void forbidden(void **state)
{
    (void)state;
    const struct group *dialout = getgrnam("dialout");
    struct pty pty;
    if (!dialout || getuid() != 0) { /* cmocka's skip() counts as a failure in TAP */
        print_message("# not tried: only root can give a port to the group dialout\n");
        return;
    }
    pty_open(&pty);
    assert_int_equal(fchown(pty.look, 0, dialout->gr_gid), 0);
    assert_int_equal(fchmod(pty.look, 0660), 0);
    assert_int_equal(open_as_nobody(pty.port), 0);
    assert_int_equal(fchown(pty.look, 0, 0), 0); /* a group that nobody should be told to join */
    assert_int_equal(open_as_nobody(pty.port), 0);
    pty_close(&pty);
}

static void wait_on_port(void *data)
{
    char byte;
    size_t len;
    assert_int_equal(serial_read(data, &byte, 1, &len, in_ms(150)), SERIAL_TIMED_OUT);
}

static void tasks_wait_together(void **state)
{
    (void)state;
    struct pty ptys[3];
    struct serial *ports[3];
    struct tasks *tasks = tasks_new(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(ptys); i++) {
        pty_open(&ptys[i]);
        ports[i] = open_port(ptys[i].port);
        tasks_spawn(tasks, wait_on_port, ports[i]);
    }
    long long start_us = task_now_us();
    tasks_run(tasks);
    assert_in_range(task_now_us() - start_us, 150000, 400000);
    tasks_free(tasks);
    for (size_t i = 0; i < ARRAY_SIZE(ptys); i++) {
        serial_close(ports[i]);
        pty_close(&ptys[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_as_they_are),
        cmocka_unit_test(nothing_comes),
        cmocka_unit_test(nobody_takes_it),
        cmocka_unit_test(unplugged),
        cmocka_unit_test(settings_are_put_back),
        cmocka_unit_test(touched),
        cmocka_unit_test(in_use),
        cmocka_unit_test(in_use_by_us),
        cmocka_unit_test(no_serial_port),
        cmocka_unit_test(forbidden),
        cmocka_unit_test(tasks_wait_together),
    };
    return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
