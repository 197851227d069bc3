/*
 * The simulator's clock, injected: the event loop's in production (simulator/loop.h), a fake one
 * that is advanced by hand in unit tests.
 *
 * Times are microseconds on a monotonic scale whose zero means nothing.
 */
#ifndef FIRN_SIMULATOR_CLOCK_H
#define FIRN_SIMULATOR_CLOCK_H

#include <stdint.h>

typedef void (*sim_timer_fn)(void *arg);

struct sim_clock {
    uint64_t (*now_us)(void *data);
    /* Call fn(arg) once, at when_us or as soon after it as can be; never from inside at(). */
    void (*at)(void *data, uint64_t when_us, sim_timer_fn fn, void *arg);
    /* Forget every pending call with this arg. Whoever frees arg calls it first. */
    void (*cancel)(void *data, const void *arg);
    void *data;
};

static inline uint64_t clock_now_us(const struct sim_clock *clock)
{
    return clock->now_us(clock->data);
}

static inline void clock_after(const struct sim_clock *clock, uint64_t delay_us, sim_timer_fn fn,
                               void *arg)
{
    clock->at(clock->data, clock_now_us(clock) + delay_us, fn, arg);
}

static inline void clock_cancel(const struct sim_clock *clock, const void *arg)
{
    clock->cancel(clock->data, arg);
}

#endif
