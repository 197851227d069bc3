/*
 * One connection from a program's preload library: its open file on a mock device node.
 *
 * The library stops in each ioctl(), read() and write() on the node, sends {kind, arg1, arg2}
 * (three 64-bit words) and then serves us until we say "done": we may read its memory, any number
 * of times, and write to it. All of that is asynchronous here, so a program that is stopped in a
 * debugger holds up nobody else.
 *
 *     request -> wire_fetch() -> on_data -> wire_store() -> wire_done()
 *
 * That is umockdev's protocol, in which every wire_fetch() is a round trip. Our own library
 * (simulator/preload/node.c) sends WIRE_IOCTL_OFFERED instead of WIRE_IOCTL: a fourth word with the
 * size of what follows, then pieces of its memory, each {address, length} and its bytes. What is
 * in one of them is fetched at once; for the rest it is asked as ever.
 */
#ifndef FIRN_SIMULATOR_WIRE_H
#define FIRN_SIMULATOR_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "simulator/loop.h"

#define WIRE_MAX 8192 /* bytes in one wire_fetch() */
#define WIRE_OFFERED_MAX                                                                           \
    8192 /* bytes after a request, the pieces' addresses and lengths included */

/* The program's words, and ours: {DONE, result, errno}, {READ_MEMORY, address, length}, and
 * {WRITE_MEMORY, address, length} before so many bytes. */
enum wire_kind {
    WIRE_IOCTL = 1,
    WIRE_DONE = 3,
    WIRE_READ_MEMORY = 5,
    WIRE_WRITE_MEMORY = 6,
    WIRE_READ = 7,
    WIRE_WRITE = 8,
    WIRE_IOCTL_OFFERED = 9
};

struct wire;
struct wire_ops {
    /* The program waits. WIRE_IOCTL: request number and argument; otherwise address and length.
     * WIRE_IOCTL_OFFERED is WIRE_IOCTL here. */
    void (*request)(void *arg, enum wire_kind kind, uint64_t arg1, uint64_t arg2);
    /* The program closed its file or ended. Frees the wire. */
    void (*closed)(void *arg);
};
typedef void (*wire_data_fn)(void *arg, const uint8_t *data);

/* Takes the connected socket. */
struct wire *wire_new(struct loop *loop, int fd, const struct wire_ops *ops, void *arg);
void wire_free(struct wire *wire);

/* Read the program's memory; on_data(arg, data) is called with it, before this returns if it was
 * offered. len is 1..WIRE_MAX. */
void wire_fetch(struct wire *wire, uint64_t address, size_t len, wire_data_fn on_data, void *arg);
/* Write to the program's memory; sent with wire_done(). */
void wire_store(struct wire *wire, uint64_t address, const void *data, size_t len);
/* The call returns: result >= 0, or -errno. */
void wire_done(struct wire *wire, int result);

#endif
