#include "base/event_fd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

/* write() whose SIGPIPE is not delivered: it is blocked here and, if it came, taken away. That
 * leaves the process's signal set-up alone, which children would inherit. */
static ssize_t write_without_sigpipe(int fd, const char *data, size_t len)
{
    const struct timespec at_once = {0};
    sigset_t pipe_set, old;

    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
    ssize_t n = write(fd, data, len);
    int errnum = errno;

    if (n < 0 && errnum == EPIPE)
        sigtimedwait(&pipe_set, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = errnum;
    return n;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write_without_sigpipe(fd, data, len);

        if (n < 0 && errno == EAGAIN) /* the reader made it non-blocking */
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        else if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

bool event_fd_write(int fd, const json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
    _cleanup_(buf_release) struct buf line = BUF_INIT;

    if (!text)
        return true;
    buf_adds(&line, text);
    buf_addc(&line, '\n');
    free(text);
    return write_all(fd, line.data, line.len);
}
