#include "simulator/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Our side of the protocol; see enum wire_kind for the other. */
enum { REPLY_DONE = 3, REPLY_READ_MEMORY = 5, REPLY_WRITE_MEMORY = 6 };

struct word3 {
    uint64_t kind, arg1, arg2;
};

struct wire {
    struct loop *loop;
    int fd;
    const struct wire_ops *ops;
    void *arg;
    struct buf out;
    wire_data_fn on_data; /* NULL: the next thing that comes is a request */
    void *data_arg;
    size_t want, have;
    uint8_t in[WIRE_MAX];
};

static void expect(struct wire *wire, size_t len, wire_data_fn on_data)
{
    wire->want = len;
    wire->have = 0;
    wire->on_data = on_data;
}

/* All that was waited for is there: hand it on. */
static void deliver(struct wire *wire)
{
    if (wire->on_data) {
        wire_data_fn on_data = wire->on_data;
        expect(wire, sizeof(struct word3), NULL);
        on_data(wire->data_arg, wire->in);
        return;
    }
    struct word3 request;
    memcpy(&request, wire->in, sizeof(request));
    expect(wire, sizeof(struct word3), NULL);
    wire->ops->request(wire->arg, (enum wire_kind)request.kind, request.arg1, request.arg2);
}

static void readable(void *arg)
{
    struct wire *wire = arg;
    ssize_t len = recv(wire->fd, wire->in + wire->have, wire->want - wire->have, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        wire->ops->closed(wire->arg);
        return;
    }
    wire->have += (size_t)len;
    if (wire->have == wire->want)
        deliver(wire);
}

struct wire *wire_new(struct loop *loop, int fd, const struct wire_ops *ops, void *arg)
{
    struct wire *wire = xmalloc(sizeof(*wire));
    wire->loop = loop;
    wire->fd = fd;
    wire->ops = ops;
    wire->arg = arg;
    wire->out = (struct buf)BUF_INIT;
    expect(wire, sizeof(struct word3), NULL);
    loop_watch(loop, fd, readable, wire);
    return wire;
}

void wire_free(struct wire *wire)
{
    if (!wire)
        return;
    loop_unwatch(wire->loop, wire->fd);
    close(wire->fd);
    buf_release(&wire->out);
    free(wire);
}

/* The program is waiting in recv(), so its buffer is empty and what we send fits. If it does not,
 * the connection is broken, and the next read will say so. */
static void flush(struct wire *wire)
{
    ssize_t sent = send(wire->fd, wire->out.data, wire->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != (ssize_t)wire->out.len)
        shutdown(wire->fd, SHUT_RDWR);
    buf_clear(&wire->out);
}

static void add_word3(struct wire *wire, uint64_t kind, uint64_t arg1, uint64_t arg2)
{
    struct word3 words = {kind, arg1, arg2};
    buf_add(&wire->out, &words, sizeof(words));
}

void wire_fetch(struct wire *wire, uint64_t address, size_t len, wire_data_fn on_data, void *arg)
{
    assert(len > 0 && len <= WIRE_MAX);
    expect(wire, len, on_data);
    wire->data_arg = arg;
    add_word3(wire, REPLY_READ_MEMORY, address, len);
    flush(wire);
}

void wire_store(struct wire *wire, uint64_t address, const void *data, size_t len)
{
    if (len == 0)
        return;
    add_word3(wire, REPLY_WRITE_MEMORY, address, len);
    buf_add(&wire->out, data, len);
}

void wire_done(struct wire *wire, int result)
{
    uint64_t ret = result < 0 ? UINT64_MAX : (uint64_t)result;
    add_word3(wire, REPLY_DONE, ret, result < 0 ? (uint64_t)-result : 0);
    flush(wire);
}
