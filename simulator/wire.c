#include "simulator/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct word3 {
    uint64_t kind, arg1, arg2;
};

/* Before the bytes of each piece of memory that is offered. */
struct piece {
    uint64_t address, len;
};

#define OFFERED_AT (sizeof(struct word3) + sizeof(uint64_t)) /* the pieces in such a request */

struct wire {
    struct loop *loop;
    int fd;
    const struct wire_ops *ops;
    void *arg;
    struct buf out;
    wire_data_fn on_data; /* NULL: the next thing that comes is a request */
    void *data_arg;
    size_t want, have; /* bytes of data */
    size_t got;        /* bytes of the request, which stays until ... */
    /* ... it is answered, as what it offers may be fetched. There is always room to read into. */
    uint8_t request[OFFERED_AT + WIRE_OFFERED_MAX + 1];
    uint8_t data[WIRE_MAX];
};

/* How many bytes the request has that has begun, as far as they tell. */
static size_t request_size(const struct wire *wire)
{
    struct word3 request;
    uint64_t offered;
    if (wire->got < sizeof(request))
        return sizeof(request);
    memcpy(&request, wire->request, sizeof(request));
    if (request.kind != WIRE_IOCTL_OFFERED)
        return sizeof(request);
    if (wire->got < OFFERED_AT)
        return OFFERED_AT;
    memcpy(&offered, wire->request + sizeof(request), sizeof(offered));
    return offered <= WIRE_OFFERED_MAX ? OFFERED_AT + offered : SIZE_MAX;
}

/* Bytes from there on, if they were offered with the request; else NULL. */
static const uint8_t *find_offered(const struct wire *wire, uint64_t address, size_t len)
{
    struct piece piece;
    for (size_t at = OFFERED_AT; at + sizeof(piece) <= wire->got; at += sizeof(piece) + piece.len) {
        memcpy(&piece, wire->request + at, sizeof(piece));
        if (piece.len > wire->got - at - sizeof(piece))
            break;
        uint64_t skip = address - piece.address;
        if (address >= piece.address && skip <= piece.len && len <= piece.len - skip)
            return wire->request + at + sizeof(piece) + skip;
    }
    return NULL;
}

/* It speaks another protocol, or out of turn: the next read will find the connection closed. */
static void give_up(const struct wire *wire)
{
    shutdown(wire->fd, SHUT_RDWR);
}

static void hand_on_request(struct wire *wire)
{
    struct word3 request;
    memcpy(&request, wire->request, sizeof(request));
    enum wire_kind kind = request.kind == WIRE_IOCTL_OFFERED ? WIRE_IOCTL : request.kind;
    wire->ops->request(wire->arg, kind, request.arg1, request.arg2);
}

static void hand_on_data(struct wire *wire)
{
    wire_data_fn on_data = wire->on_data;
    wire->on_data = NULL;
    on_data(wire->data_arg, wire->data);
}

/* Some of what was waited for has come. The program waits for us whenever we do not for it. */
static void received(struct wire *wire, size_t len)
{
    if (wire->on_data) {
        wire->have += len;
        if (wire->have == wire->want)
            hand_on_data(wire);
        return;
    }
    wire->got += len;
    size_t size = request_size(wire);
    if (wire->got == size)
        hand_on_request(wire);
    else if (wire->got > size || size > sizeof(wire->request))
        give_up(wire);
}

static void readable(void *arg)
{
    struct wire *wire = arg;
    ssize_t len = wire->on_data ? recv(wire->fd, wire->data + wire->have, wire->want - wire->have,
                                       MSG_DONTWAIT)
                                : recv(wire->fd, wire->request + wire->got,
                                       sizeof(wire->request) - wire->got, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0)
        wire->ops->closed(wire->arg);
    else
        received(wire, (size_t)len);
}

struct wire *wire_new(struct loop *loop, int fd, const struct wire_ops *ops, void *arg)
{
    struct wire *wire = xcalloc(1, sizeof(*wire));
    wire->loop = loop;
    wire->fd = fd;
    wire->ops = ops;
    wire->arg = arg;
    wire->out = (struct buf)BUF_INIT;
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
        give_up(wire);
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
    const uint8_t *offered = find_offered(wire, address, len);
    if (offered) {
        on_data(arg, offered);
        return;
    }
    wire->on_data = on_data;
    wire->data_arg = arg;
    wire->want = len;
    wire->have = 0;
    add_word3(wire, WIRE_READ_MEMORY, address, len);
    flush(wire);
}

void wire_store(struct wire *wire, uint64_t address, const void *data, size_t len)
{
    if (len == 0)
        return;
    add_word3(wire, WIRE_WRITE_MEMORY, address, len);
    buf_add(&wire->out, data, len);
}

void wire_done(struct wire *wire, int result)
{
    uint64_t ret = result < 0 ? UINT64_MAX : (uint64_t)result;
    wire->got = 0;
    add_word3(wire, WIRE_DONE, ret, result < 0 ? (uint64_t)-result : 0);
    flush(wire);
}
