#include "simulator/console.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/proc.h"

#define POLL_SLICE_MS 100 /* how long a signal can go unnoticed */

struct raw_terminal {
    int fd; /* -1: not a terminal */
    struct termios before;
};

static struct raw_terminal raw_terminal(int fd)
{
    struct raw_terminal t = {.fd = fd};
    if (tcgetattr(fd, &t.before) != 0) {
        t.fd = -1;
        return t;
    }
    struct termios raw = t.before;
    cfmakeraw(&raw);
    tcsetattr(fd, TCSADRAIN, &raw);
    return t;
}

static void restore_terminal(struct raw_terminal *t)
{
    if (t->fd >= 0)
        tcsetattr(t->fd, TCSADRAIN, &t->before);
}

/* Waits for a slow reader: neither side may lose a byte. */
static bool write_all(int fd, const char *data, size_t len)
{
    while (len && !interrupt_requested()) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, POLL_SLICE_MS);
        else if (n < 0 && errno != EINTR)
            return false;
        else if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Copy what is there; false at the end of the stream. leave (may be NULL) is set at the key. */
static bool copy(int from, int to, bool *leave)
{
    char chunk[1024];
    ssize_t n = read(from, chunk, sizeof(chunk));
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    char *key = leave && n > 0 ? memchr(chunk, CONSOLE_LEAVE_KEY, (size_t)n) : NULL;
    if (key) {
        *leave = true;
        n = key - chunk;
    }
    return n > 0 && write_all(to, chunk, (size_t)n);
}

bool console_run(int from_board, int to_board, int tty_in, int tty_out, struct err **err)
{
    _cleanup_(restore_terminal) struct raw_terminal terminal = raw_terminal(tty_in);
    bool leave = false;
    while (!leave && !interrupt_requested()) {
        struct pollfd fds[2] = {{.fd = from_board, .events = POLLIN},
                                {.fd = tty_in, .events = POLLIN}};
        if (poll(fds, 2, POLL_SLICE_MS) <= 0)
            continue;
        if (fds[0].revents && !copy(from_board, tty_out, NULL))
            return err_set(err, ERR_DEVICE, "the board hung up");
        if (fds[1].revents && !copy(tty_in, to_board, &leave))
            return true;
    }
    return true;
}
