#include "simulator/usbfs.h"

#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "simulator/port.h"
#include "tests/unit/unit.h"

/*
 * The program's side runs in a thread and speaks the preload library's protocol over a socket; the
 * simulator's loop runs in the test's own thread until the program is done.
 */

static struct loop *loop;
static struct port port;
static struct usbfs_node *node;
static bool node_ready, node_freed, unplugged;
static unsigned configuration;
static bool driven;
static unsigned chosen[4], chosen_count; /* the alternate settings, one after another */
static int done_pipe[2];

static void on_ready(void *data, bool ready)
{
    (void)data;
    assert_int_not_equal(node_ready, ready);
    __atomic_store_n(&node_ready, ready, __ATOMIC_SEQ_CST);
}

static void on_freed(void *data)
{
    (void)data;
    node_freed = true;
}

static void on_configured(void *data, unsigned value)
{
    (void)data;
    configuration = value;
}

static void on_chosen(void *data, unsigned interface, unsigned alt)
{
    (void)data;
    assert_int_equal(interface, 0);
    if (chosen_count < ARRAY_SIZE(chosen))
        chosen[chosen_count] = alt;
    chosen_count++;
}

static void on_driven(void *data, bool bound)
{
    (void)data;
    driven = bound;
}

static const struct usbfs_node_ops node_ops = {on_ready, on_configured, on_chosen, on_driven,
                                               on_freed};

static void on_event(void *data, enum usb_event event, uint32_t event_ms)
{
    (void)data, (void)event, (void)event_ms;
    unplugged = true;
    usbfs_node_disconnect(node);
}

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    loop = loop_new();
    port_init(&port, 0, board_model_find("stm32f405"), BOARD_TIMING_ZERO, loop_clock(loop));
    assert_ok(port_open(&port, NULL, &err), &err);
    port.device.event = on_event;
    memcpy(port.board.memory[0].bytes, "firmware", 8);
    chosen_count = 0;
    node_ready = node_freed = unplugged = false;
    node = usbfs_node_new(&port.device, 7, loop_clock(loop), &node_ops, NULL);
    return pipe(done_pipe);
}

static int teardown(void **state)
{
    (void)state;
    if (!node_freed)
        usbfs_node_free(node);
    assert_true(node_freed);
    close(done_pipe[0]);
    close(done_pipe[1]);
    port_release(&port);
    loop_free(loop);
    return 0;
}

/* ---- the program's side --------------------------------------------------------------------- */

static int open_node(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    usbfs_open(node, loop, fds[1]);
    return fds[0];
}

/* One call through the wire: returns its result, or -errno. */
static int call(int fd, uint64_t kind, uint64_t arg1, uint64_t arg2)
{
    uint64_t words[3] = {kind, arg1, arg2};
    if (send(fd, words, sizeof(words), 0) != sizeof(words))
        return -EIO;
    while (recv(fd, words, sizeof(words), MSG_WAITALL) == sizeof(words)) {
        if (words[0] == 3)
            return words[1] == UINT64_MAX ? -(int)words[2] : (int)words[1];
        if (words[0] == 5)
            send(fd, (void *)(uintptr_t)words[1], words[2], 0);
        else if (words[0] == 6)
            recv(fd, (void *)(uintptr_t)words[1], words[2], MSG_WAITALL);
        else
            return -EIO;
    }
    return -EIO;
}

static int ioctl_on(int fd, unsigned long request, const void *arg)
{
    return call(fd, 1, request, (uintptr_t)arg);
}

struct program {
    void (*run)(int fd, int other_fd);
    int fd, other_fd;
};

static void *program_main(void *arg)
{
    const struct program *program = arg;
    program->run(program->fd, program->other_fd);
    close(program->fd);
    close(program->other_fd);
    if (write(done_pipe[1], "x", 1) != 1)
        abort();
    return NULL;
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

/* Run it with two open files of the node. What it finds it leaves in `results`. */
static int results[16];
static void run_program(void (*run)(int fd, int other_fd))
{
    struct err *err = NULL;
    pthread_t thread;
    struct program program = {run, open_node(), open_node()};
    memset(results, 0x55, sizeof(results));
    loop_watch(loop, done_pipe[0], stop, NULL);
    assert_int_equal(pthread_create(&thread, NULL, program_main, &program), 0);
    assert_ok(loop_run(loop, &err), &err);
    pthread_join(thread, NULL);
}

static int claim_it(int fd, unsigned interface)
{
    return ioctl_on(fd, USBDEVFS_CLAIMINTERFACE, &interface);
}

static int control(int fd, uint8_t type, uint8_t request, uint16_t value, void *data, uint16_t len)
{
    struct usbdevfs_ctrltransfer transfer = {type, request, value, 0, len, 50, data};
    return ioctl_on(fd, USBDEVFS_CONTROL, &transfer);
}

/* ---- what it sees --------------------------------------------------------------------------- */

static void claiming_program(int fd, int other_fd)
{
    unsigned zero = 0, one = 1;
    struct usbdevfs_getdriver driver = {0};
    results[0] = ioctl_on(fd, USBDEVFS_GETDRIVER, &driver);
    results[1] = claim_it(fd, 0);
    results[2] = claim_it(fd, 0);
    results[3] = claim_it(other_fd, 0);
    results[4] = claim_it(fd, one);
    results[5] = ioctl_on(other_fd, USBDEVFS_RELEASEINTERFACE, &zero);
    results[6] = ioctl_on(fd, USBDEVFS_SETCONFIGURATION, &one);
    results[7] = ioctl_on(fd, USBDEVFS_GETDRIVER, &driver);
    results[8] = strcmp(driver.driver, "usbfs");
    results[9] = ioctl_on(fd, USBDEVFS_RELEASEINTERFACE, &zero);
    results[10] = claim_it(other_fd, 0);
}

static void check_results(const int *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (results[i] != expected[i])
            fail_msg("result %zu: got %d, expected %d", i, results[i], expected[i]);
}
#define CHECK_RESULTS(...)                                                                         \
    check_results((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void an_interface_has_one_owner(void **state)
{
    (void)state;
    run_program(claiming_program);
    CHECK_RESULTS(-ENODATA, 0, 0, -EBUSY, -ENOENT, -EINVAL, -EBUSY, 0, 0, 0, 0);
}

static void setting_program(int fd, int other_fd)
{
    (void)other_fd;
    unsigned alt_3[2] = {0, 3}, alt_4[2] = {0, 4}, interface_1[2] = {1, 0}, endpoint = 0x81;
    uint32_t capabilities = 0;
    struct usbdevfs_ioctl detach = {0, USBDEVFS_DISCONNECT, NULL};
    struct usbdevfs_connectinfo info = {0};
    results[0] = ioctl_on(fd, USBDEVFS_SETINTERFACE, alt_3);
    results[1] = ioctl_on(fd, USBDEVFS_SETINTERFACE, alt_4);
    results[2] = ioctl_on(fd, USBDEVFS_SETINTERFACE, interface_1);
    results[3] = ioctl_on(fd, USBDEVFS_CLEAR_HALT, &endpoint);
    results[4] = ioctl_on(fd, USBDEVFS_GET_SPEED, NULL);
    results[5] = ioctl_on(fd, USBDEVFS_GET_CAPABILITIES, &capabilities);
    results[6] = capabilities & USBDEVFS_CAP_REAP_AFTER_DISCONNECT ? 1 : 0;
    results[7] = ioctl_on(fd, USBDEVFS_IOCTL, &detach);
    results[8] = ioctl_on(fd, USBDEVFS_CONNECTINFO, &info);
    results[9] = (int)info.devnum;
    results[10] = ioctl_on(fd, 0x12345678, NULL);
    results[11] = ioctl_on(fd, USBDEVFS_RESET, NULL);
    results[12] = ioctl_on(fd, USBDEVFS_RELEASEINTERFACE, &(unsigned){0});
    results[13] = ioctl_on(fd, USBDEVFS_IOCTL, &detach);
}

static void the_other_ioctls(void **state)
{
    (void)state;
    run_program(setting_program);
    CHECK_RESULTS(0, -EINVAL, -ENOENT, -ENOENT, 2, 0, 1, 0, 0, 7, -ENOTTY, 0, -EINVAL, -ENODATA);
    assert_int_equal(port.dfu.alt, 0); /* after the reset */
    assert_int_equal(port.dfu.configuration, 1);
}

static void alternate_program(int fd, int other_fd)
{
    unsigned alt_3[2] = {0, 3};
    uint8_t alt = 0xFF;
    results[0] = ioctl_on(other_fd, USBDEVFS_SETINTERFACE, alt_3);
    results[1] = ioctl_on(other_fd, USBDEVFS_RELEASEINTERFACE, alt_3);
    results[2] = control(fd, 0x80, USB_GET_INTERFACE, 0, &alt, 1);
    results[3] = alt;
    results[4] = ioctl_on(other_fd, USBDEVFS_SETINTERFACE, alt_3);
    results[5] = control(fd, 0x80, USB_GET_INTERFACE, 0, &alt, 1);
    results[6] = alt;
    shutdown(other_fd, SHUT_RDWR);
    usleep(10000);
    results[7] = control(fd, 0x80, USB_GET_INTERFACE, 0, &alt, 1);
    results[8] = alt;
}

/* As Linux unbinds an interface: with a release, and when its owner goes. */
static void a_release_goes_back_to_alternate_setting_0(void **state)
{
    (void)state;
    run_program(alternate_program);
    CHECK_RESULTS(0, 0, 1, 0, 0, 1, 3, 1, 0);
    static const unsigned expected[] = {3, 0, 3, 0};
    assert_int_equal(chosen_count, 4);
    assert_memory_equal(chosen, expected, sizeof(expected));
}

static void unconfiguring_program(int fd, int other_fd)
{
    (void)other_fd;
    struct usbdevfs_disconnect_claim claim = {.flags = USBDEVFS_DISCONNECT_CLAIM_EXCEPT_DRIVER,
                                              .driver = "usbfs"};
    results[0] = ioctl_on(fd, USBDEVFS_SETCONFIGURATION, &(unsigned){2});
    results[1] = ioctl_on(fd, USBDEVFS_SETCONFIGURATION, &(int){-1});
    results[2] = claim_it(fd, 0);
    results[3] = ioctl_on(fd, USBDEVFS_DISCONNECT_CLAIM, &claim);
    results[4] = ioctl_on(fd, USBDEVFS_SETCONFIGURATION, &(unsigned){1});
    results[5] = ioctl_on(fd, USBDEVFS_DISCONNECT_CLAIM, &claim);
    results[6] = ioctl_on(fd, USBDEVFS_DISCONNECT_CLAIM, &claim);
    claim.flags = 0;
    results[7] = ioctl_on(fd, USBDEVFS_DISCONNECT_CLAIM, &claim);
    struct usbdevfs_ioctl connect = {0, USBDEVFS_CONNECT, NULL};
    results[8] = ioctl_on(fd, USBDEVFS_IOCTL, &connect);
}

static void without_a_configuration_there_are_no_interfaces(void **state)
{
    (void)state;
    configuration = 77;
    run_program(unconfiguring_program);
    CHECK_RESULTS(-EINVAL, 0, -ENOENT, -EINVAL, 0, 0, -EBUSY, 0, -EBUSY);
    assert_int_equal(configuration, 1);
    assert_int_equal(port.dfu.configuration, 1);
}

static void control_program(int fd, int other_fd)
{
    char data[64] = "", set_address[] = "\x21\x00\x00\x01\x08";
    results[0] = control(fd, 0xA1, DFU_UPLOAD, 2, data, 8);
    results[1] = memcmp(data, "firmware", 8);
    results[2] = control(fd, 0x21, DFU_ABORT, 0, NULL, 0);
    results[3] = control(fd, 0x21, DFU_DNLOAD, 0, set_address, 5);
    results[4] = control(fd, 0xA1, DFU_UPLOAD, 2, data, 8);
    results[5] = control(other_fd, 0xA1, DFU_GETSTATUS, 0, data, 6);
    struct usbdevfs_ctrltransfer absent = {0xA1, DFU_GETSTATUS, 0, 3, 6, 50, data};
    results[6] = ioctl_on(fd, USBDEVFS_CONTROL, &absent);
}

static void synchronous_transfers(void **state)
{
    (void)state;
    run_program(control_program);
    CHECK_RESULTS(8, 0, 0, 5, -EPIPE, -EBUSY, -ENOENT);
}

static void hanging_program(int fd, int other_fd)
{
    (void)other_fd;
    char data[6];
    results[0] = control(fd, 0xA1, DFU_GETSTATUS, 0, data, 6);
    results[1] = control(fd, 0xA1, DFU_GETSTATUS, 0, data, 6);
}

static void add_fault(const char *text)
{
    struct err *err = NULL;
    struct fault fault;
    assert_ok(fault_parse(text, &fault, &err) && faults_add(&port.faults, &fault, &err), &err);
}

static void refused_program(int fd, int other_fd)
{
    (void)other_fd;
    unsigned alt_3[2] = {0, 3};
    results[0] = control(fd, USB_RECIPIENT_INTERFACE, USB_SET_INTERFACE, 3, NULL, 0);
    results[1] = ioctl_on(fd, USBDEVFS_SETINTERFACE, alt_3);
    results[2] = ioctl_on(fd, USBDEVFS_SETINTERFACE, alt_3);
    results[3] = ioctl_on(fd, USBDEVFS_RELEASEINTERFACE, alt_3);
}

/* Linux keeps the old one if the device does not take the new one, and does not look into requests
 * that a program makes up itself. */
static void an_alternate_setting_is_chosen_when_the_device_took_it(void **state)
{
    (void)state;
    add_fault("on=any,after=1,do=stall");
    add_fault("on=any,after=2,do=stall");
    run_program(refused_program);
    CHECK_RESULTS(0, -EPIPE, 0, 0);
    assert_int_equal(chosen_count, 1); /* the release's did not get through */
    assert_int_equal(chosen[0], 3);
}

static void a_timeout_ends_a_synchronous_transfer(void **state)
{
    (void)state;
    add_fault("on=getstatus,do=hang");
    run_program(hanging_program);
    CHECK_RESULTS(-ETIMEDOUT, 6);
}

/* ---- URBs ----------------------------------------------------------------------------------- */

struct request {
    struct usbdevfs_urb urb;
    unsigned char buffer[8 + 64];
};

static int submit(int fd, struct request *request, uint8_t type, uint8_t number, uint16_t value,
                  const void *data, uint16_t len)
{
    memset(request, 0, sizeof(*request));
    const unsigned char setup_packet[] = {
        type, number, (unsigned char)value, (unsigned char)(value >> 8),
        0,    0,      (unsigned char)len,   0};
    memcpy(request->buffer, setup_packet, 8);
    if (data)
        memcpy(request->buffer + 8, data, len);
    request->urb.type = USBDEVFS_URB_TYPE_CONTROL;
    request->urb.buffer = request->buffer;
    request->urb.buffer_length = 8 + len;
    request->urb.status = 12345;
    return ioctl_on(fd, USBDEVFS_SUBMITURB, &request->urb);
}

static struct request first, second;

static int reap(int fd, const struct request *expected)
{
    void *urb = NULL;
    int result = ioctl_on(fd, USBDEVFS_REAPURBNDELAY, &urb);
    return result == 0 && urb != &expected->urb ? -EBADF : result;
}

static void urb_program(int fd, int other_fd)
{
    results[0] = reap(fd, NULL);
    results[1] = submit(fd, &first, 0xA1, DFU_UPLOAD, 2, NULL, 8);
    results[2] = __atomic_load_n(&node_ready, __ATOMIC_SEQ_CST);
    results[3] = reap(other_fd, &first);
    results[4] = reap(fd, &first);
    results[5] = first.urb.status;
    results[6] = first.urb.actual_length;
    results[7] = memcmp(first.buffer + 8, "firmware", 8);
    results[8] = __atomic_load_n(&node_ready, __ATOMIC_SEQ_CST);
    results[9] = submit(fd, &first, 0x21, DFU_DNLOAD, 2, "ab", 2);
    results[10] = reap(fd, &first);
    results[11] = first.urb.status;
    first.urb.type = USBDEVFS_URB_TYPE_BULK;
    results[12] = ioctl_on(fd, USBDEVFS_SUBMITURB, &first.urb);
    first.urb.type = USBDEVFS_URB_TYPE_CONTROL;
    first.urb.buffer_length = 7;
    results[13] = ioctl_on(fd, USBDEVFS_SUBMITURB, &first.urb);
    first.urb.buffer_length = 9; /* the setup packet says 2 bytes of data */
    results[14] = ioctl_on(fd, USBDEVFS_SUBMITURB, &first.urb);
}

static void urbs_are_submitted_and_reaped(void **state)
{
    (void)state;
    run_program(urb_program);
    CHECK_RESULTS(-EAGAIN, 0, 1, -EAGAIN, 0, 0, 8, 0, 0, 0, 0, -EPIPE, -ENOENT, -EINVAL, -EINVAL);
}

static void discarding_program(int fd, int other_fd)
{
    (void)other_fd;
    results[0] = submit(fd, &first, 0xA1, DFU_GETSTATUS, 0, NULL, 6);
    results[1] = submit(fd, &second, 0xA1, DFU_GETSTATUS, 0, NULL, 6);
    results[2] = reap(fd, &first);
    results[3] = ioctl_on(fd, USBDEVFS_DISCARDURB, &first.urb);
    results[4] = reap(fd, &first);
    results[5] = first.urb.status;
    results[6] = reap(fd, &second);
    results[7] = second.urb.status;
    results[8] = ioctl_on(fd, USBDEVFS_DISCARDURB, &first.urb);
}

static void a_hanging_urb_is_discarded(void **state)
{
    (void)state;
    add_fault("on=getstatus,do=hang");
    run_program(discarding_program);
    CHECK_RESULTS(0, 0, -EAGAIN, 0, 0, -ENOENT, 0, 0, -EINVAL);
}

static void order_program(int fd, int other_fd)
{
    (void)other_fd;
    results[0] = submit(fd, &first, 0xA1, DFU_GETSTATUS, 0, NULL, 6);
    results[1] = submit(fd, &second, 0xA1, DFU_GETSTATUS, 0, NULL, 6);
    results[2] = ioctl_on(fd, USBDEVFS_RESET, NULL);
    results[3] = reap(fd, &second); /* Linux kills the last one first */
    results[4] = second.urb.status;
    results[5] = reap(fd, &first);
    results[6] = first.urb.status;
    results[7] = submit(fd, &first, 0xA1, DFU_GETSTATUS, 0, NULL, 64);
    results[8] = reap(fd, &first);
    first.urb.flags = USBDEVFS_URB_SHORT_NOT_OK;
    results[9] = ioctl_on(fd, USBDEVFS_SUBMITURB, &first.urb);
    results[10] = reap(fd, &first);
    results[11] = first.urb.status;
    results[12] = first.urb.actual_length;
    first.urb.flags = 0x8000;
    results[13] = ioctl_on(fd, USBDEVFS_SUBMITURB, &first.urb);
}

static void completions_and_flags(void **state)
{
    (void)state;
    add_fault("on=getstatus,do=hang");
    run_program(order_program);
    CHECK_RESULTS(0, 0, 0, 0, -ESHUTDOWN, 0, -ESHUTDOWN, 0, 0, 0, 0, -EREMOTEIO, 6, -EINVAL);
}

static void unplugged_program(int fd, int other_fd)
{
    results[0] = submit(other_fd, &second, 0xA1, DFU_GETSTATUS, 0, NULL, 6);
    results[1] = ioctl_on(other_fd, USBDEVFS_RELEASEINTERFACE, &(unsigned){0});
    results[2] = submit(fd, &first, 0xA1, DFU_UPLOAD, 2, NULL, 8);
    results[3] = reap(fd, &first);
    results[4] = first.urb.status;
    results[5] = reap(fd, &first);
    results[6] = submit(fd, &first, 0xA1, DFU_GETSTATUS, 0, NULL, 6);
    results[7] = claim_it(fd, 0);
    results[8] = reap(other_fd, &second); /* it was complete before */
    results[9] = second.urb.status;
    results[10] = call(fd, 7, (uintptr_t)&first, 18);
}

static void a_pulled_cable(void **state)
{
    (void)state;
    add_fault("on=upload,do=unplug");
    run_program(unplugged_program);
    CHECK_RESULTS(0, 0, 0, 0, -ESHUTDOWN, -ENODEV, -ENODEV, -ENODEV, 0, 0, -ENODEV);
    assert_true(unplugged);
}

static void reading_program(int fd, int other_fd)
{
    (void)other_fd;
    unsigned char bytes[128];
    results[0] = call(fd, 7, (uintptr_t)bytes, 18);
    results[1] = bytes[0];
    results[2] = call(fd, 7, (uintptr_t)bytes, sizeof(bytes));
    results[3] = bytes[1];
    results[4] = call(fd, 7, (uintptr_t)bytes, sizeof(bytes));
    results[5] = call(fd, 8, (uintptr_t)bytes, 4);
}

static void reading_gives_the_descriptors(void **state)
{
    (void)state;
    run_program(reading_program);
    CHECK_RESULTS(18, 18, 9 + 4 * 9 + 9, 2, 0, -EINVAL);
}

static void dying_program(int fd, int other_fd)
{
    results[0] = submit(fd, &first, 0xA1, DFU_GETSTATUS, 0, NULL, 6);
    shutdown(fd, SHUT_RDWR);
    usleep(10000);
    results[1] = claim_it(other_fd, 0);
}

static void a_dead_program_leaves_nothing(void **state)
{
    (void)state;
    add_fault("on=getstatus,do=hang");
    run_program(dying_program);
    CHECK_RESULTS(0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interface_has_one_owner),
        TEST(the_other_ioctls),
        TEST(a_release_goes_back_to_alternate_setting_0),
        TEST(an_alternate_setting_is_chosen_when_the_device_took_it),
        TEST(without_a_configuration_there_are_no_interfaces),
        TEST(completions_and_flags),
        TEST(synchronous_transfers),
        TEST(a_timeout_ends_a_synchronous_transfer),
        TEST(urbs_are_submitted_and_reaped),
        TEST(a_hanging_urb_is_discarded),
        TEST(a_pulled_cable),
        TEST(reading_gives_the_descriptors),
        TEST(a_dead_program_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
