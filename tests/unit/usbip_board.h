/*
 * A whole board at the end of a USB/IP connection, whose host the test is.
 */
#ifndef FIRN_TESTS_UNIT_USBIP_BOARD_H
#define FIRN_TESTS_UNIT_USBIP_BOARD_H

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "simulator/port.h"
#include "simulator/usbip.h"
#include "tests/unit/unit.h"
#include "tests/unit/usbip_host.h"

static struct loop *loop;
static struct port port;
static struct usbip *usbip;
static int host;
static unsigned configured, closed, resets;
static char *closed_reason;

static inline void on_configured(void *data)
{
    assert_ptr_equal(data, &port);
    configured++;
}

static inline void on_closed(void *data, const struct err *reason)
{
    assert_ptr_equal(data, &port);
    closed++;
    closed_reason = reason ? xstrdup(reason->message) : NULL;
}

static const struct usbip_ops ops = {on_configured, on_closed};

static inline void on_event(void *data, enum usb_event event, uint32_t event_ms)
{
    (void)data, (void)event, (void)event_ms;
    usbip_disconnect(usbip);
}

static inline void on_reset(void *data)
{
    assert_ptr_equal(data, &port);
    resets++;
    dfu_device_bus_reset(&port.dfu);
}

/* A board in its bootloader, not connected yet. */
static inline void setup_board(void)
{
    struct err *err = NULL;
    loop = loop_new();
    port_init(&port, 0, board_model_find("stm32f405"), BOARD_TIMING_ZERO, loop_clock(loop));
    assert_ok(port_open(&port, NULL, &err), &err);
    port.device.event = on_event;
    port.device.bus_reset = on_reset;
    configured = closed = resets = 0;
    closed_reason = NULL;
}

static inline void connect_host(const struct usb_device *device)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    host = ends[0];
    usbip = usbip_new(loop, ends[1], device, &ops, &port);
}

static inline int teardown(void **state)
{
    (void)state;
    usbip_free(usbip);
    if (host >= 0)
        close(host);
    port_release(&port);
    loop_free(loop);
    free(closed_reason);
    return 0;
}

static inline void stop(void *arg)
{
    loop_stop(arg);
}

/* Serve for some milliseconds. */
static inline void serve(unsigned ms)
{
    struct err *err = NULL;
    clock_after(loop_clock(loop), ms * UINT64_C(1000), stop, loop);
    assert_ok(loop_run(loop, &err), &err);
}

static inline void say(const void *bytes, size_t len)
{
    assert_int_equal(send(host, bytes, len, MSG_NOSIGNAL), len);
}

static inline void submit(uint32_t seqnum, uint32_t direction, uint32_t length, const char bytes[8])
{
    uint8_t header[HOST_HEADER];
    host_submit(header, seqnum, direction, length, bytes);
    say(header, sizeof(header));
}

static inline void unlink_transfer(uint32_t seqnum, uint32_t victim)
{
    uint8_t header[HOST_HEADER];
    host_unlink(header, seqnum, victim);
    say(header, sizeof(header));
}

/* The next answer has this command, number and status; returns its actual length, and reads the
 * data into `data` if that is given. */
static inline size_t expect(uint32_t command, uint32_t seqnum, int status, void *data)
{
    uint8_t header[HOST_HEADER];
    assert_int_equal(recv(host, header, sizeof(header), MSG_DONTWAIT), sizeof(header));
    assert_int_equal(host_read_be32(header), command);
    assert_int_equal(host_read_be32(header + 4), seqnum);
    assert_int_equal((int)host_read_be32(header + 20), status);
    size_t len = host_read_be32(header + 24);
    if (data && len)
        assert_int_equal(recv(host, data, len, MSG_DONTWAIT), len);
    return len;
}

static inline void expect_silence(void)
{
    uint8_t byte;
    assert_int_equal(recv(host, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

/* The connection is closed, maybe without reading what we sent last. */
static inline void expect_end(void)
{
    uint8_t byte;
    ssize_t len = recv(host, &byte, 1, MSG_DONTWAIT);
    assert_true(len == 0 || (len < 0 && errno == ECONNRESET));
}

static inline void fault(const char *text)
{
    struct fault parsed;
    struct err *err = NULL;
    assert_ok(fault_parse(text, &parsed, &err) && faults_add(&port.faults, &parsed, &err), &err);
}

#endif
