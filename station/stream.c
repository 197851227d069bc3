#include "station/stream.h"

#include <string.h>

#include "station/stream_ring.h"

#define PREFACE "retry: 2000\n\n"
#define PING ": \n\n"
#define QUEUE_MAX (STREAM_REPLAY_EVENTS + 2)

struct stream {
    struct stream_ring ring;
    http_replay_fn replay; /* NULL = there is no store */
    void *app;
};

struct stream_client {
    struct stream *stream;
    struct stream_event *current;          /* being sent; or NULL */
    size_t sent;                           /* bytes of it */
    struct stream_event *queue[QUEUE_MAX]; /* what comes before the ring's: a ring of its own */
    size_t queue_first, queue_count, queue_bytes;
    uint64_t next;   /* number of the ring's event that follows */
    int64_t last_id; /* it has all events up to this one */
    bool placed;     /* `next` is right; otherwise only last_id is known */
    bool unproven;   /* last_id is what the client said, above what we know of */
    bool waits;
};

struct stream *stream_new(void *app)
{
    struct stream *stream = xcalloc(1, sizeof(*stream));
    stream->app = app;
    return stream;
}

void stream_free(struct stream *stream)
{
    if (stream)
        stream_ring_release(&stream->ring);
    free(stream);
}

void stream_set_replay(struct stream *stream, http_replay_fn replay, int64_t latest)
{
    stream->replay = replay;
    stream->ring.gone_id = stream->ring.latest_id = latest;
}

void stream_publish(struct stream *stream, int64_t id, const char *type, const char *data)
{
    if (id == 0 || id > stream->ring.latest_id)
        stream_ring_add(&stream->ring, stream_event_new(id, type, data));
}

/* Takes event. */
static void queue_add(struct stream_client *client, struct stream_event *event)
{
    client->queue[(client->queue_first + client->queue_count++) % QUEUE_MAX] = event;
    client->queue_bytes += event->len;
}

static struct stream_event *queue_take(struct stream_client *client)
{
    struct stream_event *event = client->queue[client->queue_first];
    client->queue_first = (client->queue_first + 1) % QUEUE_MAX;
    client->queue_count--;
    client->queue_bytes -= event->len;
    return event;
}

struct stream_client *stream_client_new(struct stream *stream, int64_t after)
{
    struct stream_client *client = xcalloc(1, sizeof(*client));
    client->stream = stream;
    client->last_id = after >= 0 ? after : stream->ring.latest_id;
    client->placed = after < 0;
    client->next = stream->ring.end;
    client->unproven = after > stream->ring.latest_id;
    queue_add(client, stream_event_of_text(PREFACE));
    return client;
}

void stream_client_free(struct stream_client *client)
{
    if (!client)
        return;
    while (client->queue_count > 0)
        stream_event_unref(queue_take(client));
    stream_event_unref(client->current);
    free(client);
}

/* From here on it has to load everything anew, and gets what comes after. */
static void reset(struct stream_client *client)
{
    const struct stream_ring *ring = &client->stream->ring;
    client->last_id = ring->latest_id;
    client->next = ring->end;
    client->placed = true;
    client->unproven = false;
    queue_add(client, stream_event_new(client->last_id, "reset", "{}"));
}

/* What the store has for one client. */
struct replayed {
    struct stream_client *client;
    size_t count;
    bool full;
};

static void add_replayed(void *data, int64_t id, const char *type, const char *text)
{
    struct replayed *replayed = data;
    struct stream_client *client = replayed->client;
    if (replayed->full || id <= client->last_id)
        return;
    replayed->full = replayed->count + 1 == STREAM_REPLAY_EVENTS ||
                     client->queue_bytes + strlen(text) > STREAM_REPLAY_BYTES;
    if (replayed->full && replayed->count > 0)
        return;
    queue_add(client, stream_event_new(id, type, text));
    client->last_id = id;
    replayed->count++;
}

static void note_id(void *data, int64_t id, const char *type, const char *text)
{
    (void)type;
    (void)text;
    *(int64_t *)data = id;
}

/* Is there an event of the number that the client gave, which we have not heard of yet? Another
 * daemon may have added it; but the store may also be another than the client knew. */
static void prove(struct stream_client *client)
{
    const struct stream *stream = client->stream;
    int64_t oldest = 0, found = 0;
    client->waits = stream->replay &&
                    !stream->replay(stream->app, client->last_id - 1, 1, &oldest, note_id, &found);
    if (client->waits)
        return;
    if (found == client->last_id)
        client->unproven = false;
    else
        reset(client);
}

static void replay(struct stream_client *client)
{
    const struct stream *stream = client->stream;
    struct replayed replayed = {.client = client};
    int64_t oldest = 0, from = client->last_id;
    client->waits = stream->replay && !stream->replay(stream->app, from, STREAM_REPLAY_EVENTS,
                                                      &oldest, add_replayed, &replayed);
    if (client->waits || (replayed.count > 0 && oldest <= from + 1))
        return;
    /* What came is not all that it missed, or nothing is left. */
    while (client->queue_count > 0)
        stream_event_unref(queue_take(client));
    reset(client);
}

/* Finds the client's place in the ring, or queues what comes before it. */
static void place(struct stream_client *client)
{
    const struct stream_ring *ring = &client->stream->ring;
    if (client->unproven && client->last_id > ring->latest_id)
        return prove(client);
    client->unproven = false;
    if (client->last_id < ring->gone_id)
        return replay(client);
    client->next = stream_ring_after(ring, client->last_id);
    client->placed = true;
    client->waits = false;
}

/* The ring's next event that is meant for it; borrowed. */
static struct stream_event *next_in_ring(struct stream_client *client)
{
    const struct stream_ring *ring = &client->stream->ring;
    while (client->next < ring->end) {
        uint64_t behind = ring->end - client->next;
        struct stream_event *event = stream_ring_get(ring, client->next++);
        if (event->id ? event->id > client->last_id : behind <= STREAM_FRESH)
            return event;
    }
    return NULL;
}

/* A reference of the caller's, or NULL. */
static struct stream_event *next_event(struct stream_client *client)
{
    if (client->placed && client->next < client->stream->ring.first)
        client->placed = false;
    if (!client->placed && client->queue_count == 0)
        place(client);
    if (client->queue_count > 0)
        return queue_take(client);
    struct stream_event *event = client->placed ? next_in_ring(client) : NULL;
    if (event && event->id)
        client->last_id = event->id;
    return event ? stream_event_ref(event) : NULL;
}

size_t stream_client_read(struct stream_client *client, char *out, size_t size)
{
    size_t len = 0;
    while (len < size) {
        if (!client->current)
            client->current = next_event(client);
        if (!client->current)
            break;
        size_t left = client->current->len - client->sent;
        size_t n = left < size - len ? left : size - len;
        memcpy(out + len, client->current->text + client->sent, n);
        len += n;
        client->sent += n;
        if (n == left) {
            stream_event_unref(client->current);
            client->current = NULL;
            client->sent = 0;
        }
    }
    return len;
}

bool stream_client_waits(const struct stream_client *client)
{
    return client->waits;
}

void stream_client_ping(struct stream_client *client)
{
    if (client->queue_count == 0)
        queue_add(client, stream_event_of_text(PING));
}
