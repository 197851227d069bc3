#include "flasher/serial.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "flasher/task.h"

#define POLL_MS 2
#define OPEN_POLL_MS 50
#define DRAIN_MS 100
#define USERS_MAX 3

struct serial {
    int fd;
    bool restore;         /* the settings when it is closed */
    struct termios saved; /* as they were */
};

/* ---- who else uses it ------------------------------------------------------------------------ */

static bool has_open(const char *pid, dev_t device)
{
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_(strv_release) struct strv fds = STRV_INIT;
    _cleanup_free_ char *dir = xasprintf("/proc/%s/fd", pid);
    if (!fs_list(dir, &fds, &ignored))
        return false;
    for (size_t i = 0; i < fds.count; i++) {
        _cleanup_free_ char *link = path_join(dir, fds.items[i]);
        struct stat st;
        if (stat(link, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == device)
            return true;
    }
    return false;
}

static void add_user(const char *pid, struct buf *out)
{
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    _cleanup_free_ char *file = xasprintf("/proc/%s/comm", pid);
    if (!fs_read(file, 256, &name, &ignored) || !name.len)
        return;
    buf_adds(out, out->len ? ", " : "");
    text_add_printable(out, name.data, name.len - 1); /* without the newline */
    buf_addf(out, " (process %s)", pid);
}

char *serial_users(const char *path)
{
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_(strv_release) struct strv pids = STRV_INIT;
    struct buf users = BUF_INIT;
    size_t count = 0;
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode) || !fs_list("/proc", &pids, &ignored))
        return NULL;
    for (size_t i = 0; i < pids.count && count < USERS_MAX; i++) {
        const char *pid = pids.items[i];
        if (!isdigit((unsigned char)pid[0]) || atoi(pid) == getpid() || !has_open(pid, st.st_rdev))
            continue;
        add_user(pid, &users);
        count++;
    }
    return users.len ? buf_detach(&users, NULL) : NULL;
}

/* ---- opening --------------------------------------------------------------------------------- */

static speed_t speed_of(unsigned baud)
{
    switch (baud) {
    case 1200:
        return B1200;
    case 9600:
        return B9600;
    case 115200:
        return B115200;
    default:
        assert(!"a baud rate that nobody uses");
        return B0;
    }
}

/* The group of the port, or the one that it has on Debian and most other systems. */
static bool forbidden(const char *path, struct err **err)
{
    struct stat st;
    const struct group *group = stat(path, &st) == 0 && st.st_gid ? getgrgid(st.st_gid) : NULL;
    err_set(err, ERR_DEVICE, "no permission to open the serial port %s", path);
    return err_hint(err,
                    "add yourself to its group with `sudo adduser $USER %s`, log out and in again; "
                    "then run the command again",
                    group ? group->gr_name : "dialout");
}

static bool busy(const char *path, struct err **err)
{
    _cleanup_free_ char *users = serial_users(path);
    err_set(err, ERR_DEVICE, "the serial port %s is in use by %s", path,
            users ? users : "another program");
    return err_hint(err, "end that program, then run the command again");
}

/* -1 with errno set; EBUSY: somebody else has it. */
static int open_alone(const char *path)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    /* The superuser passes TIOCEXCL, and many programs know only one of the two. */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
        (void)ioctl(fd, TIOCEXCL);
        return fd;
    }
    close(fd);
    errno = EBUSY;
    return -1;
}

/* A port that has just appeared may be without its name and group for a moment, until udev has seen
 * it, and then ModemManager looks at it. */
static bool may_pass(int error)
{
    return error == EBUSY || error == EACCES || error == ENOENT;
}

static bool open_patiently(const char *path, int *fd, struct err **err)
{
    long long deadline_us = task_now_us() + SERIAL_PATIENCE_MS * 1000LL;
    while ((*fd = open_alone(path)) < 0 && may_pass(errno) && task_now_us() < deadline_us)
        task_sleep_ms(OPEN_POLL_MS);
    if (*fd >= 0)
        return true;
    if (errno == EACCES)
        return forbidden(path, err);
    if (errno == EBUSY)
        return busy(path, err);
    err_set_errno(err, ERR_DEVICE, errno, "cannot open the serial port %s", path);
    return err_hint(err, "unplug the board, plug it in again and run the command again");
}

/* No echo, no line ends made of others, no flow control, no care for the modem's lines. */
static bool make_raw(struct serial *serial, unsigned baud)
{
    if (tcgetattr(serial->fd, &serial->saved) < 0)
        return false;
    struct termios raw = serial->saved;
    cfmakeraw(&raw);
    raw.c_cflag |= CLOCAL | CREAD | HUPCL;
    raw.c_cc[VMIN] = 1; /* with 0, no data would look like a hang-up */
    raw.c_cc[VTIME] = 0;
    cfsetspeed(&raw, speed_of(baud));
    return tcsetattr(serial->fd, TCSANOW, &raw) == 0 && tcflush(serial->fd, TCIFLUSH) == 0;
}

bool serial_open(const char *path, unsigned baud, struct serial **serial, struct err **err)
{
    int fd;
    if (!open_patiently(path, &fd, err))
        return false;
    *serial = xcalloc(1, sizeof(**serial));
    (*serial)->fd = fd;
    (*serial)->restore = true;
    if (make_raw(*serial, baud))
        return true;
    err_set_errno(err, ERR_DEVICE, errno, "cannot set up the serial port %s", path);
    err_hint(err, "is it a serial port? Unplug the board, plug it in again and run the command "
                  "again");
    (*serial)->restore = false;
    serial_close(*serial);
    *serial = NULL;
    return false;
}

/* Linux would wait for up to 30 s in close() until a board takes what was sent to it. */
static void drain(int fd)
{
    int left = 0;
    for (int ms = 0; ms < DRAIN_MS && ioctl(fd, TIOCOUTQ, &left) == 0 && left; ms += POLL_MS)
        task_sleep_ms(POLL_MS);
    tcflush(fd, TCOFLUSH);
}

void serial_close(struct serial *serial)
{
    if (!serial)
        return;
    drain(serial->fd);
    if (serial->restore)
        (void)tcsetattr(serial->fd, TCSANOW, &serial->saved);
    (void)ioctl(serial->fd, TIOCNXCL);
    close(serial->fd);
    free(serial);
}

int serial_fd(const struct serial *serial)
{
    return serial->fd;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* After a read() or write() that moved nothing: try again? Else *end is the end of it. */
static bool try_again(ssize_t n, long long deadline_us, enum serial_end *end)
{
    if (n < 0 && errno == EINTR)
        return true;
    *end = SERIAL_GONE; /* whatever the error: EIO, ENXIO, ENODEV, or the end of the file */
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        return false;
    *end = SERIAL_TIMED_OUT;
    if (task_now_us() >= deadline_us)
        return false;
    task_sleep_ms(POLL_MS);
    return true;
}

enum serial_end serial_write(struct serial *serial, const void *data, size_t len,
                             long long deadline_us)
{
    enum serial_end end;
    const char *at = data;
    while (len) {
        ssize_t n = write(serial->fd, at, len);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (!try_again(n, deadline_us, &end)) {
            return end;
        }
    }
    return SERIAL_OK;
}

enum serial_end serial_read(struct serial *serial, void *data, size_t size, size_t *len,
                            long long deadline_us)
{
    enum serial_end end;
    *len = 0;
    for (;;) {
        ssize_t n = read(serial->fd, data, size);
        if (n > 0) {
            *len = (size_t)n;
            return SERIAL_OK;
        }
        if (!try_again(n, deadline_us, &end))
            return end;
    }
}

bool serial_touch(const char *path, unsigned baud, struct err **err)
{
    struct serial *serial;
    int dtr = TIOCM_DTR;
    if (!serial_open(path, baud, &serial, err))
        return false;
    /* If this fails, closing drops DTR (HUPCL). Another rate after it would call the board back. */
    (void)ioctl(serial->fd, TIOCMBIC, &dtr);
    serial->restore = false;
    serial_close(serial);
    return true;
}
