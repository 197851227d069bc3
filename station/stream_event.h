/* An event as it is sent, shared by all clients. */
#ifndef FIRN_STATION_STREAM_EVENT_H
#define FIRN_STATION_STREAM_EVENT_H

#include <stddef.h>
#include <stdint.h>

struct stream_event {
    unsigned references;
    int64_t id; /* 0 = none */
    size_t len;
    char text[];
};

/* With one reference. data may have several lines. */
struct stream_event *stream_event_new(int64_t id, const char *type, const char *data);
struct stream_event *stream_event_of_text(const char *text);
struct stream_event *stream_event_ref(struct stream_event *event);
void stream_event_unref(struct stream_event *event); /* NULL is nothing */

#endif
