/*
 * One connection from umockdev's preload library: a program's open file on a mock device node.
 *
 * The library stops in each ioctl(), read() and write() on the node, sends {kind, arg1, arg2}
 * (three 64-bit words) and then serves us until we say "done": we may read its memory, any number
 * of times, and write to it. All of that is asynchronous here, so a program that is stopped in a
 * debugger holds up nobody else.
 *
 *     request -> wire_fetch() -> on_data -> wire_store() -> wire_done()
 */
#ifndef FIRN_SIMULATOR_WIRE_H
#define FIRN_SIMULATOR_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "simulator/loop.h"

#define WIRE_MAX 8192 /* bytes in one wire_fetch() */

enum wire_kind { WIRE_IOCTL = 1, WIRE_READ = 7, WIRE_WRITE = 8 };

struct wire;
struct wire_ops {
    /* The program waits. WIRE_IOCTL: request number and argument; otherwise address and length. */
    void (*request)(void *arg, enum wire_kind kind, uint64_t arg1, uint64_t arg2);
    /* The program closed its file or ended. Frees the wire. */
    void (*closed)(void *arg);
};
typedef void (*wire_data_fn)(void *arg, const uint8_t *data);

/* Takes the connected socket. */
struct wire *wire_new(struct loop *loop, int fd, const struct wire_ops *ops, void *arg);
void wire_free(struct wire *wire);

/* Read the program's memory; on_data(arg, data) is called with it. len is 1..WIRE_MAX. */
void wire_fetch(struct wire *wire, uint64_t address, size_t len, wire_data_fn on_data, void *arg);
/* Write to the program's memory; sent with wire_done(). */
void wire_store(struct wire *wire, uint64_t address, const void *data, size_t len);
/* The call returns: result >= 0, or -errno. */
void wire_done(struct wire *wire, int result);

#endif
