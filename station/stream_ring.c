#include "station/stream_ring.h"

struct stream_event *stream_ring_get(const struct stream_ring *ring, uint64_t number)
{
    return ring->events[number % STREAM_EVENTS_MAX];
}

static void drop_first(struct stream_ring *ring)
{
    struct stream_event *event = stream_ring_get(ring, ring->first);
    if (event->id)
        ring->gone_id = event->id;
    ring->bytes -= event->len;
    ring->first++;
    stream_event_unref(event);
}

void stream_ring_add(struct stream_ring *ring, struct stream_event *event)
{
    while (ring->first < ring->end && (ring->end - ring->first == STREAM_EVENTS_MAX ||
                                       ring->bytes + event->len > STREAM_BYTES_MAX))
        drop_first(ring);
    ring->events[ring->end++ % STREAM_EVENTS_MAX] = event;
    ring->bytes += event->len;
    if (event->id)
        ring->latest_id = event->id;
}

uint64_t stream_ring_after(const struct stream_ring *ring, int64_t id)
{
    uint64_t found = ring->end;
    for (uint64_t number = ring->end; number > ring->first; number--) {
        const struct stream_event *event = stream_ring_get(ring, number - 1);
        if (event->id && event->id <= id)
            break;
        if (event->id)
            found = number - 1;
    }
    return found;
}

void stream_ring_release(struct stream_ring *ring)
{
    while (ring->first < ring->end)
        drop_first(ring);
}
