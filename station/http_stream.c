/*
 * Streams: connections that sleep (libmicrohttpd calls it suspended) until there is an event. One
 * that sleeps does not notice that its client has gone: so it gets a comment every 15 s.
 */
#include <microhttpd.h>

#include "base/proc.h"
#include "station/http_connection.h"

#define PING_MS 15000
#define RETRY_MS 1000
#define BLOCK_SIZE 4096

struct http_stream {
    struct http_stream *next, *previous;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    struct stream_client *client;
    bool sleeps;
    int64_t ping_ms;  /* when the next comment is due */
    int64_t retry_ms; /* when the store is asked again, if it could not be read */
};

static ssize_t read_stream(void *data, uint64_t position, char *out, size_t max)
{
    struct http_stream *stream = data;
    (void)position;
    if (stream->connection->server->closing)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t n = stream_client_read(stream->client, out, max);
    if (n > 0) {
        stream->ping_ms = clock_ms() + PING_MS;
        http_connection_extend(stream->connection, n);
        return (ssize_t)n;
    }
    stream->sleeps = true;
    stream->retry_ms = clock_ms() + RETRY_MS;
    stream->connection->deadline_ms = INT64_MAX;
    MHD_suspend_connection(stream->mhd);
    return 0;
}

static void free_stream(void *data)
{
    struct http_stream *stream = data;
    struct http_server *server = stream->connection->server;
    *(stream->previous ? &stream->previous->next : &server->streams) = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    server->counts.streams--;
    stream_client_free(stream->client);
    free(stream);
}

struct MHD_Response *http_stream_response(struct http_connection *connection,
                                          struct MHD_Connection *mhd, int64_t after)
{
    struct http_server *server = connection->server;
    struct http_stream *stream = xcalloc(1, sizeof(*stream));
    stream->connection = connection;
    stream->mhd = mhd;
    stream->client = stream_client_new(server->stream, after);
    stream->ping_ms = clock_ms() + PING_MS;
    stream->next = server->streams;
    if (stream->next)
        stream->next->previous = stream;
    server->streams = stream;
    server->counts.streams++;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_stream, stream,
                                             free_stream);
}

static void wake(struct http_stream *stream)
{
    if (!stream->sleeps)
        return;
    stream->sleeps = false;
    http_connection_extend(stream->connection, 0);
    MHD_resume_connection(stream->mhd);
    /* libmicrohttpd in a loop that is not its own does not ask for it. */
    http_listener_run(stream->connection->listener);
}

void http_streams_wake(struct http_server *server)
{
    for (struct http_stream *stream = server->streams; stream; stream = stream->next)
        wake(stream);
}

void http_streams_tick(struct http_server *server, int64_t now_ms)
{
    for (struct http_stream *stream = server->streams; stream; stream = stream->next) {
        if (now_ms >= stream->ping_ms) {
            stream_client_ping(stream->client);
            stream->ping_ms = now_ms + PING_MS;
            wake(stream);
        } else if (stream_client_waits(stream->client) && now_ms >= stream->retry_ms) {
            wake(stream);
        }
    }
}

void http_stream_wake_of(const struct http_connection *connection)
{
    for (struct http_stream *stream = connection->server->streams; stream; stream = stream->next) {
        if (stream->connection == connection)
            wake(stream);
    }
}

void http_server_publish(struct http_server *server, int64_t id, const char *type, const char *data)
{
    stream_publish(server->stream, id, type, data);
    http_streams_wake(server);
}

void http_server_set_replay(struct http_server *server, http_replay_fn replay, int64_t latest)
{
    stream_set_replay(server->stream, replay, latest);
}
