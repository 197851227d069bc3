#include "station/http_exchange.h"

#include <string.h>

#include "station/http_route.h"

struct http_exchange *http_exchange_new(struct http_connection *connection, const char *raw_target)
{
    struct http_exchange *x = xcalloc(1, sizeof(*x));
    x->connection = connection;
    x->raw_target = xstrdup(raw_target ? raw_target : "");
    x->raw_at = raw_target;
    x->body = (struct buf)BUF_INIT;
    return x;
}

void http_exchange_free(struct http_exchange *x)
{
    if (!x)
        return;
    http_target_release(&x->target);
    buf_release(&x->body);
    json_decref(x->json);
    free(x->raw_target);
    free(x);
}

static bool answer_refusal(struct http_exchange *x, struct http_response *r,
                           const struct guard_refusal *refusal)
{
    struct http_counts *counts = &x->connection->server->counts;
    counts->refused_host += refusal->reason == GUARD_HOST;
    counts->refused_origin += refusal->reason == GUARD_ORIGIN;
    counts->refused_size += refusal->reason == GUARD_SIZE;
    http_problem(r, refusal->status, refusal->name, refusal->action, "%s", refusal->detail);
    return false;
}

static bool check_guard(struct http_exchange *x, struct http_response *r)
{
    const struct http_connection *connection = x->connection;
    const struct http_settings *settings = &connection->server->settings;
    const struct guard_site site = {
        .by_socket = connection->listener->by_socket,
        .tls = settings->tls_certificate && !connection->listener->by_socket,
        .address = connection->local,
        .hosts = settings->hosts,
        .reverse_proxy = settings->reverse_proxy,
        .body_max = settings->body_max,
    };
    struct guard_refusal refusal;
    return guard_check(&site, &x->head, &refusal) || answer_refusal(x, r, &refusal);
}

static bool check_target(struct http_exchange *x, struct http_response *r)
{
    const char *why;
    if (http_target_parse(&x->target, x->raw_target, &why))
        return true;
    http_problem(r, 400, "malformed-request", "send a path whose parts are percent-encoded UTF-8",
                 "%s", why);
    return false;
}

static bool find_route(struct http_exchange *x, struct http_response *r)
{
    struct http_match match;
    http_route_find(x->connection->server->routes, x->head.method, &x->target, &match);
    x->route = match.route;
    memcpy(x->request.params, match.params, sizeof(match.params));
    if (match.route)
        return true;
    if (!*match.allow) {
        http_problem(r, 404, "no-such-path", "GET /v1/openapi.json has all paths",
                     "there is nothing at %s", x->target.path);
        return false;
    }
    http_problem(r, 405, "method-not-allowed", "use one of the methods in Allow",
                 "%s takes %s, not %s", x->target.path, match.allow, x->head.method);
    http_add_header(r, "Allow", "%s", match.allow);
    return false;
}

static bool check_open(struct http_exchange *x, struct http_response *r)
{
    struct guard_refusal refusal;
    return !(x->route->flags & ROUTE_OPEN) || guard_check_open(&x->head, &refusal) ||
           answer_refusal(x, r, &refusal);
}

static bool check_stopping(const struct http_exchange *x, struct http_response *r)
{
    if (!x->connection->server->stopping || !guard_is_write(x->head.method))
        return true;
    http_problem(r, 503, "stopping", "ask again when it has been started again",
                 "this service is stopping");
    http_add_header(r, "Retry-After", "5");
    return false;
}

bool http_exchange_check(struct http_exchange *x, const char *method, struct http_response *r)
{
    x->head.method = method;
    x->head.fields = x->fields;
    x->request.method = guard_is_write(method) ? method : "GET";
    x->request.body = "";
    x->request.peer = x;
    if (!check_guard(x, r) || !check_target(x, r))
        return false;
    x->request.path = x->target.path;
    return find_route(x, r) && check_open(x, r) && check_stopping(x, r) && http_auth(x, r);
}

static bool parse_json(struct http_exchange *x, struct http_response *r)
{
    json_error_t error;
    x->json = json_loadb(x->body.data, x->body.len, JSON_REJECT_DUPLICATES, &error);
    x->request.json = x->json;
    if (json_is_object(x->json))
        return true;
    if (x->json)
        http_problem(r, 400, "not-json", "send a JSON object", "the body is not a JSON object");
    else
        http_problem(r, 400, "not-json", "send a JSON object", "the body is not JSON: %s (%d:%d)",
                     error.text, error.line, error.column);
    return false;
}

void http_exchange_handle(struct http_exchange *x, struct http_response *r)
{
    x->request.body = x->body.data;
    x->request.body_len = x->body.len;
    if ((x->route->flags & ROUTE_BODY_JSON) && !parse_json(x, r))
        return;
    x->route->handler(x->connection->server->app, &x->request, r);
}
