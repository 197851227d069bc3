/*
 * Which of many products is built when: no builder, no processes, no clock.
 *
 * Products that share a base whose base is missing wait for one of them, which brings it along.
 * These come first and get all processors; beside one, a single product runs whose base is there,
 * as a make seldom keeps every processor busy. Then come the products on bases, as many at a time
 * as there are jobs, then those that are compiled alone, one after the other.
 *
 *     struct schedule *s = schedule_new(&limits);
 *     size_t index = schedule_add(s, SCHEDULE_BASE, key);   // in the user's order
 *     while (schedule_next(s, &index, &jobs)) ...           // start it with -j<jobs>
 *     schedule_end(s, index, SCHEDULE_PRODUCT);             // it ended: its base is there now
 */
#ifndef FIRN_CLI_SCHEDULE_H
#define FIRN_CLI_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MiB that a product on a base needs, and a compiler beside others. Measured with NETDUINO2: 67 for
 * a product; a base 77 with -j2, 158 with -j8. */
#define SCHEDULE_PRODUCT_MIB 100
#define SCHEDULE_COMPILER_MIB 100

enum schedule_kind {
    SCHEDULE_PRODUCT, /* finished on a base that is there */
    SCHEDULE_BASE,    /* its base, or the boot loader beside it, has to be compiled, by it or by
                         another on the same base */
    SCHEDULE_ALONE,   /* everything is compiled for it alone */
};

struct schedule_limits {
    unsigned jobs;       /* compilers and products at a time; at least 1 */
    uint64_t memory_mib; /* what they may need in all; 0 = not looked at */
};

struct schedule;

struct schedule *schedule_new(const struct schedule_limits *limits);
void schedule_free(struct schedule *schedule);
static inline void schedule_free_ptr(struct schedule **schedule)
{
    schedule_free(*schedule);
}

/* The product's index: 0, 1, ... base: of two with the same, one makes it for both; copied, NULL
 * for one that is compiled alone. */
size_t schedule_add(struct schedule *schedule, enum schedule_kind kind, const char *base);
/* The next one to be started now, with how many compilers; false: none, until one has ended. One
 * is always let run, however little memory there is. */
bool schedule_next(struct schedule *schedule, size_t *index, unsigned *jobs);
/* It ended, well or not; kind: what the other products on its base are now. */
void schedule_end(struct schedule *schedule, size_t index, enum schedule_kind kind);
/* The base of `index` cannot be had: take another product that waits on it out, as ended; false:
 * there is none (any more). */
bool schedule_give_up(struct schedule *schedule, size_t index, size_t *other);
/* How many wait. */
size_t schedule_waiting(const struct schedule *schedule);

#endif
