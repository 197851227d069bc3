/*
 * Tasks: sequential code for many boards at once, in one thread and on one libusb event loop.
 *
 * A task is a function with a stack of its own. Where it has to wait (a control transfer, a time)
 * the others run: usb_control() and task_sleep_until() suspend the task that calls them and return
 * when the transfer is over or the time has come. Nothing else switches, so that data between two
 * waits needs no lock. Outside of a task the same calls simply block.
 *
 *     struct tasks *tasks = tasks_new(usb);
 *     for (each board)
 *         tasks_spawn(tasks, flash_one, board);
 *     tasks_run(tasks);                  // until all of them have returned
 *     tasks_free(tasks);
 *
 * A task may spawn others. One struct tasks at a time runs in a process; not thread-safe.
 */
#ifndef FIRN_FLASHER_TASK_H
#define FIRN_FLASHER_TASK_H

#include <stdbool.h>

#include "flasher/usb.h"

struct tasks;
typedef void (*task_fn)(void *data);

/* usb is borrowed and outlives the tasks; NULL: they only sleep. */
struct tasks *tasks_new(struct usb *usb);
/* After tasks_run() has returned. */
void tasks_free(struct tasks *tasks);
static inline void tasks_free_ptr(struct tasks **tasks)
{
    tasks_free(*tasks);
}

/* fn(data) starts when tasks_run() comes to it. */
void tasks_spawn(struct tasks *tasks, task_fn fn, void *data);
void tasks_run(struct tasks *tasks);

/* Monotonic microseconds, as struct dfu_io counts them. */
long long task_now_us(void);
/* Return at `when_us` or as soon after it as can be; signals do not cut it short. */
void task_sleep_until(long long when_us);
static inline void task_sleep_ms(unsigned ms)
{
    task_sleep_until(task_now_us() + ms * 1000LL);
}

#endif
