#include "station/lane.h"

#include "base/text.h"

bool lane_admits(const struct lane *lane, uint64_t memory, int cores, struct buf *reason)
{
    if (lane->jobs == 0)
        return true;
    if (lane->jobs >= lane->jobs_max) {
        buf_addf(reason, "%d of %d builds run", lane->jobs, lane->jobs_max);
        return false;
    }
    if (lane->cores_used + cores > lane->cores) {
        buf_addf(reason, "%d of %d cores are taken, it needs %d", lane->cores_used, lane->cores,
                 cores);
        return false;
    }
    if (lane->available && lane->claimed + memory > lane->available) {
        uint64_t free = lane->available > lane->claimed ? lane->available - lane->claimed : 0;
        text_add_size(reason, free);
        buf_adds(reason, " of memory are free, it needs ");
        text_add_size(reason, memory);
        return false;
    }
    return true;
}
