#include "simulator/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define EVENTS 64 /* taken from the kernel at a time */
#define SPIN_US                                                                                    \
    100 /* before a timer: the kernel wakes a sleeper some 50 us late on a virtual                 \
           machine, which would be 5 % of a transfer of 1 ms */

/* fn NULL: nobody watches this descriptor. */
struct watch {
    loop_fd_fn fn;
    void *arg;
    uint32_t generation; /* tells an event for the descriptor's last owner from one for this one */
};

struct timer {
    uint64_t when_us;
    sim_timer_fn fn;
    void *arg;
};

struct loop {
    int epoll;
    struct watch *watches; /* by descriptor */
    size_t watch_count;
    uint32_t generation;
    struct timer *timers; /* in no order: there are a few for each board at most */
    size_t timer_count, timer_room;
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
    if (loop->timer_count == loop->timer_room) {
        loop->timer_room = loop->timer_room ? loop->timer_room * 2 : 16;
        loop->timers = xreallocarray(loop->timers, loop->timer_room, sizeof(struct timer));
    }
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
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    assert(loop->epoll >= 0); /* fails for want of memory or descriptors only */
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    close(loop->epoll);
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
    size_t index = (size_t)fd;
    if (index >= loop->watch_count) {
        size_t count = index < 32 ? 64 : index * 2;
        loop->watches = xreallocarray(loop->watches, count, sizeof(struct watch));
        memset(loop->watches + loop->watch_count, 0,
               (count - loop->watch_count) * sizeof(struct watch));
        loop->watch_count = count;
    }
    loop->watches[index] = (struct watch){fn, arg, ++loop->generation};
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = (uint64_t)loop->generation << 32 | (uint32_t)fd};
    int failed = epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
    assert(!failed);
    (void)failed;
}

void loop_unwatch(struct loop *loop, int fd)
{
    if (fd < 0 || (size_t)fd >= loop->watch_count || !loop->watches[fd].fn)
        return;
    loop->watches[fd].fn = NULL;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
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

static uint64_t next_timer_us(const struct loop *loop)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < loop->timer_count; i++)
        if (loop->timers[i].when_us < next)
            next = loop->timers[i].when_us;
    return next;
}

/* Until shortly before that time. epoll_wait() counts in milliseconds, which is too coarse. */
static int sleep_until(const struct loop *loop, uint64_t when_us)
{
    struct pollfd epoll = {.fd = loop->epoll, .events = POLLIN};
    uint64_t now = now_us(NULL);
    uint64_t us = when_us > now + SPIN_US ? when_us - now - SPIN_US : 0;
    struct timespec left = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    return us ? ppoll(&epoll, 1, &left, NULL) : 0;
}

/* The rest of the way awake. Programs on the same processor go first. */
static int wait_for_events(struct loop *loop, struct epoll_event *events)
{
    if (loop->timer_count == 0)
        return epoll_wait(loop->epoll, events, EVENTS, -1);
    uint64_t when_us = next_timer_us(loop);
    int ready = sleep_until(loop, when_us);
    while (ready >= 0 && (ready = epoll_wait(loop->epoll, events, EVENTS, 0)) == 0 &&
           now_us(NULL) < when_us)
        sched_yield();
    return ready;
}

static void run_ready(struct loop *loop, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        const struct watch watch = loop->watches[(uint32_t)events[i].data.u64];
        if (watch.fn && watch.generation == events[i].data.u64 >> 32)
            watch.fn(watch.arg);
    }
}

bool loop_run(struct loop *loop, struct err **err)
{
    struct epoll_event events[EVENTS];
    loop->stop = false;
    while (!loop->stop) {
        int ready = wait_for_events(loop, events);
        if (ready < 0 && errno != EINTR)
            return err_set_errno(err, ERR_FAILED, errno, "the simulator cannot poll");
        run_ready(loop, events, ready);
        while (!loop->stop && run_due_timer(loop))
            continue;
    }
    return true;
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
}
