/* Who asks: the peer of the Unix socket, a token, or the page's cookie; and may they? */
#include <arpa/inet.h>
#include <string.h>

#include "base/proc.h"
#include "station/http_exchange.h"
#include "station/http_field.h"

#define TOKEN_TEXT_MAX 128

static bool answer_401(struct http_response *r, const char *detail)
{
    http_problem(r, 401, "unauthorized", "send a token: firn token add NAME makes one", "%s",
                 detail);
    http_add_header(r, "WWW-Authenticate", "Bearer realm=\"firnd\"");
    return false;
}

/* Whom a wrong token costs: an address, or the user of the Unix socket. A proxy says whose request
 * it is; the last address is the one that it has seen itself. */
static void find_address(const struct http_exchange *x, char address[HTTP_ADDRESS_SIZE])
{
    const struct http_connection *connection = x->connection;
    const char *list = guard_field(&x->head, "X-Forwarded-For");
    struct in6_addr parsed;
    if (connection->listener->by_socket)
        snprintf(address, HTTP_ADDRESS_SIZE, "user %u", connection->peer.uid);
    else
        snprintf(address, HTTP_ADDRESS_SIZE, "%s", connection->address);
    if (!connection->server->settings.reverse_proxy || !list)
        return;
    const char *comma = strrchr(list, ',');
    const char *last = comma ? comma + 1 : list;
    last += strspn(last, " \t");
    if (inet_pton(AF_INET, last, &parsed) == 1 || inet_pton(AF_INET6, last, &parsed) == 1)
        snprintf(address, HTTP_ADDRESS_SIZE, "%s", last);
}

/* token NULL: it was not of a token's form. */
static bool check_token(struct http_exchange *x, struct http_response *r, const char *token,
                        struct principal *who)
{
    struct http_server *server = x->connection->server;
    const struct http_settings *settings = &server->settings;
    char address[HTTP_ADDRESS_SIZE];
    find_address(x, address);
    int64_t now_ms = clock_ms(), wait_ms = throttle_wait_ms(&server->throttle, address, now_ms);
    if (wait_ms > 0) {
        server->counts.refused_token++;
        http_problem(r, 429, "too-many-wrong-tokens", "wait, and use a token that is known",
                     "too many wrong tokens came from %s", address);
        http_add_header(r, "Retry-After", "%d", (int)(wait_ms / 1000) + 1);
        return false;
    }
    if (token && settings->token_check && settings->token_check(server->app, token, who))
        return true;
    *who = (struct principal){.role = ROLE_NONE};
    server->counts.refused_token++;
    throttle_wrong(&server->throttle, address, now_ms);
    return answer_401(r, "the token is not known, or has expired");
}

bool http_check_token(const struct http_request *request, struct http_response *r,
                      const char *token, struct principal *who)
{
    return check_token(http_exchange_of(request), r, token, who);
}

static bool by_header(struct http_exchange *x, struct http_response *r, const char *authorization)
{
    bool known = check_token(x, r, http_field_bearer(authorization), &x->request.who);
    x->request.who.via = known ? VIA_TOKEN : VIA_NOBODY;
    return known;
}

static bool by_cookie(struct http_exchange *x, struct http_response *r, const char *token)
{
    struct guard_refusal refusal;
    if (!check_token(x, r, token, &x->request.who))
        return false;
    x->request.who.via = VIA_COOKIE;
    if (guard_check_cookie(&x->head, &refusal))
        return true;
    x->connection->server->counts.refused_origin++;
    http_problem(r, refusal.status, refusal.name, refusal.action, "%s", refusal.detail);
    return false;
}

/* The kernel says who is at the other end of a Unix socket, unless that is a proxy. */
static bool by_socket(struct http_exchange *x)
{
    const struct http_connection *connection = x->connection;
    const struct http_settings *settings = &connection->server->settings;
    const struct ucred *peer = &connection->peer;
    if (!connection->listener->by_socket || !settings->socket_user || guard_is_forwarded(&x->head))
        return false;
    const struct principal *who =
        settings->socket_user(connection->server->app, peer->uid, peer->gid, peer->pid);
    if (!who || who->role == ROLE_NONE)
        return false;
    x->request.who = *who;
    x->request.who.via = VIA_SOCKET;
    return true;
}

static bool identify(struct http_exchange *x, struct http_response *r)
{
    const char *authorization = guard_field(&x->head, "Authorization");
    const char *cookies = guard_field(&x->head, "Cookie");
    char token[TOKEN_TEXT_MAX];
    if (authorization)
        return by_header(x, r, authorization);
    if (by_socket(x))
        return true;
    if (cookies && http_field_cookie(cookies, HTTP_COOKIE, token, sizeof(token)))
        return by_cookie(x, r, token);
    return answer_401(r, "the request does not say who asks");
}

bool http_auth(struct http_exchange *x, struct http_response *r)
{
    enum role role = x->route->role;
    if ((x->route->flags & ROUTE_OPEN) || role == ROLE_NONE) {
        (void)by_socket(x);
        return true;
    }
    if (!identify(x, r))
        return false;
    if (x->request.who.role >= role)
        return true;
    http_problem(r, 403, "role-too-small", "ask an engineer for a token of a greater role",
                 "%s needs the role %s; %s has %s", x->target.path, role_name(role),
                 x->request.who.name, role_name(x->request.who.role));
    return false;
}
