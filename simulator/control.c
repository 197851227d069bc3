#include "simulator/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "simulator/unix_socket.h"

#define ERROR_PREFIX "error: "
#define ANSWER_MAX (64 * 1024)

struct client {
    struct control *control;
    int fd;
    struct buf line;
    struct client *next;
};

struct control {
    struct loop *loop;
    char *path;
    int listener;
    control_fn fn;
    void *data;
    struct client *clients;
};

static void free_client(struct client *client)
{
    loop_unwatch(client->control->loop, client->fd);
    close(client->fd);
    buf_release(&client->line);
    free(client);
}

static void close_client(struct client *client)
{
    struct client **link = &client->control->clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    free_client(client);
}

/* The message on one line: what err_format() would spread over several. */
static void add_error(const struct err *err, struct buf *answer)
{
    buf_adds(answer, ERROR_PREFIX);
    buf_adds(answer, err->message);
    for (const struct err *cause = err->cause; cause; cause = cause->cause)
        buf_addf(answer, ": %s", cause->message);
    if (err->hint)
        buf_addf(answer, "; %s", err->hint);
}

static void obey(struct client *client, const char *line)
{
    _cleanup_err_ struct err *err = NULL;
    _cleanup_(buf_release) struct buf answer = BUF_INIT;
    struct control *control = client->control;
    if (!control->fn(control->data, line, &answer, &err)) {
        buf_clear(&answer);
        add_error(err, &answer);
    }
    buf_addc(&answer, '\n');
    /* A client that does not read its answers loses them. */
    send(client->fd, answer.data, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_client(void *arg)
{
    struct client *client = arg;
    char bytes[512];
    ssize_t len = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    for (ssize_t i = 0; i < len; i++) {
        if (bytes[i] != '\n') {
            buf_addc(&client->line, bytes[i]);
            continue;
        }
        obey(client, client->line.data);
        buf_clear(&client->line);
    }
    if (len <= 0 || client->line.len > CONTROL_LINE_MAX)
        close_client(client);
}

static void on_connect(void *arg)
{
    struct control *control = arg;
    int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct client *client = xcalloc(1, sizeof(*client));
    *client = (struct client){control, fd, BUF_INIT, control->clients};
    control->clients = client;
    loop_watch(control->loop, fd, on_client, client);
}

bool control_new(struct loop *loop, const char *path, control_fn fn, void *data,
                 struct control **control, struct err **err)
{
    int fd;
    if (!unix_listen(path, &fd, err))
        return false;
    *control = xcalloc(1, sizeof(**control));
    **control = (struct control){loop, xstrdup(path), fd, fn, data, NULL};
    loop_watch(loop, fd, on_connect, *control);
    return true;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    for (struct client *client = control->clients, *next; client; client = next) {
        next = client->next;
        free_client(client);
    }
    loop_unwatch(control->loop, control->listener);
    close(control->listener);
    unlink(control->path);
    free(control->path);
    free(control);
}

/* ---- the client's side ---------------------------------------------------------------------- */

static bool exchange(int fd, const char *line, struct buf *answer)
{
    _cleanup_free_ char *request = xasprintf("%s\n", line);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        return false;
    char bytes[4096];
    while (answer->len < ANSWER_MAX) {
        ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            break;
        buf_add(answer, bytes, (size_t)len);
        if (bytes[len - 1] == '\n') {
            buf_truncate(answer, answer->len - 1);
            return true;
        }
    }
    errno = EPROTO;
    return false;
}

bool control_send(const char *path, const char *line, struct buf *answer, struct err **err)
{
    int fd;
    if (!unix_connect(path, SOCK_STREAM, &fd, err))
        return err_wrap(err, "cannot reach the simulator");
    bool ok = exchange(fd, line, answer);
    if (!ok)
        err_set_errno(err, ERR_FAILED, errno, "the simulator at '%s' does not answer", path);
    close(fd);
    if (ok && text_starts_with(answer->data, ERROR_PREFIX))
        return err_set(err, ERR_USAGE, "%s", answer->data + strlen(ERROR_PREFIX));
    return ok;
}
