#include "station/guard.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "station/http_field.h"

/* Given twice, two readers could take different ones. */
static const char *const ONCE[] = {
    "Host",   "Content-Length", "Content-Type",   "Transfer-Encoding", "Authorization",
    "Origin", "Cookie",         "Sec-Fetch-Site", "Idempotency-Key",   "If-Match",
};
static const char *const LOOPBACK[] = {"localhost", "127.0.0.1", "[::1]"};

static bool refuse(struct guard_refusal *refusal, int status, enum guard_reason reason,
                   const char *name, const char *detail, const char *action)
{
    *refusal = (struct guard_refusal){status, reason, name, detail, action};
    return false;
}

static bool malformed(struct guard_refusal *refusal, const char *detail)
{
    return refuse(refusal, 400, GUARD_MALFORMED, "malformed-request", detail,
                  "send a request as RFC 9110 and RFC 9112 have it");
}

const char *guard_field(const struct guard_request *request, const char *name)
{
    for (size_t i = 0; i < request->field_count; i++) {
        if (strcasecmp(request->fields[i].name, name) == 0)
            return request->fields[i].value;
    }
    return NULL;
}

bool guard_is_write(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

bool guard_is_forwarded(const struct guard_request *request)
{
    return guard_field(request, "X-Forwarded-For") || guard_field(request, "Forwarded") ||
           guard_field(request, "X-Real-IP") || guard_field(request, "Via");
}

static size_t count_fields(const struct guard_request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++)
        count += strcasecmp(request->fields[i].name, name) == 0;
    return count;
}

/* RFC 9110 section 5.6.2 */
static bool is_token(const char *text)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *text && !text[strspn(text, allowed)];
}

static bool has_controls(const char *text)
{
    for (; *text; text++) {
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return true;
    }
    return false;
}

static bool check_form(const struct guard_request *request, struct guard_refusal *refusal)
{
    size_t size = 0;
    if (!is_token(request->method) || strlen(request->method) > 16)
        return malformed(refusal, "the method is not a word");
    for (size_t i = 0; i < request->field_count; i++) {
        const struct guard_field *field = &request->fields[i];
        size += strlen(field->name) + strlen(field->value);
        if (!is_token(field->name))
            return malformed(refusal, "the name of a header field is not a word");
        if (has_controls(field->value))
            return malformed(refusal, "a header field has control characters");
    }
    if (size > GUARD_HEAD_MAX || request->field_count > GUARD_FIELDS_MAX)
        return refuse(refusal, 431, GUARD_SIZE, "header-too-large",
                      "the request has more than 64 header fields, or 16 KiB of them",
                      "send fewer header fields (are there large cookies of other programs?)");
    for (size_t i = 0; i < ARRAY_SIZE(ONCE); i++) {
        if (count_fields(request, ONCE[i]) > 1)
            return malformed(refusal, "a header field that may be there once is there twice");
    }
    return true;
}

static bool too_large(struct guard_refusal *refusal)
{
    return refuse(refusal, 413, GUARD_SIZE, "body-too-large",
                  "the body is larger than this service takes",
                  "send less at a time (docs/api.md has the limits)");
}

static bool check_length(const struct guard_site *site, const struct guard_request *request,
                         struct guard_refusal *refusal, uint64_t *length)
{
    const char *text = guard_field(request, "Content-Length");
    *length = 0;
    if (guard_field(request, "Transfer-Encoding"))
        return refuse(refusal, 411, GUARD_MALFORMED, "length-required",
                      "the request has a Transfer-Encoding", "send the body with a Content-Length");
    if (text && !http_field_length(text, length))
        return malformed(refusal, "Content-Length is not a number of bytes");
    if (*length > site->body_max)
        return too_large(refusal);
    if (*length > 0 && !guard_is_write(request->method))
        return malformed(refusal, "a GET has a body");
    return true;
}

static bool same_host(const char *host, size_t len, const char *name)
{
    return strlen(name) == len && strncasecmp(host, name, len) == 0;
}

static bool is_loopback_name(const char *host, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(LOOPBACK); i++) {
        if (same_host(host, len, LOOPBACK[i]))
            return true;
    }
    return false;
}

/* host[:port] of an origin. */
static const char *origin_host(const char *origin)
{
    const char *at = strstr(origin, "://");
    return at ? at + 3 : origin;
}

static bool is_ours(const struct guard_site *site, const char *host)
{
    size_t len = http_field_host_len(host);
    if (len == 0)
        return false;
    if (is_loopback_name(host, len) || (site->address && same_host(host, len, site->address)))
        return true;
    for (const char *const *name = site->hosts; name && *name; name++) {
        if (same_host(host, len, *name))
            return true;
    }
    const char *proxy = site->reverse_proxy ? origin_host(site->reverse_proxy) : "";
    return len == http_field_host_len(proxy) && strncasecmp(host, proxy, len) == 0;
}

static bool check_host(const struct guard_site *site, const struct guard_request *request,
                       struct guard_refusal *refusal)
{
    const char *host = guard_field(request, "Host");
    if (site->by_socket)
        return true;
    if (!host)
        return malformed(refusal, "the request names no Host");
    return is_ours(site, host) ||
           refuse(refusal, 421, GUARD_HOST, "wrong-host",
                  "this service is not known by the name in the request's Host",
                  "use localhost, its address, or a name that listen.hosts in firnd.yaml has");
}

static bool origin_is_ours(const struct guard_site *site, const struct guard_request *request,
                           const char *origin)
{
    const char *host = guard_field(request, "Host");
    const char *proxy = site->reverse_proxy;
    if (proxy && http_field_is_origin(origin, strncmp(proxy, "https", 5) == 0 ? "https" : "http",
                                      origin_host(proxy)))
        return true;
    /* A browser comes to a Unix socket through a tunnel, at its own machine; what Host says there
     * was not checked. */
    if (!host || (site->by_socket && !is_loopback_name(host, http_field_host_len(host))))
        return false;
    return http_field_is_origin(origin, site->tls ? "https" : "http", host);
}

static bool check_origin(const struct guard_site *site, const struct guard_request *request,
                         struct guard_refusal *refusal)
{
    const char *origin = guard_field(request, "Origin");
    const char *fetch = guard_field(request, "Sec-Fetch-Site");
    bool foreign = fetch && strcmp(fetch, "same-origin") != 0 && strcmp(fetch, "none") != 0;
    if (!foreign && (!origin || origin_is_ours(site, request, origin)))
        return true;
    return refuse(refusal, 403, GUARD_ORIGIN, "foreign-origin",
                  "the request comes from a page of another site",
                  "open this service's own page, at the address that it is configured for");
}

static bool check_type(const struct guard_request *request, uint64_t length,
                       struct guard_refusal *refusal)
{
    const char *type = guard_field(request, "Content-Type");
    if (type ? http_field_is_json(type) : length == 0)
        return true;
    return refuse(refusal, 415, GUARD_TYPE, "not-json", "the body is not said to be JSON",
                  "send JSON, with Content-Type: application/json");
}

bool guard_check(const struct guard_site *site, const struct guard_request *request,
                 struct guard_refusal *refusal)
{
    uint64_t length;
    if (!check_form(request, refusal) || !check_host(site, request, refusal) ||
        !check_length(site, request, refusal, &length))
        return false;
    return !guard_is_write(request->method) ||
           (check_origin(site, request, refusal) && check_type(request, length, refusal));
}

bool guard_check_open(const struct guard_request *request, struct guard_refusal *refusal)
{
    const char *text = guard_field(request, "Content-Length");
    uint64_t length;
    return !text || (http_field_length(text, &length) && length <= GUARD_OPEN_BODY_MAX) ||
           too_large(refusal);
}

bool guard_check_cookie(const struct guard_request *request, struct guard_refusal *refusal)
{
    return !guard_is_write(request->method) || guard_field(request, "Origin") ||
           refuse(refusal, 403, GUARD_ORIGIN, "foreign-origin",
                  "a request with the page's cookie does not say which page it comes from",
                  "send the token in Authorization: Bearer instead");
}
