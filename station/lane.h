/*
 * Admission: may this build begin now? By what it declares to need, what runs already, and what the
 * machine has free. Knows no store and no process.
 */
#ifndef FIRN_STATION_LANE_H
#define FIRN_STATION_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct lane {
    int jobs_max;       /* at a time */
    int cores;          /* of the machine */
    uint64_t available; /* memory in bytes that may be used without swapping; 0 = not known */
    int jobs;           /* that run */
    int cores_used;     /* what they declared */
    uint64_t claimed;   /* memory that they declared and have hardly taken yet */
};

/* True, or why not: "2 of 2 builds run". One that declares more than the machine has runs alone. */
bool lane_admits(const struct lane *lane, uint64_t memory, int cores, struct buf *reason);

#endif
