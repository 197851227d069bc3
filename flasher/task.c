#include "flasher/task.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "base/mem.h"
#include "flasher/fiber.h"

/* A task waits for a flag (its transfer is over) or for a time. */
struct task {
    struct fiber *fiber;
    const bool *done;  /* NULL: it waits for when_us only */
    long long when_us; /* LLONG_MAX: it waits for done only */
};

struct tasks {
    struct usb *usb;
    struct task **items;
    size_t count;
};

/* The one whose fiber is running. */
static struct task *running;

static void wait_done(void *data, const bool *done);

struct tasks *tasks_new(struct usb *usb)
{
    struct tasks *tasks = xcalloc(1, sizeof(*tasks));
    tasks->usb = usb;
    if (usb)
        usb_set_wait(usb, wait_done, tasks);
    return tasks;
}

void tasks_free(struct tasks *tasks)
{
    if (!tasks)
        return;
    if (tasks->usb)
        usb_set_wait(tasks->usb, NULL, NULL);
    free(tasks->items);
    free(tasks);
}

void tasks_spawn(struct tasks *tasks, task_fn fn, void *data)
{
    struct task *task = xcalloc(1, sizeof(*task));
    task->fiber = fiber_new(fn, data);
    tasks->items = xreallocarray(tasks->items, tasks->count + 1, sizeof(struct task *));
    tasks->items[tasks->count++] = task;
}

static bool is_ready(const struct task *task, long long now_us)
{
    return (task->done && *task->done) || task->when_us <= now_us;
}

static void resume(struct task *task)
{
    struct task *previous = running;
    running = task;
    fiber_resume(task->fiber);
    running = previous;
}

/* Run every task that is ready once; those that ended are removed. Tasks that these spawn are at
 * the end and get their turn, too. */
static void run_ready(struct tasks *tasks)
{
    long long now_us = task_now_us();
    for (size_t i = 0; i < tasks->count;) {
        struct task *task = tasks->items[i];
        if (is_ready(task, now_us))
            resume(task);
        if (!fiber_ended(task->fiber)) {
            i++;
            continue;
        }
        fiber_free(task->fiber);
        free(task);
        tasks->count--;
        for (size_t k = i; k < tasks->count; k++)
            tasks->items[k] = tasks->items[k + 1];
    }
}

/* When the next task is ready: 0 if one is already. */
static long long next_time(const struct tasks *tasks)
{
    long long next_us = LLONG_MAX;
    for (size_t i = 0; i < tasks->count; i++) {
        if (is_ready(tasks->items[i], 0))
            return 0;
        if (tasks->items[i]->when_us < next_us)
            next_us = tasks->items[i]->when_us;
    }
    return next_us;
}

static void block_until(long long when_us)
{
    struct timespec when = {.tv_sec = when_us / 1000000, .tv_nsec = when_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
        ;
}

void tasks_run(struct tasks *tasks)
{
    while (tasks->count) {
        run_ready(tasks);
        if (!tasks->count)
            break;
        if (tasks->usb)
            usb_handle_events(tasks->usb, next_time(tasks));
        else
            block_until(next_time(tasks));
    }
}

long long task_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void suspend_until(const bool *done, long long when_us)
{
    running->done = done;
    running->when_us = when_us;
    fiber_suspend();
    running->done = NULL;
    running->when_us = 0;
}

static void wait_done(void *data, const bool *done)
{
    const struct tasks *tasks = data;
    if (running)
        suspend_until(done, LLONG_MAX);
    while (!*done)
        usb_handle_events(tasks->usb, LLONG_MAX);
}

void task_sleep_until(long long when_us)
{
    if (running)
        suspend_until(NULL, when_us);
    else
        block_until(when_us);
}
