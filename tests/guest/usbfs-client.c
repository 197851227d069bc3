/*
 * What a program that opens /dev/bus/usb itself gets to see of a simulated board: the results of
 * listed ioctls with their errno, printed. Below libusb, which hides half of them. See
 * libusb-client.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tests/guest/transcript.h"

#define BUSES 4
#define ADDRESSES 128
#define LIMIT_S 20

static int fd = -1;

/* A call's result; errno by its name. */
static void result(const char *what, long code)
{
    if (code < 0)
        say(what, "%s", strerrorname_np(errno));
    else
        say(what, "%ld", code);
}

/* Open the board's node, whatever its number is by now. -1: there is none. */
static int find_board(void)
{
    char path[64];
    uint8_t d[18];
    for (int i = 0; i < BUSES * ADDRESSES; i++) {
        snprintf(path, sizeof(path), "/dev/bus/usb/%03d/%03d", 1 + i / ADDRESSES, i % ADDRESSES);
        int found = open(path, O_RDWR | O_CLOEXEC);
        if (found < 0)
            continue;
        bool is_board = read(found, d, sizeof(d)) == sizeof(d) && d[8] == 0x83 && d[9] == 0x04;
        close(found);
        if (is_board)
            return open(path, O_RDWR | O_CLOEXEC);
    }
    return -1;
}

static int control(int to, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
                   uint16_t length, void *data, unsigned timeout_ms)
{
    struct usbdevfs_ctrltransfer transfer = {type, request, value, index, length, timeout_ms, data};
    return ioctl(to, USBDEVFS_CONTROL, &transfer);
}

static bool is_configured(int board)
{
    uint8_t configuration = 0;
    return control(board, 0x80, 8, 0, 0, 1, &configuration, 1000) == 1 && configuration == 1;
}

static void open_board(void)
{
    time_t end = time(NULL) + LIMIT_S;
    while ((fd = find_board()) < 0 || !is_configured(fd)) {
        if (fd >= 0)
            close(fd);
        if (time(NULL) > end) {
            say("open the board", "gave up");
            exit(1);
        }
        usleep(20000);
    }
    say("open the board", "ok");
}

static void get_status(const char *what)
{
    uint8_t status[6];
    int code = control(fd, 0xA1, 3, 0, 0, sizeof(status), status, 1000);
    if (code > 0)
        say_bytes(what, status, (size_t)code);
    else
        result(what, code);
}

static int with_number(unsigned long request, unsigned number)
{
    return ioctl(fd, request, &number);
}

static int set_interface(unsigned interface, unsigned alt)
{
    struct usbdevfs_setinterface choice = {interface, alt};
    return ioctl(fd, USBDEVFS_SETINTERFACE, &choice);
}

static int driver_ioctl(int interface, int code)
{
    struct usbdevfs_ioctl command = {interface, code, NULL};
    return ioctl(fd, USBDEVFS_IOCTL, &command);
}

/* ---- URBs ----------------------------------------------------------------------------------- */

struct flight {
    struct usbdevfs_urb urb;
    const char *name;
    uint8_t buffer[8 + 64];
};

static int submit(struct flight *flight, const char *name, const uint8_t setup[8])
{
    *flight = (struct flight){.name = name};
    memcpy(flight->buffer, setup, 8);
    flight->urb = (struct usbdevfs_urb){
        .type = USBDEVFS_URB_TYPE_CONTROL,
        .buffer = flight->buffer,
        .buffer_length = 8 + (setup[6] | setup[7] << 8),
        .usercontext = flight,
    };
    return ioctl(fd, USBDEVFS_SUBMITURB, &flight->urb);
}

static const char *status_name(int status)
{
    return status == 0 ? "ok" : strerrorname_np(-status);
}

/* Wait for the next transfer to be over. */
static void reap(const char *what)
{
    struct usbdevfs_urb *urb = NULL;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    time_t end = time(NULL) + LIMIT_S;
    int code;
    while ((code = ioctl(fd, USBDEVFS_REAPURBNDELAY, &urb)) < 0 && errno == EAGAIN &&
           time(NULL) < end)
        poll(&ready, 1, 100);
    if (code < 0) {
        result(what, code);
        return;
    }
    const struct flight *flight = urb->usercontext;
    say(what, "%s %s, %d bytes", flight->name, status_name(urb->status), urb->actual_length);
}

static void reap_now(const char *what)
{
    struct usbdevfs_urb *urb;
    result(what, ioctl(fd, USBDEVFS_REAPURBNDELAY, &urb));
}

/* What poll() says about the node, apart from what never changes. */
static void say_poll(const char *what)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    poll(&ready, 1, 0);
    say(what, "%s", ready.revents & POLLOUT ? "can be reaped" : "nothing to reap");
}

static const uint8_t get_status_setup[8] = {0xA1, 3, 0, 0, 0, 0, 6, 0};
static const uint8_t get_interface_setup[8] = {0x81, 10, 0, 0, 0, 0, 1, 0};
static const uint8_t nonsense_setup[8] = {0x80, 0x33, 0, 0, 0, 0, 1, 0};

/* ---- the sections --------------------------------------------------------------------------- */

static void reading(void)
{
    uint8_t data[256];
    section("reading the node");
    ssize_t len = read(fd, data, 18);
    say_bytes("the first 18 bytes", data, len > 0 ? (size_t)len : 0);
    len = read(fd, data, sizeof(data));
    say_bytes("the rest", data, len > 0 ? (size_t)len : 0);
    result("the end", read(fd, data, sizeof(data)));
    result("write", write(fd, data, 1));
}

static void informing(void)
{
    section("information");
    uint32_t capabilities = 0;
    struct usbdevfs_getdriver driver = {0};
    struct usbdevfs_connectinfo info = {0};
    result("capabilities", ioctl(fd, USBDEVFS_GET_CAPABILITIES, &capabilities));
    say("those that matter here", "%02x",
        capabilities & (USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                        USBDEVFS_CAP_REAP_AFTER_DISCONNECT));
    result("speed", ioctl(fd, USBDEVFS_GET_SPEED));
    result("connection", ioctl(fd, USBDEVFS_CONNECTINFO, &info));
    say("slow", "%d", info.slow);
    result("driver", ioctl(fd, USBDEVFS_GETDRIVER, &driver));
    result("claim", with_number(USBDEVFS_CLAIMINTERFACE, 0));
    result("driver", ioctl(fd, USBDEVFS_GETDRIVER, &driver));
    say("it is", "%s", driver.driver);
    driver.interface = 1;
    result("driver of interface 1", ioctl(fd, USBDEVFS_GETDRIVER, &driver));
    result("release", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("an ioctl that does not exist", ioctl(fd, _IO('U', 99)));
}

/* One line of what the kernel keeps of the board's interface. */
static void say_kept(const char *dir, const char *name)
{
    char path[512], text[256] = "";
    snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s/%s", dir, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    say(name, "%s", len < 0 ? strerrorname_np(errno) : strtok(text, "\n"));
    if (file >= 0)
        close(file);
}

/* Not the root hub's. */
static void say_interface(void)
{
    DIR *devices = opendir("/sys/bus/usb/devices");
    const struct dirent *entry;
    while (devices && (entry = readdir(devices))) {
        if (!strstr(entry->d_name, ":1.0") || strstr(entry->d_name, "-0:"))
            continue;
        say_kept(entry->d_name, "bAlternateSetting");
        say_kept(entry->d_name, "bInterfaceClass");
        say_kept(entry->d_name, "interface");
    }
    if (devices)
        closedir(devices);
}

static void naming(void)
{
    section("the interface's name");
    say_interface();
    result("alternate setting 3", set_interface(0, 3));
    say_interface();
    tell("fault 0 on=any,do=stall");
    result("alternate setting 1, refused", set_interface(0, 1));
    say_interface();
    result("alternate setting 1", set_interface(0, 1));
    say_interface();
    result("alternate setting 2, by hand", control(fd, 0x01, 11, 2, 0, 0, NULL, 1000));
    say_interface();
    tell("fault 0 on=any,do=stall");
    result("release, refused", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    say_interface();
    result("claim", with_number(USBDEVFS_CLAIMINTERFACE, 0));
    result("release", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    say_interface();
    result("alternate setting 3", set_interface(0, 3));
    result("reset", ioctl(fd, USBDEVFS_RESET));
    say_interface();
}

static void claiming(void)
{
    section("claims");
    result("claim 1", with_number(USBDEVFS_CLAIMINTERFACE, 1));
    result("claim 4711", with_number(USBDEVFS_CLAIMINTERFACE, 4711));
    result("release 0", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("release 1", with_number(USBDEVFS_RELEASEINTERFACE, 1));
    result("release 4711", with_number(USBDEVFS_RELEASEINTERFACE, 4711));
    result("alternate setting 1", set_interface(0, 1));
    result("release, claimed by that", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("alternate setting 9", set_interface(0, 9));
    result("alternate setting of interface 1", set_interface(1, 0));
    result("disconnect the driver, which is usbfs", driver_ioctl(0, USBDEVFS_DISCONNECT));
    result("release", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("disconnect the driver, which is none", driver_ioctl(0, USBDEVFS_DISCONNECT));
    result("connect a driver", driver_ioctl(0, USBDEVFS_CONNECT));
    result("connect a driver to interface 1", driver_ioctl(1, USBDEVFS_CONNECT));
    result("another ioctl for the driver", driver_ioctl(0, 4711));
    struct usbdevfs_disconnect_claim claim = {0};
    result("disconnect and claim", ioctl(fd, USBDEVFS_DISCONNECT_CLAIM, &claim));
    result("disconnect and claim again", ioctl(fd, USBDEVFS_DISCONNECT_CLAIM, &claim));
    claim.interface = 1;
    result("disconnect and claim interface 1", ioctl(fd, USBDEVFS_DISCONNECT_CLAIM, &claim));
    result("configuration 1, claimed", with_number(USBDEVFS_SETCONFIGURATION, 1));
    result("release", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("configuration 1", with_number(USBDEVFS_SETCONFIGURATION, 1));
    result("configuration 2", with_number(USBDEVFS_SETCONFIGURATION, 2));
    result("clear halt 0x81", with_number(USBDEVFS_CLEAR_HALT, 0x81));
    result("clear halt 0x00", with_number(USBDEVFS_CLEAR_HALT, 0x00));
    result("clear halt 0x71", with_number(USBDEVFS_CLEAR_HALT, 0x71));
    result("reset endpoint 0x81", with_number(USBDEVFS_RESETEP, 0x81));
}

static void controls(void)
{
    uint8_t data[4096] = {0}, set_address[] = {0x21, 0x00, 0x40, 0x00, 0x08};
    section("USBDEVFS_CONTROL");
    get_status("status");
    result("unknown request", control(fd, 0x80, 0x33, 0, 0, 1, data, 1000));
    result("interface 1", control(fd, 0xA1, 3, 0, 1, 6, data, 1000));
    result("endpoint 0x81", control(fd, 0x82, 0, 0, 0x81, 2, data, 1000));
    result("endpoint 0xFF", control(fd, 0x82, 0, 0, 0xFF, 2, data, 1000));
    result("reserved type to interface 1", control(fd, 0xE1, 3, 0, 1, 6, data, 1000));
    result("vendor type to interface 1", control(fd, 0xC1, 3, 0, 1, 6, data, 1000));
    result("4097 bytes", control(fd, 0xA1, 2, 2, 0, 4097, data, 1000));
    tell("fault 0 on=getstatus,do=protocol");
    get_status("garbled");
    tell("fault 0 on=getstatus,do=hang");
    result("hanging", control(fd, 0xA1, 3, 0, 0, 6, data, 300));
    get_status("after it");
    result("set address", control(fd, 0x21, 1, 0, 0, 5, set_address, 1000));
    get_status("status");
    get_status("status");
    result("download", control(fd, 0x21, 1, 2, 0, 2048, data, 1000));
    result("abort out of turn", control(fd, 0x21, 6, 0, 0, 0, NULL, 1000));
    result("clear status", control(fd, 0x21, 4, 0, 0, 0, NULL, 1000));
    get_status("status");
}

static void bad_urbs(void)
{
    struct flight a;
    section("URBs that are refused");
    submit(&a, "a", get_status_setup);
    reap("reap");
    a.urb.buffer_length = 7;
    result("half a setup packet", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    a.urb.buffer_length = 8 + 5;
    result("a buffer that is too small", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    a.urb.buffer_length = 8 + 64;
    result("a buffer that is too large", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    reap("reap");
    a.urb.endpoint = 1;
    result("control on endpoint 1", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    a.urb.endpoint = 0x80;
    result("control on endpoint 0x80", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    reap("reap");
    a.urb.endpoint = 0x81;
    a.urb.type = USBDEVFS_URB_TYPE_BULK;
    result("bulk on endpoint 0x81", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    a.urb.endpoint = 0;
    result("bulk on endpoint 0", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    a.urb.type = 77;
    result("a type that does not exist", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    a.urb.type = USBDEVFS_URB_TYPE_CONTROL;
    a.urb.flags = 0x8000;
    result("a flag that does not exist", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    a.urb.flags = USBDEVFS_URB_SHORT_NOT_OK;
    a.buffer[6] = 64;
    result("short is not ok", ioctl(fd, USBDEVFS_SUBMITURB, &a.urb));
    reap("reap");
    result("discard what is over", ioctl(fd, USBDEVFS_DISCARDURB, &a.urb));
}

static void urbs(void)
{
    struct flight a, b, c;
    section("URBs");
    say_poll("poll");
    reap_now("reap, nothing there");
    result("submit", submit(&a, "a", get_status_setup));
    reap("reap");
    result("submit", submit(&a, "a", nonsense_setup));
    reap("reap");
    tell("fault 0 on=getstatus,do=hang");
    result("submit a, hanging", submit(&a, "a", get_status_setup));
    result("submit b", submit(&b, "b", get_interface_setup));
    result("submit c", submit(&c, "c", nonsense_setup));
    reap_now("reap");
    say_poll("poll");
    result("discard b", ioctl(fd, USBDEVFS_DISCARDURB, &b.urb));
    reap("reap");
    result("discard b again", ioctl(fd, USBDEVFS_DISCARDURB, &b.urb));
    result("discard a", ioctl(fd, USBDEVFS_DISCARDURB, &a.urb));
    reap("reap");
    reap("reap");
    tell("fault 0 on=getstatus,do=protocol");
    result("submit", submit(&a, "a", get_status_setup));
    reap("reap");
    result("submit", submit(&a, "a", get_status_setup));
    result("submit", submit(&b, "b", get_status_setup));
    usleep(100000);
    say_poll("poll");
    reap_now("reap");
    reap_now("reap");
    reap_now("reap");
    tell("fault 0 on=getstatus,do=hang");
    result("submit a, hanging", submit(&a, "a", get_status_setup));
    result("release the interface", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("discard a", ioctl(fd, USBDEVFS_DISCARDURB, &a.urb));
    reap("reap");
}

static void resetting(void)
{
    struct flight a, b;
    uint8_t alt[1] = {0xFF};
    section("reset");
    tell("fault 0 on=getstatus,do=hang");
    result("submit a, hanging", submit(&a, "a", get_status_setup));
    result("submit b", submit(&b, "b", get_interface_setup));
    result("reset", ioctl(fd, USBDEVFS_RESET));
    reap("reap");
    reap("reap");
    result("alternate setting 3", set_interface(0, 3));
    result("reset", ioctl(fd, USBDEVFS_RESET));
    result("release", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("interface", control(fd, 0x81, 10, 0, 0, 1, alt, 1000));
    say("alternate setting", "%d", alt[0]);
    result("alternate setting 3", set_interface(0, 3));
    result("release", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("interface", control(fd, 0x80, 10, 0, 0, 1, alt, 1000));
    result("interface", control(fd, 0x81, 10, 0, 0, 1, alt, 1000));
    say("alternate setting", "%d", alt[0]);
}

static void unplugging(void)
{
    struct flight a, b, c;
    uint8_t data[64];
    struct usbdevfs_getdriver driver = {0};
    section("a pulled cable");
    result("submit c", submit(&c, "c", get_interface_setup));
    usleep(100000);
    tell("fault 0 on=getstatus,do=hang");
    result("submit a, hanging", submit(&a, "a", get_status_setup));
    result("submit b", submit(&b, "b", get_interface_setup));
    tell("unplug 0");
    usleep(500000);
    result("submit", ioctl(fd, USBDEVFS_SUBMITURB, &c.urb));
    result("discard", ioctl(fd, USBDEVFS_DISCARDURB, &a.urb));
    for (int i = 0; i < 4; i++)
        reap("reap");
    get_status("status");
    result("claim", with_number(USBDEVFS_CLAIMINTERFACE, 0));
    result("release", with_number(USBDEVFS_RELEASEINTERFACE, 0));
    result("reset", ioctl(fd, USBDEVFS_RESET));
    result("driver", ioctl(fd, USBDEVFS_GETDRIVER, &driver));
    result("speed", ioctl(fd, USBDEVFS_GET_SPEED));
    result("an ioctl that does not exist", ioctl(fd, _IO('U', 99)));
    result("read", read(fd, data, sizeof(data)));
    result("close", close(fd));
    result("the board", find_board());
    tell("replug 0");
    open_board();

    section("a cable that is pulled in the middle of a transfer");
    tell("fault 0 on=getstatus,do=unplug,replug=100");
    result("status", control(fd, 0xA1, 3, 0, 0, sizeof(data), data, 5000));
    close(fd);
    open_board();
    get_status("status");
}

int main(void)
{
    open_board();
    reading();
    informing();
    naming();
    claiming();
    controls();
    bad_urbs();
    urbs();
    resetting();
    unplugging();
    close(fd);
    return 0;
}
