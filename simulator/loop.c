#include "simulator/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

struct watch {
    loop_fd_fn fn;
    void *arg;
};

struct timer {
    uint64_t when_us;
    sim_timer_fn fn;
    void *arg;
};

/* polls[i] belongs to watches[i]; an fd of -1 marks one that was removed while callbacks ran. */
struct loop {
    struct pollfd *polls;
    struct watch *watches;
    size_t count;
    struct timer *timers; /* in no order: there are a handful */
    size_t timer_count;
    bool stop;
    struct sim_clock clock;
};

static uint64_t now_us(void *data)
{
    (void)data;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void at(void *data, uint64_t when_us, sim_timer_fn fn, void *arg)
{
    struct loop *loop = data;
    loop->timers = xreallocarray(loop->timers, loop->timer_count + 1, sizeof(struct timer));
    loop->timers[loop->timer_count++] = (struct timer){when_us, fn, arg};
}

static void cancel(void *data, const void *arg)
{
    struct loop *loop = data;
    size_t kept = 0;
    for (size_t i = 0; i < loop->timer_count; i++)
        if (loop->timers[i].arg != arg)
            loop->timers[kept++] = loop->timers[i];
    loop->timer_count = kept;
}

struct loop *loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));
    loop->clock = (struct sim_clock){now_us, at, cancel, loop};
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    free(loop->polls);
    free(loop->watches);
    free(loop->timers);
    free(loop);
}

const struct sim_clock *loop_clock(struct loop *loop)
{
    return &loop->clock;
}

void loop_watch(struct loop *loop, int fd, loop_fd_fn fn, void *arg)
{
    loop->polls = xreallocarray(loop->polls, loop->count + 1, sizeof(struct pollfd));
    loop->watches = xreallocarray(loop->watches, loop->count + 1, sizeof(struct watch));
    loop->polls[loop->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    loop->watches[loop->count++] = (struct watch){fn, arg};
}

void loop_unwatch(struct loop *loop, int fd)
{
    for (size_t i = 0; i < loop->count; i++)
        if (loop->polls[i].fd == fd)
            loop->polls[i].fd = -1;
}

static void drop_removed(struct loop *loop)
{
    size_t kept = 0;
    for (size_t i = 0; i < loop->count; i++) {
        if (loop->polls[i].fd < 0)
            continue;
        loop->polls[kept] = loop->polls[i];
        loop->watches[kept++] = loop->watches[i];
    }
    loop->count = kept;
}

/* Call one timer that is due; false if none is. One at a time: a callback may set or cancel any. */
static bool run_due_timer(struct loop *loop)
{
    if (loop->timer_count == 0)
        return false;
    size_t first = 0;
    for (size_t i = 1; i < loop->timer_count; i++)
        if (loop->timers[i].when_us < loop->timers[first].when_us)
            first = i;
    if (loop->timers[first].when_us > now_us(NULL))
        return false;
    struct timer timer = loop->timers[first];
    loop->timers[first] = loop->timers[--loop->timer_count];
    timer.fn(timer.arg);
    return true;
}

/* Time until the next timer; NULL: there is none. */
static struct timespec *time_left(const struct loop *loop, struct timespec *left)
{
    if (loop->timer_count == 0)
        return NULL;
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < loop->timer_count; i++)
        if (loop->timers[i].when_us < next)
            next = loop->timers[i].when_us;
    uint64_t now = now_us(NULL);
    uint64_t us = next > now ? next - now : 0;
    *left = (struct timespec){(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    return left;
}

static void run_ready(struct loop *loop)
{
    size_t count = loop->count; /* what callbacks add was not polled yet */
    for (size_t i = 0; i < count; i++) {
        if (loop->polls[i].fd < 0 || loop->polls[i].revents == 0)
            continue;
        struct watch watch = loop->watches[i];
        watch.fn(watch.arg);
    }
}

bool loop_run(struct loop *loop, struct err **err)
{
    struct timespec left;
    loop->stop = false;
    while (!loop->stop) {
        drop_removed(loop);
        int ready = ppoll(loop->polls, loop->count, time_left(loop, &left), NULL);
        if (ready < 0 && errno != EINTR)
            return err_set_errno(err, ERR_FAILED, errno, "the simulator cannot poll");
        if (ready > 0)
            run_ready(loop);
        while (!loop->stop && run_due_timer(loop))
            continue;
    }
    return true;
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
}
