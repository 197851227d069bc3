/*
 * Events without the phases that nobody has time to see.
 *
 * A phase is handed on from its first progress on; one that ends before there was any is dropped.
 * For work that takes milliseconds a hundred times, and minutes at times: finding the sources.
 */
#ifndef FIRN_CLI_QUICK_PHASES_H
#define FIRN_CLI_QUICK_PHASES_H

#include "base/event.h"

struct quick_phases;

/* Everything else goes to `to`, which is freed later. */
struct quick_phases *quick_phases_new(struct events *to);
/* What to report to; borrowed. */
struct events *quick_phases_events(struct quick_phases *quick);
void quick_phases_free(struct quick_phases *quick);
static inline void quick_phases_free_ptr(struct quick_phases **quick)
{
    quick_phases_free(*quick);
}

#endif
