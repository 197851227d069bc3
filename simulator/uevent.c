#include "simulator/uevent.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "simulator/unix_socket.h"

#define PROBE_AT 32 /* listeners, above which the dead ones are looked for */

struct uevents {
    struct loop *loop;
    char *root;
    int inotify;
    int sync;       /* listens */
    int *listeners; /* connected sockets */
    size_t count;
};

static void add_listener(struct uevents *uevents, const char *name)
{
    _cleanup_err_ struct err *gone_already = NULL;
    _cleanup_free_ char *path = path_join(uevents->root, name);
    int fd;
    if (!unix_connect(path, SOCK_DGRAM | SOCK_NONBLOCK, &fd, &gone_already))
        return;
    uevents->listeners = xreallocarray(uevents->listeners, uevents->count + 1, sizeof(int));
    uevents->listeners[uevents->count++] = fd;
}

/* Send to all and forget those that nobody reads any more. A program whose buffer is full misses
 * the event, as it would on netlink. */
static void send_to_listeners(struct uevents *uevents, const void *data, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < uevents->count; i++) {
        int fd = uevents->listeners[i];
        if (send(fd, data, len, MSG_NOSIGNAL) < 0 && errno != EAGAIN && errno != ENOBUFS)
            close(fd);
        else
            uevents->listeners[kept++] = fd;
    }
    uevents->count = kept;
}

/* Programs that ended leave their listener behind until something is sent. What is sent here
 * belongs to no subsystem that anybody matches. */
static void probe(struct uevents *uevents)
{
    static const char event[] = "change@/devices/platform/firn-sim\0ACTION=change\0"
                                "DEVPATH=/devices/platform/firn-sim\0SUBSYSTEM=platform\0SEQNUM=1";
    send_to_listeners(uevents, event, sizeof(event));
}

static void readable(void *arg)
{
    struct uevents *uevents = arg;
    _Alignas(struct inotify_event) char buffer[4096];
    ssize_t len = read(uevents->inotify, buffer, sizeof(buffer));
    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        if (event->len && text_starts_with(event->name, "event"))
            add_listener(uevents, event->name);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    if (uevents->count > PROBE_AT)
        probe(uevents);
}

static void on_sync(void *arg)
{
    struct uevents *uevents = arg;
    int fd;
    while ((fd = accept4(uevents->sync, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        readable(uevents);
        close(fd);
    }
}

struct uevents *uevents_new(struct loop *loop, const char *root, struct err **err)
{
    struct uevents *uevents = xcalloc(1, sizeof(*uevents));
    _cleanup_free_ char *path = path_join(root, "sync");
    uevents->loop = loop;
    uevents->root = xstrdup(root);
    uevents->sync = -1;
    uevents->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (uevents->inotify < 0 || inotify_add_watch(uevents->inotify, root, IN_CREATE) < 0)
        err_set_errno(err, ERR_FAILED, errno, "cannot watch '%s'", root);
    else if (unix_listen(path, &uevents->sync, err)) {
        loop_watch(loop, uevents->inotify, readable, uevents);
        loop_watch(loop, uevents->sync, on_sync, uevents);
        return uevents;
    }
    uevents_free(uevents);
    return NULL;
}

void uevents_free(struct uevents *uevents)
{
    if (!uevents)
        return;
    const int own[] = {uevents->inotify, uevents->sync};
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        if (own[i] < 0)
            continue;
        loop_unwatch(uevents->loop, own[i]);
        close(own[i]);
    }
    for (size_t i = 0; i < uevents->count; i++)
        close(uevents->listeners[i]);
    free(uevents->listeners);
    free(uevents->root);
    free(uevents);
}

void uevents_send(struct uevents *uevents, const void *data, size_t len)
{
    readable(uevents); /* whoever listens by now shall have it */
    send_to_listeners(uevents, data, len);
}
