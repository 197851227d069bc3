/* What handlers ask a request for. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "station/http_exchange.h"

const char *http_query(const struct http_request *request, const char *name)
{
    return http_target_query(&http_exchange_of(request)->target, name);
}

const char *http_header(const struct http_request *request, const char *name)
{
    return guard_field(&http_exchange_of(request)->head, name);
}

static bool parse_int(const char *text, int64_t min, int64_t max, int64_t *value)
{
    char *end;
    const char *digits = text + (*text == '-');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno || *end || parsed < min || parsed > max)
        return false;
    *value = parsed;
    return true;
}

bool http_query_int(const struct http_request *request, struct http_response *response,
                    const char *name, int64_t min, int64_t max, int64_t *value)
{
    const char *text = http_query(request, name);
    if (!text || parse_int(text, min, max, value))
        return true;
    http_problem(response, 400, "bad-parameter", "give a whole number of that range",
                 "%s is '%s', not a whole number from %" PRId64 " to %" PRId64, name, text, min,
                 max);
    return false;
}

void http_stream(const struct http_request *request, struct http_response *r)
{
    const char *text = http_header(request, "Last-Event-ID");
    int64_t after = -1;
    if (!text || !*text)
        text = http_query(request, "last_event_id");
    if (text && *text && !parse_int(text, 0, INT64_MAX - 1, &after)) {
        http_problem(r, 400, "bad-parameter", "give the id of the last event that you have",
                     "the last event is '%s', not the id of one", text);
        return;
    }
    r->status = 200;
    r->content_type = "text/event-stream";
    r->stream = true;
    r->stream_after = after;
    http_add_header(r, "X-Accel-Buffering", "no");
}

/* Of the cookie's attributes: only over TLS, ours or the proxy's. */
static const char *secure(const struct http_request *request)
{
    const struct http_connection *connection = http_exchange_of(request)->connection;
    const struct http_settings *settings = &connection->server->settings;
    bool proxy = settings->reverse_proxy && strncmp(settings->reverse_proxy, "https:", 6) == 0;
    return proxy || settings->tls_certificate ? "; Secure" : "";
}

void http_set_session(const struct http_request *request, struct http_response *r,
                      const char *token)
{
    struct token parsed;
    /* Nothing else comes into a header. */
    if (token_parse(token, &parsed))
        http_add_header(r, "Set-Cookie", HTTP_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s",
                        token, secure(request));
}

void http_clear_session(const struct http_request *request, struct http_response *r)
{
    http_add_header(r, "Set-Cookie",
                    HTTP_COOKIE "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s",
                    secure(request));
}
