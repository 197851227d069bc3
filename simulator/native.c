#include "simulator/native.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"
#include "simulator/coprocess.h"

#define POLL_SLICE_MS 100 /* how long a signal can go unnoticed */

struct stream {
    int fd; /* -1: ended */
    struct buf *out;
    size_t max;
};

static bool receive(struct stream *stream, struct err **err)
{
    char chunk[4096];
    ssize_t n = read(stream->fd, chunk, sizeof(chunk));
    if (n == 0)
        stream->fd = -1;
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return err_set_errno(err, ERR_DEVICE, errno, "cannot read from the program");
    if (n <= 0)
        return true;
    buf_add(stream->out, chunk, (size_t)n);
    if (stream->out->len <= stream->max)
        return true;
    buf_truncate(stream->out, stream->max);
    return err_set(err, ERR_DEVICE, "the output is longer than %zu bytes", stream->max);
}

/* Send what is left of the source; at its end, or when nobody reads it any more, close the pipe. */
static void send_source(struct coprocess *process, const char **source, size_t *len)
{
    ssize_t n = write(process->in, *source, *len);
    if (n > 0) {
        *source += n;
        *len -= (size_t)n;
    }
    if (!*len || (n < 0 && errno != EAGAIN && errno != EINTR))
        coprocess_close_input(process);
}

static bool talk(struct coprocess *process, struct stream streams[2], const char *source,
                 size_t len, long long deadline_ms, struct err **err)
{
    if (!len)
        coprocess_close_input(process);
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted while the program ran");
        if (clock_ms() >= deadline_ms)
            return err_set(err, ERR_DEVICE, "the program did not end in time");
        struct pollfd fds[3] = {{.fd = streams[0].fd, .events = POLLIN},
                                {.fd = streams[1].fd, .events = POLLIN},
                                {.fd = process->in, .events = POLLOUT}};
        if (poll(fds, 3, POLL_SLICE_MS) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (fds[i].revents && !receive(&streams[i], err))
                return false;
        if (fds[2].revents)
            send_source(process, &source, &len);
    }
    return true;
}

static void add_command(const struct native_options *options, struct strv *argv)
{
    if (options->wrapper)
        strv_add_all(argv, options->wrapper);
    strv_add(argv, options->program);
    if (options->heap_bytes) {
        strv_add(argv, "-X");
        strv_addf(argv, "heapsize=%llu", (unsigned long long)options->heap_bytes);
    }
}

bool native_run(const struct native_options *options, const char *source, size_t len,
                size_t text_max, long long deadline_ms, struct raw_repl_output *output,
                struct err **err)
{
    _cleanup_free_ char *path = xasprintf("MICROPYPATH=%s", options->path);
    const char *const env[] = {"LC_ALL=C", path, NULL};
    _cleanup_(coprocess_stop) struct coprocess process = COPROCESS_INIT;
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    add_command(options, &argv);
    if (!coprocess_start(&process, (const char *const *)argv.items, env, options->dir, err))
        return false;
    _cleanup_(buf_release) struct buf said = BUF_INIT;
    struct stream streams[2] = {{process.out, &output->text, output->text.len + text_max},
                                {process.err, &said, RAW_REPL_TRACEBACK_MAX}};
    int status;
    if (!talk(&process, streams, source, len, deadline_ms, err))
        return false;
    if (!coprocess_wait(&process, deadline_ms, &status))
        return err_set(err, ERR_DEVICE, "the program did not end in time");
    if (status > 128)
        return err_set(err, ERR_DEVICE, "'%s' was ended by signal %d (%s)", options->program,
                       status - 128, strsignal(status - 128));
    buf_add(status ? &output->traceback : &output->text, said.data, said.len);
    return true;
}
