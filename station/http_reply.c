/* Answers, as libmicrohttpd sends them, with what all of them say to a browser. */
#include <microhttpd.h>
#include <string.h>

#include "station/http_connection.h"

#define BLOCK_SIZE 16384

static const char *const ALWAYS[][2] = {
    {"Content-Security-Policy",
     "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

/* A body of unknown length, and what of the last piece was not taken yet. */
struct chunked {
    struct http_connection *connection;
    void (*chunk)(void *data, struct buf *out, bool *end);
    void (*chunk_free)(void *data);
    void *data;
    struct buf piece;
    size_t taken;
    bool end;
};

static ssize_t read_chunked(void *data, uint64_t position, char *out, size_t max)
{
    struct chunked *chunked = data;
    (void)position;
    if (chunked->taken == chunked->piece.len && !chunked->end) {
        buf_clear(&chunked->piece);
        chunked->taken = 0;
        chunked->chunk(chunked->data, &chunked->piece, &chunked->end);
    }
    size_t left = chunked->piece.len - chunked->taken;
    size_t n = left < max ? left : max;
    if (n == 0)
        return chunked->end ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
    memcpy(out, chunked->piece.data + chunked->taken, n);
    chunked->taken += n;
    http_connection_extend(chunked->connection, n);
    return (ssize_t)n;
}

static void free_chunked(void *data)
{
    struct chunked *chunked = data;
    if (chunked->chunk_free)
        chunked->chunk_free(chunked->data);
    buf_release(&chunked->piece);
    free(chunked);
}

static struct MHD_Response *chunked_response(struct http_connection *connection,
                                             struct http_response *r)
{
    struct chunked *chunked = xmalloc(sizeof(*chunked));
    *chunked = (struct chunked){.connection = connection,
                                .chunk = r->chunk,
                                .chunk_free = r->chunk_free,
                                .data = r->chunk_data,
                                .piece = BUF_INIT};
    r->chunk = NULL;
    r->chunk_free = NULL;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_chunked, chunked,
                                             free_chunked);
}

static struct MHD_Response *file_response(struct http_response *r)
{
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64(r->fd_size, r->fd, r->fd_offset);
    r->fd = -1;
    return response;
}

static struct MHD_Response *body_response(struct http_response *r)
{
    size_t len;
    if (r->body.len == 0)
        return MHD_create_response_from_buffer(0, buf_empty, MHD_RESPMEM_PERSISTENT);
    char *body = buf_detach(&r->body, &len);
    return MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
}

static struct MHD_Response *make_response(struct http_exchange *x, struct MHD_Connection *mhd,
                                          struct http_response *r)
{
    if (r->stream)
        return http_stream_response(x->connection, mhd, r->stream_after);
    if (r->chunk)
        return chunked_response(x->connection, r);
    if (r->fd >= 0 && r->fd_size > 0)
        return file_response(r);
    return body_response(r);
}

static void add_headers(struct MHD_Response *response, const struct http_response *r)
{
    for (size_t i = 0; i < ARRAY_SIZE(ALWAYS); i++)
        MHD_add_response_header(response, ALWAYS[i][0], ALWAYS[i][1]);
    if (!http_response_has_header(r, "Cache-Control"))
        MHD_add_response_header(response, "Cache-Control", "no-store");
    if (r->content_type)
        MHD_add_response_header(response, "Content-Type", r->content_type);
    for (size_t i = 0; i < r->headers.count; i++) {
        char *colon = strstr(r->headers.items[i], ": ");
        *colon = '\0';
        MHD_add_response_header(response, r->headers.items[i], colon + 2);
    }
}

static void count(struct http_server *server, int status)
{
    if (status >= 100 && status < 600)
        server->counts.requests[status / 100]++;
}

bool http_reply(struct http_exchange *x, struct MHD_Connection *mhd, struct http_response *r)
{
    uint64_t size = r->fd >= 0 ? r->fd_size : r->body.len;
    bool chunked = r->chunk != NULL;
    struct MHD_Response *response = make_response(x, mhd, r);
    if (!response)
        return false;
    add_headers(response, r);
    /* libmicrohttpd 0.9.75 ends chunks even where, to a HEAD, it sent none: then not as chunks. */
    if ((r->stream || chunked) && strcmp(x->head.method, "HEAD") == 0)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    count(x->connection->server, r->status);
    http_connection_extend(x->connection, size);
    enum MHD_Result queued = MHD_queue_response(mhd, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return queued == MHD_YES;
}
