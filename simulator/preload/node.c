/*
 * A simulated board's device node, /dev/bus/usb/BBB/DDD: its ioctls go to the simulator with all
 * that it will need (simulator/wire.h).
 *
 * Past umockdev, whose protocol makes of a control transfer six questions and answers; here it is
 * two: submit, which takes the setup packet and the data along, and reap. Nor is a program held to
 * umockdev's 50 open devices.
 *
 * The descriptor is the node's FIFO, which poll() is for. Beside it there is the socket on which
 * the simulator answers, one call at a time. Signals are blocked meanwhile: a handler that used the
 * same node would get the answer that is not for it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "simulator/preload/preload.h"
#include "simulator/wire.h"

#define NODES "/dev/bus/usb/"
#define NODES_MAX 4096 /* descriptors that can be a node; higher ones are umockdev's business */
#define SETUP_SIZE 8

struct node {
    int socket;
    pthread_mutex_t lock;
    bool reaped; /* the last call was a REAPURBNDELAY that had something */
    size_t at, len;
    uint8_t in[16384];
};

/* By descriptor. */
static struct node *nodes[NODES_MAX];

static struct node *find(int fd)
{
    return fd >= 0 && fd < NODES_MAX ? __atomic_load_n(&nodes[fd], __ATOMIC_ACQUIRE) : NULL;
}

/* ---- opening and closing -------------------------------------------------------------------- */

/* By system calls, as umockdev would look into these itself. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof(address.sun_path))
        return -1;
    memcpy(address.sun_path, path, len);
    int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && syscall(SYS_connect, fd, &address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        syscall(SYS_close, fd);
    return -1;
}

static int make_node(int fd, const char *socket_path)
{
    int answers = fd < NODES_MAX ? connect_to(socket_path) : -1;
    struct node *node = answers >= 0 ? calloc(1, sizeof(*node)) : NULL;
    if (!node) {
        if (answers >= 0)
            syscall(SYS_close, answers);
        syscall(SYS_close, fd);
        errno = fd < NODES_MAX ? ENODEV : EMFILE;
        return -1;
    }
    node->socket = answers;
    pthread_mutex_init(&node->lock, NULL);
    __atomic_store_n(&nodes[fd], node, __ATOMIC_RELEASE);
    return fd;
}

int node_open(const char *path, int flags)
{
    const char *root = getenv("UMOCKDEV_DIR");
    char fifo[PRELOAD_PATH_MAX], answers[PRELOAD_PATH_MAX];
    if (!root || !path || strncmp(path, NODES, strlen(NODES)) != 0)
        return NOT_OURS;
    int fifo_len = snprintf(fifo, sizeof(fifo), "%s%s", root, path);
    int len = snprintf(answers, sizeof(answers), "%s/ioctl%s", root, path);
    if (fifo_len < 0 || len < 0 || len >= PRELOAD_PATH_MAX)
        return NOT_OURS;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, fifo, flags, 0);
    return fd < 0 ? fd : make_node(fd, answers);
}

/* When the simulator has closed its end the device is free, as it is when the kernel's close() is
 * over: whoever opens it next may claim it. */
static void say_goodbye(const struct node *node)
{
    char byte;
    syscall(SYS_shutdown, node->socket, SHUT_WR);
    while (syscall(SYS_recvfrom, node->socket, &byte, 1, 0, NULL, NULL) > 0)
        continue;
    syscall(SYS_close, node->socket);
}

int close(int fd)
{
    static int (*next)(int);
    struct node *node = find(fd);
    if (!next)
        next = (int (*)(int))dlsym(RTLD_NEXT, "close");
    if (!node)
        return next(fd);
    __atomic_store_n(&nodes[fd], NULL, __ATOMIC_RELEASE);
    say_goodbye(node);
    pthread_mutex_destroy(&node->lock);
    free(node);
    return (int)syscall(SYS_close, fd);
}

/* ---- talking to the simulator --------------------------------------------------------------- */

/* The simulator is gone: so is the device. */
static bool refill(struct node *node)
{
    long len;
    do {
        len = syscall(SYS_recvfrom, node->socket, node->in, sizeof(node->in), 0, NULL, NULL);
    } while (len < 0 && errno == EINTR);
    node->at = 0;
    node->len = len > 0 ? (size_t)len : 0;
    return len > 0;
}

static bool take(struct node *node, void *to, size_t len)
{
    uint8_t *bytes = to;
    while (len > 0) {
        if (node->at == node->len && !refill(node))
            return false;
        size_t part = node->len - node->at < len ? node->len - node->at : len;
        memcpy(bytes, node->in + node->at, part);
        node->at += part;
        bytes += part;
        len -= part;
    }
    return true;
}

static bool put(const struct node *node, struct iovec *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].iov_len;
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    /* A request is far smaller than what a socket holds, so all of it goes at once. */
    return syscall(SYS_sendmsg, node->socket, &message, MSG_NOSIGNAL) == (long)size;
}

/* Serve until the call is over; its result, errno set. */
static int serve(struct node *node)
{
    uint64_t words[3];
    while (take(node, words, sizeof(words))) {
        struct iovec piece = {(void *)(uintptr_t)words[1], (size_t)words[2]};
        if (words[0] == WIRE_DONE) {
            if (words[1] == UINT64_MAX)
                errno = (int)words[2];
            return (int)(int64_t)words[1];
        }
        if (words[0] == WIRE_READ_MEMORY
                ? !put(node, &piece, 1)
                : words[0] != WIRE_WRITE_MEMORY || !take(node, piece.iov_base, piece.iov_len))
            break;
    }
    errno = ENODEV;
    return -1;
}

static int call(struct node *node, struct iovec *request, size_t count)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_mutex_lock(&node->lock);
    int result = -1;
    if (put(node, request, count))
        result = serve(node);
    else
        errno = ENODEV;
    int errnum = errno;
    pthread_mutex_unlock(&node->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = errnum;
    return result;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static int plain_call(struct node *node, enum wire_kind kind, uint64_t arg1, uint64_t arg2)
{
    uint64_t words[] = {kind, arg1, arg2};
    return call(node, &(struct iovec){words, sizeof(words)}, 1);
}

/* Bytes of a control transfer's buffer that the device gets: what comes from it may not be
 * initialised yet. */
static size_t outgoing(const struct usbdevfs_urb *urb)
{
    const uint8_t *setup = urb->buffer;
    if (urb->type != USBDEVFS_URB_TYPE_CONTROL || urb->buffer_length < SETUP_SIZE)
        return 0;
    size_t len = setup[0] & 0x80 ? 0 : (size_t)(setup[6] | setup[7] << 8);
    size_t room = (size_t)urb->buffer_length - SETUP_SIZE;
    return SETUP_SIZE + (len < room ? len : room);
}

static int submit(struct node *node, struct usbdevfs_urb *urb)
{
    size_t len = outgoing(urb);
    uint64_t pieces[][2] = {{(uintptr_t)urb, sizeof(*urb)}, {(uintptr_t)urb->buffer, len}};
    uint64_t words[] = {WIRE_IOCTL_OFFERED, USBDEVFS_SUBMITURB, (uintptr_t)urb,
                        sizeof(pieces) + sizeof(*urb) + len};
    struct iovec request[] = {{words, sizeof(words)},
                              {pieces[0], sizeof(pieces[0])},
                              {urb, sizeof(*urb)},
                              {pieces[1], sizeof(pieces[1])},
                              {urb->buffer, len}};
    if (len == 0 || words[3] > WIRE_OFFERED_MAX)
        return plain_call(node, WIRE_IOCTL, USBDEVFS_SUBMITURB, (uintptr_t)urb);
    return call(node, request, 5);
}

/* libusb reaps until there is nothing left. That there is nothing the FIFO tells as well. */
static int reap(int fd, struct node *node, void *to)
{
    struct pollfd fifo = {.fd = fd, .events = POLLOUT};
    if (node->reaped && poll(&fifo, 1, 0) == 0) {
        node->reaped = false;
        errno = EAGAIN;
        return -1;
    }
    int result = plain_call(node, WIRE_IOCTL, USBDEVFS_REAPURBNDELAY, (uintptr_t)to);
    node->reaped = result == 0;
    return result;
}

int ioctl(int fd, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, ...);
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    struct node *node = find(fd);
    if (!next)
        next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    if (!node)
        return next(fd, request, arg);
    if (request == USBDEVFS_SUBMITURB && arg)
        return submit(node, arg);
    if (request == USBDEVFS_REAPURBNDELAY)
        return reap(fd, node, arg);
    return plain_call(node, WIRE_IOCTL, request, (uintptr_t)arg);
}

ssize_t read(int fd, void *to, size_t len)
{
    static ssize_t (*next)(int, void *, size_t);
    struct node *node = find(fd);
    if (!next)
        next = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    return node ? plain_call(node, WIRE_READ, (uintptr_t)to, len) : next(fd, to, len);
}

ssize_t write(int fd, const void *from, size_t len)
{
    static ssize_t (*next)(int, const void *, size_t);
    struct node *node = find(fd);
    if (!next)
        next = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    return node ? plain_call(node, WIRE_WRITE, (uintptr_t)from, len) : next(fd, from, len);
}
