/*
 * The simulator's event loop: file descriptors, timers, one thread, epoll.
 *
 * It is also the production clock (loop_clock). Callbacks may watch, unwatch and set timers freely,
 * also for the descriptor that they were called for.
 */
#ifndef FIRN_SIMULATOR_LOOP_H
#define FIRN_SIMULATOR_LOOP_H

#include <stdbool.h>

#include "base/err.h"
#include "simulator/clock.h"

struct loop;
typedef void (*loop_fd_fn)(void *arg);

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Call fn(arg) whenever fd (one that can be waited for: not a regular file) can be read, or has an
 * error or end of file. fd stays the caller's and is watched once. */
void loop_watch(struct loop *loop, int fd, loop_fd_fn fn, void *arg);
/* Before fd is closed. */
void loop_unwatch(struct loop *loop, int fd);

/* Borrowed; lives as long as the loop. */
const struct sim_clock *loop_clock(struct loop *loop);

/* Serve until loop_stop(). False: the kernel refused to wait. */
bool loop_run(struct loop *loop, struct err **err) MUST_CHECK;
void loop_stop(struct loop *loop);

#endif
