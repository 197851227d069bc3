#include "simulator/acm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#include "simulator/usb_interface.h"

#define BULK 2
#define CLASS_REQUEST (USB_TYPE_CLASS | USB_RECIPIENT_INTERFACE)
#define SET_LINE_CODING 0x20 /* CDC PSTN 1.2, 6.3 */
#define SET_CONTROL_LINE_STATE 0x22
#define LINE_DTR_RTS 3
#define CHUNK 512
#define NAME_MAX_BYTES 64

/* One inotify for all terminals: a user may have 128 of them (fs.inotify.max_user_instances). */
struct acm_driver {
    struct loop *loop;
    int inotify;
    struct acm *first;
};

struct acm {
    struct acm_driver *driver;
    struct loop *loop;
    const struct usb_device *device;
    uint8_t endpoint_in, endpoint_out;
    int master;
    int watch; /* of the driver's inotify, on the terminal; -1: none */
    bool open; /* by some program */
    uint32_t baud;
    enum usb_event event; /* that the device's last answer had */
    uint32_t event_ms;
    char terminal[NAME_MAX_BYTES];
    struct acm *next;
};

bool acm_is_one(const struct usb_device *device)
{
    const uint8_t *control = usb_interface_find(device, 0, 0);
    const char *driver = control ? usb_interface_driver(control) : NULL;
    return driver && strcmp(driver, "cdc_acm") == 0 && device->bulk_in &&
           usb_interface_endpoint(device, 1, BULK, 0) != 0;
}

/* ---- requests to the device ----------------------------------------------------------------- */

static void pass_event(void *arg)
{
    const struct acm *acm = arg;
    acm->device->event(acm->device->data, acm->event, acm->event_ms);
}

/* An event is passed on later: it may free us. */
static void request(struct acm *acm, uint8_t number, uint16_t value, const uint8_t *out,
                    uint16_t length)
{
    uint8_t in[USB_CONTROL_MAX];
    struct usb_reply reply;
    const struct usb_setup setup = {CLASS_REQUEST, number, value, 0, length};
    acm->device->control(acm->device->data, &setup, out, in, &reply);
    if (reply.event == USB_STAYS)
        return;
    acm->event = reply.event;
    acm->event_ms = reply.event_ms;
    clock_after(loop_clock(acm->loop), 0, pass_event, acm);
}

/* POSIX has codes for speeds; 0: not one that a modem would know. */
static uint32_t speed_value(speed_t speed)
{
    static const struct {
        speed_t code;
        uint32_t value;
    } speeds[] = {
        {B300, 300},         {B1200, 1200},       {B2400, 2400},     {B4800, 4800},
        {B9600, 9600},       {B19200, 19200},     {B38400, 38400},   {B57600, 57600},
        {B115200, 115200},   {B230400, 230400},   {B460800, 460800}, {B921600, 921600},
        {B1000000, 1000000}, {B2000000, 2000000},
    };
    for (size_t i = 0; i < ARRAY_SIZE(speeds); i++)
        if (speeds[i].code == speed)
            return speeds[i].value;
    return 0;
}

/* The kernel would hear of a new speed at once; a pseudo-terminal tells nobody, so this is looked
 * at whenever it could matter. */
static void follow_speed(struct acm *acm)
{
    struct termios termios;
    if (tcgetattr(acm->master, &termios) < 0)
        return;
    uint32_t baud = speed_value(cfgetospeed(&termios));
    if (baud == 0 || baud == acm->baud)
        return;
    acm->baud = baud;
    const uint8_t coding[7] = {
        (uint8_t)baud, (uint8_t)(baud >> 8), (uint8_t)(baud >> 16), (uint8_t)(baud >> 24), 0, 0, 8};
    request(acm, SET_LINE_CODING, 0, coding, sizeof(coding));
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* What nobody reads from the terminal is lost in the end, as when a board gives up waiting. */
static void to_program(void *arg)
{
    const struct acm *acm = arg;
    uint8_t bytes[CHUNK];
    size_t len;
    while ((len = acm->device->bulk_in(acm->device->data, acm->endpoint_in, bytes, sizeof(bytes))) >
           0) {
        ssize_t written = write(acm->master, bytes, len);
        (void)written;
    }
}

static bool watch_terminal(struct acm *acm)
{
    acm->watch = inotify_add_watch(acm->driver->inotify, acm->terminal, IN_OPEN);
    return acm->watch >= 0;
}

/* What a program left unread is not for the next one. Only the terminal's own side can throw it
 * away; that we open it is not to be taken for a program. */
static void flush_terminal(struct acm *acm)
{
    inotify_rm_watch(acm->driver->inotify, acm->watch);
    int fd = open(acm->terminal, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
        tcflush(fd, TCIOFLUSH);
        close(fd);
    }
    watch_terminal(acm);
}

static void set_open(struct acm *acm, bool open);

/* The last program closed it. */
static void hang_up(struct acm *acm)
{
    struct pollfd master = {.fd = acm->master, .events = POLLIN};
    follow_speed(acm);
    set_open(acm, false);
    flush_terminal(acm);
    if (poll(&master, 1, 0) == 0 || !(master.revents & POLLHUP))
        set_open(acm, true); /* by the next one, while nobody watched */
}

static void from_program(void *arg)
{
    struct acm *acm = arg;
    uint8_t bytes[CHUNK];
    ssize_t len = read(acm->master, bytes, sizeof(bytes));
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        hang_up(acm);
        return;
    }
    follow_speed(acm);
    acm->device->bulk_out(acm->device->data, acm->endpoint_out, bytes, (size_t)len);
}

/* While nobody has it open the master would be ready all the time, so it is watched only then. */
static void set_open(struct acm *acm, bool open)
{
    if (open == acm->open)
        return;
    acm->open = open;
    if (open)
        loop_watch(acm->loop, acm->master, from_program, acm);
    else
        loop_unwatch(acm->loop, acm->master);
    request(acm, SET_CONTROL_LINE_STATE, open ? LINE_DTR_RTS : 0, NULL, 0);
}

static void on_opened(struct acm_driver *driver, int watch)
{
    for (struct acm *acm = driver->first; acm; acm = acm->next) {
        if (acm->watch == watch) {
            set_open(acm, true);
            return;
        }
    }
}

/* A watch that was removed says so as well: of those events nothing follows. */
static void on_inotify(void *arg)
{
    struct acm_driver *driver = arg;
    _Alignas(struct inotify_event) char events[4096];
    ssize_t len = read(driver->inotify, events, sizeof(events));
    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *event = (const struct inotify_event *)(events + at);
        if (event->mask & IN_OPEN)
            on_opened(driver, event->wd);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

/* As Linux makes a serial terminal, 9600 baud and lines, but without echo: that would send what the
 * board says back to it, whose answers would be sent back as well, at the speed of memory. */
static bool set_up(int fd)
{
    struct termios termios;
    if (tcgetattr(fd, &termios) < 0 || cfsetspeed(&termios, B9600) < 0)
        return false;
    termios.c_lflag &= ~(tcflag_t)ECHO;
    termios.c_cflag |= HUPCL | CLOCAL;
    return tcsetattr(fd, TCSANOW, &termios) == 0;
}

static bool make_terminal(struct acm *acm)
{
    acm->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    return acm->master >= 0 && grantpt(acm->master) == 0 && unlockpt(acm->master) == 0 &&
           ptsname_r(acm->master, acm->terminal, sizeof(acm->terminal)) == 0 && set_up(acm->master);
}

struct acm_driver *acm_driver_new(struct loop *loop, struct err **err)
{
    int inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (inotify < 0) {
        err_set_errno(err, ERR_FAILED, errno, "cannot watch terminals of simulated boards");
        return NULL;
    }
    struct acm_driver *driver = xcalloc(1, sizeof(*driver));
    *driver = (struct acm_driver){.loop = loop, .inotify = inotify};
    loop_watch(loop, inotify, on_inotify, driver);
    return driver;
}

void acm_driver_free(struct acm_driver *driver)
{
    if (!driver)
        return;
    loop_unwatch(driver->loop, driver->inotify);
    close(driver->inotify);
    free(driver);
}

bool acm_new(struct acm_driver *driver, const struct usb_device *device, struct acm **acm,
             struct err **err)
{
    *acm = xcalloc(1, sizeof(**acm));
    **acm = (struct acm){
        .driver = driver,
        .loop = driver->loop,
        .device = device,
        .endpoint_in = usb_interface_endpoint(device, 1, BULK, USB_DIR_IN),
        .endpoint_out = usb_interface_endpoint(device, 1, BULK, 0),
        .master = -1,
        .watch = -1,
        .next = driver->first,
    };
    driver->first = *acm;
    if (!make_terminal(*acm) || !watch_terminal(*acm)) {
        err_set_errno(err, ERR_FAILED, errno, "cannot make a terminal for a simulated board");
        acm_free(*acm);
        *acm = NULL;
        return false;
    }
    device->listen(device->data, to_program, *acm);
    return true;
}

void acm_free(struct acm *acm)
{
    if (!acm)
        return;
    struct acm **link = &acm->driver->first;
    while (*link != acm)
        link = &(*link)->next;
    *link = acm->next;
    clock_cancel(loop_clock(acm->loop), acm);
    acm->device->listen(acm->device->data, NULL, NULL);
    if (acm->watch >= 0)
        inotify_rm_watch(acm->driver->inotify, acm->watch);
    if (acm->master >= 0) {
        loop_unwatch(acm->loop, acm->master);
        close(acm->master);
    }
    free(acm);
}

const char *acm_terminal(const struct acm *acm)
{
    return acm->terminal;
}
