#include "simulator/vhci.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "simulator/port.h"
#include "tests/unit/unit.h"
#include "tests/unit/usbip_host.h"

/* The test is the kernel: it takes sockets and configures devices, when it wants to. */

#define KERNEL_PORTS 64

static struct loop *loop;
static struct vhci *vhci;
static struct port board;
static int sockets[KERNEL_PORTS]; /* -1: nothing is attached */
static int refusal;               /* what attach() answers for the next `refusals` times */
static unsigned refusals, attached;

static int take(void *data, unsigned kernel_port, int socket)
{
    assert_ptr_equal(data, &attached);
    assert_true(kernel_port < KERNEL_PORTS);
    if (refusals > 0) {
        refusals--;
        return refusal;
    }
    attached++;
    sockets[kernel_port] = dup(socket);
    return 0;
}

static void on_event(void *data, enum usb_event event, uint32_t event_ms)
{
    (void)data, (void)event, (void)event_ms;
    vhci_unplug(vhci, 1);
}

static int setup(void **state)
{
    (void)state;
    struct err *err = NULL;
    loop = loop_new();
    port_init(&board, 0, board_model_find("stm32f405"), BOARD_TIMING_ZERO, loop_clock(loop));
    assert_ok(port_open(&board, NULL, &err), &err);
    board.device.event = on_event;
    attached = refusals = 0;
    for (unsigned i = 0; i < KERNEL_PORTS; i++)
        sockets[i] = -1;
    vhci = vhci_new(loop, take, &attached);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vhci_free(vhci);
    for (unsigned i = 0; i < KERNEL_PORTS; i++)
        if (sockets[i] >= 0)
            close(sockets[i]);
    port_release(&board);
    loop_free(loop);
    return 0;
}

static void plug(unsigned port)
{
    struct err *err = NULL;
    assert_ok(vhci_plug(vhci, port, &board.device, &err), &err);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void serve(unsigned ms)
{
    struct err *err = NULL;
    clock_after(loop_clock(loop), ms * UINT64_C(1000), stop, loop);
    assert_ok(loop_run(loop, &err), &err);
}

static void request(unsigned kernel_port, const char setup_packet[8], uint32_t length)
{
    uint8_t header[HOST_HEADER];
    host_submit(header, 1, length ? HOST_IN : HOST_OUT, length, setup_packet);
    assert_int_equal(send(sockets[kernel_port], header, sizeof(header), MSG_NOSIGNAL),
                     sizeof(header));
}

static void configure(unsigned kernel_port)
{
    request(kernel_port, "\x00\x09\x01\x00\x00\x00\x00\x00", 0);
}

/* Did we close our end? */
static bool is_closed(unsigned kernel_port)
{
    uint8_t byte;
    return recv(sockets[kernel_port], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static void ports_as_the_kernel_counts_them(void **state)
{
    (void)state;
    static const unsigned pairs[][2] = {{1, 0}, {2, 1}, {15, 14}, {16, 30}, {30, 44}, {31, 60}};
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        plug(pairs[i][0]);
        assert_true(sockets[pairs[i][1]] >= 0);
    }
    assert_int_equal(attached, ARRAY_SIZE(pairs));
}

static void pulling_a_cable_closes_the_socket(void **state)
{
    (void)state;
    plug(1);
    plug(2);
    vhci_unplug(vhci, 1);
    vhci_unplug(vhci, 1);
    vhci_unplug(vhci, 9);
    assert_true(is_closed(0));
    assert_false(is_closed(1));
    vhci_unplug(vhci, 2); /* before the first one is freed */
    serve(2);
    close(sockets[0]);
    plug(1);
    assert_int_equal(attached, 3);
    assert_false(is_closed(0));
}

static void a_port_that_is_not_free_yet(void **state)
{
    (void)state;
    refusal = EBUSY;
    refusals = 3;
    plug(1);
    assert_int_equal(attached, 0);
    serve(60);
    assert_int_equal(attached, 1);
    assert_false(is_closed(0));
}

static void a_port_that_is_given_up_while_it_is_waited_for(void **state)
{
    (void)state;
    refusal = EBUSY;
    refusals = 3;
    plug(1);
    vhci_unplug(vhci, 1);
    serve(60);
    assert_int_equal(attached, 0);
}

static void a_kernel_that_refuses(void **state)
{
    (void)state;
    struct err *err = NULL;
    refusal = EINVAL;
    refusals = 1;
    assert_false(vhci_plug(vhci, 3, &board.device, &err));
    assert_error(&err, ERR_FAILED, "cannot plug a board into port 3 of the kernel's USB bus: Inv");
}

static void waiting_for_all_boards(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_ok(vhci_wait(vhci, 1, &err), &err); /* there are none */
    plug(1);
    plug(2);
    configure(0);
    assert_false(vhci_wait(vhci, 20, &err));
    assert_error(&err, ERR_DEVICE, "did not configure the simulated boards within 20 ms");
    configure(1);
    assert_ok(vhci_wait(vhci, 20, &err), &err);
}

static void a_stopped_loop_ends_the_waiting(void **state)
{
    (void)state;
    struct err *err = NULL;
    plug(1);
    clock_after(loop_clock(loop), 1000, stop, loop);
    assert_ok(vhci_wait(vhci, 60000, &err), &err);
}

static void a_board_that_leaves_in_its_last_transfer(void **state)
{
    (void)state;
    struct fault unplug;
    struct err *err = NULL;
    assert_ok(fault_parse("on=getstatus,do=unplug", &unplug, &err) &&
                  faults_add(&board.faults, &unplug, &err),
              &err);
    plug(1);
    request(0, "\xA1\x03\x00\x00\x00\x00\x06\x00", 6);
    serve(5);
    assert_true(is_closed(0));
}

static void a_kernel_that_lets_go(void **state)
{
    (void)state;
    plug(1);
    close(sockets[0]);
    sockets[0] = -1;
    serve(5);
    plug(1); /* the port is free */
    assert_int_equal(attached, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ports_as_the_kernel_counts_them), TEST(pulling_a_cable_closes_the_socket),
        TEST(a_port_that_is_not_free_yet),     TEST(a_port_that_is_given_up_while_it_is_waited_for),
        TEST(a_kernel_that_refuses),           TEST(waiting_for_all_boards),
        TEST(a_stopped_loop_ends_the_waiting), TEST(a_board_that_leaves_in_its_last_transfer),
        TEST(a_kernel_that_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
