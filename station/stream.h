/*
 * The stream of events: what was published of late, once for all clients, and each client's place
 * in it. Text/event-stream (WHATWG HTML, "Server-sent events"); no sockets here.
 *
 * Published events are formatted once and kept in a ring of at most STREAM_EVENTS_MAX events and
 * STREAM_BYTES_MAX bytes. A client whose place has left the ring gets what it missed from the store
 * (the replay function), a few at a time, until the ring has the rest. So every client gets every
 * event that has an id once and in order, however slow it is. Events without one (progress) are
 * worth nothing later: a client that is STREAM_FRESH events behind does not get them. A client
 * holds one event that it is in the midst of, and at most STREAM_REPLAY_BYTES of replayed ones.
 *
 *     struct stream *stream = stream_new(app);
 *     struct stream_client *client = stream_client_new(stream, after);
 *     stream_publish(stream, 7, "job", "{...}");
 *     n = stream_client_read(client, out, sizeof(out));   // 0: nothing now
 */
#ifndef FIRN_STATION_STREAM_H
#define FIRN_STATION_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "station/http.h"

#define STREAM_EVENTS_MAX 4096
#define STREAM_BYTES_MAX ((size_t)4 << 20)
#define STREAM_FRESH 64
#define STREAM_REPLAY_EVENTS 64
#define STREAM_REPLAY_BYTES ((size_t)256 << 10)

struct stream;
struct stream_client;

/* app: of the replay function. */
struct stream *stream_new(void *app);
/* The clients are gone before. */
void stream_free(struct stream *stream);
/* latest: the id of the last event in the store; 0 = none. */
void stream_set_replay(struct stream *stream, http_replay_fn replay, int64_t latest);
/* An id that is not above the last one was published before, and is ignored. */
void stream_publish(struct stream *stream, int64_t id, const char *type, const char *data);

/* after: the last event that the client has; -1: it wants only what comes now. */
struct stream_client *stream_client_new(struct stream *stream, int64_t after);
void stream_client_free(struct stream_client *client);
/* As much as there is and fits; 0: nothing now. Then something is published, or, if
 * stream_client_waits(), the store could not be read: ask again in a second. */
size_t stream_client_read(struct stream_client *client, char *out, size_t size);
bool stream_client_waits(const struct stream_client *client);
/* A comment is the next thing that it gets, so that a connection that is gone is noticed. */
void stream_client_ping(struct stream_client *client);

#endif
