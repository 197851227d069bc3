/*
 * A clock that stands still until a test advances it (simulator/clock.h).
 */
#ifndef FIRN_TESTS_FAKE_CLOCK_H
#define FIRN_TESTS_FAKE_CLOCK_H

#include <assert.h>

#include "simulator/clock.h"

#define FAKE_TIMERS 16

struct fake_clock {
    struct sim_clock clock;
    uint64_t now_us;
    unsigned count;
    struct {
        uint64_t when_us;
        sim_timer_fn fn;
        void *arg;
    } timers[FAKE_TIMERS];
};

static uint64_t fake_now(void *data)
{
    return ((struct fake_clock *)data)->now_us;
}

static void fake_at(void *data, uint64_t when_us, sim_timer_fn fn, void *arg)
{
    struct fake_clock *fake = data;
    assert(fake->count < FAKE_TIMERS);
    fake->timers[fake->count].when_us = when_us;
    fake->timers[fake->count].fn = fn;
    fake->timers[fake->count++].arg = arg;
}

static void fake_cancel(void *data, const void *arg)
{
    struct fake_clock *fake = data;
    for (unsigned i = fake->count; i-- > 0;)
        if (fake->timers[i].arg == arg)
            fake->timers[i] = fake->timers[--fake->count];
}

static inline void fake_clock_init(struct fake_clock *fake)
{
    *fake = (struct fake_clock){.clock = {fake_now, fake_at, fake_cancel, fake}};
}

/* Let time pass and call what became due. */
static inline void fake_clock_advance(struct fake_clock *fake, uint64_t us)
{
    fake->now_us += us;
    for (unsigned i = 0; i < fake->count;) {
        if (fake->timers[i].when_us > fake->now_us) {
            i++;
            continue;
        }
        sim_timer_fn fn = fake->timers[i].fn;
        void *arg = fake->timers[i].arg;
        fake->timers[i] = fake->timers[--fake->count];
        fn(arg);
        i = 0;
    }
}

#endif
