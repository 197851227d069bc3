#include "flasher/enter.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/proc.h"
#include "flasher/repl.h"
#include "flasher/task.h"
#include "tests/unit/pty.h"
#include "tests/unit/repl_board.h"

static void methods(void **state)
{
    (void)state;
    static const char *const labels[] = {"none", "auto", "detach", "repl", "touch1200"};
    enum enter_method method;
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
        assert_true(enter_method_parse(labels[i], &method));
        assert_int_equal(method, i);
        assert_string_equal(enter_method_label(method), labels[i]);
    }
    assert_false(enter_method_parse("", &method));
    assert_false(enter_method_parse("REPL", &method));
    assert_false(enter_method_parse("touch", &method));
}

/* ---- the serial port in sysfs ---------------------------------------------------------------- */

static char root[] = "/tmp/firn-enter-XXXXXX";

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    struct err *err = NULL;
    return fs_remove_tree(root, &err) ? 0 : -1;
}

static void make(const char *path)
{
    _cleanup_free_ char *dir = xasprintf("%s/bus/usb/devices/%s", root, path);
    struct err *err = NULL;
    assert_ok(fs_mkdirs(dir, &err), &err);
}

static void assert_port(const char *path, const char *expected)
{
    _cleanup_free_ char *port = enter_serial_port_in(root, path);
    if (expected)
        assert_string_equal(port, expected);
    else
        assert_null(port);
}

static void serial_ports(void **state)
{
    (void)state;
    assert_port("1-1", NULL);
    make("1-1/1-1:1.0/usbmisc");
    make("1-1/power/tty/ttyX0");
    assert_port("1-1", NULL);
    make("1-1/1-1:1.1/tty/ttyACM3");
    assert_port("1-1", "/dev/ttyACM3");
    make("1-1/1-1.4/1-1.4:1.0/tty/ttyACM4"); /* a hub's port has ports of its own */
    assert_port("1-1", "/dev/ttyACM3");
    make("1-1.4/1-1.4:1.0/tty:ttyACM4");
    assert_port("1-1.4", "/dev/ttyACM4");
    make("1-2/1-2:1.10/tty/ttyACM0");
    make("1-2/1-2:1.2/tty/ttyACM1");
    make("1-2/1-2:1.4/tty/ttyACM2");
    assert_port("1-2", "/dev/ttyACM1");
    make("1-3/1-3:1.0/tty"); /* on its way out */
    assert_port("1-3", NULL);
}

/* ---- which ways ------------------------------------------------------------------------------ */

#define DEVICE 18, 1, 0, 2, 0xef, 2, 1, 64, 0, 0, 0, 0, 0, 0, 1, 2, 3, 1
#define CONFIGURATION(len) 9, 2, len, 0, 1, 1, 0, 0x80, 50
#define INTERFACE(number, class, subclass, protocol)                                               \
    9, 4, number, 0, 0, class, subclass, protocol, 0
#define ACM INTERFACE(0, 2, 2, 1)
#define DFU_RUNTIME INTERFACE(2, 0xfe, 1, 1)
#define DFU_MODE INTERFACE(0, 0xfe, 1, 2)

static uint8_t acm[] = {DEVICE, CONFIGURATION(18), ACM};
static uint8_t runtime[] = {DEVICE, CONFIGURATION(18), DFU_RUNTIME};
static uint8_t both[] = {DEVICE, CONFIGURATION(27), ACM, DFU_RUNTIME};
static uint8_t dfu[] = {DEVICE, CONFIGURATION(18), DFU_MODE};
static uint8_t keyboard[] = {DEVICE, CONFIGURATION(18), INTERFACE(0, 3, 1, 1)};

/* No such port is anywhere, so that its serial port is known from its descriptors only. */
#define ENTRY(bytes, ...)                                                                          \
    {                                                                                              \
        .path = "99-1", .descriptors = {(char *)(bytes), sizeof(bytes), 0}, __VA_ARGS__            \
    }

static void assert_ways(const struct usb_entry *entry, const char *expected)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    enum enter_method ways[ENTER_WAYS_MAX];
    size_t count = enter_ways(entry, ways);
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s ", enter_method_label(ways[i]));
    assert_string_equal(text.data, expected);
}

static void ways(void **state)
{
    (void)state;
    char pyboard[] = "Pyboard Virtual Comm Port in FS Mode", micropython[] = "MicroPython",
         virtual[] = "Micropython Virtual Comm Port";
    const struct usb_entry some_serial = ENTRY(acm, .vendor = 0x1234, .name = pyboard);
    assert_ways(&some_serial, "");
    const struct usb_entry by_id = ENTRY(acm, .vendor = 0xf055, .product = 0x9800);
    assert_ways(&by_id, "repl ");
    const struct usb_entry by_maker = ENTRY(acm, .vendor = 0x1234, .manufacturer = micropython);
    assert_ways(&by_maker, "repl ");
    const struct usb_entry by_name = ENTRY(acm, .vendor = 0x1234, .name = virtual);
    assert_ways(&by_name, "repl ");
    const struct usb_entry no_port = ENTRY(keyboard, .vendor = 0xf055, .product = 0x9800);
    assert_ways(&no_port, "");
    const struct usb_entry arduino = ENTRY(acm, .vendor = 0x2341, .product = 0x055b);
    assert_ways(&arduino, "repl touch1200 ");
    const struct usb_entry plain = ENTRY(runtime, .vendor = 0x1234);
    assert_ways(&plain, "detach ");
    const struct usb_entry all = ENTRY(both, .vendor = 0x2341, .product = 0x055b);
    assert_ways(&all, "detach repl touch1200 ");
    const struct usb_entry in_dfu = ENTRY(dfu, .vendor = 0xf055, .manufacturer = micropython);
    assert_ways(&in_dfu, "");
    const struct usb_entry nxp = ENTRY(runtime, .vendor = 0x1fc9, .product = 0x000c);
    assert_ways(&nxp, ""); /* in DFU mode, whatever it says */
}

static void refuse(const struct usb_entry *entry, enum enter_method method, const char *expected)
{
    struct err *err = NULL;
    enum enter_method way;
    assert_false(enter_run(NULL, entry, method, &way, &err));
    assert_error(&err, ERR_DEVICE, expected);
}

static void ways_that_are_none(void **state)
{
    (void)state;
    const struct usb_entry entry = ENTRY(keyboard, .vendor = 0x1234);
    refuse(&entry, ENTER_AUTO, "no way into its bootloader is known");
    refuse(&entry, ENTER_NONE, "to be left alone");
    refuse(&entry, ENTER_DETACH,
           "cannot enter the bootloader: detach: the device has no DFU interface\n  hold BOOT0");
    refuse(&entry, ENTER_REPL,
           "cannot enter the bootloader: repl: the device has no serial port\n");
    refuse(&entry, ENTER_TOUCH1200, "touch1200: the device has no serial port\n  hold BOOT0");
    const struct usb_entry no_driver = ENTRY(acm, .vendor = 0xf055, .product = 0x9800);
    refuse(&no_driver, ENTER_AUTO,
           "repl: the device has a serial port, but Linux makes no terminal");
}

/* ---- the REPL on a pseudoterminal ------------------------------------------------------------ */

/* The other end of the port: the board gets its keys, and goes when it is told to. */
static void play(struct pty *pty, void *data)
{
    struct board *board = data;
    char keys[256];
    while (!board->gone) {
        struct pollfd poll_fd = {.fd = pty->board, .events = POLLIN};
        poll(&poll_fd, 1, 5);
        ssize_t n = read(pty->board, keys, sizeof(keys));
        for (ssize_t i = 0; i < n; i++)
            board_key(board, keys[i]);
        if (board->noise)
            buf_adds(&board->back, board->noise);
        n = write(pty->board, board->back.data, board->back.len);
        if (n > 0)
            buf_clear(&board->back);
    }
}

/* Prints as fast as it can, and listens to nobody. */
static void flood(struct pty *pty, void *data)
{
    static const char line[] = "0123456789 0123456789 0123456789 0123456789 0123456789 >>> OK\r\n";
    (void)data;
    for (;;)
        if (write(pty->board, line, sizeof(line) - 1) < 0)
            usleep(100);
}

static void goes_away(struct pty *pty, void *data)
{
    (void)data;
    usleep(50000);
    pty_close(pty);
}

static void assert_told(struct board *board)
{
    struct pty pty;
    struct err *err = NULL;
    pty_open(&pty);
    pid_t pid = pty_hand_over(&pty, play, board);
    long long start_us = task_now_us();
    bool ok = enter_repl(pty.port, &err);
    child_end(pid);
    assert_ok(ok, &err);
    assert_true(task_now_us() - start_us < 3000000);
    pty_close(&pty);
}

static void told_at_the_repl(void **state)
{
    (void)state;
    struct board board = BOARD(.raw = false);
    assert_told(&board);
    struct board busy = BOARD(.running = true, .noise = "21.5 degrees\r\n");
    assert_told(&busy);
    struct board old = BOARD(.tracebacks = {"AttributeError: bootloader\r\n"});
    assert_told(&old);
}

static void refused_at_the_repl(void **state)
{
    (void)state;
    struct board board =
        BOARD(.tracebacks = {"AttributeError: bootloader\r\n", "ImportError: pyb\r\n"});
    struct pty pty;
    struct err *err = NULL;
    pty_open(&pty);
    pid_t pid = pty_hand_over(&pty, play, &board);
    bool ok = enter_repl(pty.port, &err);
    child_end(pid);
    assert_false(ok);
    assert_error(&err, ERR_DEVICE, "nor pyb.bootloader(): ImportError: pyb");
    pty_close(&pty);
}

static void unplugged_at_the_repl(void **state)
{
    (void)state;
    struct pty pty;
    struct err *err = NULL;
    pty_open(&pty);
    pid_t pid = pty_hand_over(&pty, goes_away, NULL);
    bool ok = enter_repl(pty.port, &err);
    child_end(pid);
    assert_false(ok);
    assert_error(&err, ERR_DEVICE, "disconnected before it could be told");
    pty_close(&pty);
}

/* A board that never stops printing takes its 5 s, and no other board's time. */
struct ticks {
    bool over;
    long long longest_us;
};

static void tick(void *data)
{
    struct ticks *ticks = data;
    while (!ticks->over) {
        long long start_us = task_now_us();
        task_sleep_ms(5);
        long long took_us = task_now_us() - start_us;
        ticks->longest_us = took_us > ticks->longest_us ? took_us : ticks->longest_us;
    }
}

struct flooded {
    const char *port;
    struct ticks ticks;
    struct err *err;
};

static void enter_flooded(void *data)
{
    struct flooded *flooded = data;
    (void)!enter_repl(flooded->port, &flooded->err);
    flooded->ticks.over = true;
}

static void floods(void **state)
{
    (void)state;
    struct pty pty;
    pty_open(&pty);
    pid_t pid = pty_hand_over(&pty, flood, NULL);
    struct flooded flooded = {.port = pty.port};
    struct tasks *tasks = tasks_new(NULL);
    tasks_spawn(tasks, enter_flooded, &flooded);
    tasks_spawn(tasks, tick, &flooded.ticks);
    long long start_us = task_now_us();
    tasks_run(tasks);
    tasks_free(tasks);
    child_end(pid);
    assert_in_range(task_now_us() - start_us, REPL_CALL_MS * 1000LL,
                    REPL_CALL_MS * 1000LL + 2000000);
    assert_true(flooded.ticks.longest_us < 1000000);
    assert_error(&flooded.err, ERR_DEVICE, "what came back ends in '...");
    pty_close(&pty);
}

/* No answer, because another program takes them. */
static void shared(void **state)
{
    (void)state;
    struct pty pty;
    struct err *err = NULL;
    pty_open(&pty);
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause(); /* with the port open */
    bool ok = enter_repl(pty.port, &err);
    _cleanup_free_ char *expected = xasprintf("(process %d) has the port open, too", pid);
    child_end(pid);
    assert_false(ok);
    assert_contains(err->message, "REPL does not answer: Ctrl-C and Ctrl-A were sent");
    assert_error(&err, ERR_DEVICE, expected);
    pty_close(&pty);
}

/* The last one: the signal stays. */
static void interrupted(void **state)
{
    (void)state;
    struct pty pty;
    struct err *err = NULL;
    pty_open(&pty);
    interrupt_install();
    raise(SIGINT);
    assert_false(enter_repl(pty.port, &err));
    assert_error(&err, ERR_INTERRUPTED, "interrupted while talking to the board");
    pty_close(&pty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods),
        cmocka_unit_test_setup_teardown(serial_ports, make_root, remove_root),
        cmocka_unit_test(ways),
        cmocka_unit_test(ways_that_are_none),
        cmocka_unit_test(told_at_the_repl),
        cmocka_unit_test(refused_at_the_repl),
        cmocka_unit_test(unplugged_at_the_repl),
        cmocka_unit_test(floods),
        cmocka_unit_test(shared),
        cmocka_unit_test(interrupted),
    };
    return cmocka_run_group_tests_name("enter", tests, NULL, NULL);
}
