#include "cli/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAKE_JOBS 8 /* with more, two makes at a time end sooner than one after the other */

enum state { WAITING, RUNNING, ENDED };

#define NO_BASE SIZE_MAX

struct item {
    enum schedule_kind kind;
    enum state state;
    size_t base;   /* index, or NO_BASE */
    unsigned jobs; /* while it runs */
};

struct base {
    char *key;
    size_t running; /* products on it that are being built */
    bool wanted;    /* while makes are counted */
};

struct schedule {
    struct schedule_limits limits;
    struct item *items;
    size_t count, size;
    struct base *bases;
    size_t base_count;
};

struct schedule *schedule_new(const struct schedule_limits *limits)
{
    struct schedule *s = xcalloc(1, sizeof(*s));
    s->limits = *limits;
    return s;
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->base_count; i++)
        free(s->bases[i].key);
    free(s->bases);
    free(s->items);
    free(s);
}

static size_t find_base(struct schedule *s, const char *key)
{
    if (!key)
        return NO_BASE;
    for (size_t i = 0; i < s->base_count; i++) {
        if (!strcmp(s->bases[i].key, key))
            return i;
    }
    s->bases = xreallocarray(s->bases, s->base_count + 1, sizeof(*s->bases));
    s->bases[s->base_count] = (struct base){xstrdup(key), 0, false};
    return s->base_count++;
}

size_t schedule_add(struct schedule *s, enum schedule_kind kind, const char *base)
{
    if (s->count == s->size) {
        s->size = s->size ? s->size * 2 : 16;
        s->items = xreallocarray(s->items, s->size, sizeof(*s->items));
    }
    s->items[s->count] = (struct item){kind, WAITING, find_base(s, base), 0};
    return s->count++;
}

/* Does it wait for another to make its base? */
static bool base_is_coming(const struct schedule *s, const struct item *item)
{
    return item->kind == SCHEDULE_BASE && item->base != NO_BASE && s->bases[item->base].running;
}

/* The first that waits, and needs not wait for another. */
static struct item *first_waiting(const struct schedule *s, enum schedule_kind kind)
{
    for (size_t i = 0; i < s->count; i++) {
        struct item *item = &s->items[i];
        if (item->state == WAITING && item->kind == kind && !base_is_coming(s, item))
            return item;
    }
    return NULL;
}

/* How many makes run or are to be run, each base's counted once. */
static unsigned count_makes(const struct schedule *s)
{
    unsigned count = 0;
    for (size_t i = 0; i < s->base_count; i++)
        s->bases[i].wanted = false;
    for (size_t i = 0; i < s->count; i++) {
        const struct item *item = &s->items[i];
        if (item->state == ENDED || item->kind == SCHEDULE_PRODUCT)
            continue;
        bool counted = item->base != NO_BASE && s->bases[item->base].wanted;
        count += item->kind == SCHEDULE_ALONE || !counted;
        if (item->kind == SCHEDULE_BASE && item->base != NO_BASE)
            s->bases[item->base].wanted = true;
    }
    return count;
}

/* Compilers of makes that run, or products that do. */
static unsigned count_running(const struct schedule *s, bool makes)
{
    unsigned jobs = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].state == RUNNING && (s->items[i].kind != SCHEDULE_PRODUCT) == makes)
            jobs += s->items[i].jobs;
    }
    return jobs;
}

static unsigned at_most(unsigned value, unsigned most)
{
    return value < most ? value : most;
}

/* How many units of memory of this size are left; one if nothing runs. */
static unsigned units_left(const struct schedule *s, unsigned unit_mib)
{
    unsigned makes = count_running(s, true), products = count_running(s, false);
    uint64_t used =
        (uint64_t)makes * SCHEDULE_COMPILER_MIB + (uint64_t)products * SCHEDULE_PRODUCT_MIB;
    uint64_t left = s->limits.memory_mib > used ? (s->limits.memory_mib - used) / unit_mib : 0;
    if (!s->limits.memory_mib)
        return s->limits.jobs;
    if (left > s->limits.jobs)
        return s->limits.jobs;
    return left || makes + products ? (unsigned)left : 1;
}

/* So many products may run beside makes that have every processor. */
static unsigned beside(const struct schedule *s)
{
    return s->limits.jobs > 1 ? 1 : 0;
}

/* With how many compilers a make is to be started now; 0 = not now. */
static unsigned make_jobs(const struct schedule *s)
{
    unsigned at_a_time = s->limits.jobs / MAKE_JOBS, makes = count_makes(s);
    at_a_time = at_most(at_a_time ? at_a_time : 1, makes ? makes : 1);
    unsigned share = s->limits.jobs / at_a_time;
    if (count_running(s, true) + share > s->limits.jobs || count_running(s, false) > beside(s))
        return 0;
    return at_most(share, units_left(s, SCHEDULE_COMPILER_MIB));
}

/* Is there room for one more product? While a base waits for its turn, only beside it. */
static bool product_fits(const struct schedule *s, bool base_waits)
{
    unsigned makes = count_running(s, true), products = count_running(s, false);
    unsigned most = base_waits || makes >= s->limits.jobs ? 0 : s->limits.jobs - makes;
    return products < (most ? most : beside(s)) && units_left(s, SCHEDULE_PRODUCT_MIB);
}

static bool start(struct schedule *s, struct item *item, unsigned with, size_t *index,
                  unsigned *jobs)
{
    item->state = RUNNING;
    item->jobs = *jobs = with;
    if (item->base != NO_BASE)
        s->bases[item->base].running++;
    *index = (size_t)(item - s->items);
    return true;
}

bool schedule_next(struct schedule *s, size_t *index, unsigned *jobs)
{
    struct item *base = first_waiting(s, SCHEDULE_BASE);
    struct item *product = first_waiting(s, SCHEDULE_PRODUCT);
    struct item *alone = first_waiting(s, SCHEDULE_ALONE);
    struct item *make = base ? base : product ? NULL : alone;
    unsigned with = make ? make_jobs(s) : 0;
    if (with)
        return start(s, make, with, index, jobs);
    if (product && product_fits(s, base != NULL))
        return start(s, product, 1, index, jobs);
    return false;
}

void schedule_end(struct schedule *s, size_t index, enum schedule_kind kind)
{
    struct item *ended = &s->items[index];
    ended->state = ENDED;
    if (ended->base == NO_BASE)
        return;
    s->bases[ended->base].running--;
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].state == WAITING && s->items[i].base == ended->base)
            s->items[i].kind = kind;
    }
}

bool schedule_give_up(struct schedule *s, size_t index, size_t *other)
{
    for (size_t i = 0; i < s->count && s->items[index].base != NO_BASE; i++) {
        if (s->items[i].state != WAITING || s->items[i].base != s->items[index].base)
            continue;
        s->items[i].state = ENDED;
        *other = i;
        return true;
    }
    return false;
}

size_t schedule_waiting(const struct schedule *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        count += s->items[i].state == WAITING;
    return count;
}
