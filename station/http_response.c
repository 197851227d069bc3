/* What handlers answer with. */
#include <microhttpd.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/text.h"
#include "station/http_exchange.h"
#include "station/http_field.h"

#define ETAG_DIGITS 32

void http_response_init(struct http_response *r)
{
    *r = (struct http_response){
        .status = 500, .body = BUF_INIT, .fd = -1, .headers = STRV_INIT, .stream_after = -1};
}

/* Whatever was answered before is not. Headers stay. */
static void drop_content(struct http_response *r)
{
    buf_clear(&r->body);
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    if (r->chunk_free)
        r->chunk_free(r->chunk_data);
    r->chunk = NULL;
    r->chunk_free = NULL;
    r->content_type = NULL;
    r->stream = false;
}

void http_response_release(struct http_response *r)
{
    drop_content(r);
    buf_release(&r->body);
    strv_release(&r->headers);
}

bool http_response_has_header(const struct http_response *r, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < r->headers.count; i++) {
        if (strncasecmp(r->headers.items[i], name, len) == 0 && r->headers.items[i][len] == ':')
            return true;
    }
    return false;
}

void http_add_header(struct http_response *r, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *value = xvasprintf(fmt, ap);
    va_end(ap);
    strv_addf(&r->headers, "%s: %s", name, value);
}

void http_text(struct http_response *r, int status, const char *content_type, const char *text,
               size_t len)
{
    drop_content(r);
    r->status = status;
    r->content_type = content_type;
    buf_add(&r->body, text, len);
}

/* Takes json. */
static void answer_json(struct http_response *r, int status, const char *content_type, json_t *json)
{
    _cleanup_free_ char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    http_text(r, status, content_type, text ? text : "null", strlen(text ? text : "null"));
    buf_addc(&r->body, '\n');
}

void http_json(struct http_response *r, int status, json_t *json)
{
    if (json)
        answer_json(r, status, "application/json", json);
    else
        http_problem(r, 500, "internal", NULL, "the answer could not be written as JSON");
}

char *http_etag(const json_t *json)
{
    char hex[HASH_HEX_SIZE];
    _cleanup_free_ char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    hash_bytes(text ? text : "", text ? strlen(text) : 0, hex);
    return xasprintf("\"%.*s\"", ETAG_DIGITS, hex);
}

/* Was it answered by 304? */
static bool answer_304(const struct http_request *request, struct http_response *r,
                       const char *etag)
{
    const char *known = http_header(request, "If-None-Match");
    http_add_header(r, "ETag", "%s", etag);
    http_add_header(r, "Cache-Control", "no-cache");
    if (!known || !http_field_has_etag(known, etag, true))
        return false;
    drop_content(r);
    r->status = 304;
    return true;
}

void http_json_etag(const struct http_request *request, struct http_response *r, json_t *json)
{
    _cleanup_free_ char *etag = http_etag(json);
    if (answer_304(request, r, etag))
        json_decref(json);
    else
        http_json(r, 200, json);
}

void http_text_etag(const struct http_request *request, struct http_response *r,
                    const char *content_type, const char *text, size_t len, const char *digest)
{
    _cleanup_free_ char *etag = xasprintf("\"%.*s\"", ETAG_DIGITS, digest);
    if (!answer_304(request, r, etag))
        http_text(r, 200, content_type, text, len);
}

void http_chunks(struct http_response *r, const char *content_type,
                 void (*chunk)(void *data, struct buf *out, bool *end),
                 void (*chunk_free)(void *data), void *data)
{
    drop_content(r);
    r->status = 200;
    r->content_type = content_type;
    r->chunk = chunk;
    r->chunk_free = chunk_free;
    r->chunk_data = data;
}

/* Text that came from outside may be anything. NULL is null. */
static json_t *text_json(const char *text)
{
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    if (!text)
        return json_null();
    json_t *json = json_string(text);
    if (json)
        return json;
    text_add_printable(&printable, text, strlen(text));
    return json_string(printable.data);
}

void http_problem(struct http_response *r, int status, const char *name, const char *action,
                  const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *detail = xvasprintf(fmt, ap);
    va_end(ap);
    _cleanup_free_ char *type = xasprintf("urn:firn:problem:%s", name);
    answer_json(r, status, "application/problem+json",
                json_pack("{s:s, s:s, s:i, s:o, s:o}", "type", type, "title",
                          MHD_get_reason_phrase_for((unsigned)status), "status", status, "detail",
                          text_json(detail), "action", text_json(action)));
}

/* Status and name of an error's problem. */
static int error_status(const struct err *err, const char **name)
{
    *name = err->code == ERR_NOT_FOUND ? "not-found" : "bad-request";
    if (err->code == ERR_NOT_FOUND)
        return 404;
    if (err->code == ERR_USAGE || err->code == ERR_MANIFEST)
        return 400;
    *name = err_is_of_machine(err) ? "unavailable" : "failed";
    return err_is_of_machine(err) ? 503 : 500;
}

void http_error(struct http_response *r, struct err **err)
{
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    const char *name;
    int status = error_status(*err, &name);
    err_add_message(*err, &detail);
    http_problem(r, status, name, err_get_hint(*err), "%s", detail.data);
    if (status == 503)
        http_add_header(r, "Retry-After", "5");
    err_free_ptr(err);
}
