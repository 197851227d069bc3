/*
 * The latest events, each with a number that counts up from 0 for ever: the ring has those from
 * `first` to before `end`.
 */
#ifndef FIRN_STATION_STREAM_RING_H
#define FIRN_STATION_STREAM_RING_H

#include "station/stream.h"
#include "station/stream_event.h"

struct stream_ring {
    struct stream_event *events[STREAM_EVENTS_MAX];
    uint64_t first, end;
    size_t bytes;
    int64_t gone_id;   /* events with ids up to this one are not in it */
    int64_t latest_id; /* the last one that was published, or is in the store */
};

/* Takes event. */
void stream_ring_add(struct stream_ring *ring, struct stream_event *event);
/* number: from first to before end. Borrowed. */
struct stream_event *stream_ring_get(const struct stream_ring *ring, uint64_t number);
/* Number of the first event with an id above this one; end if there is none. */
uint64_t stream_ring_after(const struct stream_ring *ring, int64_t id);
void stream_ring_release(struct stream_ring *ring);

#endif
