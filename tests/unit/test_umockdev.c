#include "simulator/umockdev.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "simulator/hub.h"
#include "simulator/port.h"
#include "tests/unit/unit.h"

static const struct port_path root_hub = {.bus = 1};
static struct hub hub;

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
    hub_init(&hub, 2, true);
    assert_ok(umockdev_plug(bus, &root_hub, &hub.device, &err), &err);
    const struct port_path place = port_path_child(&root_hub, 1);
    assert_ok(umockdev_plug(bus, &place, &port.device, &err), &err);

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

static void ports_are_checked(void **state)
{
    (void)state;
    struct err *err = NULL;
    char root[] = "/tmp/firn-umockdev-XXXXXX";
    assert_non_null(mkdtemp(root));
    struct loop *loop = loop_new();
    struct umockdev *bus;
    struct hub below;
    const struct port_path path = port_path_child(&root_hub, 2);
    const struct port_path third = port_path_child(&root_hub, 3);
    const struct port_path inner = port_path_child(&path, 4), outer = port_path_child(&path, 5);
    hub_init(&hub, 2, true);
    hub_init(&below, 4, false);
    assert_ok(umockdev_new(loop, root, &bus, &err), &err);
    assert_false(umockdev_plug(bus, &path, &below.device, &err));
    assert_error(&err, ERR_USAGE, "there is no port 1-2");
    assert_ok(umockdev_plug(bus, &root_hub, &hub.device, &err), &err);
    assert_false(umockdev_plug(bus, &third, &below.device, &err));
    assert_error(&err, ERR_USAGE, "there is no port 1-3");
    assert_ok(umockdev_plug(bus, &path, &below.device, &err), &err);
    assert_false(umockdev_plug(bus, &path, &below.device, &err));
    assert_error(&err, ERR_USAGE, "there is a device in 1-2");
    assert_ok(umockdev_plug(bus, &inner, &hub.device, &err), &err);
    assert_false(umockdev_plug(bus, &outer, &hub.device, &err));
    assert_error(&err, ERR_USAGE, "there is no port 1-2.5");
    umockdev_free(bus);
    loop_free(loop);
    assert_ok(fs_remove_tree(root, &err), &err);
}

/* A program that keeps what was unplugged open keeps its address taken. */
static void addresses_run_out(void **state)
{
    (void)state;
    struct err *err = NULL;
    char root[48]; /* thousands of small files: on a tmpfs if there is one */
    snprintf(root, sizeof(root), "%s/firn-umockdev-XXXXXX",
             fs_is_dir("/dev/shm") ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(root));
    struct loop *loop = loop_new();
    struct umockdev *bus;
    struct hub hubs[5], devices[126];
    hub_init(&hub, 31, true);
    assert_ok(umockdev_new(loop, root, &bus, &err), &err);
    assert_ok(umockdev_plug(bus, &root_hub, &hub.device, &err), &err);
    unsigned count = 0;
    for (unsigned i = 0; i < 5; i++) {
        const struct port_path path = port_path_child(&root_hub, i + 1);
        hub_init(&hubs[i], 31, false);
        assert_ok(umockdev_plug(bus, &path, &hubs[i].device, &err), &err);
        for (unsigned port = 1; port <= 31 && count < 121; port++, count++) {
            const struct port_path child = port_path_child(&path, port);
            hub_init(&devices[count], 1, false);
            assert_ok(umockdev_plug(bus, &child, &devices[count].device, &err), &err);
        }
    }
    const struct port_path last = port_path_child(&root_hub, 31);
    assert_false(umockdev_plug(bus, &last, &devices[125].device, &err));
    assert_error(&err, ERR_USAGE, "all 127 addresses of bus 1 are taken");
    umockdev_free(bus);
    loop_free(loop);
    assert_ok(fs_remove_tree(root, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_library_names_its_package),
        cmocka_unit_test(a_long_root_is_refused),
        cmocka_unit_test(an_idle_node_is_not_writable),
        cmocka_unit_test(ports_are_checked),
        cmocka_unit_test(addresses_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
