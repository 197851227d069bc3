#include "simulator/umockdev.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/port.h"
#include "tests/unit/unit.h"

static void a_missing_library_names_its_package(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_false(umockdev_check_library("libfirn-nothing.so.0", &err));
    assert_error(&err, ERR_FAILED, "apt-get install umockdev");
    assert_ok(umockdev_check_library(UMOCKDEV_LIBRARY, &err), &err);
}

static void a_long_root_is_refused(void **state)
{
    (void)state;
    struct err *err = NULL;
    struct umockdev *bus;
    struct loop *loop = loop_new();
    char root[100];
    memset(root, 'x', sizeof(root) - 1);
    root[sizeof(root) - 1] = '\0';
    assert_false(umockdev_new(loop, root, &bus, &err));
    assert_error(&err, ERR_USAGE, "is too long for the sockets");
    loop_free(loop);
}

/* libusb polls for POLLOUT and would spin if an idle node were writable. */
static void an_idle_node_is_not_writable(void **state)
{
    (void)state;
    struct err *err = NULL;
    char root[] = "/tmp/firn-umockdev-XXXXXX";
    assert_non_null(mkdtemp(root));
    struct loop *loop = loop_new();
    struct port port;
    struct umockdev *bus;
    port_init(&port, 0, board_model_find("stm32f405"), BOARD_TIMING_ZERO, loop_clock(loop));
    assert_ok(umockdev_new(loop, root, &bus, &err), &err);
    assert_ok(umockdev_plug(bus, 1, &port.device, &err), &err);

    _cleanup_free_ char *path = xasprintf("%s/dev/bus/usb/001/002", root);
    int fd = open(path, O_RDWR | O_NONBLOCK);
    assert_true(fd >= 0);
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    assert_int_equal(poll(&poll_fd, 1, 0), 0);
    char byte;
    assert_int_equal(read(fd, &byte, 1),
                     1); /* what the bus does when there is a transfer to reap */
    assert_int_equal(poll(&poll_fd, 1, 0), 1);
    close(fd);

    umockdev_free(bus);
    port_release(&port);
    loop_free(loop);
    assert_ok(fs_remove_tree(root, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_library_names_its_package),
        cmocka_unit_test(a_long_root_is_refused),
        cmocka_unit_test(an_idle_node_is_not_writable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
